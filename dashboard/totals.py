"""The figures above and around the lines: tabs, coverage, money, unmapped usage, sources. A fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Q, Sum
from django.utils import timezone

from dashboard.filters import TABS
from dashboard.models import Card
from dashboard.words import UNCOMPARED
from psa.models import Connection
from vendors.models import Integration, UsageCount

ZERO = Decimal(0)
COMPARED = (Card.Kind.ADJUST, Card.Kind.MATCH, Card.Kind.HELD)
OPEN_STATES = [Card.State.TODO, Card.State.FAILED]


@dataclass
class Reason:
    """Why some lines are not compared: how many, what they bill a month, and where that is mended."""

    key: str
    label: str
    lines: int
    billed: Decimal
    where: str


@dataclass
class Money:
    """Sums of one currency over what is to do."""

    currency: str
    under: Decimal = ZERO
    under_lines: int = 0
    under_accounts: int = 0
    over: Decimal = ZERO
    over_lines: int = 0
    over_accounts: int = 0

    @property
    def net(self) -> Decimal:
        return self.under + self.over


@dataclass
class Totals:
    """What the strip, the tabs and the bars print. `money` is by currency, the largest first; never added up."""

    tabs: dict[str, int]
    billable: int
    compared: int
    uncompared: list[Reason]
    money: list[Money] = field(default_factory=list)
    currency: str = "USD"

    @property
    def main(self) -> Money:
        return self.money[0] if self.money else Money(self.currency)

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


def count(org_id: int, *, shows_all: bool = False) -> Totals:
    """Count an organization's cards: two queries. `shows_all` has the tab All hold lines without a source, too (E5)."""
    rows: list[Any] = list(
        Card.objects.filter(org_id=org_id)
        .values("state", "kind", "reason")
        .annotate(
            lines=Count("id"),
            of_lines=Count("line"),
            currency=Max("currency"),
            billed=Sum(F("psa_units") * F("price")),
        )
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
        money=_money(org_id),
        currency=max((row["currency"] for row in rows), default="") or "USD",
    )


def _reasons(rows: list[Any], kind: str, words: dict[str, tuple[str, str]]) -> list[Reason]:
    found: dict[str, Reason] = {}
    for row in rows:
        if row["kind"] == kind and row["of_lines"]:
            label, where = words[row["reason"]]
            reason = found.setdefault(row["reason"], Reason(row["reason"], label, 0, ZERO, where))
            reason.lines += row["of_lines"]
            reason.billed += row["billed"] or ZERO
    return sorted(found.values(), key=lambda r: -r.lines)


def _money(org_id: int) -> list[Money]:
    under, over = Q(effect__gt=0), Q(effect__lt=0)
    rows = (
        Card.objects.filter(org_id=org_id, state__in=OPEN_STATES)
        .values("currency")
        .annotate(
            under=Sum("effect", filter=under),
            under_lines=Count("id", filter=Q(delta__gt=0)),
            under_accounts=Count("account", filter=Q(delta__gt=0), distinct=True),
            over=Sum("effect", filter=over),
            over_lines=Count("id", filter=Q(delta__lt=0)),
            over_accounts=Count("account", filter=Q(delta__lt=0), distinct=True),
        )
    )
    every: list[dict[str, Any]] = [{name: value or ZERO for name, value in row.items()} for row in rows]
    sums = [Money(**row) for row in every]
    return sorted(sums, key=lambda m: -(m.under - m.over))


UNMAPPED = """
WITH loose AS (
    SELECT va.id, va.name, va.integration_id, va.excluded_at IS NOT NULL AS excluded, sum(u.quantity) AS units,
           count(*) AS services,
           -- Amounts in several currencies have no sum.
           CASE WHEN count(DISTINCT c.currency) = 1 THEN sum(u.quantity * s.price) END AS value,
           min(c.currency) AS currency,
           (array_agg(vs.name ORDER BY u.quantity * s.price DESC NULLS LAST, u.quantity DESC))[1] AS service
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
    GROUP BY va.id, va.name, va.integration_id, va.excluded_at
)
SELECT l.id, l.name, l.excluded, l.units, l.services, l.value, l.service, i.name, i.counted_at,
       count(*) OVER these, l.currency,
       CASE WHEN min(l.currency) OVER these = max(l.currency) OVER these THEN sum(l.value) OVER these END
FROM loose l JOIN vendors_integration i ON i.org_id = %(org)s AND i.id = l.integration_id
WINDOW these AS (PARTITION BY l.excluded)
ORDER BY l.excluded, l.value DESC NULLS LAST, l.units DESC, l.id LIMIT %(limit)s
"""


@dataclass
class LooseUsage:
    """A vendor account that no account stands for, with its usage priced from the catalogue where a price is known."""

    id: int
    name: str
    excluded: bool
    units: Decimal
    services: int
    value: Decimal | None
    service: str
    source: str
    counted_at: datetime | None
    of_these: int
    currency: str | None
    total: Decimal | None


@dataclass
class Unmapped:
    """Usage on no invoice: the largest few, how many there are, and what they are worth a month (an estimate)."""

    rows: list[LooseUsage]
    # Vendor services in use that stand for no service: their usage has no price yet.
    services: int = 0

    @property
    def shown(self) -> list[LooseUsage]:
        return [r for r in self.rows if not r.excluded][:3]

    @property
    def accounts(self) -> int:
        return next((r.of_these for r in self.rows if not r.excluded), 0)

    @property
    def value(self) -> Decimal | None:
        return next((r.total for r in self.rows if not r.excluded), None)

    @property
    def currency(self) -> str:
        """The currency of the value; empty while there is none."""
        return next((r.currency for r in self.rows if not r.excluded and r.currency), "") or ""

    @property
    def more(self) -> int:
        return self.accounts - len(self.shown)

    @property
    def more_value(self) -> Decimal | None:
        """What those that are not shown are worth; None where nothing can be added up."""
        return None if self.value is None else self.value - sum((r.value or ZERO for r in self.shown), ZERO)


def find_unmapped(org_id: int, limit: int = 50) -> Unmapped:
    """Price the usage of vendor accounts that are not mapped, and count the services that are not: two queries."""
    services = (
        UsageCount.objects.filter(org_id=org_id, superseded_at__isnull=True, metric="used", quantity__gt=0)
        .filter(vendor_service__excluded_at__isnull=True, vendor_service__mappings__isnull=True)
        .filter(vendor_account__excluded_at__isnull=True, vendor_service__vanished_at__isnull=True)
        .aggregate(n=Count("vendor_service", distinct=True))["n"]
    )
    with connection.cursor() as cursor:
        cursor.execute(UNMAPPED, {"org": org_id, "limit": limit})
        return Unmapped([LooseUsage(*row) for row in cursor.fetchall()], services)


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


def sum_by_currency(cards: Iterable[Card]) -> list[tuple[str, Decimal]]:
    """Add up the effects of some cards, each currency by itself."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for card in cards:
        sums[card.currency] += card.effect or ZERO
    return sorted(sums.items())
