"""Effective dates (B6, E4): the adapter's choices, in bulk, and pushes that wait for a chosen day."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Notice, Organization, ReconcileSettings, User
from dashboard import cards
from dashboard.models import Card, Decision
from dashboard.releasing import release_due
from dashboard.rows import Row
from dashboard.seconds import is_as_approved
from dashboard.tasks import follow_days
from dashboard.undoing import undo
from psa import push_second
from psa.models import Agreement, AgreementLine, Push
from psa.pushes import hash_request
from reconcile.clock import read_clock
from reconcile.tenancy.scope import org_scope
from tests.dashboard.approving import act
from tests.dashboard.builders import Books
from vendors.models import Integration, UsageCount

HERE = "/o/northgate-it/lines"
Add = Callable[..., Card]


def day(ahead: int) -> date:
    return timezone.now().date() + timedelta(days=ahead)


def approve(client: Client, card: Card, **form: str) -> Any:
    seen = {"seen_psa": "10", "seen_vendor": "12"}
    return client.post(f"{HERE}/{card.pk}/approve/", seen | form, headers={"HX-Request": "true"})


def approve_later(client: Client, card: Card, ahead: int = 5) -> Any:
    return approve(client, card, way="later", sent_on=day(ahead).isoformat())


@pytest.fixture
def days_pass(org: Organization) -> Callable[[int], None]:
    """Let days go by: what waits for one comes so much nearer, by the database's clock, and counts stay fresh."""
    passed = 0

    def pass_days(number: int) -> None:
        nonlocal passed
        by, passed = timedelta(days=number - passed), number
        with org_scope(org.pk):
            Push.objects.update(release_on=F("release_on") - by)
            Decision.objects.update(until=F("until") - by)

    return pass_days


def due(books: Books) -> set[int]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT organizations_with_a_day_come(%s)", [read_clock()])
        return {org_id for (org_id,) in cursor.fetchall()}


def told(books: Books, key: str) -> Notice:
    with org_scope(books.org.pk):
        return Notice.objects.get(key=key)


def test_d_offers_the_agreements_honest_choices_and_a_day_of_ones_own(approver: Client, add: Add) -> None:
    """B6."""
    card = add("10", "12")
    with org_scope(card.org_id):
        Agreement.objects.update(billing_cycle="Monthly", prorate=True)
    shown = approver.get(f"{HERE}/{card.pk}/dialog/date/").content.decode()
    for words in ("Takes effect now", "prorated", "a full period", "Sent on a day that I choose"):
        assert words in shown


def test_a_push_waits_for_its_day_and_is_sent_then(
    approver: Client, add: Add, desk: Books, days_pass: Any
) -> None:
    """B6: shown with its day, found by the door, sent by the worker, with today's checks."""
    card = add("10", "12")
    assert approve_later(approver, card).status_code == 200
    with org_scope(desk.org.pk):
        push = Push.objects.get()
        assert (push.state, push.release_on, push.effective_on, push.way) == (
            "waiting", day(5), day(5), "in_place",
        )  # fmt: skip
        assert push.request_hash == hash_request(push)
        assert AuditEntry.objects.get(verb="push staged").new["sent_on"] == day(5).isoformat()
    shown = approver.get("/o/northgate-it/?tab=ready").content.decode()
    assert f"{day(5).day} {day(5):%b}" in shown
    body = approver.post(f"{HERE}/push/send/", {"push": [push.pk]}).content.decode()
    assert "It is to be sent on" in body
    days_pass(4)
    assert due(desk) == set()
    days_pass(5)
    assert due(desk) == {desk.org.pk}
    follow_days(desk.org.pk)
    with org_scope(desk.org.pk):
        push.refresh_from_db()
        assert push.state == "staged"
        assert AuditEntry.objects.get(verb="push released").actor is None
    assert due(desk) == set()


def test_a_count_that_changed_by_then_waits_for_another_look(
    approver: Client, add: Add, desk: Books, days_pass: Any
) -> None:
    """B6."""
    card = add("10", "12")
    approve_later(approver, card)
    with org_scope(desk.org.pk):
        UsageCount.objects.update(quantity=13)
    days_pass(5)
    with org_scope(desk.org.pk):
        cards.refresh(desk.org.pk)
    follow_days(desk.org.pk)
    with org_scope(desk.org.pk):
        push = Push.objects.get()
        assert (push.state, push.release_on) == ("waiting", None)
    assert due(desk) == set()
    notice = told(desk, "pushes kept back")
    assert (notice.kind, notice.title) == ("push_stopped", "1 push was not sent on its day")
    assert "Harbor Dental, Workstation backup: The vendor's count has changed" in notice.body
    panel = approver.get(f"{HERE}/{card.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "has changed since it was approved" in panel
    assert approver.post(f"{HERE}/{card.pk}/undo/", headers={"HX-Request": "true"}).status_code == 200


def test_what_waits_for_a_day_of_the_next_month_still_stands_then(add: Add, desk: Books, alice: Any) -> None:
    """B6: approved on 28 November for 1 December."""
    from dashboard import decisions

    card = add("10", "12")
    november, december = datetime(2026, 11, 28, 12, tzinfo=UTC), datetime(2026, 12, 1, 12, tzinfo=UTC)
    with org_scope(desk.org.pk):
        Integration.objects.update(counted_at=november)
        cards.refresh(desk.org.pk, None, november)
        card = decisions.find(desk.org.pk, card.pk)
        seen = decisions.Seen(card.psa_units, card.vendor_units)
        decisions.approve(card, seen, by=alice, sent_on=date(2026, 12, 1))
        cards.refresh(desk.org.pk, None, december)
        card.refresh_from_db()
        assert (card.state, card.period, card.decision_id is not None) == ("ready", date(2026, 12, 1), True)
        assert is_as_approved(card)
        # Sent on its day, it is on its way, then confirmed; both can be told from a change that nobody made.
        for state, more in (
            ("staged", {}),
            ("confirmed", {"sent_count": 1, "finished_at": december}),
        ):
            Push.objects.update(state=state, **more)
            if state == "confirmed":
                AgreementLine.objects.update(quantity=12)
            cards.refresh(desk.org.pk, None, december)
            card = decisions.find(desk.org.pk, card.pk)
            assert card.decision is not None, state
        assert (card.state, Row(card).can_undo) == ("done", True)
        back = undo(card, by=alice)
        assert back is not None
        assert (back.seen, back.wanted, back.state) == (12, 10, "staged")


def test_what_was_confirmed_in_a_month_ends_with_it(add: Add, desk: Books, alice: Any) -> None:
    """B6: approved and confirmed in November, it is not undone in December by a click on the same row."""
    from dashboard import decisions

    card = add("10", "12")
    november, december = datetime(2026, 11, 28, 12, tzinfo=UTC), datetime(2026, 12, 1, 12, tzinfo=UTC)
    with org_scope(desk.org.pk):
        Integration.objects.update(counted_at=november)
        cards.refresh(desk.org.pk, None, november)
        card = decisions.find(desk.org.pk, card.pk)
        decisions.approve(card, decisions.Seen(card.psa_units, card.vendor_units), by=alice)
        Push.objects.update(state="confirmed", sent_count=1, finished_at=november)
        AgreementLine.objects.update(quantity=12)
        cards.refresh(desk.org.pk, None, december)
        assert Card.objects.get().decision_id is None


def test_a_second_approver_is_needed_before_the_day_sends_it(
    approver: Client, add: Add, desk: Books, days_pass: Any
) -> None:
    with org_scope(desk.org.pk):
        ReconcileSettings.objects.update(second_from=1)
    approve_later(approver, add("10", "12"))
    days_pass(4)
    assert due(desk) == set()
    days_pass(6)
    assert due(desk) == {desk.org.pk}
    follow_days(desk.org.pk)
    with org_scope(desk.org.pk):
        push = Push.objects.get()
        assert (push.state, push.release_on) == ("waiting", None)
        assert "no second approver has agreed" in AuditEntry.objects.get(verb="push kept back").new["reason"]
    assert "no second approver has agreed" in told(desk, "pushes kept back").body
    assert due(desk) == set(), "it is told once"


@pytest.mark.parametrize("how", ["agreed to", "switched off"])
def test_what_was_said_of_a_missing_second_approver_goes_with_the_need_for_one(
    approver: Client, second: Client, alice: User, add: Add, desk: Books, days_pass: Any, how: str
) -> None:
    with org_scope(desk.org.pk):
        ReconcileSettings.objects.update(second_from=1, pushing="collect")
    card = add("10", "12")
    approve_later(approver, card)
    days_pass(6)
    follow_days(desk.org.pk)
    panel, said = f"{HERE}/{card.pk}/", "no second approver has agreed"
    assert said in approver.get(panel, headers={"HX-Request": "true"}).text
    if how == "agreed to":
        assert act(second, card, "second").status_code == 200
    else:
        with org_scope(desk.org.pk):
            push_second.let_go(desk.org.pk, alice)
    with org_scope(desk.org.pk):
        assert Push.objects.get().state == "waiting"
    assert said not in approver.get(panel, headers={"HX-Request": "true"}).text


def test_what_is_due_is_so_by_the_databases_clock_not_the_workers(
    approver: Client, add: Add, desk: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B6: a worker whose clock runs six days fast sends nothing six days early."""
    approve_later(approver, add("10", "12"))
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(days=6))
    with org_scope(desk.org.pk):
        assert release_due(desk.org.pk) == []
        assert Push.objects.get().state == "waiting"


@pytest.mark.parametrize("ahead", [-1, 0, 400])
def test_a_day_past_or_far_is_refused(approver: Client, add: Add, ahead: int) -> None:
    card = add("10", "12")
    assert approve_later(approver, card, ahead).status_code == 409
    with org_scope(card.org_id):
        assert Push.objects.count() == 0


def test_many_get_one_date_and_lines_that_cannot_are_reported(
    approver: Client, add: Add, desk: Books
) -> None:
    """E4, B6."""
    found = [add("10", "12"), add("10", "12"), add("10", "12")]
    with org_scope(desk.org.pk):
        Agreement.objects.update(billing_cycle="Monthly")
        odd = AgreementLine.objects.get(card=found[2]).agreement_id
        Agreement.objects.filter(pk=odd).update(billing_cycle="Now and then")
    ids = {"card": [card.pk for card in found]}
    body = approver.post(f"{HERE}/approve/preview/", ids | {"dated": "1"}).content.decode()
    assert "2 of 3 agreements offer it" in body
    line = re.search(r'name="line" value="([^"]*)"', body)
    assert line
    body = approver.post(f"{HERE}/approve/", {"line": line[1], "way": "split"}).content.decode()
    assert "2 approved, 1 not" in body
    assert "offers no such date" in body
    with org_scope(desk.org.pk):
        assert set(Push.objects.values_list("way", flat=True)) == {"split"}
        assert all(push.effective_on > day(0) for push in Push.objects.all())
    body = approver.post(
        f"{HERE}/approve/", {"line": f"{found[2].pk}|10|12", "way": "later", "sent_on": day(3).isoformat()}
    ).content.decode()
    assert "1 approved" in body
    with org_scope(desk.org.pk):
        assert Push.objects.get(way="in_place").release_on == day(3)


def test_the_days_that_come_bring_snoozed_lines_back_without_a_visit(
    approver: Client, add: Add, desk: Books, days_pass: Any
) -> None:
    """E3: by the door and the worker alone."""
    card = add("10", "12")
    form = {"seen_psa": "10", "seen_vendor": "12", "until": day(3).isoformat()}
    reply = approver.post(f"{HERE}/{card.pk}/snooze/", form)
    assert reply.status_code == 200, reply.text
    days_pass(2)
    assert due(desk) == set()
    days_pass(3)
    assert due(desk) == {desk.org.pk}
    follow_days(desk.org.pk)
    with org_scope(desk.org.pk):
        assert Card.objects.get().state == "todo"
    assert due(desk) == set()


def test_the_next_invoice_is_shown_before_anything_is_written(approver: Client, add: Add) -> None:
    """E11."""
    line = add("10", "12", included="4")
    shown = approver.get(f"{HERE}/{line.pk}/", headers={"HX-Request": "true"}).content.decode()
    # Four units are included free: 6 × 4.50 before, 8 × 4.50 after.
    assert re.search(r"<td>\$27.00</td><td class=\"after\">\$36.00</td><td>\+\$9.00<", shown)
    assert "4 units are included free" in shown


def test_the_margin_is_shown_where_the_cost_is_known(approver: Client, add: Add) -> None:
    """E11."""
    known, unknown = add("10", "12", unit_cost="3.00"), add("10", "12")
    shown = approver.get(f"{HERE}/{known.pk}/", headers={"HX-Request": "true"}).content.decode()
    # 10 × 4.50 − 10 × 3.00 before, 12 of each after.
    assert re.search(r"Margin</th><td>\$15.00</td><td class=\"after\">\$18.00</td><td>\+\$3.00<", shown)
    assert "+$1.50 margin on each" in shown
    shown = approver.get(f"{HERE}/{unknown.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "Margin</th>" not in shown
