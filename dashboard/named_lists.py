"""Everybody behind a line (C7), as a page and as a table for a file."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from dashboard.models import Card
from dashboard.people_behind import Sources
from reconcile.tables import Cell, Table, trim
from vendors.counting import fold
from vendors.models import NamedUnit

COLUMNS = (
    "Name", "E-mail", "Kind", "Vendor service", "Source", "Vendor account", "Units", "Billed", "Reason",
    "Named since (UTC)", "Id at the vendor",
)  # fmt: skip


@dataclass(frozen=True)
class NamedRow:
    """One named unit of a line; `left_out` says why the counting rule does not bill what the vendor counts."""

    unit: NamedUnit
    left_out: str = ""

    @property
    def reason(self) -> str:
        """Why it is not billed; empty when it is."""
        if not self.unit.counts:
            return self.unit.reason or "The vendor does not count it"
        return self.left_out


@dataclass(frozen=True)
class NamesPage:
    """One page of the names behind a line, and how many there are in all of them."""

    rows: Sequence[NamedRow]
    found: int
    total: int
    left_out: int
    number: int
    last: int

    @property
    def before(self) -> int:
        return self.number - 1

    @property
    def after(self) -> int:
        return self.number + 1


def list_names(sources: Sources) -> list[NamedRow]:
    """Give who is behind a line now, by name, and whom the vendor names and does not count: one query."""
    not_billed = sources.not_billed()
    units = sources.units().filter(gone_at=None)
    units = units.select_related("vendor_account", "vendor_service", "integration").order_by("name", "pk")
    return [NamedRow(unit, not_billed.get(unit.pk, "")) for unit in units if sources.hold(unit)]


def search(rows: Sequence[NamedRow], query: str) -> list[NamedRow]:
    """Give the rows that have a text in them, in whatever case."""
    wanted = fold(query)
    return [row for row in rows if any(wanted in text for text in _searched(row))]


def _searched(row: NamedRow) -> Sequence[str]:
    unit = row.unit
    shown = (unit.name, str(unit.vendor_account), str(unit.vendor_service), str(unit.integration), row.reason)
    return [*map(fold, shown), *unit.traits.values()]


def show_page(sources: Sources, query: str, page: int) -> NamesPage:
    """Give one page of the names that fit a search: one query."""
    every = list_names(sources)
    rows = search(every, query)
    size = settings.PAGE_LINES
    last = max(1, -(-len(rows) // size))
    number = min(max(1, page), last)
    return NamesPage(
        rows=rows[(number - 1) * size : number * size],
        found=len(rows),
        total=len(every),
        left_out=sum(bool(row.reason) for row in every),
        number=number,
        last=last,
    )


def names_table(card: Card, sources: Sources, query: str, limit: int) -> Table:
    """Give the names behind a line that fit a search, for a file. Needs the organization's scope."""
    rows = [_cells(row) for row in search(list_names(sources), query)[:limit]]
    about: list[tuple[str, Cell]] = [
        ("Account", str(card.account)),
        ("Service", str(card.service) if card.service else None),
        ("Agreement", str(card.agreement) if card.agreement else None),
        *([("Search", query)] if query else []),
        ("Billed", "Whether the vendor counts it and the counting rule keeps it; Reason says why not"),
        ("Times", "UTC"),
    ]
    return Table(f"Names, {card.account}, {card.service or ''}", COLUMNS, rows, about)


def _cells(row: NamedRow) -> list[Cell]:
    unit = row.unit
    return [
        unit.name, unit.traits.get("email"), unit.kind or None, unit.vendor_service.name, unit.integration.name,
        unit.vendor_account.name, trim(unit.quantity), "no" if row.reason else "yes", row.reason or None,
        unit.named_at, unit.external_id,
    ]  # fmt: skip
