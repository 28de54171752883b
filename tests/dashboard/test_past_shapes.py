"""E12 with D5: past days follow what stood in their month, whatever a mapping, a split or a bundle becomes later."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from dashboard.months import previous_month
from psa.models import AgreementLine
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.test_past import move, of_day, recount
from tests.vendors.test_shapes_refresh import name
from vendors import shapes
from vendors.mapping import ACCOUNTS, SERVICES, Side
from vendors.models import NamedUnit, VendorAccount, VendorService
from vendors.shape_records import Dated, read_shapes
from vendors.shapes import Plan

THIS = timezone.now().date().replace(day=1)
LAST = THIS - timedelta(days=1)
BEFORE_LAST = previous_month(THIS) - timedelta(days=1)
EARLY = datetime(2020, 1, 1, tzinfo=UTC)


class Street:
    """The lines of Harbor, to which a vendor account with three people is mapped, and of Quarry and the bundle."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.harbor = books.pair("10", "3")
        assert self.harbor.service
        self.quarry = books.line(books.agreement(books.account("Quarry")), self.harbor.service, "1")
        self.bundle = books.line(self.harbor.agreement, books.service("Care bundle"), "5")
        for line in (self.harbor, self.quarry, self.bundle):
            move(line, (str(line.quantity), EARLY, None))
        days = [datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (BEFORE_LAST, LAST)]
        recount(books, ("3", days[0], days[1]), ("3", days[1], None))
        self.row, self.agents = VendorAccount.objects.get(), VendorService.objects.get()
        name(books, self.row, self.agents, "a@quarry.example", "b@harbor.example", "c@harbor.example")
        NamedUnit.objects.update(named_at=EARLY)

    def seen(self, side: Side, pk: int) -> str:
        return read_shapes(side, self.books.org.pk, [pk])[pk].mark

    def map(self, target: AgreementLine, month: date | None) -> None:
        pk = self.row.pk
        self.make(shapes.plan_target(ACCOUNTS, pk, self.seen(ACCOUNTS, pk), target.account_id, month, THIS))

    def split(self, month: date | None) -> None:
        part = Dated(self.quarry.account_id, field="domain", pattern="quarry.example")
        self.make(shapes.plan_parts(self.row.pk, self.seen(ACCOUNTS, self.row.pk), [part], month))

    def make(self, plan: Plan) -> None:
        shapes.make(self.books.org.pk, plan, THIS, by=None)

    def units(self, line: AgreementLine) -> Any:
        """Give what was counted at the end of the month before last, at that of last month, and today."""
        days = (BEFORE_LAST, LAST, timezone.now().date())
        return [of_day(self.books, line, day).verdict.vendor_units for day in days]


@pytest.fixture
def street(org: Organization) -> Iterator[Street]:
    with org_scope(org.pk):
        yield Street(Books(org, now=timezone.now() - timedelta(minutes=5)))


def test_a_mapping_changed_from_this_month_on_leaves_last_month_as_it_was(street: Street) -> None:
    assert (street.units(street.harbor), street.units(street.quarry)) == ([3, 3, 3], [None, None, None])
    street.map(street.quarry, THIS)
    assert (street.units(street.harbor), street.units(street.quarry)) == ([3, 3, None], [None, None, 3])
    street.map(street.quarry, None)
    assert (street.units(street.harbor), street.units(street.quarry)) == ([None] * 3, [3, 3, 3])


def test_a_split_from_this_month_on_leaves_last_month_whole(street: Street) -> None:
    street.split(THIS)
    assert (street.units(street.harbor), street.units(street.quarry)) == ([3, 3, 2], [None, None, 1])
    street.split(None)
    assert (street.units(street.harbor), street.units(street.quarry)) == ([2, 2, 2], [1, 1, 1])


def test_a_bundle_counts_from_its_month_on(street: Street) -> None:
    pk, bundle = street.agents.pk, street.bundle.service_id or 0
    street.make(shapes.plan_further(pk, street.seen(SERVICES, pk), [bundle], THIS))
    assert street.units(street.bundle) == [None, None, 3]
    assert street.units(street.harbor) == [3, 3, 3]


def test_a_planned_mapping_that_came_due_keeps_the_months_before_it(street: Street) -> None:
    pk = street.row.pk
    plan = shapes.plan_target(
        ACCOUNTS, pk, street.seen(ACCOUNTS, pk), street.quarry.account_id, THIS, previous_month(THIS)
    )
    shapes.make(street.books.org.pk, plan, previous_month(THIS), by=None)
    before = street.units(street.harbor)
    assert shapes.apply_due(street.books.org.pk, THIS) == 1
    assert (before, street.units(street.harbor)) == ([3, 3, None], [3, 3, None])
    assert street.units(street.quarry) == [None, None, 3]
