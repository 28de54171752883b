"""Shapes as plain values: from a month on or in all of them, never overlapping, and what was planned comes due."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from vendors.shape_records import Dated, Shape, replaced, say

OCT, NOV, DEC, JAN = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)
MONTHS = (OCT, NOV, DEC, JAN)
A, B, C = 1, 2, 3


def target_in(shape: Shape, month: date) -> int | None:
    """Give what a shape is mapped to in a month, as past days are recomputed."""
    return next((one.target for one in shape.spans if one.stands(month)), shape.target)


def test_from_this_month_keeps_what_stood_before() -> None:
    moved = Shape(A).with_target(B, NOV, NOV)
    assert moved == Shape(B, (Dated(A, None, NOV),))
    again = moved.with_target(C, DEC, DEC)
    assert again == Shape(C, (Dated(A, None, NOV), Dated(B, NOV, DEC)))


def test_what_began_this_month_never_stood() -> None:
    assert Shape(A).with_target(B, NOV, NOV).with_target(C, NOV, NOV) == Shape(C, (Dated(A, None, NOV),))


def test_always_leaves_nothing_of_what_stood() -> None:
    dated = Shape(A).with_target(B, NOV, NOV).with_target(C, DEC, NOV)
    assert dated.with_target(C, None, NOV) == Shape(C)


def test_what_is_planned_becomes_todays_when_its_month_has_come() -> None:
    planned = Shape(A).with_target(B, DEC, NOV)
    assert (planned.target, planned.planned) == (A, Dated(B, DEC))
    assert planned.when_due(NOV) == planned
    assert planned.when_due(DEC) == Shape(B, (Dated(A, None, DEC),))
    assert planned.when_due(JAN) == planned.when_due(DEC), "a month that nobody noticed changes nothing"
    assert planned.with_target(A, DEC, NOV) == Shape(A), "the same as today: nothing is planned"
    assert planned.with_target(A, NOV, NOV) == Shape(A)
    assert Shape(A).with_target(None, DEC, NOV).when_due(DEC) == Shape(None, (Dated(A, None, DEC),))


@given(st.lists(st.tuples(st.sampled_from([A, B, C, None]), st.integers(0, 3), st.booleans()), max_size=6))
def test_months_that_have_passed_stay_as_they_were(acts: list[tuple[int | None, int, bool]]) -> None:
    shape = Shape(A)
    said: dict[date, int | None] = dict.fromkeys(MONTHS, A)
    for target, now, later in sorted(acts, key=lambda act: act[1]):
        this = MONTHS[now]
        month = MONTHS[min(now + 1, 3)] if later else this
        shape = shape.when_due(this).with_target(target, month, this)
        said = {one: target if one >= month else stood for one, stood in said.items()}
        assert {one: target_in(shape, one) for one in MONTHS} == said
        assert Shape.load(shape.dump()) == shape


@given(
    st.lists(
        st.tuples(st.sampled_from([None, *MONTHS]), st.lists(st.sampled_from("abc"), unique=True)), max_size=5
    )
)
def test_of_parts_the_newest_stand_alone_from_their_month_on(
    acts: list[tuple[date | None, list[str]]],
) -> None:
    rows: tuple[Dated, ...] = ()
    said: dict[date, list[str]] = {month: [] for month in MONTHS}
    for month, patterns in acts:
        rows = replaced(rows, [Dated(A, field="name", pattern=one) for one in patterns], month)
        said = {m: patterns if month is None or m >= month else stood for m, stood in said.items()}
        assert {m: [one.pattern for one in rows if one.stands(m)] for m in MONTHS} == said
        open_ended = [one.pattern for one in rows if one.end is None]
        assert len(set(open_ended)) == len(open_ended)


def test_it_is_said_in_words() -> None:
    part = Dated(A, DEC, field="email", pattern="*@branch.example")
    assert say(part, {A: "Branch"}) == "e-mail address *@branch.example to Branch, from December 2026"
    assert say(Dated(A, None, NOV), {A: "Branch"}) == "Branch, until the end of October 2026"
    assert say(Dated(None, NOV), {}) == "nothing, from November 2026"
