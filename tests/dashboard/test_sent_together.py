"""E10: sending what was collected is one act on many, so the second approver's amount counts for it as a whole."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts import audit
from accounts.models import AuditEntry, Organization, ReconcileSettings
from dashboard.models import Card
from psa.models import Connection, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.approving import HERE, act, approve, states
from tests.dashboard.builders import Books

Add = Callable[..., Card]


@pytest.fixture(autouse=True)
def collecting(desk: Books) -> None:
    """Collect what is approved; a second approver from 20.00 USD on, where a unit costs 4.50."""
    with org_scope(desk.org.pk):
        ReconcileSettings.objects.update(second_from=20, pushing="collect")
        Connection.objects.update(currency="USD")


def test_what_one_person_approved_singly_and_sends_together_waits_for_a_second(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    mine, theirs = [add("10", "12"), add("10", "9"), add("10", "12")], add("10", "14")
    for card in mine:
        approve(approver, card)
    approve(second, theirs)
    assert states(org) == [("waiting", False)] * 4
    with org_scope(org.pk):
        every = {"push": list(Push.objects.order_by("pk").values_list("pk", flat=True))}
    dialog = approver.get(f"{HERE}/push/").content.decode()
    assert "You approved 3 of these yourself" in dialog
    assert "Push 1 quantity to your PSA" in dialog, "what waits for a second approver is not sent"
    assert "they wait for one; the other is sent." in dialog
    assert "Push 1, +$18.00" in dialog
    reply = approver.post(f"{HERE}/push/send/", every).content.decode()
    assert "1 push on the way, 3 not" in reply
    assert "It waits for one" in reply
    assert states(org) == [*[("waiting", True)] * 3, ("staged", False)]
    assert "0 pushes on the way" in approver.post(f"{HERE}/push/send/", every).content.decode()
    assert "Nothing can be pushed yet" in approver.get(f"{HERE}/push/").content.decode()
    assert act(approver, mine[0], "second").status_code in (409, 422)
    for card in mine:
        assert act(second, card, "second").status_code == 200
    assert "3 pushes on the way" in approver.post(f"{HERE}/push/send/", every).content.decode()
    assert {state for state, _ in states(org)} == {"staged"}
    with org_scope(org.pk):
        assert AuditEntry.objects.filter(verb="push needs a second approver").count() == 3
        assert audit.verify(org.pk) is None


def test_what_is_small_together_or_collected_by_another_is_sent_by_one(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    for card in (add("10", "12"), add("10", "12")):
        approve(approver, card)
    for card in (add("10", "12"), add("10", "12"), add("10", "12")):
        approve(second, card)
    with org_scope(org.pk):
        every = {"push": list(Push.objects.values_list("pk", flat=True))}
    assert "yourself" not in approver.get(f"{HERE}/push/").content.decode()
    assert "5 pushes on the way" in approver.post(f"{HERE}/push/send/", every).content.decode()


def test_where_all_waits_for_a_second_approver_the_dialog_offers_to_ask_for_one(
    approver: Client, add: Add, org: Organization
) -> None:
    for card in (add("10", "12"), add("10", "12"), add("10", "12")):
        approve(approver, card)
    dialog = approver.get(f"{HERE}/push/").content.decode()
    assert "3 quantities need a second approver" in dialog
    assert "When you push, they wait for one." in dialog
    assert "Ask for a second approver</button>" in dialog
    assert "on the next invoices" not in dialog
