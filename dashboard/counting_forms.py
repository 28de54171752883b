"""The form of a counting rule as it was filled in: read, changed by its buttons, and turned into a rule (D6)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Self

from django.http import QueryDict

from dashboard.decisions import Refused
from dashboard.entries import decimal_in
from dashboard.filters import number
from dashboard.templatetags.lines import plain
from reconcile.templatetags.figures import units
from vendors.counting import FIELDS, Combine, Do, Filter, Rule, Step
from vendors.counting_rules import Draft
from vendors.models import CountingRule

SCOPES = ("all", "account", "agreement")
# More than a person can read in one phrase.
MOST = 12
MOST_PERCENT = Decimal(1000)
# Far above what anybody bills, and far below what the columns of units hold.
MOST_UNITS = Decimal(1_000_000)
MOST_NOTE = 120
MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])", re.ASCII)
MAY_BE_ZERO = {Do.INCLUDE, Do.MINIMUM, Do.MAXIMUM}


@dataclass
class StepEntry:
    """One step as typed; `key` tells it from the others wherever it is moved."""

    key: str
    do: str = Do.MINIMUM.value
    by: str = ""
    note: str = ""
    error: str = ""
    note_error: str = ""

    def read(self) -> Step | None:
        """Give the step; None, with its error, when it makes none."""
        try:
            do, by = Do(self.do), decimal_in(self.by)
        except (ValueError, Refused):
            typed = f"“{self.by[:30]}” is not a number. " if self.by.strip() else ""
            self.error = f"{typed}Enter a number, such as 25 or 2.5."
            return None
        if not by and do not in MAY_BE_ZERO:
            self.error = "Enter a number above 0."
        elif do is Do.PERCENT and by > MOST_PERCENT:
            self.error = f"Enter at most {units(MOST_PERCENT)} percent."
        elif by > MOST_UNITS:
            self.error = f"Enter at most {units(MOST_UNITS)}."
        if len(self.note) > MOST_NOTE:
            self.note_error = f"Shorten the note to at most {MOST_NOTE} characters."
        return None if self.error or self.note_error else Step(do=do, by=by, note=self.note)


@dataclass
class FilterEntry:
    """One filter as typed."""

    key: str
    field: str = "name"
    pattern: str = ""
    keeps: str = "out"
    error: str = ""

    def read(self) -> Filter | None:
        """Give the filter; None, with its error, when it makes none."""
        if self.field not in FIELDS or not self.pattern.strip():
            self.error = "Enter what to look for, such as svc-* or *@test.example."
        elif self._leaves_nobody:
            self.error = "This would leave everybody out. Enter part of the text."
        if self.error:
            return None
        return Filter(field=self.field, pattern=self.pattern.strip(), keeps=self.keeps == "only")

    @property
    def _leaves_nobody(self) -> bool:
        """Whether it is nothing but wildcards; to keep only what has any text at all makes sense."""
        pattern = self.pattern.strip()
        return not pattern.strip("*?") and not (self.keeps == "only" and "*" in pattern)


@dataclass
class RuleForm:
    """What stands in the form. `errors` are sentences by field; `focus` is the id that takes the focus after a swap."""

    service: int | None = None
    scope: str = "all"
    account: int | None = None
    agreement: int | None = None
    finds: dict[str, str] = field(default_factory=dict)
    combine: str = Combine.SUM.value
    filters: list[FilterEntry] = field(default_factory=list)
    steps: list[StepEntry] = field(default_factory=list)
    begins: str = ""
    ends: str = ""
    note: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    focus: str = ""

    @classmethod
    def read(cls, data: QueryDict) -> Self:
        """Read what was posted; nothing of it is checked yet."""

        def text(name: str, most: int = 300) -> str:
            return _clean(data.get(name, ""), most)

        scope = text("scope")
        steps = zip(*(data.getlist(f"step_{name}") for name in ("key", "do", "by", "note")), strict=False)
        filters = zip(
            *(data.getlist(f"filter_{n}") for n in ("key", "field", "pattern", "keeps")), strict=False
        )
        return cls(
            service=_id(text("service")), account=_id(text("account")), agreement=_id(text("agreement")),
            scope=scope if scope in SCOPES else "all", combine=text("combine") or Combine.SUM.value,
            finds={kind: text(f"find_{kind}", 100) for kind in ("service", "account", "agreement")},
            steps=[StepEntry(*(_clean(one) for one in row)) for row in steps],
            filters=[FilterEntry(*(_clean(one) for one in row)) for row in filters],
            begins=text("begins"), ends=text("ends"), note=text("note"),
        )  # fmt: skip

    @classmethod
    def of(cls, row: CountingRule, period: date) -> Self:
        """Fill the form with a rule that stands, to be replaced from this month on."""
        begins = row.from_month if row.from_month and row.from_month > period else period
        form = cls(
            service=row.service_id, account=row.account_id, agreement=row.agreement_id,
            scope="agreement" if row.agreement_id else "account" if row.account_id else "all",
            begins=_month(begins), ends=_month(row.until_month), note=row.note,
        )  # fmt: skip
        form.take(row.plain)
        return form

    def take(self, rule: Rule) -> None:
        """Fill in how a rule counts."""
        self.combine = rule.combine.value
        self.filters = [
            FilterEntry(str(n), one.field, one.pattern, "only" if one.keeps else "out")
            for n, one in enumerate(rule.filters)
        ]
        self.steps = []
        self.extend(rule.steps)

    def extend(self, steps: Iterable[Step]) -> None:
        """Add steps at the end."""
        for one in steps:
            self.steps.append(StepEntry(_fresh(self.steps), one.do.value, plain(one.by), one.note))

    def about(self, row: CountingRule) -> None:
        """Be about what a rule is about: that never changes."""
        self.service, self.account, self.agreement = row.service_id, row.account_id, row.agreement_id
        self.scope = "agreement" if row.agreement_id else "account" if row.account_id else "all"

    @property
    def of_agreement(self) -> bool:
        return self.scope == "agreement"

    def act(self, name: str) -> None:
        """Do what a button of the form asks for; an unknown one does nothing."""
        verb, _, rest = name.partition(":")
        if verb in ("step-up", "step-down"):
            self._move(rest, -1 if verb == "step-up" else 1)
            self.focus = f"{verb}-{rest}"
        elif verb == "add-step":
            self._add_step()
        elif verb == "step-remove":
            self.steps = [one for one in self.steps if one.key != rest]
            self.focus = "add-step"
        elif verb == "add-filter":
            self._add_filter()
        elif verb == "filter-remove":
            self.filters = [one for one in self.filters if one.key != rest]
            self.focus = "add-filter"
        elif verb in ("pick", "unpick"):
            self._pick(*rest.partition(":")[::2])

    def _add_step(self) -> None:
        if len(self.steps) < MOST:
            self.steps.append(StepEntry(_fresh(self.steps)))
            self.focus = f"step-do-{self.steps[-1].key}"
        else:
            self.errors["steps"], self.focus = f"A rule has at most {MOST} steps.", "add-step"

    def _add_filter(self) -> None:
        if len(self.filters) < MOST:
            self.filters.append(FilterEntry(_fresh(self.filters)))
            self.focus = f"filter-field-{self.filters[-1].key}"
        else:
            self.errors["filters"], self.focus = f"A rule has at most {MOST} filters.", "add-filter"

    def _move(self, key: str, by: int) -> None:
        at = next((n for n, one in enumerate(self.steps) if one.key == key), None)
        if at is not None and 0 <= at + by < len(self.steps):
            self.steps[at], self.steps[at + by] = self.steps[at + by], self.steps[at]

    def _pick(self, kind: str, pk: str) -> None:
        if kind in ("service", "account", "agreement"):
            setattr(self, kind, _id(pk))
            self.finds[kind] = ""
            self.focus = f"unpick-{kind}" if pk else f"find-{kind}"

    def draft(self) -> Draft | None:
        """Give the rule that was filled in; None, with the errors, when there is none yet."""
        rule = self.rule()
        begins, ends = self._month("begins"), self._month("ends")
        if self.service is None:
            self.errors["service"] = "Choose a service."
        if self.scope != "all" and getattr(self, self.scope) is None:
            self.errors[self.scope] = f"Choose an {self.scope}."
        if begins and ends and ends <= begins:
            self.errors["ends"] = "It would end before it begins. Choose a later month."
        if rule is None or self.errors or self.service is None:
            return None
        return Draft(
            service=self.service, account=self.account if self.scope == "account" else None,
            agreement=self.agreement if self.of_agreement else None, rule=rule,
            from_month=begins, until_month=ends, note=self.note,
        )  # fmt: skip

    def rule(self) -> Rule | None:
        """Give how it counts, as far as that makes sense; None, with the errors, when it does not."""
        steps = [one.read() for one in self.steps]
        if self.of_agreement:
            # The count belongs to the account: nothing but steps is asked for.
            filters, combine = [], Combine.SUM
        else:
            filters, combine = [one.read() for one in self.filters], self._combine()
        for name, many in (("steps", steps), ("filters", filters)):
            if len(many) > MOST:
                self.errors[name] = f"A rule has at most {MOST} {name}. Remove {len(many) - MOST}."
        if any(one is None for one in (*steps, *filters)):
            return None
        return Rule(
            combine=combine,
            filters=tuple(one for one in filters if one),
            steps=tuple(one for one in steps if one),
        )

    def _combine(self) -> Combine:
        try:
            return Combine(self.combine)
        except ValueError:
            self.errors["combine"] = "Choose how the counts become one number."
            return Combine.SUM

    def _month(self, name: str) -> date | None:
        try:
            return month_in(getattr(self, name))
        except ValueError:
            self.errors[name] = "Choose a month of the list."
            return None


def month_in(text: str) -> date | None:
    """Read a month as a form holds it, "2026-11"; nothing is None. Raises ValueError for anything else."""
    if not text:
        return None
    found = MONTH.fullmatch(text)
    if not found:
        raise ValueError(f"not a month: {text[:20]!r}")
    return date(int(found[1]), int(found[2]), 1)


def months_around(period: date, named: Iterable[str]) -> list[tuple[str, date]]:
    """Give the months that are offered: two years back and two ahead, and those that are named already."""
    first = period.year * 12 + period.month - 1
    every = {date((first + n) // 12, (first + n) % 12 + 1, 1) for n in range(-24, 25)}
    for text in named:
        try:
            month = month_in(text)
        except ValueError:
            continue
        every |= {month} if month else set()
    return [(_month(one), one) for one in sorted(every)]


def steps_in(query: QueryDict) -> list[Step]:
    """Read the steps that an address proposes, as ?do=minimum&by=25&note=…; what makes no sense is left out."""
    notes = [*query.getlist("note"), *[""] * MOST]
    rows = zip(query.getlist("do"), query.getlist("by"), notes, strict=False)
    found = [StepEntry("", _clean(do), _clean(by), _clean(note, MOST_NOTE)).read() for do, by, note in rows]
    return [one for one in found if one][:MOST]


def _fresh(entries: Iterable[StepEntry | FilterEntry]) -> str:
    return str(
        1 + max((int(one.key) for one in entries if one.key.isascii() and one.key.isdigit()), default=-1)
    )


def _id(text: str) -> int | None:
    found = number(text)
    return int(found) if found else None


def _clean(text: str, most: int = 300) -> str:
    return text.replace("\x00", "").strip()[:most]


def _month(month: date | None) -> str:
    return f"{month:%Y-%m}" if month else ""


STEP_WORDS: Mapping[Do, str] = {
    Do.EXCLUDE: "Minus",
    Do.INCLUDE: "Plus",
    Do.MINIMUM: "At least",
    Do.MAXIMUM: "At most",
    Do.PERCENT: "Percent of it",
    Do.UP: "Round up to a multiple of",
    Do.DOWN: "Round down to a multiple of",
    Do.NEAREST: "Round to the nearest multiple of",
}
COMBINE_HELP: Mapping[Combine, str] = {
    Combine.SUM: "All counts of all sources are added up.",
    Combine.LARGEST_SOURCE: "Several integrations count the same: the one that counts most is right.",
    Combine.SMALLEST_SOURCE: "Several integrations count the same: the one that counts least is right.",
    Combine.LARGEST_SERVICE: "Several products make one bundle, and everybody with any of them pays for it.",
    Combine.SMALLEST_SERVICE: "Several products make one bundle, and only who has all of them pays for it.",
    Combine.DISTINCT: "Whoever is in several sources is counted once. Needs sources that give names.",
}
