"""How counts become billable units: rules as data, as pure functions over plain values that keep their arithmetic.

The same arithmetic stands in SQL (`apply_counting_steps`, `named_unit_kept`, and `dashboard/refresh_cards.sql`); a
property test holds the two together. Units are Decimals with six decimals, as the ledger keeps them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

ZERO = Decimal(0)
SMALLEST = Decimal("0.000001")
# Units of twenty digits times a percentage of ten: nothing is rounded before the end.
EXACT = Context(prec=60)
# Steps never lead beyond this, or beyond what was counted: a percentage of a percentage would fit no column.
MOST = Decimal(10**9)
# What a named unit can be told apart by; a vendor gives what it knows.
FIELDS = ("name", "email", "domain", "group", "site", "kind")


class Combine(StrEnum):
    """How the counts of several vendor services become one number."""

    SUM = "sum"
    LARGEST_SOURCE = "largest_source"
    SMALLEST_SOURCE = "smallest_source"
    LARGEST_SERVICE = "largest_service"
    SMALLEST_SERVICE = "smallest_service"
    DISTINCT = "distinct"

    @property
    def by_source(self) -> bool:
        """Whether integrations are compared, and not vendor services."""
        return self in {Combine.LARGEST_SOURCE, Combine.SMALLEST_SOURCE}

    @property
    def takes_larger(self) -> bool:
        return self in {Combine.LARGEST_SOURCE, Combine.LARGEST_SERVICE}


class Do(StrEnum):
    """What one step does to the units."""

    INCLUDE = "include"
    EXCLUDE = "exclude"
    PERCENT = "percent"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a rule; `by` is above zero (a minimum, a maximum, or what is included, may be zero)."""

    do: Do
    by: Decimal
    note: str = ""

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        return cls(do=Do(kept["do"]), by=Decimal(kept["by"]), note=kept.get("note", ""))

    def write(self) -> dict[str, str]:
        """Give what JSON keeps without loss."""
        return {"do": self.do.value, "by": f"{self.by:f}", "note": self.note}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Named units that are left out, or (`keeps`) the only ones that count: those whose field matches the pattern.

    `*` stands for any text and `?` for one character; case does not matter.
    """

    field: str
    pattern: str
    keeps: bool = False

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        return cls(field=kept["field"], pattern=kept["pattern"], keeps=kept["keeps"])

    def write(self) -> dict[str, Any]:
        return {"field": self.field, "pattern": fold(self.pattern), "keeps": self.keeps}

    def matches(self, traits: Mapping[str, str]) -> bool:
        return matches(traits.get(self.field), self.pattern)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How the counts of a service become billable units."""

    combine: Combine = Combine.SUM
    filters: tuple[Filter, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def needs_names(self) -> bool:
        """Whether it looks at the named units behind the counts."""
        return bool(self.filters) or self.combine is Combine.DISTINCT


AS_COUNTED = Rule()


@dataclass(frozen=True, kw_only=True)
class Named:
    """A user or device behind a count. One `key` is one person or device, whatever vendor says it.

    `id` tells apart those of which all else is the same; 0 where nobody asks.
    """

    key: str
    name: str
    quantity: Decimal = Decimal(1)
    traits: Mapping[str, str] = field(default_factory=dict, hash=False)
    id: int = field(default=0, compare=False)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What one vendor account counts of one vendor service; `named` is there when it was asked for.

    `names_missing`: the names do not add up or are too old, so nothing that looks at names can be known. `whole`: what
    the vendor account counts of it, of which this is a part.
    """

    integration: int
    vendor_account: int
    vendor_service: int
    units: Decimal
    named: tuple[Named, ...] = ()
    names_missing: bool = False
    whole: Decimal | None = None

    @property
    def used(self) -> Decimal:
        """What the vendor counts, whoever it is for."""
        return self.units if self.whole is None else self.whole


@dataclass(frozen=True, kw_only=True)
class Split:
    """The named units of a vendor account that match go to another account; `id` gives the order in which they take."""

    id: int
    field: str
    pattern: str


@dataclass(frozen=True)
class Addend:
    """What one source adds: its units, less what filters leave out of its names."""

    source: Source
    kept: tuple[Named, ...] = ()
    left_out: tuple[Named, ...] = ()

    @classmethod
    def of(cls, source: Source, filters: Sequence[Filter]) -> Self:
        kept = tuple(one for one in source.named if is_kept(one.traits, filters))
        left_out = tuple(one for one in source.named if not is_kept(one.traits, filters)) if filters else ()
        return cls(source, kept, left_out)

    @property
    def units(self) -> Decimal:
        return self.source.units - sum((one.quantity for one in self.left_out), ZERO)


@dataclass(frozen=True)
class Done:
    """One step as it went: the units before it and after it."""

    step: Step
    before: Decimal
    after: Decimal

    @property
    def is_in_play(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Counted:
    """The arithmetic of one number: addends, how they were combined to `raw`, and the steps from there to `units`.

    `doubles` are the names that were counted once although several sources have them. `names_missing`: unknown.
    """

    rule: Rule
    addends: tuple[Addend, ...]
    raw: Decimal
    steps: tuple[Done, ...] = ()
    doubles: tuple[Named, ...] = ()
    names_missing: bool = False

    @property
    def units(self) -> Decimal:
        return self.steps[-1].after if self.steps else self.raw

    def is_taken(self, source: Source) -> bool:
        """Say whether a source is among what counts: of those compared only one is, of equals the first by id."""
        if self.rule.combine in {Combine.SUM, Combine.DISTINCT}:
            return True
        sums = sum_parts(self.addends, self.rule.combine)
        taken = min(part for part, units in sums.items() if units == self.raw)
        return part_of(source, self.rule.combine) == taken

    @property
    def used(self) -> Decimal:
        """What the vendors count, before splits, filters and rules."""
        return sum((one.source.used for one in self.addends), ZERO)


def fold(text: str) -> str:
    """Give text as it is compared: case does not matter, nor do spaces around it."""
    return text.strip().casefold()


def matches(value: str | None, pattern: str) -> bool:
    """Say whether a folded value matches a pattern as a whole; what a vendor does not say matches nothing.

    In steps that grow with the lengths of both and no faster, whatever the pattern: it is typed by people.
    """
    if value is None:
        return False
    wanted = fold(pattern)
    at = here = 0
    star, back_to = -1, 0
    while at < len(value):
        # A star in the pattern stays a star where the value has one, too.
        if here < len(wanted) and wanted[here] == "*":
            star, back_to, here = here, at, here + 1
        elif here < len(wanted) and wanted[here] in ("?", value[at]):
            at, here = at + 1, here + 1
        elif star >= 0:
            back_to += 1
            at, here = back_to, star + 1
        else:
            return False
    return not wanted[here:].strip("*")


def is_kept(traits: Mapping[str, str], filters: Sequence[Filter]) -> bool:
    """Say whether a named unit counts: nothing leaves it out, and where only some are kept it is one of them."""
    if any(one.matches(traits) for one in filters if not one.keeps):
        return False
    keeping = [one for one in filters if one.keeps]
    return not keeping or any(one.matches(traits) for one in keeping)


def take_part(source: Source, splits: Sequence[Split], which: int | None) -> Source:
    """Give the part of a vendor account that goes to one split (None: the rest).

    Each named unit goes to the first split that it matches, so the parts add up to the whole.
    """
    if not splits:
        return source
    ordered = sorted(splits, key=lambda one: one.id)
    mine: list[Named] = []
    others: list[Named] = []
    for one in source.named:
        first = next((s.id for s in ordered if matches(one.traits.get(s.field), s.pattern)), None)
        (mine if first == which else others).append(one)
    if which is None:
        units = source.units - sum((one.quantity for one in others), ZERO)
    else:
        units = sum((one.quantity for one in mine), ZERO)
    return Source(
        integration=source.integration, vendor_account=source.vendor_account, units=units, named=tuple(mine),
        vendor_service=source.vendor_service, names_missing=source.names_missing or not adds_up(source),
        whole=source.units,
    )  # fmt: skip


def adds_up(source: Source) -> bool:
    """Say whether the names of a source are all that it counts."""
    return sum((one.quantity for one in source.named), ZERO) == source.units


def count(sources: Iterable[Source], rule: Rule = AS_COUNTED) -> Counted:
    """Turn the counts of one service of one account into billable units, with the arithmetic.

    The order of the sources never matters.
    """
    addends = tuple(Addend.of(one, rule.filters) for one in sources)
    missing = any(one.source.names_missing for one in addends) or (
        rule.needs_names and not all(adds_up(one.source) for one in addends)
    )
    doubles = _doubles(addends) if rule.combine is Combine.DISTINCT else ()
    raw = _combine(addends, rule.combine)
    return Counted(rule, addends, raw, take(raw, rule.steps), doubles, missing)


def _kept(addends: Iterable[Addend]) -> list[Named]:
    """Give the named units that count, each as often as a source has it, in an order that reading does not change."""
    every = [named for one in addends for named in one.kept]
    return sorted(every, key=lambda n: (n.key, n.name, n.quantity, sorted(n.traits.items())))


def _doubles(addends: Iterable[Addend]) -> tuple[Named, ...]:
    every = _kept(addends)
    return tuple(one for before, one in pairwise(every) if before.key == one.key)


def _combine(addends: Sequence[Addend], combine: Combine) -> Decimal:
    if combine is Combine.DISTINCT:
        return Decimal(len({one.key for one in _kept(addends)}))
    if combine is Combine.SUM:
        return sum((one.units for one in addends), ZERO)
    choose: Callable[[Iterable[Decimal]], Decimal] = max if combine.takes_larger else min
    sums = sum_parts(addends, combine)
    return choose(sums.values()) if sums else ZERO


def sum_parts(addends: Sequence[Addend], combine: Combine) -> dict[int, Decimal]:
    """Give what each compared integration, or vendor service of a bundle, counts, by its id."""
    sums: dict[int, Decimal] = {}
    for one in addends:
        part = part_of(one.source, combine)
        sums[part] = sums.get(part, ZERO) + one.units
    return sums


def part_of(source: Source, combine: Combine) -> int:
    """Give the integration or vendor service as which a source is compared with others."""
    return source.integration if combine.by_source else source.vendor_service


def take(units: Decimal, steps: Iterable[Step]) -> tuple[Done, ...]:
    """Take the steps one after the other; units never fall below zero, nor rise beyond what anybody bills."""
    done, now, most = [], units, max(units, MOST)
    for step in steps:
        after = min(_ACTS[step.do](now, step.by), most)
        done.append(Done(step, now, after))
        now = after
    return tuple(done)


def apply(units: Decimal, steps: Iterable[Step]) -> Decimal:
    """Give the units after all steps."""
    done = take(units, steps)
    return done[-1].after if done else units


def _percent(units: Decimal, by: Decimal) -> Decimal:
    share = EXACT.multiply(EXACT.multiply(units, by), Decimal("0.01"))
    return share.quantize(SMALLEST, ROUND_HALF_UP, context=EXACT)


def _down(units: Decimal, by: Decimal) -> Decimal:
    return units - EXACT.remainder(units, by)


def _up(units: Decimal, by: Decimal) -> Decimal:
    down = _down(units, by)
    return down if down == units else down + by


def _nearest(units: Decimal, by: Decimal) -> Decimal:
    """Give the nearest multiple, from the middle on the larger."""
    return _up(units, by) if EXACT.remainder(units, by) * 2 >= by else _down(units, by)


_ACTS: Mapping[Do, Callable[[Decimal, Decimal], Decimal]] = {
    Do.INCLUDE: lambda units, by: units + by,
    Do.EXCLUDE: lambda units, by: max(units - by, ZERO),
    Do.PERCENT: _percent,
    Do.MINIMUM: max,
    Do.MAXIMUM: min,
    Do.UP: _up,
    Do.DOWN: _down,
    Do.NEAREST: _nearest,
}
