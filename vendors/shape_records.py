"""What stands for a vendor account or service in which months: mapping, parts, further services, as one plain value."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Self

from vendors.counting_models import AccountSplit, AlsoCounts, MappingSpan
from vendors.counting_words import FIELD_WORDS, say_months
from vendors.mapping import ACCOUNTS, SERVICES, Side


@dataclass(frozen=True)
class Dated:
    """A target from one month until before another (first days; None: from ever, for ever); a part has a pattern."""

    target: int | None
    start: date | None = None
    end: date | None = None
    field: str = ""
    pattern: str = ""

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `write` gives."""
        days = {key: date.fromisoformat(kept[key]) if kept[key] else None for key in ("start", "end")}
        return cls(**{**kept, **days})

    def write(self) -> dict[str, Any]:
        return asdict(self) | {
            "start": self.start.isoformat() if self.start else None,
            "end": self.end.isoformat() if self.end else None,
        }

    def stands(self, month: date) -> bool:
        return (self.start is None or self.start <= month) and (self.end is None or month < self.end)

    def ended(self, month: date) -> "Dated":
        """End it before a month, unless it ends earlier."""
        return self if self.end and self.end <= month else replace(self, end=month)


def replaced(old: Iterable[Dated], new: Iterable[Dated], month: date | None) -> tuple[Dated, ...]:
    """Let new ones take the place of all others from a month on (None: in all months), so that none overlap."""
    kept = (
        [] if month is None else [one.ended(month) for one in old if one.start is None or one.start < month]
    )
    return (*kept, *(replace(one, start=month, end=None) for one in new))


@dataclass(frozen=True)
class Shape:
    """Everything that one vendor account or service counts for, in all months.

    `target` is today's mapping; `spans` are what took or takes its place in other months, oldest first.
    """

    target: int | None
    spans: tuple[Dated, ...] = ()
    parts: tuple[Dated, ...] = ()
    further: tuple[Dated, ...] = ()

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `dump` gives."""
        lists = {key: tuple(map(Dated.read, kept[key])) for key in ("spans", "parts", "further")}
        return cls(kept["target"], **lists)

    def dump(self) -> dict[str, Any]:
        lists = {key: [one.write() for one in getattr(self, key)] for key in ("spans", "parts", "further")}
        return {"target": self.target} | lists

    @property
    def mark(self) -> str:
        """What tells this shape from any other: a page holds it, so that a stale one changes nothing."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    @property
    def targets(self) -> set[int]:
        """Every target that it has had, has, or will have."""
        every = (self.target, *(one.target for one in self._dated()))
        return {target for target in every if target}

    @property
    def planned(self) -> Dated | None:
        """What today's mapping becomes later, if anything."""
        return next((one for one in self.spans if one.end is None), None)

    def _dated(self) -> Iterator[Dated]:
        yield from (*self.spans, *self.parts, *self.further)

    def from_now(self, month: date) -> tuple[Dated, ...]:
        """Give the parts and further services that stand in a month or will stand after it."""
        return tuple(one for one in (*self.parts, *self.further) if one.end is None or one.end > month)

    def with_parts(self, parts: Iterable[Dated], month: date | None) -> "Shape":
        return replace(self, parts=replaced(self.parts, parts, month))

    def with_further(self, further: Iterable[Dated], month: date | None) -> "Shape":
        return replace(self, further=replaced(self.further, further, month))

    def with_target(self, target: int | None, month: date | None, this: date) -> "Shape":
        """Map to another target in all months (None), from this month on, or from a later one.

        Whatever was planned for that month or later is no longer.
        """
        if month is None:
            return replace(self, target=target, spans=())
        past = tuple(one for one in self.spans if one.end is not None)
        if month > this:
            planned = () if target == self.target else (Dated(target, month),)
            return replace(self, spans=past + planned)
        began = past if target == self.target else self._past(past, month)
        return replace(self, target=target, spans=began)

    def when_due(self, month: date) -> "Shape":
        """Make what was planned for a month that has come today's mapping."""
        planned = self.planned
        if planned is None or planned.start is None or planned.start > month:
            return self
        past = tuple(one for one in self.spans if one.end is not None)
        return replace(self, target=planned.target, spans=self._past(past, planned.start))

    def _past(self, past: tuple[Dated, ...], month: date) -> tuple[Dated, ...]:
        """Keep what stands today as what stood until a month; what began in that month itself never stood."""
        since = past[-1].end if past else None
        if since is not None and since >= month:
            return past
        return (*past, Dated(self.target, since, month))


def read_shapes(side: Side, org_id: int, ids: Sequence[int]) -> dict[int, Shape]:
    """Give the shape of each of some vendor rows: three queries."""
    targets = side.targets(org_id, ids)
    spans = _read(MappingSpan, side, org_id, ids)
    parts = _read(AccountSplit, side, org_id, ids) if side is ACCOUNTS else {}
    further = _read(AlsoCounts, side, org_id, ids) if side is SERVICES else {}
    return {
        pk: Shape(
            targets.get(pk),
            tuple(sorted(spans.get(pk, ()), key=lambda one: one.start or date.min)),
            tuple(parts.get(pk, ())),
            tuple(further.get(pk, ())),
        )
        for pk in ids
    }


def _read(model: Any, side: Side, org_id: int, ids: Sequence[int]) -> dict[int, list[Dated]]:
    names = [f"{side.owner}_id", f"{side.noun}_id", "from_month", "until_month"]
    names += ["field", "pattern"] if model is AccountSplit else []
    rows = (
        model.objects.filter(org_id=org_id, **{f"{side.owner}__in": ids}).order_by("pk").values_list(*names)
    )
    found: dict[int, list[Dated]] = {}
    for row, *rest in rows:
        found.setdefault(row, []).append(Dated(*rest))
    return found


@dataclass(frozen=True)
class Said:
    """A shape in words, as a file has it: what it counts to besides its mapping, and what stands in other months.

    `holds`: it must stay mapped, because it is split, or counts to more.
    """

    more: str
    other_months: str
    holds: bool


def heads(side: Side) -> tuple[str, str]:
    """Give what the columns of `Said` are called."""
    return ("Split over" if side is ACCOUNTS else "Counts to more"), "Other months"


def say_shapes(side: Side, org_id: int, ids: Sequence[int], month: date) -> dict[int, Said]:
    """Say the shape of each of some vendor rows in a month; empty words for what is one to one: four queries."""
    shapes = read_shapes(side, org_id, ids)
    wanted = {target for shape in shapes.values() for target in shape.targets}
    named = side.target_model.objects.filter(org_id=org_id, pk__in=wanted).values_list("pk", "name")
    names: dict[int, str] = dict(named)
    return {
        pk: Said(
            "; ".join(say(one, names) for one in (*shape.parts, *shape.further)),
            "; ".join(say(one, names) for one in shape.spans),
            bool(shape.from_now(month)),
        )
        for pk, shape in shapes.items()
    }


def say(one: Dated, names: Mapping[int, str]) -> str:
    """Say one of a shape's rows: "e-mail address *@a.example to Harbor Dental, from December 2026"."""
    target = names.get(one.target or 0, "nothing")
    said = f"{FIELD_WORDS[one.field][0]} {one.pattern} to {target}" if one.field else target
    return ", ".join(filter(None, [said, say_months(one.start, one.end)]))
