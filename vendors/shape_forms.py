"""The form of a split, or of further services, as it was filled in: changed by its buttons, and turned into a plan."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from django.http import QueryDict

from reconcile.period import next_month
from vendors.counting import FIELDS
from vendors.mapping import ACCOUNTS, Refused, Side
from vendors.shape_records import Dated, Shape
from vendors.shapes import MOST, Plan, plan_further, plan_parts

NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
BEGINS = ("always", "this", "next")


def month_of_choice(begins: str, this: date) -> date | None:
    """Give the month that one of BEGINS stands for; None: all months. Raises Refused for anything else."""
    if begins not in BEGINS:
        raise Refused("Choose from which month on. Nothing was changed.")
    return {"always": None, "this": this, "next": next_month(this)}[begins]


@dataclass
class Entry:
    """One part, or one further service, as typed; `key` tells it from the others wherever it is moved."""

    key: str
    field: str = "email"
    pattern: str = ""
    target: int | None = None
    find: str = ""
    error: str = ""

    def check(self, side: Side) -> bool:
        if side is ACCOUNTS and (self.field not in FIELDS or not self.pattern.strip()):
            self.error = "Enter what to look for, such as *@branch.example or svc-*."
        elif self.target is None:
            self.error = f"Choose the {side.noun} that it goes to."
        return not self.error


@dataclass
class ShapeForm:
    """What stands in the form; `focus` is the id that takes the focus after a swap."""

    side: Side
    entries: list[Entry] = field(default_factory=list)
    begins: str = "this"
    find: str = ""
    error: str = ""
    focus: str = ""
    mapped: int | None = None

    @classmethod
    def of(cls, side: Side, shape: Shape, this: date) -> Self:
        """Fill the form with what stands without an end."""
        rows = [one for one in (*shape.parts, *shape.further) if one.end is None]
        begins = "next" if any(one.start and one.start > this for one in rows) else "this"
        entries = [Entry(str(n), one.field, one.pattern, one.target) for n, one in enumerate(rows)]
        form = cls(side, entries, begins)
        if side is ACCOUNTS and not entries:
            form.entries.append(Entry("0"))
        return form

    @classmethod
    def read(cls, side: Side, data: QueryDict) -> Self:
        """Read what was posted; nothing of it is checked yet."""
        keys = [key for key in data.getlist("key") if NUMBER.fullmatch(key) or key == "0"][: MOST + 1]
        entries = [
            Entry(
                key,
                data.get(f"field-{key}", "email"),
                _clean(data.get(f"pattern-{key}", "")),
                _id(data.get(f"target-{key}", "")),
                _clean(data.get(f"find-{key}", ""), 100),
            )
            for key in dict.fromkeys(keys)
        ]
        return cls(side, entries, data.get("begins", "this"), _clean(data.get("find-new", ""), 100))

    def act(self, name: str) -> None:
        """Do what a button of the form asks for; an unknown one does nothing."""
        verb, _, rest = name.partition(":")
        if verb == "add" and len(self.entries) < MOST:
            self.entries.append(Entry(self._fresh()))
            self.focus = f"field-{self.entries[-1].key}"
        elif verb == "remove":
            self.entries = [one for one in self.entries if one.key != rest]
            self.focus = "add" if self.side is ACCOUNTS else "find-new"
        elif verb in ("up", "down"):
            self._move(rest, -1 if verb == "up" else 1)
            self.focus = f"{verb}-{rest}"
        elif verb in ("pick", "unpick"):
            self._pick(*rest.partition(":")[::2])

    def _move(self, key: str, by: int) -> None:
        at = next((n for n, one in enumerate(self.entries) if one.key == key), None)
        if at is not None and 0 <= at + by < len(self.entries):
            self.entries[at], self.entries[at + by] = self.entries[at + by], self.entries[at]

    def _pick(self, key: str, text: str) -> None:
        target = _id(text)
        if key == "new" and target and len(self.entries) < MOST:
            self.entries.append(Entry(self._fresh(), target=target))
            self.find, self.focus = "", "find-new"
        for one in self.entries:
            if one.key == key:
                one.target, one.find = target, ""
                self.focus = f"unpick-{key}" if target else f"find-{key}"

    def _fresh(self) -> str:
        return str(1 + max((int(one.key) for one in self.entries), default=-1))

    @property
    def filled(self) -> list[Entry]:
        """The entries but for those that nobody has begun."""
        return [one for one in self.entries if one.pattern or one.target or one.find]

    def plan(self, row: int, seen: str, this: date) -> Plan | None:
        """Give what was filled in; None, with the errors, when it makes nothing. Raises Refused."""
        month = month_of_choice(self.begins, this)
        wrong = [one for one in self.filled if not one.check(self.side)]
        if wrong:
            return None
        if self.side is ACCOUNTS:
            return plan_parts(row, seen, self.parts, month)
        return plan_further(row, seen, [one.target for one in self.filled if one.target], month)

    @property
    def parts(self) -> Sequence[Dated]:
        return [Dated(one.target, field=one.field, pattern=one.pattern) for one in self.filled]


def _id(text: str) -> int | None:
    return int(text) if NUMBER.fullmatch(text) else None


def _clean(text: str, most: int = 300) -> str:
    return text.replace("\x00", "").strip()[:most]
