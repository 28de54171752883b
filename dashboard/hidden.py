"""What lists leave out, counted and priced by reason: nothing disappears in silence (D2, D3, E5). Two queries."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from django.db import connection
from django.db.models import Count, F, Sum
from django.db.models.functions import Greatest

from accounts.exchange import Exchange, Total
from dashboard.models import Card
from dashboard.sums import by_currency
from dashboard.words import HIDDEN

ZERO = Decimal(0)
# The lines that are on the next invoice, whether or not anything counts them.
INVOICED = ("no_vendor_service", "no_vendor_account", "agreement_out_of_scope")
EXCLUDED = {
    "accounts": ("excluded vendor account", "mapping_accounts"),
    "services": ("excluded vendor service", "mapping_services"),
}
# Usage of an excluded service in an excluded account is hidden once, with the account.
_EXCLUDED_USAGE = """
WITH left_out AS (
    SELECT 'accounts' AS side, va.id, u.quantity, s.price, k.currency
    FROM vendors_vendoraccount va
    LEFT JOIN vendors_usagecount u ON u.org_id = va.org_id AND u.vendor_account_id = va.id
        AND u.superseded_at IS NULL AND u.metric = 'used' AND u.quantity > 0
    LEFT JOIN vendors_servicemapping sm ON sm.org_id = u.org_id AND sm.vendor_service_id = u.vendor_service_id
    LEFT JOIN psa_service s ON s.org_id = sm.org_id AND s.id = sm.service_id AND s.price IS NOT NULL
    LEFT JOIN psa_connection k ON k.org_id = s.org_id AND k.id = s.connection_id
    WHERE va.org_id = %(org)s AND va.excluded_at IS NOT NULL AND va.vanished_at IS NULL
    UNION ALL
    SELECT 'services', vs.id, u.quantity, s.price, k.currency
    FROM vendors_vendorservice vs
    LEFT JOIN (
        SELECT u.* FROM vendors_usagecount u
        JOIN vendors_vendoraccount va
            ON va.org_id = u.org_id AND va.id = u.vendor_account_id AND va.excluded_at IS NULL
        WHERE u.org_id = %(org)s AND u.superseded_at IS NULL AND u.metric = 'used' AND u.quantity > 0
    ) u ON u.org_id = vs.org_id AND u.vendor_service_id = vs.id
    LEFT JOIN vendors_servicemapping sm ON sm.org_id = vs.org_id AND sm.vendor_service_id = vs.id
    LEFT JOIN psa_service s ON s.org_id = sm.org_id AND s.id = sm.service_id AND s.price IS NOT NULL
    LEFT JOIN psa_connection k ON k.org_id = s.org_id AND k.id = s.connection_id
    WHERE vs.org_id = %(org)s AND vs.excluded_at IS NOT NULL AND vs.vanished_at IS NULL
)
SELECT side, COALESCE(currency, ''), grouping(currency) = 1, count(DISTINCT id), COALESCE(sum(quantity), 0),
       COALESCE(sum(quantity * price), 0), count(quantity) FILTER (WHERE price IS NULL)
FROM left_out GROUP BY GROUPING SETS ((side), (side, currency))
"""


@dataclass
class Part:
    """What one reason hides: how many lines or vendor rows, their units, and a month's money by currency.

    `money` of lines is billed; that of vendor rows is an estimate from the catalogue. `unpriced` counts are in neither.
    """

    key: str
    label: str
    where: str
    number: int = 0
    units: Decimal = ZERO
    unpriced: int = 0
    money: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    worth: Total | None = None

    @property
    def is_usage(self) -> bool:
        return self.key in EXCLUDED

    @property
    def is_invoiced(self) -> bool:
        return self.is_usage or self.key in INVOICED


@dataclass
class Hidden:
    """Everything that the lists leave out, by reason; usage first, then lines.

    `billed` is what the lines bill on the next invoices, `estimated` what the usage is worth a month; None: nothing.
    """

    parts: list[Part]
    billed: Total | None = None
    estimated: Total | None = None

    @property
    def number(self) -> int:
        return sum(part.number for part in self.parts)

    @property
    def conversions(self) -> Total:
        """Every conversion behind these sums, and every currency without a rate; no sum itself."""
        sums = [one for one in (self.billed, self.estimated, *(part.worth for part in self.parts)) if one]
        paths = dict.fromkeys(path for one in sums for path in one.paths)
        return Total((), tuple(paths), tuple(sorted({code for one in sums for code in one.missing})))

    def price(self, exchange: Exchange) -> Self:
        """Add up what is left out, in the display currency where rates allow."""
        for part in self.parts:
            part.worth = exchange.add(part.money) if part.money else None
        self.billed = self._add_up(exchange, usage=False)
        self.estimated = self._add_up(exchange, usage=True)
        return self

    def _add_up(self, exchange: Exchange, *, usage: bool) -> Total | None:
        sums = by_currency(one for part in self.parts if part.is_usage == usage for one in part.money.items())
        return exchange.add(sums) if sums else None


def find_hidden(org_id: int, *, shows_all: bool) -> Hidden:
    """Count and price what is left out; with `shows_all` the lines without a source are listed, so not hidden."""
    return Hidden(_excluded(org_id) + ([] if shows_all else _lines(org_id)))


def _excluded(org_id: int) -> list[Part]:
    parts = {side: Part(side, label, where) for side, (label, where) in EXCLUDED.items()}
    with connection.cursor() as cursor:
        cursor.execute(_EXCLUDED_USAGE, {"org": org_id})
        for side, currency, is_total, number, units, value, unpriced in cursor.fetchall():
            part = parts[side]
            if is_total:
                part.number, part.units, part.unpriced = number, units, unpriced
            elif value:
                part.money[currency] = value
    return [part for part in parts.values() if part.number]


def _lines(org_id: int) -> list[Part]:
    billed = Greatest(F("psa_units") - F("line__included"), ZERO) * F("price")
    rows: list[Any] = list(
        Card.objects.filter(org_id=org_id, state=Card.State.NONE)
        .values("reason", "currency")
        .annotate(
            lines=Count("id"),
            units=Sum("psa_units"),
            unpriced=Count("id") - Count("price"),
            billed=Sum(billed),
        )
    )
    parts: dict[str, Part] = {}
    for row in rows:
        part = parts.setdefault(row["reason"], Part(row["reason"], *HIDDEN[row["reason"]]))
        part.number += row["lines"]
        part.units += row["units"] or ZERO
        part.unpriced += row["unpriced"]
        if row["billed"] and part.is_invoiced:
            part.money[row["currency"]] += row["billed"]
    return sorted(parts.values(), key=lambda part: (not part.is_invoiced, -part.number, part.label))
