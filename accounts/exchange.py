"""Amounts in one currency shown in another, by dated rates: pure arithmetic in Decimal, rounded only when shown (G1).

Whoever shows or adds up money asks once per request, inside the organization's scope:

    from accounts.rates import exchange_for
    exchange = exchange_for(org_id)                 # the display currency, at today's rates
    exchange = exchange_for(org_id, on=day)         # the same, at the rates of a past day (a month's close)

    exchange.currency                               # "USD": the currency that the organization reads in
    exchange.convert(amount, "EUR")                 # Converted, or None where no rate is known
    exchange.add({"EUR": a, "GBP": b})              # Total: one sum, or each currency by itself; never a wrong sum

Amounts keep their own currency wherever they are stored. Nothing that is converted is ever written to a PSA.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext

# The European Central Bank quotes every currency against it, so that two of its rates give a third.
PIVOT = "EUR"
MANUAL, ECB = "manual", "ecb"
SOURCES = {MANUAL: "entered by hand", ECB: "ECB"}
# So many digits that nothing is lost before an amount is rounded for a screen.
DIGITS = 50
ONE, ZERO = Decimal(1), Decimal(0)


@dataclass(frozen=True)
class Rate:
    """One dated rate: 1 `base` is `rate` `quote`."""

    base: str
    quote: str
    rate: Decimal
    on: date
    source: str = ECB

    @property
    def words(self) -> str:
        """Say it in words: "1 EUR = 1.0832 USD, ECB, 24 Nov 2026"."""
        text = f"{self.rate:f}"
        shown = text.rstrip("0").rstrip(".") if "." in text else text
        source = SOURCES[self.source]
        return f"1 {self.base} = {shown} {self.quote}, {source}, {self.on.day} {self.on:%b %Y}"

    @property
    def path(self) -> "Path":
        """The way from the base to the quote."""
        return Path(self.base, self.quote, (self,))


@dataclass(frozen=True)
class Path:
    """How one currency becomes another: the rates it takes, none for the currency itself."""

    source: str
    target: str
    rates: tuple[Rate, ...] = ()

    @property
    def on(self) -> date | None:
        """The day it speaks for: that of its oldest rate."""
        return min((rate.on for rate in self.rates), default=None)

    @property
    def words(self) -> str:
        """Name the pair, the day and the source of each rate."""
        return "; ".join(rate.words for rate in self.rates)

    def apply(self, amount: Decimal) -> Decimal:
        """Convert an amount; not rounded."""
        with localcontext(prec=DIGITS):
            times, by, at = ONE, ONE, self.source
            for rate in self.rates:
                if rate.base == at:
                    times, at = times * rate.rate, rate.quote
                else:
                    by, at = by * rate.rate, rate.base
            return amount * times / by


@dataclass(frozen=True)
class Converted:
    """An amount in another currency, with the rates behind it."""

    amount: Decimal
    currency: str
    path: Path


@dataclass(frozen=True)
class Part:
    """An amount of one currency in a total."""

    currency: str
    amount: Decimal


@dataclass(frozen=True)
class Total:
    """A sum of amounts: one part when all could be brought to one currency, else each currency by itself.

    `paths` are the conversions in it: with any, the sum is an estimate. `missing` are the currencies without a rate.
    `unpriced` and `uncounted` say how many lines it lacks, because nobody knows their price, or their count.
    """

    parts: tuple[Part, ...]
    paths: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()
    unpriced: int = 0
    uncounted: int = 0

    @property
    def is_estimate(self) -> bool:
        return bool(self.paths)

    @property
    def rates(self) -> tuple[Rate, ...]:
        """The rates behind it, each once."""
        return tuple(dict.fromkeys(rate for path in self.paths for rate in path.rates))

    @property
    def is_unknown(self) -> bool:
        """Say whether nothing could be added up, so that its zero is none."""
        return bool(self.unpriced or self.uncounted) and not any(part.amount for part in self.parts)

    @property
    def first(self) -> Part:
        return self.parts[0]

    @property
    def rest(self) -> tuple[Part, ...]:
        return self.parts[1:]

    @property
    def amount(self) -> Decimal | None:
        """The one sum; None where the currencies stand apart."""
        return self.parts[0].amount if len(self.parts) == 1 else None

    @property
    def currency(self) -> str:
        return self.parts[0].currency


@dataclass(frozen=True)
class Exchange:
    """The currency in which an organization reads, and the rates it knows of one day; see the module for its use."""

    currency: str
    day: date
    old_after_days: int = 7
    rates: Mapping[tuple[str, str], Rate] = field(default_factory=dict)

    def find(self, source: str, target: str = "") -> Path | None:
        """Find the way from a currency to another (the display currency): the newest; None when no rate is known.

        A rate of the very pair goes before one across the pivot of the same day.
        """
        target = target or self.currency
        if source == target:
            return Path(source, target)
        straight = self._leg(source, target)
        into, out = self._leg(source, PIVOT), self._leg(PIVOT, target)
        across = (into, out) if into and out and PIVOT not in (source, target) else ()
        found = [Path(source, target, rates) for rates in ((straight,) if straight else (), across) if rates]
        return max(found, key=lambda path: path.on or date.min, default=None)

    def convert(self, amount: Decimal, source: str, target: str = "") -> Converted | None:
        """Convert an amount into another currency (the display currency); None where no rate is known."""
        path = self.find(source, target)
        return Converted(path.apply(amount), path.target, path) if path else None

    def add(self, amounts: Mapping[str, Decimal]) -> Total:
        """Add up amounts by currency, in the display currency where every one of them has a rate.

        One without a rate leaves all of them by themselves, the largest first: no sum across currencies then.
        Nothing is nothing in every currency, and needs no rate.
        """
        some = {code: amount for code, amount in amounts.items() if amount} or dict(list(amounts.items())[:1])
        paths = {code: self.find(code) for code in some}
        known = [path for path in paths.values() if path]
        if len(known) == len(some):
            with localcontext(prec=DIGITS):
                total = sum((path.apply(some[path.source]) for path in known), ZERO)
            return Total((Part(self.currency, total),), tuple(path for path in known if path.rates))
        parts = sorted(some.items(), key=lambda one: (-abs(one[1]), one[0]))
        missing = tuple(sorted(code for code, path in paths.items() if path is None and some[code]))
        return Total(tuple(Part(code, amount) for code, amount in parts), missing=missing)

    def is_old(self, path: Path) -> bool:
        """Say whether a rate of this way is older than it should be; it is still used."""
        return path.on is not None and path.on < self.day - timedelta(days=self.old_after_days)

    def _leg(self, source: str, target: str) -> Rate | None:
        either = (self.rates.get((source, target)), self.rates.get((target, source)))
        return max((rate for rate in either if rate), key=_rank, default=None)


def _rank(rate: Rate) -> tuple[date, bool]:
    # The newest; on one day what a person has entered goes before the bank's.
    return rate.on, rate.source == MANUAL


def newest(rates: Iterable[Rate], day: date) -> dict[tuple[str, str], Rate]:
    """Keep the rate that counts on a day for each pair: the newest on or before it, a person's before the bank's."""
    found: dict[tuple[str, str], Rate] = {}
    for rate in rates:
        pair = (rate.base, rate.quote)
        if rate.on <= day and (pair not in found or _rank(rate) > _rank(found[pair])):
            found[pair] = rate
    return found
