"""Sums of money across currencies: brought to the display currency where rates allow, else each by itself (G1)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from accounts.exchange import Exchange, Path, Total

ZERO = Decimal(0)
# An amount and its currency; None where it is not known, which no sum holds.
Amount = tuple[str, Decimal | None]


def by_currency(amounts: Iterable[Amount]) -> dict[str, Decimal]:
    """Add up amounts, each currency by itself."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for currency, amount in amounts:
        sums[currency] += amount or ZERO
    return dict(sums)


@dataclass(frozen=True)
class Sides:
    """What was billed too low and what too high, and every conversion in both with whether its rate is old."""

    under: Total
    over: Total
    paths: list[tuple[Path, bool]]


def two_sides(amounts: Iterable[Amount], exchange: Exchange) -> Sides:
    """Add up what is above zero and what is below."""
    known = [(currency, amount) for currency, amount in amounts if amount]
    under = exchange.add(by_currency(one for one in known if one[1] > 0))
    over = exchange.add(by_currency(one for one in known if one[1] < 0))
    paths = dict.fromkeys(under.paths + over.paths)
    return Sides(under, over, [(path, exchange.is_old(path)) for path in paths])


def worth(amount: Decimal | None, currency: str, exchange: Exchange) -> Decimal:
    """Give the size of an amount, for an order: in the display currency, or as it is printed without a rate."""
    found = exchange.convert(amount, currency) if amount is not None else None
    return abs(found.amount if found else amount or ZERO)
