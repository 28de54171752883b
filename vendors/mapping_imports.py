"""Mappings from a CSV (D8): what each row asks for, or why it cannot be done. Nothing is changed by reading it.

The columns are those of the export: Source, Vendor id, Status, and the PSA's id or name. What cannot be matched is said
row by row; the rest goes through the same preview as any act on many rows. A file changes today's mappings. What a
row counts to besides, and what stands in other months, is kept: a row that asks for another of these is refused.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from reconcile.period import month_of
from vendors.csv_texts import CsvTable, Unreadable
from vendors.mapping import ACCOUNTS, Change, Side, State, read_states
from vendors.mapping_entries import STATUSES
from vendors.shape_records import Said, heads, say_shapes


@dataclass(frozen=True)
class Columns:
    """The heads that a file of one side has, in small letters."""

    source: str
    vendor_id: str
    status: str
    target: str
    target_id: str

    @classmethod
    def of(cls, side: Side) -> "Columns":
        """Give them as the export writes them."""
        return cls("source", "vendor id", "status", side.noun, f"{side.noun} id")


@dataclass
class Plan:
    """What a file asks for: changes, rows that are so already, and rows that cannot be done, by line."""

    changes: list[Change] = field(default_factory=list)
    same: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Known:
    """What a file's words may stand for in this organization."""

    rows: Mapping[tuple[str, str], Any]
    by_id: Mapping[str, list[Any]]
    by_name: Mapping[str, list[Any]]
    sources: frozenset[str]


class Wrong(Exception):
    """A row that cannot be done; the sentence says why."""


def plan(side: Side, org_id: int, table: CsvTable) -> Plan:
    """Say what each row of a file asks for: eight queries. Raises Unreadable for a file without the columns."""
    columns = Columns.of(side)
    needed = [columns.source, columns.vendor_id, columns.status]
    if missing := [f"“{head}”" for head in needed if head not in table.heads]:
        raise Unreadable(
            f"It has no column {', '.join(missing)}. Export the list, change the file, and import that one."
        )
    known = _load(side, org_id)
    wanted: dict[int, tuple[int, State]] = {}
    made = Plan()
    for line, row in table.rows:
        if not any(row.values()):
            continue
        try:
            pk, state = _read(side, columns, known, row)
            if wanted.setdefault(pk, (line, state))[1] != state:
                raise Wrong(f"Line {wanted[pk][0]} asks for something else for the same {side.noun}.")
        except Wrong as wrong:
            made.problems.append((line, str(wrong)))
    rows = {row.pk: row for row in known.rows.values() if row.pk in wanted}
    shapes, asking = say_shapes(side, org_id, list(rows), month_of(timezone.now())), dict(table.rows)
    for pk, seen in read_states(side, org_id, rows).items():
        line, asked = wanted[pk]
        if why := _lost(side, shapes[pk], asked, asking[line]):
            made.problems.append((line, why))
        elif asked == seen or (asked.status == seen.status == "excluded" and asked.target is None):
            made.same += 1
        else:
            made.changes.append(Change(pk, seen, asked))
    return made


def _lost(side: Side, stands: Said, asked: State, row: Mapping[str, str]) -> str:
    """Say why a row cannot be done without losing what a file cannot carry; empty when nothing is lost."""
    for head, said in zip(heads(side), (stands.more, stands.other_months), strict=True):
        if row.get(head.lower(), said) != said:
            now = f"stands as “{said}”" if said else "is empty"
            return f"“{head}” {now}, and a file cannot change it: change it on the row itself."
    if stands.holds and not asked.target and not asked.excluded:
        what = "is split over accounts" if side is ACCOUNTS else "counts to more services"
        return f"It {what}, so it is not unmapped: end that first."
    return ""


def _load(side: Side, org_id: int) -> Known:
    rows = side.row_model.objects.filter(org_id=org_id).select_related("integration")
    by_id, by_name = defaultdict(list), defaultdict(list)
    for target in side.target_model.objects.filter(org_id=org_id, vanished_at=None):
        by_id[target.remote_id].append(target)
        by_name[target.name.casefold()].append(target)
    found = {(row.integration.name.casefold(), row.external_id): row for row in rows}
    return Known(found, by_id, by_name, frozenset(source for source, _ in found))


def _read(side: Side, columns: Columns, known: Known, row: Mapping[str, str]) -> tuple[int, State]:
    """Read what one row is about and what it asks for; raises Wrong."""
    source, key = row[columns.source], row[columns.vendor_id]
    if source.casefold() not in known.sources:
        raise Wrong(f"No source is called “{source}”.")
    found = known.rows.get((source.casefold(), key))
    if found is None:
        raise Wrong(f"{source} has no vendor {side.noun} with the id “{key}”.")
    status = row[columns.status].casefold()
    if status not in STATUSES:
        raise Wrong(f"The status “{row[columns.status]}” is none of Mapped, Unmapped and Excluded.")
    target = None if status == "unmapped" else _target(side, columns, known, row)
    if status == "mapped" and target is None:
        raise Wrong(f"It is to be mapped, and names no {side.noun}.")
    return found.pk, State(target, excluded=status == "excluded")


def _target(side: Side, columns: Columns, known: Known, row: Mapping[str, str]) -> int | None:
    key, name = row.get(columns.target_id, ""), row.get(columns.target, "")
    if not key and not name:
        return None
    found = known.by_id.get(key, []) if key else known.by_name.get(name.casefold(), [])
    what = f"the id “{key}”" if key else f"the name “{name}”"
    if not found:
        raise Wrong(f"Your PSA has no {side.noun} with {what}.")
    if len(found) > 1:
        more = (
            "ids of your PSA's connections are alike" if key else f"write its id into “{columns.target_id}”"
        )
        raise Wrong(f"{len(found)} {side.noun}s have {what}: {more}.")
    return int(found[0].pk)


def example(side: Side) -> str:
    """Give the heads that a file needs, as the dialog names them."""
    noun = "Account" if side is ACCOUNTS else "Service"
    return f"Source, Vendor id, Status, {noun} id (or {noun})"
