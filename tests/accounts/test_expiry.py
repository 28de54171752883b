"""A7 of credentials: told 14 and 3 days before their last day, once each, and never again once it is another day."""

from datetime import date, timedelta

import pytest

from accounts.models import Letter, Notice
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors import expiry

pytestmark = pytest.mark.django_db

ENDS = date(2026, 12, 24)


@pytest.fixture
def books(org):
    with org_scope(org.pk):
        books = Books(org)
        books.psa.credentials_expire_on = ENDS
        books.psa.save()
        return books


def pass_days(org, first, last):
    """Let the tick come every day, and doubled, from so many days before the last one."""
    told = []
    for left in range(first, last - 1, -1):
        today = ENDS - timedelta(days=left)
        for org_id in expiry.find_organizations(today) * 2:
            told += [left] * expiry.tell(org_id, today)
    return told


def notices(org):
    with org_scope(org.pk):
        return list(Notice.objects.order_by("id"))


def test_a7_a_credential_is_told_of_14_and_3_days_before(org, books):
    assert pass_days(org, 30, -5) == [14, 3]
    first, last = notices(org)
    assert first.title == "The key of ConnectWise PSA expires in 14 days"
    assert last.title == "The key of ConnectWise PSA expires in 3 days"
    assert "An admin must enter a new key" in last.body
    assert (first.solved_at is None, last.solved_at is None) == (False, True)
    with org_scope(org.pk):
        assert Letter.objects.count() == 2


def test_a7_days_without_a_tick_are_caught_up(org, books):
    assert pass_days(org, 9, 5) == [9]
    assert pass_days(org, 1, 1) == [1]
    assert [notice.title.split("expires ")[1] for notice in notices(org)] == ["in 9 days", "tomorrow"]


def test_a7_another_last_day_is_told_of_anew(org, books):
    assert pass_days(org, 2, 2) == [2]
    with org_scope(org.pk):
        books.psa.credentials_expire_on = ENDS + timedelta(days=10)
        books.psa.save()
    assert pass_days(org, 0, 0) == [0]
    old, new = notices(org)
    assert old.solved_at is not None
    assert "in 10 days" in new.title


def test_a7_an_integrations_key_leads_to_the_integration(org, books):
    with org_scope(org.pk):
        books.psa.credentials_expire_on = None
        books.psa.save()
        books.veeam.credentials_expire_on = ENDS
        books.veeam.save()
    assert pass_days(org, 14, 14) == [14]
    (notice,) = notices(org)
    assert (notice.view, notice.args) == ("integration", [books.veeam.pk])


def test_a7_whoever_noted_no_day_is_told_nothing(org, books, other_org):
    assert other_org.pk not in expiry.find_organizations(ENDS)
    assert expiry.tell(other_org.pk, ENDS) == 0


@pytest.mark.parametrize(
    ("days", "words"),
    [(12, "in 12 days"), (1, "tomorrow"), (0, "today"), (-1, "yesterday"), (-3, "3 days ago")],
)
def test_a7_days_are_said_in_words(days, words):
    assert expiry.in_words(days) == words
