"""The figures above and around the lines: tabs, coverage, money, unmapped usage, sources. A fixed number of queries."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from accounts.exchange import Exchange, Path, Total
from dashboard.filters import TABS
from dashboard.models import Card
from dashboard.sums import by_currency
from dashboard.words import UNCOMPARED
from dashboard.writes import Write
from psa.models import Connection
from vendors.models import Integration, UsageCount

ZERO = Decimal(0)
COMPARED = (Card.Kind.ADJUST, Card.Kind.MATCH, Card.Kind.HELD)
OPEN_STATES = [Card.State.TODO, Card.State.FAILED]


@dataclass
class Reason:
    """Why some lines are not compared: how many, what they bill a month by currency, and where that is mended."""

    key: str
    label: str
    where: str
    lines: int = 0
    billed: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


@dataclass(frozen=True)
class Side:
    """One side of what is to do: under-billed or over-billed. `lines` and `accounts` are of all currencies."""

    total: Total
    lines: int = 0
    accounts: int = 0


@dataclass(frozen=True)
class Money:
    """What is to do, in money: brought to the display currency where every amount has a rate (G1)."""

    under: Side
    over: Side
    net: Total
    # What the heads of amounts name: the one currency of all lines. Of several none, and each amount carries its code.
    currency: str
    paths: list[tuple[Path, bool]]
    missing: list[str]


@dataclass
class Totals:
    """What the strip, the tabs and the bars print."""

    tabs: dict[str, int]
    billable: int
    compared: int
    uncompared: list[Reason]
    money: Money

    @property
    def missing(self) -> int:
        return self.billable - self.compared

    def _share(self, tab: str) -> Decimal:
        """Give the percentage of the lines with something to decide that one tab holds, for the bar."""
        every = sum(self.tabs[name] for name in ("todo", "held", "ready", "done"))
        return round(Decimal(self.tabs[tab] * 100) / (every or 1), 1)

    @property
    def done_width(self) -> Decimal:
        return self._share("done")

    @property
    def ready_width(self) -> Decimal:
        return self._share("ready")

    @property
    def held_width(self) -> Decimal:
        return self._share("held")

    @property
    def held_start(self) -> Decimal:
        return 100 - self.held_width


def count(org_id: int, exchange: Exchange, *, shows_all: bool = False) -> Totals:
    """Count an organization's cards: two queries. `shows_all` has the tab All hold lines without a source, too (E5)."""
    rows: list[Any] = list(
        Card.objects.filter(org_id=org_id)
        .values("state", "kind", "reason", "currency")
        .annotate(lines=Count("id"), of_lines=Count("line"), billed=Sum(F("psa_units") * F("price")))
    )
    by_state: dict[str, int] = defaultdict(int)
    for row in rows:
        by_state[row["state"]] += row["lines"]
    with_source = [r for r in rows if r["kind"] not in (Card.Kind.HIDDEN, Card.Kind.PSA_ONLY)]
    tabs = {name: sum(by_state[s] for s in states) for name, (_, states) in TABS.items()}
    if shows_all:
        tabs["all"] += tabs["other"]
    return Totals(
        tabs=tabs,
        billable=sum(r["of_lines"] for r in with_source),
        compared=sum(r["of_lines"] for r in with_source if r["kind"] in COMPARED),
        uncompared=_reasons(rows, Card.Kind.WAITING, UNCOMPARED),
        money=_add_up(_to_do(org_id), sorted({row["currency"] for row in rows} - {""}), exchange),
    )


def _reasons(rows: list[Any], kind: str, words: dict[str, tuple[str, str]]) -> list[Reason]:
    found: dict[str, Reason] = {}
    for row in rows:
        if row["kind"] == kind and row["of_lines"]:
            label, where = words[row["reason"]]
            reason = found.setdefault(row["reason"], Reason(row["reason"], label, where))
            reason.lines += row["of_lines"]
            reason.billed[row["currency"]] += row["billed"] or ZERO
    return sorted(found.values(), key=lambda r: -r.lines)


def _to_do(org_id: int) -> list[Any]:
    """Add up what is to do, each currency by itself."""
    rows = Card.objects.filter(org_id=org_id, state__in=OPEN_STATES).values("currency")
    sums: dict[str, Any] = {}
    for side, effect, delta in (
        ("under", Q(effect__gt=0), Q(delta__gt=0)),
        ("over", Q(effect__lt=0), Q(delta__lt=0)),
    ):
        sums[side] = Sum("effect", filter=effect, default=ZERO)
        sums[f"{side}_lines"] = Count("id", filter=delta)
        sums[f"{side}_unpriced"] = Count("id", filter=delta & Q(effect=None))
        sums[f"{side}_accounts"] = ArrayAgg("account", filter=delta, distinct=True, default=[])
    return list(rows.annotate(**sums))


def _add_up(rows: list[Any], books: list[str], exchange: Exchange) -> Money:
    """Bring sums by currency to one where rates allow; `books` are the currencies of all lines."""
    under, over = _of(rows, "under", books), _of(rows, "over", books)
    sides = {name: _side(rows, name, exchange.add(sums)) for name, sums in (("under", under), ("over", over))}
    net = exchange.add({code: under[code] + over[code] for code in under})
    found = [exchange.find(code) for code in books]
    paths = [path for path in found if path is not None]
    return Money(
        **sides,
        net=replace(net, unpriced=sum(side.total.unpriced for side in sides.values())),
        currency=books[0] if len(books) == 1 else "",
        paths=[(path, exchange.is_old(path)) for path in paths if path.rates],
        missing=[code for code, path in zip(books, found, strict=True) if path is None],
    )


def _side(rows: list[Any], name: str, total: Total) -> Side:
    # An account with lines in two currencies is one account.
    accounts = {account for row in rows for account in row[f"{name}_accounts"]}
    total = replace(total, unpriced=sum(row[f"{name}_unpriced"] for row in rows))
    return Side(total, sum(row[f"{name}_lines"] for row in rows), len(accounts))


def _of(rows: list[Any], side: str, books: list[str]) -> dict[str, Decimal]:
    return dict.fromkeys(books, ZERO) | {row["currency"]: row[side] for row in rows}


UNMAPPED = """
WITH priced AS (
    SELECT va.id, va.name, va.integration_id, va.excluded_at IS NOT NULL AS excluded, vs.name AS service,
           u.quantity, c.currency, u.quantity * s.price AS value
    FROM vendors_vendoraccount va
    JOIN vendors_usagecount u
        ON u.org_id = va.org_id AND u.vendor_account_id = va.id AND u.superseded_at IS NULL AND u.metric = 'used'
    JOIN vendors_vendorservice vs ON vs.org_id = va.org_id AND vs.id = u.vendor_service_id
    LEFT JOIN vendors_servicemapping sm ON sm.org_id = va.org_id AND sm.vendor_service_id = vs.id
    LEFT JOIN psa_service s ON s.org_id = va.org_id AND s.id = sm.service_id
    LEFT JOIN psa_connection c ON c.org_id = s.org_id AND c.id = s.connection_id AND s.price IS NOT NULL
    WHERE va.org_id = %(org)s AND va.vanished_at IS NULL AND u.quantity > 0 AND vs.excluded_at IS NULL
      AND NOT EXISTS (
          SELECT FROM vendors_accountmapping m WHERE m.org_id = va.org_id AND m.vendor_account_id = va.id)
), loose AS (
    SELECT id, name, integration_id, excluded, sum(quantity) AS units, count(*) AS services, sum(value) AS weight,
           (array_agg(service ORDER BY value DESC NULLS LAST, quantity DESC))[1] AS service
    FROM priced GROUP BY id, name, integration_id, excluded
), sums AS (
    -- Each currency by itself; as text, because a number in JSON would lose its last digits.
    SELECT excluded, id, jsonb_object_agg(currency, total::text) AS amounts
    FROM (
        SELECT excluded, id, currency, sum(value) AS total FROM priced WHERE currency IS NOT NULL
        GROUP BY GROUPING SETS ((excluded, id, currency), (excluded, currency))
    ) s GROUP BY excluded, id
)
SELECT l.id, l.name, l.excluded, l.units, l.services, l.service, i.name, i.counted_at,
       count(*) OVER (PARTITION BY l.excluded), own.amounts, every.amounts
FROM loose l JOIN vendors_integration i ON i.org_id = %(org)s AND i.id = l.integration_id
LEFT JOIN sums own ON own.excluded = l.excluded AND own.id = l.id
LEFT JOIN sums every ON every.excluded = l.excluded AND every.id IS NULL
ORDER BY l.excluded, l.weight DESC NULLS LAST, l.units DESC, l.id LIMIT %(limit)s
"""


@dataclass
class LooseUsage:
    """A vendor account that no account stands for, with its usage priced from the catalogue where a price is known."""

    id: int
    name: str
    excluded: bool
    units: Decimal
    services: int
    service: str
    source: str
    counted_at: datetime | None
    of_these: int
    amounts: dict[str, Decimal]
    of_all: dict[str, Decimal]
    worth: Total | None = None


@dataclass
class Unmapped:
    """Usage on no invoice: the largest few, how many there are, and what they are worth a month (an estimate)."""

    rows: list[LooseUsage]
    # Vendor services in use that stand for no service: their usage has no price yet.
    services: int = 0
    worth: Total | None = None
    more_worth: Total | None = None

    @property
    def loose(self) -> list[LooseUsage]:
        return [r for r in self.rows if not r.excluded]

    @property
    def shown(self) -> list[LooseUsage]:
        return self.loose[:3]

    @property
    def accounts(self) -> int:
        return next((r.of_these for r in self.loose), 0)

    @property
    def more(self) -> int:
        return self.accounts - len(self.shown)

    @property
    def amounts(self) -> dict[str, Decimal]:
        """What it is worth a month, each currency by itself; empty without a price."""
        return next((r.of_all for r in self.loose), {})

    def price(self, exchange: Exchange) -> Self:
        """Add up what it is worth, in the display currency where rates allow."""
        left = dict(self.amounts)
        self.worth = exchange.add(left) if left else None
        for row in self.shown:
            row.worth = exchange.add(row.amounts) if row.amounts else None
            for code, amount in row.amounts.items():
                left[code] -= amount
        self.more_worth = exchange.add(left) if any(left.values()) else None
        return self


def find_unmapped(org_id: int, limit: int = 50) -> Unmapped:
    """Find the usage of vendor accounts that are not mapped, and count the services that are not: two queries."""
    services = (
        UsageCount.objects.filter(org_id=org_id, superseded_at__isnull=True, metric="used", quantity__gt=0)
        .filter(vendor_service__excluded_at__isnull=True, vendor_service__mappings__isnull=True)
        .filter(vendor_account__excluded_at__isnull=True, vendor_service__vanished_at__isnull=True)
        .aggregate(n=Count("vendor_service", distinct=True))["n"]
    )
    with connection.cursor() as cursor:
        cursor.execute(UNMAPPED, {"org": org_id, "limit": limit})
        rows = [LooseUsage(*row[:-2], *map(_amounts, row[-2:])) for row in cursor.fetchall()]
    return Unmapped(rows, services)


def _amounts(found: str | None) -> dict[str, Decimal]:
    return {code: Decimal(text) for code, text in json.loads(found or "{}").items()}


@dataclass
class Sources:
    """How many sources are fresh, and which need someone."""

    total: int
    fresh: int
    integrations: list[Integration]
    connections: list[Connection]

    @property
    def stale(self) -> int:
        return self.total - self.fresh


def look_at_sources(org_id: int, stale_hours: int, now: datetime | None = None) -> Sources:
    """Judge the freshness of every source: two queries."""
    limit = (now or timezone.now()) - timedelta(hours=stale_hours)
    integrations = list(Integration.objects.filter(org_id=org_id).order_by("name"))
    connections = list(Connection.objects.filter(org_id=org_id).order_by("name"))
    fresh = sum(1 for i in integrations if i.counted_at and i.counted_at >= limit and not i.held)
    fresh += sum(1 for c in connections if c.read_at and c.read_at >= limit)
    return Sources(len(integrations) + len(connections), fresh, integrations, connections)


def add_effects(changes: Iterable[Card | Write], exchange: Exchange) -> Total:
    """Add up what some lines change on the next invoices; those without a price or a count are told apart."""
    every = list(changes)
    total = exchange.add(by_currency((one.currency, one.effect) for one in every if one.effect is not None))
    unknown = [one for one in every if one.effect is None]
    uncounted = sum(1 for one in unknown if one.delta is None)
    return replace(total, unpriced=len(unknown) - uncounted, uncounted=uncounted)
