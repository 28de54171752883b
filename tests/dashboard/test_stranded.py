"""B5, B6, E13: an approved change whose card goes while it waits is taken back, with a reason, and people are told."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Notice, Organization, ReconcileSettings
from dashboard import cards
from dashboard.models import Card, Decision
from dashboard.tasks import follow_days
from psa.models import AgreementLine, Connection, Push
from reconcile.clock import read_clock
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.closed import See, at, carry_all, sign
from vendors.models import ServiceMapping, UsageCount

HTMX = {"HX-Request": "true"}
Add = Callable[..., Card]


@pytest.fixture(autouse=True)
def _collect(desk: Books) -> None:
    with org_scope(desk.org.pk):
        ReconcileSettings.objects.update(pushing=ReconcileSettings.Pushing.COLLECT)


@pytest.fixture
def usage(desk: Books) -> Card:
    """9 agents in use that no line bills, and an agreement that could hold one."""
    with org_scope(desk.org.pk):
        account, service = desk.account(), desk.service("Endpoint agent", "3.00")
        desk.agreement(account, billing_cycle="Monthly", next_invoice_on=cards.bills_from())
        desk.usage(desk.vendor_account(account), desk.vendor_service(service), "9")
        desk.refresh()
        return Card.objects.select_related("account", "service").get(line=None)


def approve(client: Client, card: Card, **form: str) -> None:
    form = {"seen_psa": "10", "seen_vendor": "12"} | form
    assert client.post(at(f"lines/{card.pk}/approve/"), form, headers=HTMX).status_code == 200


def add_line(client: Client, usage: Card, see: See) -> Any:
    agreement = see(usage.account.agreement_set.get)
    form = {
        "place": f"{agreement.pk}|{cards.bills_from():%Y-%m-%d}|3", "units": "9", "seen_psa": "", "seen_vendor": "9"
    }  # fmt: skip
    return client.post(at(f"lines/{usage.pk}/add/"), form, headers=HTMX)


def woken() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT organizations_with_a_day_come(%s)", [read_clock()])
        return {org_id for (org_id,) in cursor.fetchall()}


def vanish(books: Books, card: Card) -> None:
    """Let a sync find the line gone."""
    with org_scope(books.org.pk):
        AgreementLine.objects.filter(card=card).update(vanished_at=timezone.now())
        books.refresh()


def assert_withdrawn(org: Organization, reason: str) -> Push:
    """Say that the push is cancelled with a reason that the trail and a notice tell, and that nobody is woken again."""
    with org_scope(org.pk):
        push = Push.objects.get()
        assert push.state == "cancelled"
        assert push.finished_at is not None
        assert reason in push.reason
        entry = AuditEntry.objects.get(verb="push withdrawn")
        assert (entry.actor, entry.new["reason"]) == (None, push.reason)
        assert not Decision.objects.filter(undone_at=None).exists()
        notice = Notice.objects.get(key="pushes withdrawn")
        assert (notice.title, notice.kind) == ("1 approved change was withdrawn", "push_stopped")
        assert reason in notice.body
        waiting = Notice.objects.filter(key="pushes waiting").latest("id")
        assert waiting.solved_at is not None
        assert audit.verify(org.pk) is None
    assert woken() == set()
    return push


def test_b5_a_line_that_vanishes_takes_its_waiting_push_along(
    approver: Client, add: Add, desk: Books, django_capture_on_commit_callbacks: Any
) -> None:
    card = add("10", "12")
    approve(approver, card)
    assert woken() == set()
    with django_capture_on_commit_callbacks() as calls:
        vanish(desk, card)
    assert any(
        call.args == ("dashboard.tasks.follow_days", desk.org.pk) for call in calls if hasattr(call, "args")
    )
    assert woken() == {desk.org.pk}, "also when that call is lost"
    follow_days(desk.org.pk)
    assert_withdrawn(desk.org, "no longer in ConnectWise PSA")


def test_b6_a_dated_push_of_a_vanished_line_wakes_nobody_for_ever(
    approver: Client, add: Add, desk: Books, see: See
) -> None:
    card = add("10", "12")
    approve(approver, card, way="later", sent_on=f"{timezone.now().date() + timedelta(days=2)}")
    see(lambda: Push.objects.update(release_on=timezone.now().date()))
    vanish(desk, card)
    follow_days(desk.org.pk)
    assert woken() == set()
    assert see(lambda: Push.objects.get().state) == "cancelled"


@pytest.mark.parametrize("how", ["unmapped", "unused"])
def test_b5_usage_that_goes_takes_its_waiting_addition_along_and_can_be_added_again(
    approver: Client, usage: Card, desk: Books, see: See, how: str
) -> None:
    assert add_line(approver, usage, see).status_code == 200
    mapping = see(ServiceMapping.objects.get)
    with org_scope(desk.org.pk):
        if how == "unmapped":
            mapping.delete()
        else:
            UsageCount.objects.update(quantity=0)
        desk.refresh()
    follow_days(desk.org.pk)
    assert_withdrawn(desk.org, "counts nothing of it any more")
    with org_scope(desk.org.pk):
        UsageCount.objects.update(quantity=9)
        if how == "unmapped":
            ServiceMapping.objects.create(
                org=desk.org, vendor_service=mapping.vendor_service, service=mapping.service
            )
        desk.refresh()
        again = Card.objects.select_related("account").get(line=None)
    assert add_line(approver, again, see).status_code == 200, "no forgotten push stands in its way"
    assert see(Push.objects.count) == 2


def test_b5_an_addition_is_taken_back_when_a_line_bills_the_usage_by_now(
    approver: Client, usage: Card, desk: Books, see: See
) -> None:
    add_line(approver, usage, see)
    with org_scope(desk.org.pk):
        desk.line(usage.account.agreement_set.get(), usage.service, "9")
        desk.refresh()
    follow_days(desk.org.pk)
    assert_withdrawn(desk.org, "A line in ConnectWise PSA bills this usage by now")


def test_b5_who_presses_push_takes_back_what_is_gone(
    approver: Client, add: Add, desk: Books, see: See
) -> None:
    card = add("10", "12")
    approve(approver, card)
    vanish(desk, card)
    ids = see(lambda: list(Push.objects.values_list("pk", flat=True)))
    assert "0 pushes on the way" in approver.post(at("lines/push/send/"), {"push": ids}).content.decode()
    assert_withdrawn(desk.org, "no longer in ConnectWise PSA")


def test_e13_a_month_is_not_closed_over_a_push_that_nobody_can_send(
    approver: Client, lines: dict[str, Card], desk: Books, see: See
) -> None:
    approve(approver, lines["under"])
    vanish(desk, lines["under"])
    carry_all(approver)
    assert sign(approver).status_code == 302
    assert_withdrawn(desk.org, "no longer in ConnectWise PSA")


def test_b5_an_undo_that_goes_lets_the_approval_stand_again(
    approver: Client, add: Add, desk: Books, see: See
) -> None:
    """E10: an undo that waits for a second approver is a waiting push like any other."""
    card = add("10", "12")
    approve(approver, card)
    with org_scope(desk.org.pk):
        Push.objects.update(state="confirmed", sent_count=1, finished_at=timezone.now())
        AgreementLine.objects.update(quantity=Decimal(12))
        ReconcileSettings.objects.update(second_from=1)
        Connection.objects.update(currency="USD")
        desk.refresh()
    assert approver.post(at(f"lines/{card.pk}/undo/"), headers=HTMX).status_code == 200
    vanish(desk, card)
    follow_days(desk.org.pk)
    with org_scope(desk.org.pk):
        assert [push.state for push in Push.objects.order_by("pk")] == ["confirmed", "cancelled"]
        assert Decision.objects.get().undone_at is None
