"""What counting rules and their arithmetic say to people, in plain words and without a full stop."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Protocol

from reconcile.templatetags.figures import units
from vendors.counting import Combine, Counted, Do, Done, Filter, Rule, Step, sum_parts

COMBINES: Mapping[Combine, str] = {
    Combine.SUM: "sum of all",
    Combine.LARGEST_SOURCE: "larger of the sources",
    Combine.SMALLEST_SOURCE: "smaller of the sources",
    Combine.LARGEST_SERVICE: "bundle: as many as its largest part",
    Combine.SMALLEST_SERVICE: "bundle: complete sets only",
    Combine.DISTINCT: "each user or device once",
}
# What a filter looks at: one of it, several of it.
FIELD_WORDS: Mapping[str, tuple[str, str]] = {
    "name": ("name", "names"),
    "email": ("e-mail address", "e-mail addresses"),
    "domain": ("domain", "domains"),
    "group": ("group", "groups"),
    "site": ("site", "sites"),
    "kind": ("kind", "kinds"),
}
NAMES_MISSING = (
    "the names do not add up to the counts, or are too old, so nothing that looks at names is known"
)
ROUNDED: Mapping[Do, str] = {
    Do.UP: "rounded up to",
    Do.DOWN: "rounded down to",
    Do.NEAREST: "rounded to the nearest",
}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class Dated(Protocol):
    """A rule as it is kept: from one month until before another, both first days."""

    from_month: date | None
    until_month: date | None
    agreement_id: int | None

    @property
    def plain(self) -> Rule: ...


def say_rule(rule: Rule, *, of_agreement: bool = False) -> str:
    """Say a rule as one phrase; one `of_agreement` only has steps, because the count belongs to the account."""
    parts = [] if of_agreement else [COMBINES[rule.combine]]
    parts += [say_filters(rule.filters), *(say_wanted(step) for step in rule.steps)]
    return _begin(", ".join(filter(None, parts)) or "as counted")


def say_dated(row: Dated) -> str:
    """Say a rule with the months in which it stands."""
    said = say_rule(row.plain, of_agreement=row.agreement_id is not None)
    months = say_months(row.from_month, row.until_month)
    return f"{said}; {months}" if months else said


def say_months(first: date | None, until: date | None) -> str:
    """Say from one month until before another (first days); empty when it is for ever."""
    last = until - timedelta(days=1) if until else None
    if first and last and (first.year, first.month) == (last.year, last.month):
        return f"in {first:%B %Y} only"
    begins = f"from {first:%B %Y}" if first else ""
    return " ".join(filter(None, [begins, f"until the end of {last:%B %Y}" if last else ""]))


def say_filters(filters: Sequence[Filter]) -> str:
    """Say which named units count: "without names like svc-*"; empty when all do."""
    out = _list([_say_filter(one) for one in filters if not one.keeps])
    kept = _list([_say_filter(one) for one in filters if one.keeps])
    return ", ".join(filter(None, [f"only {kept}" if kept else "", f"without {out}" if out else ""]))


def _say_filter(one: Filter) -> str:
    singular, plural = FIELD_WORDS[one.field]
    pattern = one.pattern.strip()
    return f"{plural} like {pattern}" if set("*?") & set(pattern) else f"the {singular} “{pattern}”"


def say_wanted(step: Step) -> str:
    """Say what a step will do, before there are units: "minus 3 internal accounts", "at least 25"."""
    by = units(step.by)
    if step.do is Do.INCLUDE:
        return f"plus {by} {step.note}".rstrip()
    if step.do is Do.EXCLUDE:
        return f"minus {by} {step.note}".rstrip()
    words = {
        Do.PERCENT: f"{by} % of it",
        Do.MINIMUM: f"at least {by}",
        Do.MAXIMUM: f"at most {by}",
    }
    return _with_note(words.get(step.do) or _say_rounded(step), step)


def say_step(done: Done) -> str:
    """Say what a step did, or why it changed nothing: "raised to the minimum of 25", "50 % of 47"."""
    by, step = units(done.step.by), done.step
    if step.do is Do.INCLUDE:
        return f"+ {by} {step.note}".rstrip()
    if step.do is Do.EXCLUDE:
        least = ", never below 0" if done.before < step.by else ""
        return f"− {by} {step.note}".rstrip() + least
    if step.do is Do.PERCENT:
        return _with_note(f"{by} % of {units(done.before)}", step)
    said = _say_done(done) if done.is_in_play else _say_idle(done)
    return _with_note(said, step)


def _say_done(done: Done) -> str:
    if done.step.do is Do.MINIMUM:
        return f"raised to the minimum of {units(done.step.by)}"
    if done.step.do is Do.MAXIMUM:
        return f"lowered to the maximum of {units(done.step.by)}"
    return _say_rounded(done.step)


def _say_idle(done: Done) -> str:
    by, before = units(done.step.by), units(done.before)
    if done.step.do is Do.MINIMUM:
        where = "above it" if done.before > done.step.by else "just that"
        return f"minimum {by}, not in play: {before} is {where}"
    if done.step.do is Do.MAXIMUM:
        where = "below it" if done.before < done.step.by else "just that"
        return f"maximum {by}, not in play: {before} is {where}"
    return f"{_say_rounded(done.step)}, not in play: {before} is one"


def _say_rounded(step: Step) -> str:
    article = "" if step.do is Do.NEAREST else "a "
    return f"{ROUNDED[step.do]} {article}" + (
        "whole number" if step.by == 1 else f"multiple of {units(step.by)}"
    )


def say_combined(counted: Counted) -> str:
    """Say how the counts became one number: "larger of two sources: 44, not 41"; or why it is unknown."""
    combine = counted.rule.combine
    if counted.names_missing:
        return NAMES_MISSING
    if combine is Combine.SUM:
        return "units counted"
    if combine is Combine.DISTINCT:
        return f"{COMBINES[combine]}: {_say_doubles(counted)}"
    return _say_compared(counted)


def _say_doubles(counted: Counted) -> str:
    if not counted.doubles:
        return "none counted more than once"
    several, surplus = len({one.key for one in counted.doubles}), len(counted.doubles)
    more = "" if several == surplus else f", {surplus} too many"
    return f"{several} counted more than once{more}"


def _say_compared(counted: Counted) -> str:
    combine = counted.rule.combine
    sums = sum_parts(counted.addends, combine).values()
    noun, which = "source" if combine.by_source else "part", "larger" if combine.takes_larger else "smaller"
    if len(sums) > 2:
        which = which.replace("er", "est")
    head = f"{which} of {_number(len(sums))} {noun}s"
    if not combine.by_source:
        head = f"bundle, {head}" if combine.takes_larger else "bundle, complete sets only"
    if len(sums) < 2:
        return f"{COMBINES[combine]}, only one counts" if sums else f"{COMBINES[combine]}, none counts"
    others = sorted((units_ for units_ in sums if units_ != counted.raw), reverse=combine.takes_larger)
    rest = f"not {_list([units(one) for one in others])}" if others else "they say the same"
    return f"{head}: {units(counted.raw)}, {rest}"


def say_not_taken(combine: Combine) -> str:
    """Say why a name is not counted whose source or part was compared with another."""
    which = "larger" if combine.takes_larger else "smaller"
    return f"the {which} {'source' if combine.by_source else 'part'} counts"


def _with_note(said: str, step: Step) -> str:
    return f"{said} ({step.note})" if step.note else said


def _number(value: int) -> str:
    return NUMBERS[value] if value < len(NUMBERS) else str(value)


def _list(said: Sequence[str]) -> str:
    """Join what any of which will do: "a, b or c"."""
    return " or ".join(filter(None, [", ".join(said[:-1]), said[-1]])) if said else ""


def _begin(said: str) -> str:
    return said[:1].upper() + said[1:]
