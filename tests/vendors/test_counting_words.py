"""Counting rules in words: what a rule will do, what each step did, and why a step changed nothing."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from vendors.counting import (
    Combine,
    Counted,
    Do,
    Filter,
    Named,
    Rule,
    Source,
    Step,
    count,
    take,
)
from vendors.counting_words import say_combined, say_dated, say_months, say_rule, say_step


def step(do: Do, by: str, note: str = "") -> Step:
    return Step(do=do, by=Decimal(by), note=note)


WHOLE = Rule(
    filters=(Filter(field="name", pattern="svc-*"),),
    steps=(
        step(Do.EXCLUDE, "3", "internal accounts"),
        step(Do.MINIMUM, "25"),
        step(Do.UP, "5.000000"),
    ),
)


@dataclass
class Row:
    """A rule as it is kept."""

    plain: Rule
    from_month: date | None = None
    until_month: date | None = None
    agreement_id: int | None = None


def test_a_rule_is_one_phrase_with_its_months() -> None:
    words = (
        "Sum of all, without names like svc-*, minus 3 internal accounts, at least 25, "
        "rounded up to a multiple of 5"
    )
    assert say_rule(WHOLE) == words
    assert say_dated(Row(WHOLE, date(2026, 11, 1))) == f"{words}; from November 2026"


def test_a_rule_of_an_agreement_says_its_steps_only() -> None:
    rule = Rule(steps=(step(Do.MINIMUM, "25", "contract"),))
    assert say_dated(Row(rule, agreement_id=1)) == "At least 25 (contract)"
    assert say_rule(Rule(), of_agreement=True) == "As counted"


@pytest.mark.parametrize(
    ("combine", "words"),
    [
        (Combine.SUM, "Sum of all"),
        (Combine.LARGEST_SOURCE, "Larger of the sources"),
        (Combine.SMALLEST_SOURCE, "Smaller of the sources"),
        (Combine.LARGEST_SERVICE, "Bundle: as many as its largest part"),
        (Combine.SMALLEST_SERVICE, "Bundle: complete sets only"),
        (Combine.DISTINCT, "Each user or device once"),
    ],
)
def test_every_way_to_combine_has_words(combine: Combine, words: str) -> None:
    assert say_rule(Rule(combine=combine)) == words


def test_filters_that_keep_come_before_those_that_leave_out() -> None:
    rule = Rule(
        filters=(
            Filter(field="group", pattern="interns"),
            Filter(field="email", pattern="*@test.example"),
            Filter(field="kind", pattern="user", keeps=True),
            Filter(field="site", pattern="hq*", keeps=True),
        )
    )
    assert say_rule(rule) == (
        "Sum of all, only the kind “user” or sites like hq*, "
        "without the group “interns” or e-mail addresses like *@test.example"
    )


@pytest.mark.parametrize(
    ("first", "until", "words"),
    [
        (None, None, ""),
        (date(2026, 11, 1), None, "from November 2026"),
        (None, date(2027, 1, 1), "until the end of December 2026"),
        (date(2026, 11, 1), date(2027, 4, 1), "from November 2026 until the end of March 2027"),
        (date(2026, 11, 1), date(2026, 12, 1), "in November 2026 only"),
    ],
)
def test_months_are_said_as_people_count_them(first: date | None, until: date | None, words: str) -> None:
    assert say_months(first, until) == words


@pytest.mark.parametrize(
    ("before", "one", "words"),
    [
        ("50", step(Do.EXCLUDE, "3", "internal accounts"), "− 3 internal accounts"),
        ("2", step(Do.EXCLUDE, "3", "internal accounts"), "− 3 internal accounts, never below 0"),
        ("44", step(Do.INCLUDE, "3"), "+ 3"),
        ("47", step(Do.MINIMUM, "25"), "minimum 25, not in play: 47 is above it"),
        ("25", step(Do.MINIMUM, "25"), "minimum 25, not in play: 25 is just that"),
        ("12", step(Do.MINIMUM, "25", "contract"), "raised to the minimum of 25 (contract)"),
        ("47", step(Do.MAXIMUM, "40"), "lowered to the maximum of 40"),
        ("37", step(Do.MAXIMUM, "40"), "maximum 40, not in play: 37 is below it"),
        ("47", step(Do.PERCENT, "50"), "50 % of 47"),
        ("47", step(Do.UP, "5"), "rounded up to a multiple of 5"),
        ("45", step(Do.UP, "5"), "rounded up to a multiple of 5, not in play: 45 is one"),
        ("4.5", step(Do.DOWN, "1"), "rounded down to a whole number"),
        ("4.5", step(Do.NEAREST, "1"), "rounded to the nearest whole number"),
        ("7", step(Do.NEAREST, "10"), "rounded to the nearest multiple of 10"),
    ],
)
def test_a_step_says_what_it_did(before: str, one: Step, words: str) -> None:
    (done,) = take(Decimal(before), [one])
    assert say_step(done) == words


def source(units: str, *, integration: int = 1, service: int = 1, names: str = "") -> Source:
    return Source(
        integration=integration,
        vendor_account=1,
        vendor_service=service,
        units=Decimal(units),
        named=tuple(Named(key=one, name=one) for one in names),
    )


def counted(combine: Combine, *sources: Source) -> Counted:
    return count(sources, Rule(combine=combine))


def test_sources_that_are_compared_say_which_was_taken() -> None:
    two = (source("44"), source("41", integration=2))
    assert say_combined(counted(Combine.LARGEST_SOURCE, *two)) == "larger of two sources: 44, not 41"
    assert say_combined(counted(Combine.SMALLEST_SOURCE, *two)) == "smaller of two sources: 41, not 44"
    three = (*two, source("43", integration=3))
    assert (
        say_combined(counted(Combine.LARGEST_SOURCE, *three)) == "largest of three sources: 44, not 43 or 41"
    )
    assert say_combined(counted(Combine.LARGEST_SOURCE, source("4"))) == (
        "larger of the sources, only one counts"
    )
    same = (source("44"), source("44", integration=2))
    assert say_combined(counted(Combine.LARGEST_SOURCE, *same)) == (
        "larger of two sources: 44, they say the same"
    )


def test_bundles_say_which_part_was_taken() -> None:
    two = (source("44"), source("41", service=2))
    assert say_combined(counted(Combine.LARGEST_SERVICE, *two)) == "bundle, larger of two parts: 44, not 41"
    assert say_combined(counted(Combine.SMALLEST_SERVICE, *two)) == "bundle, complete sets only: 41, not 44"


def test_each_person_once_says_how_many_were_doubles() -> None:
    two = (source("3", names="abc"), source("2", integration=2, names="bc"))
    assert say_combined(counted(Combine.DISTINCT, *two)) == (
        "each user or device once: 2 counted more than once"
    )
    third = source("1", integration=3, names="b")
    assert say_combined(counted(Combine.DISTINCT, *two, third)) == (
        "each user or device once: 2 counted more than once, 3 too many"
    )
    assert say_combined(counted(Combine.DISTINCT, two[0])) == (
        "each user or device once: none counted more than once"
    )


def test_missing_names_are_said_and_a_plain_sum_is_short() -> None:
    assert "not known" not in say_combined(counted(Combine.SUM, source("3")))
    assert say_combined(counted(Combine.SUM, source("3"))) == "units counted"
    assert say_combined(counted(Combine.DISTINCT, source("3", names="a"))).startswith(
        "the names do not add up"
    )
