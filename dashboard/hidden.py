"""What lists leave out, counted and priced by reason: nothing disappears in silence (D2, D3, E5). Two queries."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, F, Sum
from django.db.models.functions import Greatest

from dashboard.models import Card
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

    @property
    def is_usage(self) -> bool:
        return self.key in EXCLUDED

    @property
    def is_invoiced(self) -> bool:
        return self.is_usage or self.key in INVOICED

    @property
    def amounts(self) -> list[tuple[str, Decimal]]:
        return _largest_first(self.money)


@dataclass(frozen=True)
class Hidden:
    """Everything that the lists leave out, by reason; usage first, then lines."""

    parts: list[Part]

    @property
    def number(self) -> int:
        return sum(part.number for part in self.parts)

    @property
    def billed(self) -> list[tuple[str, Decimal]]:
        """What the hidden lines bill on the next invoices, each currency by itself."""
        return _add_up(part for part in self.parts if not part.is_usage)

    @property
    def estimated(self) -> list[tuple[str, Decimal]]:
        """What the hidden usage is worth a month, each currency by itself."""
        return _add_up(part for part in self.parts if part.is_usage)


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


def _add_up(parts: Any) -> list[tuple[str, Decimal]]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        for currency, value in part.money.items():
            sums[currency] += value
    return _largest_first(sums)


def _largest_first(sums: dict[str, Decimal]) -> list[tuple[str, Decimal]]:
    return sorted(sums.items(), key=lambda item: (-item[1], item[0]))
