"""The standing rule (E15): off by default, small and unambiguous lines only, in the trail, undone like any approval."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.exchange import MANUAL, Rate
from accounts.models import AuditEntry, Organization, ReconcileSettings, User
from accounts.rates import enter
from accounts.roles import Role
from dashboard.models import Card, Decision, StandingRule
from dashboard.tasks import follow_rule
from psa.models import Agreement, Connection, Push
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import UsageCount, VendorAccount

PAGE = "/o/northgate-it/settings/reconciliation/rule/"
HERE = "/o/northgate-it/lines"
RULE = {"active": "on", "max_units": "3", "max_money": "20", "currency": "USD", "direction": "both"}
Add = Callable[..., Card]


@pytest.fixture(autouse=True)
def dollars(desk: Books) -> None:
    with org_scope(desk.org.pk):
        Connection.objects.update(currency="USD")


@pytest.fixture
def admin(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Ada", Role.ADMIN))


@pytest.fixture
def rule(admin: Client, org: Organization) -> Callable[..., StandingRule]:
    """Save a rule through its page."""

    def save(**changes: Any) -> StandingRule:
        assert admin.post(PAGE, RULE | changes).status_code == 302
        with org_scope(org.pk):
            return StandingRule.objects.latest("version")

    return save


def approved(org: Organization) -> list[int]:
    follow_rule(org.pk)
    with org_scope(org.pk):
        return list(
            Card.objects.filter(line__decision__rule__isnull=False)
            .order_by("pk")
            .values_list("pk", flat=True)
        )


def test_it_is_off_until_an_admin_switches_it_on(
    admin: Client, add: Add, org: Organization, approver: Client
) -> None:
    add("10", "12")
    assert approved(org) == []
    assert "Nobody has set a rule yet" in admin.get(PAGE).text
    assert approver.post(PAGE, RULE).status_code == 403
    off = {name: value for name, value in RULE.items() if name != "active"}
    assert "people approve every line" in admin.post(PAGE, off, follow=True).text
    assert approved(org) == []


def test_small_lines_are_approved_as_a_person_would_and_the_trail_names_the_version(
    add: Add, org: Organization, rule: Any
) -> None:
    small, many, dear = add("10", "12"), add("100", "104"), add("10", "11", unit_price=Decimal(21))
    rule(max_units="1")
    saved = rule()
    assert saved.version == 2
    assert approved(org) == [small.pk]
    with org_scope(org.pk):
        push = Push.objects.get()
        assert (push.seen, push.wanted, push.state, push.requested_by) == (10, 12, "staged", None)
        entry = AuditEntry.objects.get(verb="approved by standing rule")
        assert (entry.actor, entry.new["rule"]) == (None, "Standing rule, version 2")
        assert Card.objects.get(pk=small.pk).state == "pushing"
        assert {c.state for c in Card.objects.filter(pk__in=[many.pk, dear.pk])} == {"todo"}
        assert audit.verify(org.pk) is None


def test_a_version_never_changes(org: Organization, rule: Any) -> None:
    first = rule()
    assert rule().pk == first.pk
    rule(max_units="2")
    with org_scope(org.pk):
        said = StandingRule.objects.order_by("version").values_list("version", "max_units")
        assert [(version, int(units)) for version, units in said] == [
            (1, 3), (2, 2),
        ]  # fmt: skip
        assert AuditEntry.objects.filter(verb="changed standing rule").count() == 2
        # Insert-only for the application: row-level security lets no update find a row.
        assert StandingRule.objects.update(max_units=9) == 0


def test_what_is_held_unknown_or_has_no_price_is_left_to_people(
    add: Add, org: Organization, rule: Any, desk: Books
) -> None:
    add("2", "0")
    add("10", "11", unit_price=None)
    add("10", "11")
    with org_scope(org.pk):
        newest = VendorAccount.objects.latest("pk")
        VendorAccount.objects.filter(pk=newest.pk).update(gap_reason="Lost", gap_since=desk.now)
        euro = Card.objects.get(pk=add("10", "11").pk)
        Card.objects.filter(pk=euro.pk).update(currency="EUR")
    rule()
    assert approved(org) == []


@pytest.mark.parametrize(("direction", "expected"), [("under", [0]), ("over", [1]), ("both", [0, 1])])
def test_it_may_be_about_one_direction(
    add: Add, org: Organization, rule: Any, direction: str, expected: list[int]
) -> None:
    found = [add("10", "11"), add("10", "9")]
    rule(direction=direction)
    assert approved(org) == [found[n].pk for n in expected]


def test_it_may_be_about_some_services_and_accounts(add: Add, org: Organization, rule: Any) -> None:
    first, second, third = add("10", "11"), add("10", "11"), add("10", "11")
    rule(services=[first.service_id, second.service_id], accounts=[second.account_id, third.account_id])
    assert approved(org) == [second.pk]


def test_a_line_that_a_person_undid_dismissed_or_whose_push_stopped_is_left_alone(
    add: Add, org: Organization, rule: Any, approver: Client, desk: Books
) -> None:
    undone, dismissed, stopped = add("10", "11"), add("10", "12"), add("10", "13")
    rule()
    seen = {"seen_psa": "10", "seen_vendor": "12", "reason": "Promised"}
    approver.post(f"{HERE}/{dismissed.pk}/dismiss/", seen)
    approver.post(f"{HERE}/{dismissed.pk}/undo/", headers={"HX-Request": "true"})
    assert approved(org) == [undone.pk, stopped.pk]
    assert approver.post(f"{HERE}/{undone.pk}/undo/", headers={"HX-Request": "true"}).status_code == 200
    with org_scope(org.pk):
        Push.objects.filter(line__card=stopped).update(state="failed", reason="Refused")
        UsageCount.objects.filter(vendor_account__mappings__account=stopped.account_id).update(quantity=12)
        desk.refresh()
        assert Card.objects.get(pk=undone.pk).state == "todo"
    assert approved(org) == [undone.pk, stopped.pk]
    with org_scope(org.pk):
        assert Push.objects.count() == 2


def test_it_stays_below_the_second_approvers_amount_line_by_line_and_together(
    add: Add, org: Organization, rule: Any
) -> None:
    found = [add("10", "12"), add("10", "12"), add("10", "12")]
    with org_scope(org.pk):
        ReconcileSettings.objects.update(second_from=20)
    rule()
    assert approved(org) == [found[0].pk, found[1].pk]
    with org_scope(org.pk):
        assert not Push.objects.filter(needs_second=True).exists()
        ReconcileSettings.objects.update(second_currency="EUR")
    add("10", "11")
    assert len(approved(org)) == 2


def test_runs_of_one_month_stay_below_it_together(
    add: Add, org: Organization, rule: Any, desk: Books, admin: Client
) -> None:
    """A run follows every source that finishes: three of $9.00 are not two and then one."""
    with org_scope(org.pk):
        ReconcileSettings.objects.update(second_from=20)
    rule()
    first, second = add("10", "12"), add("10", "12")
    assert approved(org) == [first.pk, second.pk]
    third = add("10", "12")
    assert approved(org) == [first.pk, second.pk]
    assert "Would approve nothing now" in admin.get(f"{PAGE}try/", RULE).text
    with org_scope(org.pk):
        Push.objects.filter(line=second.line_id).update(state=Push.State.FAILED)
        desk.refresh()
    assert third.pk in approved(org)
    with org_scope(org.pk):
        Decision.objects.update(period=month_of(timezone.now()) - timedelta(days=1))
        Decision.objects.filter(line=third.line_id).delete()
        Push.objects.filter(line=third.line_id).update(state=Push.State.CONFIRMED)
        desk.refresh()
    assert third.pk in approved(org)


def test_a_run_is_capped(add: Add, org: Organization, rule: Any, settings: Any) -> None:
    settings.RULE_LINES = 2
    for _ in range(3):
        add("10", "11")
    rule()
    assert len(approved(org)) == 2


def test_try_it_says_what_it_would_approve_and_approves_nothing(
    add: Add, org: Organization, admin: Client
) -> None:
    add("10", "12")
    add("10", "8")
    add("10", "20")
    shown = admin.get(f"{PAGE}try/", RULE | {"direction": "under"}).text
    assert "Would approve 1 line now, +$9.00" in shown
    assert "Would approve 2 lines now, $0.00" in admin.get(f"{PAGE}try/", RULE).text
    assert "Finish the limits" in admin.get(f"{PAGE}try/", RULE | {"max_units": "0"}).text
    with org_scope(org.pk):
        assert not Push.objects.exists()
        assert not StandingRule.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"max_units": "0"}, {"max_money": "-1"}, {"currency": "E1"}, {"direction": "up"}, {"services": "0"}],
)
def test_limits_that_are_none_are_refused(admin: Client, org: Organization, wrong: dict[str, str]) -> None:
    assert admin.post(PAGE, RULE | wrong).status_code == 422
    with org_scope(org.pk):
        assert not StandingRule.objects.exists()


def test_the_settings_say_what_they_mean_for_this_month_while_they_are_typed(
    add: Add, org: Organization, admin: Client
) -> None:
    """E9, E10: held by a guard, waiting for a second approver, before anything is saved."""
    add("100", "90")
    add("10", "10")
    add("100", "0")
    limits = {
        "guard_percent": "20", "guard_units": "5", "jump_percent": "100", "jump_units": "20", "vanish_percent": "10",
        "stale_hours": "192", "pushing": "at_once",
    }  # fmt: skip

    def figures(**typed: str) -> list[str]:
        shown = admin.get("/o/northgate-it/settings/reconciliation/figures/", limits | typed).text
        return re.findall(r"<span>(\d+)</span>", shown)

    assert figures() == ["3", "1", "1", "0", "0"]
    assert figures(guard_percent="5") == ["3", "1", "2", "0", "0"]
    assert figures(ask_second="on", second_from="45", second_currency="USD") == ["3", "1", "1", "1", "0"]
    assert figures(ask_second="on", second_from="46", second_currency="USD") == ["3", "1", "1", "0", "0"]
    with org_scope(org.pk):
        assert ReconcileSettings.objects.get().second_from is None


@pytest.fixture
def rate(org: Organization, alice: User) -> Callable[[str], None]:
    """Enter what a euro is in dollars today."""

    def enter_rate(value: str) -> None:
        with org_scope(org.pk):
            enter(org.pk, Rate("EUR", "USD", Decimal(value), timezone.now().date(), MANUAL), by=alice)

    return enter_rate


def in_euro(org: Organization, desk: Books, card: Card) -> None:
    with org_scope(org.pk):
        Agreement.objects.filter(agreementline=card.line_id).update(currency="EUR")
        desk.refresh()


def test_a_line_in_another_currency_is_small_by_its_rate_and_nobody_knows_without_one(
    add: Add, org: Organization, desk: Books, rule: Any, rate: Callable[[str], None]
) -> None:
    """EUR 9.00 against USD 10.00: nothing without a rate, too much at 1.2, small at 1.1."""
    card = add("10", "12")
    in_euro(org, desk, card)
    rule(max_money="10")
    assert approved(org) == []
    rate("1.2")
    assert approved(org) == []
    rate("1.1")
    assert approved(org) == [card.pk]


def test_the_second_approvers_amount_counts_lines_at_their_rates_the_smallest_first(
    add: Add, org: Organization, desk: Books, rule: Any, rate: Callable[[str], None]
) -> None:
    """USD 4.50 and EUR 9.00 at 0.4 = 3.60 stay below 9.00 together; USD 9.00 more would not."""
    large, dollars, euros = add("10", "12"), add("10", "11"), add("10", "12")
    in_euro(org, desk, euros)
    rate("0.4")
    with org_scope(org.pk):
        ReconcileSettings.objects.update(second_from=9)
    rule()
    assert approved(org) == [dollars.pk, euros.pk]
    with org_scope(org.pk):
        assert Card.objects.get(pk=large.pk).state == "todo"
        assert not Push.objects.filter(needs_second=True).exists()


def test_the_settings_count_who_waits_for_a_second_person_at_the_rates(
    add: Add, org: Organization, desk: Books, admin: Client, rate: Callable[[str], None]
) -> None:
    """EUR 9.00 against USD 9.90: unknown, below at 1.0, exactly the amount at 1.1."""
    in_euro(org, desk, add("10", "12"))
    limits = {
        "guard_percent": "20", "guard_units": "5", "jump_percent": "100", "jump_units": "20", "vanish_percent": "10",
        "stale_hours": "192", "pushing": "at_once", "ask_second": "on", "second_from": "9.90", "second_currency": "USD",
    }  # fmt: skip

    def waiting() -> str:
        shown = admin.get("/o/northgate-it/settings/reconciliation/figures/", limits).text
        return re.findall(r"<span>(\d+)</span>", shown)[3]

    assert waiting() == "1"
    rate("1.0")
    assert waiting() == "0"
    rate("1.1")
    assert waiting() == "1"
