"""The lists of Advanced config: entries with usage and price, totals, advice. A fixed number of queries."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from importlib.resources import files
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from psa.models import Account, Connection, Service
from reconcile.period import month_of
from vendors.mapping import ACCOUNTS, Side
from vendors.mapping_entries import CAUTIONS, STATUSES, Entry, Filters
from vendors.microsoft_skus import catalogue
from vendors.models import MappingRefusal
from vendors.names import read_name
from vendors.products import UNKNOWN, Product
from vendors.suggest import Candidate, Subject, Words, suggest

WORDS = {
    "accounts": Words("account", "PSA key"),
    "services": Words("service", "part number", name_at_most=60),
}
_ENTRIES = {key: (files("vendors") / f"mapping_{key}.sql").read_text() for key in WORDS}
_FITS = """
(%(status)s = '' OR status = %(status)s) AND (%(source)s = 0 OR integration_id = %(source)s) AND NOT EXISTS (
    SELECT FROM unnest(%(terms)s::text[]) AS t(term)
    WHERE strpos(lower(concat_ws(' ', name, external_id, key, target)), t.term) = 0)
"""
_PAGE = f"""
SELECT * FROM entries WHERE {_FITS}
ORDER BY CASE status WHEN 'unmapped' THEN 0 WHEN 'excluded' THEN 1 ELSE 2 END,
         CASE WHEN %(sort)s = 'name' THEN name WHEN %(sort)s = 'source' THEN source
              WHEN %(sort)s = 'target' THEN target END ASC NULLS LAST,
         CASE WHEN %(sort)s = '-name' THEN name WHEN %(sort)s = '-source' THEN source
              WHEN %(sort)s = '-target' THEN target END DESC NULLS LAST,
         CASE WHEN %(sort)s = 'money' THEN value END ASC NULLS LAST,
         CASE WHEN %(sort)s = '-money' THEN value END DESC NULLS LAST,
         counts DESC, quantity DESC NULLS LAST, name, id
LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608 - our own constants
_TOTALS = f"""
SELECT status, currency, count(*) AS entries, count(*) FILTER (WHERE counts > 0) AS used, sum(value) AS value,
       count(*) FILTER (WHERE unpriced > 0) AS unpriced, count(*) FILTER (WHERE {_FITS}) AS fits
FROM entries GROUP BY status, currency
"""  # noqa: S608 - our own constants
# Scalar subqueries on purpose: they are looked up row by row, which is fast also before the planner knows any sizes.
_WAITING = """
SELECT (
    SELECT count(*) FROM vendors_vendoraccount va
    WHERE va.org_id = %(org)s AND va.excluded_at IS NULL AND va.vanished_at IS NULL
      AND (SELECT m.id FROM vendors_accountmapping m
           WHERE m.org_id = va.org_id AND m.vendor_account_id = va.id LIMIT 1) IS NULL
      AND (SELECT u.id FROM vendors_usagecount u
           WHERE u.org_id = va.org_id AND u.vendor_account_id = va.id AND u.superseded_at IS NULL
             AND u.metric = 'used' AND u.quantity > 0
             AND (SELECT vs.excluded_at IS NULL FROM vendors_vendorservice vs
                  WHERE vs.org_id = u.org_id AND vs.id = u.vendor_service_id)
           LIMIT 1) IS NOT NULL
) + (
    SELECT count(*) FROM vendors_vendorservice vs
    WHERE vs.org_id = %(org)s AND vs.excluded_at IS NULL AND vs.vanished_at IS NULL
      AND (SELECT m.id FROM vendors_servicemapping m
           WHERE m.org_id = vs.org_id AND m.vendor_service_id = vs.id LIMIT 1) IS NULL
      AND (SELECT u.id FROM vendors_usagecount u
           WHERE u.org_id = vs.org_id AND u.vendor_service_id = vs.id AND u.superseded_at IS NULL
             AND u.metric = 'used' AND u.quantity > 0
             AND (SELECT va.excluded_at IS NULL AND va.vanished_at IS NULL FROM vendors_vendoraccount va
                  WHERE va.org_id = u.org_id AND va.id = u.vendor_account_id)
           LIMIT 1) IS NOT NULL
)
"""
_OPEN = "SELECT * FROM entries WHERE status = 'unmapped' ORDER BY value DESC NULLS LAST, name, id"
_NAMED = "SELECT * FROM entries ORDER BY name, id"


@dataclass
class Total:
    """Entries of one status: how many, how many have usage, and what it is worth a month, by currency."""

    entries: int = 0
    used: int = 0
    unpriced: int = 0
    values: dict[str, Decimal] = field(default_factory=dict)


@dataclass
class Group:
    """The entries of one status on this page, and the total of all of them; it may be empty here."""

    status: str
    label: str
    total: Total
    entries: list[Entry]


@dataclass
class Page:
    """One page of entries in groups of one status; `entries` counts all that fit the filters."""

    groups: list[Group]
    entries: int
    number: int
    last: int

    @property
    def before(self) -> int:
        return self.number - 1

    @property
    def after(self) -> int:
        return self.number + 1


@dataclass
class Overview:
    """What stands around the list: totals by status, and the unmapped entries with their advice."""

    totals: dict[str, Total]
    fits: int
    loose: list[Entry]

    def groups(self, found: Sequence[Entry] = ()) -> list[Group]:
        """Share some entries out to the groups."""
        return [
            Group(status, label, self.totals[status], [e for e in found if e.status == status])
            for status, label in STATUSES.items()
        ]

    @property
    def entries(self) -> int:
        return sum(total.entries for total in self.totals.values())

    @property
    def advised(self) -> int:
        return sum(1 for entry in self.loose if entry.first)

    @cached_property
    def sure(self) -> list[Entry]:
        """The entries whose suggestion may be accepted together with others."""
        return [entry for entry in self.loose if entry.advice.sure]

    @cached_property
    def new(self) -> list[Entry]:
        """The unmapped entries of the last seven days."""
        since = timezone.now() - timedelta(days=7)
        return [entry for entry in self.loose if entry.created_at >= since]

    @property
    def new_by_source(self) -> list[tuple[str, int]]:
        return Counter(entry.source for entry in self.new).most_common()

    @property
    def sure_values(self) -> list[tuple[str, Decimal]]:
        return sum_values(self.sure)


def sum_values(entries: Iterable[Entry]) -> list[tuple[str, Decimal]]:
    """Add up estimates, each currency by itself; what has no price is left out."""
    sums: dict[str, Decimal] = {}
    for entry in entries:
        if entry.value and entry.currency:
            sums[entry.currency] = sums.get(entry.currency, Decimal(0)) + entry.value
    return sorted(sums.items(), key=lambda item: -item[1])


def count_waiting(org_id: int) -> int:
    """Count the unmapped vendor accounts and services that have usage: one query, on every page."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"org": org_id})
        (number,) = cursor.fetchone()
    return int(number)


def count_unmapped(side: Side, org_id: int) -> int:
    """Count the unmapped entries of one side, with usage or without: one query."""
    rows = side.row_model.objects.filter(org_id=org_id, excluded_at=None, vanished_at=None, mappings=None)
    return int(rows.count())


def list_page(side: Side, org_id: int, filters: Filters, overview: Overview) -> Page:
    """Give the page that the filters ask for, unmapped entries first: one query."""
    size = settings.PAGE_LINES
    last = max(1, -(-overview.fits // size))
    number = min(filters.page, last)
    window = {"limit": size, "offset": (number - 1) * size}
    found = _ask(side, org_id, _PAGE, filters.parameters | window)
    advised = {entry.id: entry.advice for entry in overview.loose}
    for entry in found:
        entry.advice = advised.get(entry.id, entry.advice)
    return Page(overview.groups(found), overview.fits, number, last)


def list_whole(side: Side, org_id: int, filters: Filters, limit: int) -> list[Entry]:
    """Give all entries that the filters ask for, in the order of the pages, `limit` at most: one query."""
    return _ask(side, org_id, _PAGE, filters.parameters | {"limit": limit, "offset": 0})


def look_over(side: Side, org_id: int, filters: Filters) -> Overview:
    """Count everything, and advise on what is unmapped: three queries."""
    totals = {status: Total() for status in STATUSES}
    fits = 0
    for row in _fetch(side, org_id, _TOTALS, filters.parameters):
        total = totals[row["status"]]
        total.entries += row["entries"]
        total.used += row["used"]
        total.unpriced += row["unpriced"]
        if row["value"] and row["currency"]:
            total.values[row["currency"]] = row["value"]
        fits += row["fits"]
    loose = _ask(side, org_id, _OPEN, {})
    advise(side, org_id, loose)
    return Overview(totals, fits, loose)


def list_named(side: Side, org_id: int, ids: Sequence[int]) -> list[Entry]:
    """Give some entries with their advice, whatever their status: two queries."""
    entries = _ask(side, org_id, _NAMED, {}, list(ids))
    advise(side, org_id, entries)
    return entries


def advise(side: Side, org_id: int, entries: Sequence[Entry]) -> None:
    """Write its advice into each of the entries: four queries."""
    decided, refused = _decisions(side, org_id), list_refusals(side, org_id)
    subjects = (
        Subject(
            id=e.id,
            name=e.name,
            source=e.integration_id,
            keys=read_keys(side, [e.key]),
            # Of another source: two rows of one name in one source are two customers.
            decided=frozenset(
                t for source, t in decided.get(_folded(e.name), ()) if source != e.integration_id
            ),
            refused=frozenset(refused.get(e.id, ())),
            caution=CAUTIONS.get(e.kind, ""),
            product=read_product(side, e.name, [e.key]),
        )
        for e in entries
    )
    advice = suggest(subjects, list_candidates(side, org_id), WORDS[side.key])
    for entry in entries:
        entry.advice = advice[entry.id]


def _decisions(side: Side, org_id: int) -> dict[str, list[tuple[int, int]]]:
    """Give by name what people have mapped: the source and the target."""
    rows = side.mapping_model.objects.filter(org_id=org_id).values_list(
        f"{side.owner}__name", f"{side.owner}__integration_id", f"{side.noun}_id"
    )
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for name, source, target in rows:
        found[_folded(name)].append((source, target))
    found.pop("", None)
    return found


def list_refusals(side: Side, org_id: int) -> dict[int, list[int]]:
    """Give by row the targets that people have taken back from it."""
    rows = MappingRefusal.objects.filter(org_id=org_id, **{f"{side.owner}__isnull": False})
    found: dict[int, list[int]] = defaultdict(list)
    for row, target in rows.values_list(f"{side.owner}_id", f"{side.noun}_id"):
        found[row].append(target)
    return found


def _folded(name: str) -> str:
    return read_name(name).letters


def list_candidates(side: Side, org_id: int) -> list[Candidate]:
    """Give all accounts or services that the PSA has, with their keys: two queries."""
    keys = ("remote_id", "identifier") if side is ACCOUNTS else ("part_number", "vendor_sku", "identifier")
    model: Any = Account if side is ACCOUNTS else Service
    rows = model.objects.filter(org_id=org_id, vanished_at=None).order_by("name", "pk")
    psas = dict(Connection.objects.filter(org_id=org_id).values_list("pk", "name"))
    return [
        Candidate(
            id=pk,
            name=name,
            keys=read_keys(side, found),
            caution="" if active else "not active in the PSA",
            psa=psas[psa],
            product=read_product(side, name, found),
        )
        for pk, name, active, psa, *found in rows.values_list("pk", "name", "active", "connection_id", *keys)
    ]


def read_keys(side: Side, texts: Iterable[str]) -> tuple[str, ...]:
    """Give what stands for an account or a service; of Microsoft's products everything that stands for the same."""
    return tuple(filter(None, texts)) if side is ACCOUNTS else catalogue().keys_of(texts)


def read_product(side: Side, name: str, texts: Sequence[str]) -> Product:
    """Give what a service says of its product; an account has none."""
    return UNKNOWN if side is ACCOUNTS else catalogue().describe(name, texts)


def _ask(
    side: Side, org_id: int, query: str, parameters: dict[str, Any], ids: list[int] | None = None
) -> list[Entry]:
    return [Entry(**row) for row in _fetch(side, org_id, query, parameters, ids)]


def _fetch(
    side: Side, org_id: int, query: str, parameters: dict[str, Any], ids: list[int] | None = None
) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        of: dict[str, Any] = {"org": org_id, "month": month_of(timezone.now()), "ids": ids}
        cursor.execute(_ENTRIES[side.key] + query, of | parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
