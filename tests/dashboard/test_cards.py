"""Cards follow the rules: each kind, its reason and its money."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.models import Organization, User
from dashboard import cards
from dashboard.filters import Filters
from dashboard.lists import list_page
from dashboard.models import Card, Decision
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import NOW, Books
from vendors.models import AccountMapping, Integration, VendorAccount


@pytest.fixture
def books(org: Organization) -> Iterator[Books]:
    with org_scope(org.pk):
        yield Books(org)


def judged(books: Books, psa: str, vendor: str | None, **line: object) -> tuple[str, str, str]:
    row = books.pair(psa, vendor, **line)
    books.refresh()
    card = books.card(row)
    return card.kind, card.reason, card.state


@pytest.mark.parametrize(
    ("psa", "vendor", "expected"),
    [
        ("10", "10", ("match", "", "done")),
        ("10", "12", ("adjust", "", "todo")),
        ("10", "6", ("adjust", "", "todo")),
        ("10", "4", ("held", "drop", "held")),
        ("100", "79", ("held", "drop", "held")),
        ("100", "80", ("adjust", "", "todo")),
        ("3", "0", ("held", "zero", "held")),
        ("0", "0", ("match", "", "done")),
        ("10", None, ("held", "zero", "held")),
        ("10", "31", ("held", "jump", "held")),
        ("10", "30", ("adjust", "", "todo")),
        ("0", "5", ("adjust", "", "todo")),
        ("10.5", "10.25", ("adjust", "", "todo")),
    ],
)
def test_counts_are_compared_within_the_guards(
    books: Books, psa: str, vendor: str | None, expected: tuple[str, str, str]
) -> None:
    assert judged(books, psa, vendor) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"billable": False}, "not_billed"),
        ({"ends_on": date(2026, 11, 30)}, "line_ended"),
        ({"starts_on": date(2026, 12, 2)}, "line_future"),
    ],
)
def test_a_line_that_the_next_invoice_leaves_out_is_hidden_with_its_reason(
    books: Books, line: dict[str, object], reason: str
) -> None:
    assert judged(books, "10", "12", **line) == ("hidden", reason, "none")


def test_units_included_free_change_the_money_and_not_the_units(books: Books) -> None:
    line = books.pair("12", "14", included=Decimal(13))
    books.refresh()
    card = books.card(line)
    assert (card.delta, card.effect) == (2, Decimal("4.50"))


def test_a_silent_source_makes_units_unknown_and_keeps_the_last_number_aside(books: Books) -> None:
    line = books.pair("10", "12")
    VendorAccount.objects.update(gap_reason="Lost connection", gap_since=NOW - timedelta(days=2))
    books.refresh()
    card = books.card(line)
    assert (card.kind, card.reason, card.vendor_units, card.last_units) == (
        "waiting",
        "source_silent",
        None,
        12,
    )
    assert card.delta is None
    assert card.effect is None
    assert card.unknown_since == NOW - timedelta(days=2)


def test_a_groups_total_over_a_gap_is_a_gap_too(books: Books) -> None:
    line = books.pair("10", "12")
    books.refresh()
    assert [g.effect and g.effect.amount for g in list_page(books.org.pk, Filters()).groups] == [
        books.card(line).effect
    ]
    VendorAccount.objects.update(gap_reason="Lost connection", gap_since=NOW - timedelta(days=2))
    books.refresh()
    (group,) = list_page(books.org.pk, Filters(tab="held")).groups
    assert (group.vendor, group.net, group.effect) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"counted_at": None}, "never_counted"),
        ({"held": True}, "source_held"),
        ({"counted_at": NOW - timedelta(hours=193)}, "source_old"),
    ],
)
def test_no_fresh_count_is_unknown_never_zero(books: Books, values: dict[str, object], reason: str) -> None:
    line = books.pair("10", "12")
    Integration.objects.update(**values)
    books.refresh()
    card = books.card(line)
    assert (card.kind, card.reason, card.vendor_units) == ("waiting", reason, None)


def test_a_line_without_a_vendor_is_psa_only(books: Books) -> None:
    account, service, other = books.account(), books.service(), books.service("Phone seats")
    books.vendor_account(account)
    books.vendor_service(service)
    no_service = books.line(books.agreement(account), other, "5")
    no_account = books.line(books.agreement(books.account("Quarry Builders")), service, "5")
    books.refresh()
    assert books.card(no_service).reason == "no_vendor_service"
    assert books.card(no_account).reason == "no_vendor_account"
    assert books.card(no_service).state == "none"


def test_usage_without_a_line_is_new_revenue_priced_from_the_catalogue(books: Books) -> None:
    account, service = books.account(), books.service()
    books.usage(books.vendor_account(account), books.vendor_service(service), "9")
    books.refresh()
    card = Card.objects.get()
    assert (card.kind, card.psa_units, card.vendor_units, card.effect) == ("new", None, 9, Decimal("40.50"))


def test_a_cancelled_agreement_does_not_explain_usage(books: Books) -> None:
    line = books.pair("10", "10")
    line.agreement.active = False
    line.agreement.save()
    books.refresh()
    assert books.card(line).reason == "agreement_inactive"
    assert Card.objects.get(line=None).kind == "new"


def test_a_line_given_away_explains_usage(books: Books) -> None:
    books.pair("10", "10", billable=False)
    books.refresh()
    assert not Card.objects.filter(line=None).exists()


def test_lines_that_share_a_service_split_its_count_and_are_held_when_it_differs(books: Books) -> None:
    first = books.pair("10", "12")
    second = books.line(first.agreement, first.service, "5")
    books.refresh()
    assert (books.card(first).kind, books.card(first).vendor_units) == ("match", 10)
    assert (books.card(second).reason, books.card(second).vendor_units) == ("shared", 2)


def test_counts_of_several_vendor_accounts_and_services_add_up(books: Books) -> None:
    line = books.pair("10", "4")
    cloud = books.integration("Second console")
    va = books.vendor_account(line.account, integration=cloud)
    books.usage(va, books.vendor_service(line.service, integration=cloud), "3")
    books.usage(va, books.vendor_service(line.service, name="ManagedServerAgents", integration=cloud), "4")
    books.refresh()
    assert books.card(line).vendor_units == 11


def test_excluding_and_unmapping_take_effect_at_once(books: Books) -> None:
    line = books.pair("10", "12")
    books.refresh()
    VendorAccount.objects.update(excluded_at=NOW)
    books.refresh()
    assert books.card(line).reason == "no_vendor_account"
    VendorAccount.objects.update(excluded_at=None)
    AccountMapping.objects.all().delete()
    books.refresh()
    assert books.card(line).reason == "no_vendor_account"


def test_a_dismissal_stands_until_a_value_changes(books: Books, alice: User) -> None:
    line = books.pair("10", "12")
    Decision.objects.create(
        org=books.org, line=line, account=line.account, service=line.service, period=date(2026, 11, 1),
        verb="dismiss", psa_units=10, vendor_units=12, by=alice,
    )  # fmt: skip
    books.refresh()
    assert books.card(line).state == "done"
    line.quantity = Decimal(11)
    line.save()
    books.refresh()
    assert books.card(line).state == "todo"


def test_a_dismissal_ends_with_its_period(books: Books, alice: User) -> None:
    line = books.pair("10", "12")
    Decision.objects.create(
        org=books.org, line=line, account=line.account, service=line.service, period=date(2026, 10, 1),
        verb="dismiss", psa_units=10, vendor_units=12, by=alice,
    )  # fmt: skip
    books.refresh()
    assert books.card(line).state == "todo"


def test_a_refresh_with_nothing_changed_rewrites_nothing(books: Books) -> None:
    books.pair("10", "12")
    books.pair("10", "10")
    assert books.refresh() == 2
    Integration.objects.update(counted_at=NOW + timedelta(hours=1))
    assert books.refresh() == 0


def test_a_refresh_of_one_account_equals_a_refresh_of_all(books: Books) -> None:
    line, other = books.pair("10", "12"), books.pair("5", "5")
    books.refresh()
    line.quantity = other.quantity = Decimal(7)
    line.save()
    other.save()
    assert cards.refresh(books.org.pk, [line.account_id], NOW) == 1
    assert books.card(other).psa_units == 5
    assert cards.refresh(books.org.pk, [other.account_id], NOW) == 1
    assert books.refresh() == 0


def test_a_vanished_line_loses_its_card(books: Books) -> None:
    line = books.pair("10", "12")
    books.refresh()
    line.vanished_at = NOW
    line.save()
    books.refresh()
    assert not Card.objects.filter(line=line).exists()
    assert Card.objects.get().kind == "new"


def test_a_new_month_and_old_counts_are_noticed(books: Books) -> None:
    books.pair("10", "12")
    books.refresh()
    assert not cards.refresh_if_outdated(books.org.pk, 192, NOW)
    assert cards.refresh_if_outdated(books.org.pk, 192, NOW + timedelta(hours=193))
    assert Card.objects.get().reason == "source_old"
