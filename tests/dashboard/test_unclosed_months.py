"""E13: Reports lists the past months that were never closed, so that none disappears in silence."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization, User
from dashboard.models import Card, MonthReopening, MonthReport
from dashboard.months import previous_month
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.closed import See, at
from tests.dashboard.test_past import move


def month_before(number: int) -> date:
    """Give the first day of the month so many before this one."""
    day = month_of(timezone.now())
    for _ in range(number):
        day = previous_month(day)
    return day


@pytest.fixture
def client(sign_in: Callable[[User], Client], alice: User) -> Client:
    return sign_in(alice)


@pytest.fixture
def synced(desk: Books, lines: dict[str, Card]) -> Callable[[int], None]:
    """Let the first sync have been on the 20th of the month so many before this one."""

    def begin(number: int) -> None:
        day = month_before(number)
        with org_scope(desk.org.pk):
            move(lines["match"].line, ("5", datetime(day.year, day.month, 20, tzinfo=UTC), None))

    return begin


def lock(org: Organization, number: int, version: int = 1) -> MonthReport:
    with org_scope(org.pk):
        return MonthReport.objects.create(
            org=org, period=month_before(number), version=version, closed_at=timezone.now(), lines=1, exceptions=0,
            content=b"", digest="",
        )  # fmt: skip


def listed(client: Client) -> list[str]:
    page = client.get(at("reports/")).content.decode()
    return [part.partition('"')[0] for part in page.split('id="unclosed-')[1:]]


def test_e13_months_since_the_first_sync_that_nobody_closed_are_listed(
    client: Client, org: Organization, synced: Callable[[int], None]
) -> None:
    assert listed(client) == [], "before the first sync there was nothing to close"
    synced(3)
    lock(org, 2)
    assert listed(client) == [f"{month_before(n):%Y-%m}" for n in (1, 3)]
    page = client.get(at("reports/")).content.decode()
    assert f'<th scope="row">{month_before(1):%B %Y}</th>' in page
    last_day = month_of(timezone.now()) - timedelta(days=1)
    link = at(f"past/{last_day:%Y-%m-%d}/")
    assert f'href="{link}"' in page
    assert client.get(link).status_code == 200


def test_e13_a_month_reopened_and_left_open_says_so(
    client: Client, org: Organization, alice: User, synced: Callable[[int], None], see: See
) -> None:
    synced(1)
    report = lock(org, 1)
    assert listed(client) == []
    see(lambda: MonthReopening.objects.create(org=org, report=report, by=alice, reason="A credit"))
    assert "Reopened and not closed again." in client.get(at("reports/")).content.decode()
    lock(org, 1, version=2)
    assert listed(client) == []


def test_e13_at_most_twelve_are_listed_in_as_many_queries_as_one(
    client: Client, synced: Callable[[int], None]
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(at("reports/"))
        return len(asked)

    synced(1)
    queries()
    before: Any = queries()
    synced(15)
    assert listed(client) == [f"{month_before(n):%Y-%m}" for n in range(1, 13)]
    assert queries() == before
