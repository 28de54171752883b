"""Two pairs of eyes (E10), through the URLs: never the first person, never sent before, for one, many and undo."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.exchange import MANUAL, Rate
from accounts.models import AuditEntry, Membership, Organization, ReconcileSettings, User
from accounts.rates import enter
from accounts.roles import Role
from dashboard.models import Card, Decision
from psa.models import Agreement, AgreementLine, Connection, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.approving import HERE, act, approve, push_on, states
from tests.dashboard.builders import Books
from vendors.models import UsageCount

Add = Callable[..., Card]


@pytest.fixture(autouse=True)
def threshold(desk: Books) -> None:
    """From 20.00 USD on; a line of the builders costs 4.50 a unit."""
    with org_scope(desk.org.pk):
        ReconcileSettings.objects.update(second_from=20)
        Connection.objects.update(currency="USD")


def test_a_large_change_waits_until_another_approver_agrees(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    small, large = add("10", "14"), add("10", "15")
    assert approve(approver, small).status_code == 200
    reply = approve(approver, large)
    assert "Waiting for a second approver" in reply.content.decode()
    assert states(org) == [("staged", False), ("waiting", True)]
    ready = second.get("/o/northgate-it/?tab=ready").content.decode()
    assert f"{HERE}/{large.pk}/second/" in ready
    assert act(approver, large, "second").status_code == 422
    assert states(org)[1] == ("waiting", True)
    assert act(second, large, "second").status_code == 200
    assert states(org)[1] == ("staged", True)
    # Who agreed stands beside who approved, on the screen and in the file.
    panel = approver.get(f"{HERE}/{large.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<small>Bob, " in panel
    assert "<small>Agreed to by Sam, " in panel
    text = approver.post("/o/northgate-it/lines/export/?tab=ready", {"as": "csv"}).content.decode("utf-8-sig")
    found = {row["Pushed to"]: row for row in csv.DictReader(io.StringIO(text))}
    assert (found["15"]["Decided by"], found["15"]["Agreed by"]) == ("Bob", "Sam")
    assert found["15"]["Agreed at (UTC)"]
    assert found["14"]["Agreed by"] == ""
    with org_scope(org.pk):
        push = Push.objects.get(needs_second=True)
        assert (str(push.requested_by), str(push.second_by)) == ("Bob", "Sam")
        assert AuditEntry.objects.get(verb="push agreed to by a second approver").actor == push.second_by
        assert audit.verify(org.pk) is None


def test_the_first_person_cannot_release_it_either(approver: Client, add: Add, org: Organization) -> None:
    card = add("10", "15")
    approve(approver, card)
    with org_scope(org.pk):
        push = Push.objects.get()
    assert "It waits for a second approver" in approver.get(f"{HERE}/push/").content.decode()
    body = approver.post(f"{HERE}/push/send/", {"push": [push.pk]}).content.decode()
    assert "0 pushes on the way, 1 not" in body
    assert states(org) == [("waiting", True)]


def test_the_database_refuses_a_second_person_who_is_the_first(
    approver: Client, add: Add, org: Organization
) -> None:
    approve(approver, add("10", "15"))
    with org_scope(org.pk):
        push = Push.objects.get()
        for wrong in ({"second_by": push.requested_by}, {"state": "staged"}, {"state": "confirmed"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Push.objects.filter(pk=push.pk).update(**wrong)


def test_a_second_role_in_the_organization_makes_no_second_person(org: Organization, alice: User) -> None:
    with org_scope(org.pk), pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(org=org, user=alice, role=Role.APPROVER)


def test_turning_down_cancels_it_with_a_reason_and_the_line_is_to_do_again(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    card = add("10", "15")
    approve(approver, card)
    assert act(approver, card, "turn-down", reason="No").status_code == 422
    assert act(second, card, "turn-down").status_code == 422
    assert act(second, card, "turn-down", reason="They gave notice").status_code == 200
    assert states(org) == [("cancelled", True)]
    with org_scope(org.pk):
        assert Card.objects.get().state == "todo"
        assert AuditEntry.objects.get(verb="push turned down").new["reason"] == "They gave notice"
    panel = approver.get(f"{HERE}/{card.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "Turned down by Sam: They gave notice" in panel


def test_the_first_takes_it_back_before_anybody_agrees(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    card = add("10", "15")
    approve(approver, card)
    assert act(approver, card, "undo").status_code == 200
    assert states(org) == [("cancelled", True)]
    assert act(second, card, "second").status_code == 422
    assert states(org) == [("cancelled", True)]


def test_a_count_that_changed_meanwhile_is_not_agreed_to(
    approver: Client, second: Client, add: Add, org: Organization, desk: Books
) -> None:
    card = add("10", "15")
    approve(approver, card)
    with org_scope(org.pk):
        UsageCount.objects.update(quantity=16)
        desk.refresh()
    reply = act(second, card, "second")
    assert reply.status_code == 422
    assert "has changed since" in reply.headers["HX-Trigger"]
    assert states(org) == [("waiting", True)]


def test_another_change_than_the_one_on_the_screen_is_neither_agreed_to_nor_turned_down(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    """The first person takes +5 back and approves +490 while the second looks at +5: the count is the same."""
    card = add("10", "15")
    approve(approver, card)
    on_screen = push_on(card)
    dialog = second.post(f"{HERE}/second/preview/", {"card": [card.pk]}).content.decode()
    assert f'value="{card.pk}|{on_screen}"' in dialog
    act(approver, card, "undo")
    approve(approver, card, units="500", meant="500")
    for name in ("second", "turn-down"):
        reply = act(second, card, name, push=on_screen, reason="Too many")
        assert reply.status_code == 422
        assert "not the change that was on your screen" in reply.headers["HX-Trigger"]
        assert f'id="line-{card.pk}"' in reply.content.decode()  # the row as it is now
    many = second.post(f"{HERE}/second/", {"line": f"{card.pk}|{on_screen}"}).content.decode()
    assert "0 agreed to, 1 not" in many
    assert second.post(f"{HERE}/{card.pk}/second/").status_code == 409  # names no change at all
    assert states(org) == [("cancelled", True), ("waiting", True)]
    assert act(second, card, "second").status_code == 200


def test_many_small_changes_that_are_large_together_wait_and_are_agreed_to_together(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    found = [add("10", "12"), add("10", "8"), add("10", "11")]
    line = " ".join(f"{c.pk}|10|{c.vendor_units.normalize():f}" for c in found if c.vendor_units)
    assert "3 approved" in approver.post(f"{HERE}/approve/", {"line": line}).content.decode()
    # 9 + 9 + 4.50 are 22.50: what is lowered does not make the rest smaller.
    assert states(org) == [("waiting", True)] * 3
    ids = {"card": [c.pk for c in found]}
    assert "3 left out" in approver.post(f"{HERE}/second/preview/", ids).content.decode()
    assert "Agree to 3 changes" in second.post(f"{HERE}/second/preview/", ids).content.decode()
    line = " ".join(f"{c.pk}|{push_on(c)}" for c in found)
    assert "0 agreed to, 3 not" in approver.post(f"{HERE}/second/", {"line": line}).content.decode()
    assert "3 agreed to" in second.post(f"{HERE}/second/", {"line": line}).content.decode()
    assert states(org) == [("staged", True)] * 3


@pytest.mark.parametrize("change", [{"unit_price": None}, {"unit_price": Decimal("0.01")}])
def test_what_cannot_be_compared_needs_a_second_pair_of_eyes(
    approver: Client, add: Add, org: Organization, change: dict[str, Any]
) -> None:
    """A line without a price; a line in another currency than the threshold's, however small."""
    if change["unit_price"] is not None:
        with org_scope(org.pk):
            Connection.objects.update(currency="EUR")
    approve(approver, add("10", "11", **change))
    assert states(org) == [("waiting", True)]


def test_a_typed_quantity_counts_by_what_it_writes(approver: Client, add: Add, org: Organization) -> None:
    approve(approver, add("10", "11"), units="16", meant="16")
    assert states(org) == [("waiting", True)]


def test_undoing_a_large_push_needs_a_second_person_and_its_withdrawal_lets_the_approval_stand(
    approver: Client, second: Client, add: Add, org: Organization, desk: Books
) -> None:
    card = add("10", "15")
    approve(approver, card)
    act(second, card, "second")
    with org_scope(org.pk):
        Push.objects.update(state="confirmed", sent_count=1)
        AgreementLine.objects.update(quantity=15)
        desk.refresh()
    assert act(approver, card, "undo").status_code == 200
    assert states(org) == [("confirmed", True), ("waiting", True)]
    assert act(approver, card, "second").status_code == 422
    # The undo is withdrawn: what was approved stands as before.
    assert act(approver, card, "undo").status_code == 200
    assert states(org) == [("confirmed", True), ("cancelled", True)]
    with org_scope(org.pk):
        assert Decision.objects.get().undone_at is None
    act(approver, card, "undo")
    assert act(second, card, "second").status_code == 200
    assert states(org)[2] == ("staged", True)


def test_collected_changes_wait_on_after_the_second_agreed(
    approver: Client, second: Client, add: Add, org: Organization
) -> None:
    card = add("10", "15")
    with org_scope(org.pk):
        ReconcileSettings.objects.update(pushing="collect")
    approve(approver, card)
    act(second, card, "second")
    with org_scope(org.pk):
        push = Push.objects.get()
        assert (push.state, str(push.second_by)) == ("waiting", "Sam")
    assert "1 push on the way" in approver.post(f"{HERE}/push/send/", {"push": [push.pk]}).content.decode()


def test_where_nobody_else_may_approve_the_line_and_the_settings_say_so(
    alice: User, sign_in: Callable[[User], Client], add: Add
) -> None:
    client, card = sign_in(alice), add("10", "15")
    approve(client, card)
    panel = client.get(f"{HERE}/{card.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "Nobody else in this organization may approve" in panel
    assert "Only one person here may approve" in client.get("/o/northgate-it/settings/reconciliation/").text


def test_an_admin_sets_the_amount_and_switches_it_off(
    alice: User, sign_in: Callable[[User], Client], org: Organization
) -> None:
    client, page = sign_in(alice), "/o/northgate-it/settings/reconciliation/"
    with org_scope(org.pk):
        stored = ReconcileSettings.objects.get()
    limits = ("guard_percent", "guard_units", "jump_percent", "jump_units", "vanish_percent", "stale_hours")
    form = {name: str(getattr(stored, name)) for name in limits} | {"pushing": "at_once"}
    asked = form | {"ask_second": "on", "second_from": "500.00", "second_currency": "eur"}
    assert client.post(page, asked, follow=True).status_code == 200
    with org_scope(org.pk):
        stored.refresh_from_db()
        assert (stored.second_from, stored.second_currency) == (500, "EUR")
        assert AuditEntry.objects.get(subject=f"settings:{org.pk}").new["second from"] == "500"
    for wrong in ({"second_from": ""}, {"second_from": "-1"}, {"second_currency": "E1"}):
        assert client.post(page, asked | wrong).status_code == 422
    client.post(page, form)
    with org_scope(org.pk):
        stored.refresh_from_db()
        assert stored.second_from is None


@pytest.fixture
def rate(org: Organization, alice: User) -> Callable[[str], None]:
    """Enter what a euro is in dollars today."""

    def enter_rate(value: str) -> None:
        with org_scope(org.pk):
            rate = Rate("EUR", "USD", Decimal(value), timezone.now().date(), MANUAL)
            enter(org.pk, rate, by=alice)

    return enter_rate


@pytest.fixture
def euro(desk: Books) -> None:
    with org_scope(desk.org.pk):
        Connection.objects.update(currency="EUR")


def test_another_currency_is_compared_at_its_dated_rate(
    approver: Client, add: Add, org: Organization, euro: None, rate: Callable[[str], None]
) -> None:
    """4 × 4.50 = EUR 18.00: at 1.1 USD 19.80, below the 20.00; at 1.2 USD 21.60, above; without a rate unknown."""
    unknown, below, above, at_it = add("10", "14"), add("10", "14"), add("10", "14"), add("10", "8")
    approve(approver, unknown)
    rate("1.1")
    approve(approver, below)
    rate("1.2")
    approve(approver, above)
    # −2 × 4.50 = EUR −9.00; with 20 ÷ 9 a euro it would be 20.00 all but exactly: from the amount on.
    rate("2.2222222223")
    approve(approver, at_it)
    assert states(org) == [("waiting", True), ("staged", False), ("waiting", True), ("waiting", True)]


def test_the_rate_at_approving_counts_whatever_it_becomes(
    approver: Client, second: Client, add: Add, org: Organization, euro: None, rate: Callable[[str], None]
) -> None:
    rate("1.2")
    large, small = add("10", "14"), add("10", "13")
    approve(approver, large)
    approve(approver, small)
    assert states(org) == [("waiting", True), ("staged", False)]
    rate("0.5")
    assert act(approver, large, "second").status_code == 422
    assert (
        "0 pushes on the way, 1 not"
        in approver.post(f"{HERE}/push/send/", {"push": [push_of(org, large)]}).content.decode()
    )
    rate("9")
    assert states(org) == [("waiting", True), ("staged", False)]
    assert act(second, large, "second").status_code == 200


def push_of(org: Organization, card: Card) -> int:
    with org_scope(org.pk):
        return Push.objects.get(line_id=card.line_id).pk


def test_an_act_counts_as_a_whole_across_currencies(
    approver: Client, add: Add, org: Organization, desk: Books, rate: Callable[[str], None]
) -> None:
    """USD 9.00 and EUR 9.00: 18.90 together at 1.1, so none waits; 20.70 at 1.3, so all do."""

    def both() -> list[tuple[str, bool]]:
        dollars, euros = add("10", "12"), add("10", "8")
        with org_scope(org.pk):
            Agreement.objects.filter(agreementline=euros.line_id).update(currency="EUR")
            desk.refresh()
        line = " ".join(
            f"{c.pk}|10|{c.vendor_units.normalize():f}" for c in (dollars, euros) if c.vendor_units
        )
        assert "2 approved" in approver.post(f"{HERE}/approve/", {"line": line}).content.decode()
        return states(org)[-2:]

    rate("1.1")
    assert both() == [("staged", False)] * 2
    rate("1.3")
    assert both() == [("waiting", True)] * 2


def test_switched_off_what_waited_for_a_second_person_is_ready_and_nothing_is_sent(
    alice: User, approver: Client, sign_in: Callable[[User], Client], add: Add, org: Organization
) -> None:
    approve(approver, add("10", "15"))
    client, page = sign_in(alice), "/o/northgate-it/settings/reconciliation/"
    with org_scope(org.pk):
        stored = ReconcileSettings.objects.get()
    limits = ("guard_percent", "guard_units", "jump_percent", "jump_units", "vanish_percent", "stale_hours")
    form = {name: str(getattr(stored, name)) for name in limits} | {"pushing": "at_once"}
    assert "1 approved line waits for a second approver now" in client.get(f"{page}figures/", form).text
    assert "Nothing can be pushed yet" in approver.get(f"{HERE}/push/").text
    assert client.post(page, form).status_code == 302
    assert states(org) == [("waiting", False)]
    dialog = approver.get(f"{HERE}/push/").text
    assert "Push 1 quantity to your PSA" in dialog
    with org_scope(org.pk):
        push = Push.objects.get()
        entry = AuditEntry.objects.get(verb="push needs no second approver any more")
        assert (entry.subject, entry.actor) == (f"push:{push.pk}", alice)
        assert audit.verify(org.pk) is None
    approver.post(f"{HERE}/push/send/", {"push": [push.pk]})
    assert states(org) == [("staged", False)]
