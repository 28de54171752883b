"""The writer of shapes: parts, further services and dated mappings, with their cards, entries, undo and refusals."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from dashboard import cards
from dashboard.models import Card
from psa.models import Account
from reconcile.period import next_month
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.vendors.test_shapes_refresh import name
from vendors import shapes, tasks
from vendors.mapping import ACCOUNTS, SERVICES, Refused, Side, UnknownRow
from vendors.models import (
    AccountMapping,
    AccountSplit,
    AlsoCounts,
    MappingRefusal,
    MappingSpan,
    ServiceMapping,
    VendorAccount,
)
from vendors.shape_records import Dated, Shape, read_shapes
from vendors.shapes import Done, Plan

THIS = timezone.now().date().replace(day=1)
NEXT = next_month(THIS)


class Town:
    """Harbor's vendor account with six people, two of them in Quarry's domain; both are billed for backup."""

    def __init__(self, books: Books) -> None:
        self.books, self.org_id = books, books.org.pk
        self.harbor, self.quarry = books.account("Harbor"), books.account("Quarry")
        self.upland, self.backup = books.account("Upland"), books.service("Backup")
        self.bundle = books.service("Care bundle", "20")
        self.row, self.agents = (
            books.vendor_account(self.harbor, "Harbor group"),
            books.vendor_service(self.backup),
        )
        books.usage(self.row, self.agents, "6")
        people = [f"p{n}@harbor.example" for n in range(4)] + ["a@quarry.example", "b@quarry.example"]
        name(books, self.row, self.agents, *people)
        for account in (self.harbor, self.quarry):
            books.line(books.agreement(account), self.backup, "1")
        books.refresh()

    def shape(self, side: Side = ACCOUNTS) -> Shape:
        pk = self.row.pk if side is ACCOUNTS else self.agents.pk
        return read_shapes(side, self.org_id, [pk])[pk]

    def split(self, *parts: tuple[str, Account], month: date | None = None) -> Plan:
        rows = [Dated(account.pk, field="email", pattern=pattern) for pattern, account in parts]
        return shapes.plan_parts(self.row.pk, self.shape().mark, rows, month)

    def map(self, target: Account | None, month: date | None) -> Plan:
        seen = self.shape().mark
        return shapes.plan_target(ACCOUNTS, self.row.pk, seen, target.pk if target else None, month, THIS)

    def further(self, *services: Any, month: date | None = None) -> Plan:
        seen = self.shape(SERVICES).mark
        return shapes.plan_further(self.agents.pk, seen, [one.pk for one in services], month)

    def make(self, plan: Plan, by: User | None = None) -> Done:
        done = shapes.make(self.org_id, plan, THIS, by=by)
        assert self.books.refresh() == 0, "the cards that follow were brought up to date"
        return done

    def units(self) -> dict[str, Decimal | None]:
        found = Card.objects.filter(service=self.backup).select_related("account")
        return {str(card.account): card.vendor_units for card in found}


@pytest.fixture
def town(org: Organization) -> Iterator[Town]:
    with org_scope(org.pk):
        yield Town(Books(org, now=timezone.now()))


def test_a_split_moves_units_at_once_and_undo_brings_them_back(town: Town, alice: User) -> None:
    assert town.units() == {"Harbor": 6, "Quarry": None}
    done = town.make(town.split((" *@QUARRY.example ", town.quarry)), alice)
    assert town.units() == {"Harbor": 4, "Quarry": 2}
    assert AccountSplit.objects.get().pattern == "*@quarry.example"
    entry = AuditEntry.objects.latest("seq")
    assert (entry.verb, entry.subject, entry.actor) == ("split", f"vendor_account:{town.row.pk}", alice)
    assert entry.new == {"account": "Harbor", "parts": ["e-mail address *@quarry.example to Quarry"]}
    shapes.take_back(town.org_id, done.undo, by=alice)
    assert town.units() == {"Harbor": 6, "Quarry": None}
    assert AuditEntry.objects.latest("seq").verb == "took back: split"
    assert audit.verify(town.org_id) is None
    with pytest.raises(Refused, match="Somebody else changed this"):
        shapes.take_back(town.org_id, done.undo, by=alice)


def test_the_first_part_takes_and_the_rest_stays(town: Town) -> None:
    town.make(town.split(("a@*", town.upland), ("*@quarry.example", town.quarry)))
    assert town.units() == {"Harbor": 4, "Quarry": 1, "Upland": 1}
    town.make(town.split(("*@quarry.example", town.quarry), ("a@*", town.upland)))
    assert town.units()["Quarry"] == 2


def test_a_new_set_ends_the_old_one_from_its_month_on(town: Town) -> None:
    town.make(town.split(("a@*", town.quarry)))
    done = town.make(town.split(("a@*", town.quarry), ("b@*", town.quarry), month=THIS))
    rows = AccountSplit.objects.order_by("pk").values_list("pattern", "from_month", "until_month")
    assert list(rows) == [("a@*", None, THIS), ("a@*", THIS, None), ("b@*", THIS, None)]
    assert town.units()["Quarry"] == 2
    town.make(town.split(month=NEXT))
    assert {row.until_month for row in AccountSplit.objects.all()} == {THIS, NEXT}
    assert town.units()["Quarry"] == 2, "it ends with this month"
    with pytest.raises(Refused):
        shapes.take_back(town.org_id, done.undo, by=None)


def test_a_service_counts_to_a_bundle_too(town: Town, alice: User) -> None:
    line = town.books.line(town.books.agreement(town.harbor, "Care"), town.bundle, "5")
    town.books.refresh()
    done = town.make(town.further(town.bundle), alice)
    assert town.books.card(line).vendor_units == 6
    assert AuditEntry.objects.latest("seq").new == {"service": "Backup", "further_services": ["Care bundle"]}
    shapes.take_back(town.org_id, done.undo, by=alice)
    assert town.books.card(line).kind == Card.Kind.PSA_ONLY
    with pytest.raises(Refused, match="mapped to anyway"):
        town.make(town.further(town.backup))


def test_a_mapping_changes_from_this_month_on(town: Town) -> None:
    town.make(town.map(town.upland, THIS))
    assert AccountMapping.objects.get().account == town.upland
    span = MappingSpan.objects.get()
    assert (span.account, span.from_month, span.until_month) == (town.harbor, None, THIS)
    assert not MappingRefusal.objects.exists(), "what stood before was not wrong"
    assert town.units() == {"Harbor": None, "Quarry": None, "Upland": 6}


def test_a_mapping_that_was_wrong_is_wrong_in_all_months(town: Town) -> None:
    town.make(town.map(town.upland, THIS))
    town.make(town.map(town.quarry, None))
    assert not MappingSpan.objects.exists()
    assert MappingRefusal.objects.get().account == town.upland


def test_what_is_planned_for_next_month_comes_with_it(town: Town, alice: User) -> None:
    town.make(town.map(town.upland, NEXT), alice)
    assert town.units()["Harbor"] == 6
    assert shapes.apply_due(town.org_id, THIS) == 0
    assert cards.refresh_if_outdated(town.org_id, 99999, town.books.now) is False
    turn = timezone.now().replace(year=NEXT.year, month=NEXT.month, day=1)
    assert cards.refresh_if_outdated(town.org_id, 99999, turn) is True
    assert AccountMapping.objects.get().account == town.upland
    span = MappingSpan.objects.get()
    assert (span.account, span.from_month, span.until_month) == (town.harbor, None, NEXT)
    entry = AuditEntry.objects.latest("seq")
    assert (entry.verb, entry.actor, entry.new["account"]) == ("mapped", None, "Upland")
    assert shapes.apply_due(town.org_id, NEXT) == 0


def test_the_tick_finds_planned_mappings_whose_month_has_come(town: Town) -> None:
    MappingSpan.objects.create(
        org_id=town.org_id, vendor_service=town.agents, service=town.bundle, from_month=THIS
    )
    assert shapes.find_organizations(THIS) == [town.org_id]
    shapes.apply_due(town.org_id, THIS)
    assert shapes.find_organizations(THIS) == []
    assert ServiceMapping.objects.get().service == town.bundle
    assert tasks.find_months_come.name == "vendors.tasks.find_months_come"


def test_it_is_foreseen_and_nothing_is_done(town: Town) -> None:
    plan = town.split(("*@quarry.example", town.quarry), month=NEXT)
    effect = shapes.foresee(town.org_id, plan, THIS)
    after = {change.line.account: change.units_after for change in effect.changes}
    assert after == {"Harbor": 4, "Quarry": 2}, "tried as if it stood now"
    assert not AccountSplit.objects.exists()
    assert town.units() == {"Harbor": 6, "Quarry": None}
    effect = shapes.foresee(town.org_id, town.map(town.upland, NEXT), THIS)
    assert {change.line.account for change in effect.changes} == {"Harbor", "Upland"}
    assert not MappingSpan.objects.exists()


# ---- What is refused ---------------------------------------------------------------------------------


def refuse(town: Town, plan: Plan) -> str:
    before = town.shape(), town.shape(SERVICES), town.units()
    with pytest.raises(Refused) as refused:
        shapes.make(town.org_id, plan, THIS, by=None)
    assert (town.shape(), town.shape(SERVICES), town.units()) == before
    return str(refused.value)


def test_what_makes_no_part_is_refused(town: Town) -> None:
    for bad in (("", town.quarry), ("x" * 301, town.quarry)):
        with pytest.raises(Refused, match="Enter what to look for"):
            town.split(bad)
    with pytest.raises(Refused, match="Two parts look for the same"):
        town.split(("A*", town.quarry), (" a*", town.upland))
    with pytest.raises(Refused, match="At most 40"):
        town.split(*((f"p{n}", town.quarry) for n in range(41)))


def test_what_is_mapped_to_nothing_has_no_parts_now_or_later(town: Town) -> None:
    AccountMapping.objects.all().delete()
    assert refuse(town, town.split(("a@*", town.quarry))) == (
        "Map “Harbor group” first: what no part takes goes to the account that it is mapped to. Nothing was changed."
    )
    town.make(town.map(town.harbor, None))
    town.make(town.split(("a@*", town.quarry)))
    assert "is split over 2 accounts: end the split first" in refuse(town, town.map(None, THIS))
    assert "is split over 2 accounts: end the split first" in refuse(town, town.map(None, NEXT))
    town.make(town.split(month=NEXT))
    town.make(town.split())
    town.make(town.map(None, NEXT))
    assert f"is mapped to nothing from {NEXT:%B %Y}" in refuse(town, town.split(("a@*", town.quarry)))


def test_what_was_changed_meanwhile_or_is_excluded_or_gone_is_refused(town: Town) -> None:
    stale = town.split(("a@*", town.quarry))
    town.make(town.split(("b@*", town.quarry)))
    assert "Somebody else changed this" in refuse(town, stale)
    assert "Nothing is different" in refuse(town, town.split(("b@*", town.quarry)))
    VendorAccount.objects.update(excluded_at=timezone.now())
    assert "Bring it back first" in refuse(town, town.split(("a@*", town.quarry)))
    VendorAccount.objects.update(excluded_at=None)
    Account.objects.filter(pk=town.upland.pk).update(vanished_at=timezone.now())
    assert "no longer in your PSA" in refuse(town, town.split(("a@*", town.upland)))


def test_another_organizations_rows_are_unknown(town: Town) -> None:
    plan = shapes.plan_parts(
        town.row.pk, town.shape().mark, [Dated(999_999, field="name", pattern="x")], None
    )
    with pytest.raises(UnknownRow):
        shapes.make(town.org_id, plan, THIS, by=None)
    done = town.make(town.split(("a@*", town.quarry)))
    with pytest.raises(UnknownRow):
        shapes.take_back(town.org_id + 1, done.undo, by=None)
    with pytest.raises(Refused, match="could not be read"):
        shapes.take_back(town.org_id, done.undo + "x", by=None)
    assert not AlsoCounts.objects.exists()
