"""Counting rules as pure functions: every unit lands in one place, order never matters, and SQL says the same."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vendors.counting import (
    FIELDS,
    MOST,
    Combine,
    Do,
    Filter,
    Named,
    Rule,
    Source,
    Split,
    Step,
    adds_up,
    apply,
    count,
    fold,
    is_kept,
    matches,
    take,
    take_part,
)

units = st.decimals(0, 10_000, places=6)
TEXTS = ["", "a", "Ana", "ana%", "a_b", "a\\b", "svc-backup", "line\nfeed", "ÄRGER", "straße", "*"]
PATTERNS = ["*", "a*", "?na", "*%", "a_b", "a\\*", "SVC-*", "*\n*", "ärger", "STRASSE", "?", ""]
texts = st.sampled_from(TEXTS) | st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6
)
patterns = st.sampled_from(PATTERNS) | texts
steps = st.builds(
    Step, do=st.sampled_from(Do), by=st.decimals(Decimal("0.000001"), 1_000, places=6), note=st.just("")
)
filters = st.builds(Filter, field=st.sampled_from(FIELDS), pattern=patterns, keeps=st.booleans())
traits = st.dictionaries(st.sampled_from(FIELDS), texts.map(fold))
named = st.builds(
    Named,
    key=st.sampled_from("abcdef"),
    name=st.sampled_from("xyz"),
    quantity=st.just(Decimal(1)),
    traits=traits,
)
rules = st.builds(
    Rule,
    combine=st.sampled_from(Combine),
    filters=st.lists(filters, max_size=3).map(tuple),
    steps=st.lists(steps, max_size=4).map(tuple),
)


@st.composite
def sources(draw: Any) -> Source:
    names = tuple(draw(st.lists(named, max_size=5)))
    return Source(
        integration=draw(st.integers(1, 2)), vendor_account=draw(st.integers(1, 2)),
        vendor_service=draw(st.integers(1, 3)), named=names, units=Decimal(len(names)),
    )  # fmt: skip


@given(st.lists(sources(), max_size=5), rules, st.randoms(use_true_random=False))
def test_the_order_of_the_sources_never_matters(these: list[Source], rule: Rule, chance: Any) -> None:
    shuffled = list(these)
    chance.shuffle(shuffled)
    one, other = count(these, rule), count(shuffled, rule)
    assert (one.units, one.raw, one.doubles) == (other.units, other.raw, other.doubles)


@given(st.lists(sources(), max_size=5), rules)
def test_every_named_unit_lands_in_one_place(these: list[Source], rule: Rule) -> None:
    """Counted, left out by a filter, or a double of one that is counted: nothing is lost and nothing is new."""
    counted = count(these, rule)
    everything, summed = sum(one.units for one in these), sum(one.units for one in counted.addends)
    left_out = sum(len(one.left_out) for one in counted.addends)
    assert everything == summed + left_out
    if rule.combine is Combine.SUM:
        assert counted.raw == summed
    if rule.combine is Combine.DISTINCT:
        assert counted.raw + len(counted.doubles) == summed
        assert counted.raw == len({n.key for one in counted.addends for n in one.kept})
    assert all(not is_kept(n.traits, rule.filters) for one in counted.addends for n in one.left_out)


@given(sources(), st.lists(st.tuples(st.sampled_from(FIELDS), patterns), max_size=4))
def test_a_split_vendor_account_gives_away_neither_more_nor_less_than_it_has(
    source: Source, wanted: list[tuple[str, str]]
) -> None:
    splits = [Split(id=n, field=field, pattern=pattern) for n, (field, pattern) in enumerate(wanted)]
    parts = (
        [take_part(source, splits, which) for which in [None, *range(len(splits))]] if splits else [source]
    )
    assert sum(part.units for part in parts) == source.units
    assert sorted(n.name + n.key for part in parts for n in part.named) == sorted(
        n.name + n.key for n in source.named
    )
    assert all(adds_up(part) for part in parts)
    assert (
        parts == [take_part(source, splits[::-1], which) for which in [None, *range(len(splits))]]
        or not splits
    )


@given(units, st.lists(steps, max_size=5))
def test_steps_follow_from_each_other_and_never_fall_below_zero(start: Decimal, these: list[Step]) -> None:
    done = take(start, these)
    assert [one.before for one in done] == [start, *(one.after for one in done)][: len(done)]
    assert all(one.after >= 0 for one in done)
    for one in done:
        if one.step.do is Do.MINIMUM:
            assert one.after >= one.step.by
        if one.step.do is Do.MAXIMUM:
            assert one.after <= one.step.by
        if one.step.do in {Do.UP, Do.DOWN, Do.NEAREST} and one.after < MOST:
            assert one.after % one.step.by == 0
            assert abs(one.after - one.before) < one.step.by


@pytest.mark.parametrize(
    ("do", "by", "before", "after"),
    [
        (Do.INCLUDE, "2", "47", "49"),
        (Do.EXCLUDE, "3", "50", "47"),
        (Do.EXCLUDE, "3", "2", "0"),
        (Do.PERCENT, "50", "47", "23.5"),
        (Do.PERCENT, "33.333333", "0.000003", "0.000001"),
        (Do.MINIMUM, "25", "20", "25"),
        (Do.MINIMUM, "25", "47", "47"),
        (Do.MAXIMUM, "25", "47", "25"),
        (Do.UP, "5", "41", "45"),
        (Do.UP, "5", "45", "45"),
        (Do.DOWN, "5", "44", "40"),
        (Do.NEAREST, "5", "42.5", "45"),
        (Do.NEAREST, "5", "42.4", "40"),
        (Do.UP, "0.3", "1", "1.2"),
        (Do.PERCENT, "1000", "900000000", "1000000000"),
        (Do.EXCLUDE, "1", "5000000000", "4999999999"),
    ],
)
def test_what_each_step_does(do: Do, by: str, before: str, after: str) -> None:
    assert apply(Decimal(before), [Step(do=do, by=Decimal(by))]) == Decimal(after)


def test_a_pattern_full_of_stars_costs_no_more_than_its_length() -> None:
    assert not matches("a" * 300, "*a" * 100 + "x")
    assert matches("a" * 300, "*a" * 100 + "*")


def test_names_that_do_not_add_up_make_what_looks_at_them_unknown() -> None:
    source = Source(integration=1, vendor_account=1, vendor_service=1, units=Decimal(3),
                    named=(Named(key="a", name="Ana"),))  # fmt: skip
    assert not count([source]).names_missing
    assert count([source], Rule(combine=Combine.DISTINCT)).names_missing
    assert count([source], Rule(filters=(Filter(field="name", pattern="x"),))).names_missing
    assert take_part(source, [Split(id=1, field="name", pattern="ana")], 1).names_missing


# Nothing is written: each example sees the same database.
reads_only = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def ask(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


@reads_only
@given(units, st.lists(steps, max_size=5))
def test_the_database_takes_the_same_steps(db: None, start: Decimal, these: list[Step]) -> None:
    kept = json.dumps([one.write() for one in these])
    assert ask("SELECT apply_counting_steps(%s, %s::jsonb)", start, kept) == apply(start, these)
    assert [Step.read(one) for one in json.loads(kept)] == these


@reads_only
@given(traits, st.lists(filters, max_size=4))
def test_the_database_keeps_the_same_names(db: None, these: dict[str, str], wanted: list[Filter]) -> None:
    kept = json.dumps([one.write() for one in wanted])
    found = ask("SELECT named_unit_kept(%s::jsonb, %s::jsonb)", json.dumps(these), kept)
    assert found == is_kept(these, wanted)
