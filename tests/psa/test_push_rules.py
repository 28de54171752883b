"""The decisions of a push as properties: whatever the PSA shows, no rule leads to a second effect."""

from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from psa.adapters.base import Applied, LineReading, LineRef, Way, WriteKind, WriteOrder
from psa.push_rules import (
    FAILURES_UNTIL_BREAK,
    LONGEST_BREAK_SECONDS,
    LONGEST_PAUSE_SECONDS,
    Standing,
    Verdict,
    break_seconds,
    conclude,
    decide,
    explain_conflict,
    is_repeatable,
    judge_reading,
    pause_seconds,
    refuse_units,
    show_units,
)
from tests.psa.pushing import NEXT_MONTH

standings = st.builds(
    Standing,
    kind=st.sampled_from(WriteKind),
    way=st.sampled_from(Way),
    doubtful=st.booleans(),
    settled=st.booleans(),
)
found = st.sampled_from(Applied)
units = st.decimals(min_value=0, max_value=10**6, places=6)
REF = LineRef(agreement_remote_id="1", line_remote_id="2")


def order(seen: Decimal, wanted: Decimal) -> WriteOrder:
    return WriteOrder(
        ref=REF,
        service_remote_id="s",
        way=Way.IN_PLACE,
        seen=seen,
        wanted=wanted,
        effective_on=NEXT_MONTH,
        key="k",
    )


@given(standings, found)
def test_what_is_done_is_confirmed_and_never_sent(standing: Standing, applied: Applied) -> None:
    # A line that nobody of us has sent, and that is there all the same, is somebody else's.
    ours = standing.way is not Way.ADD or standing.doubtful
    assert (decide(standing, applied) is Verdict.CONFIRM) == (applied is Applied.DONE and ours)
    if applied is Applied.DONE:
        assert decide(standing, applied) in (Verdict.CONFIRM, Verdict.CONFLICT)


@given(standings, found)
def test_a_moved_line_is_never_written(standing: Standing, applied: Applied) -> None:
    if applied is Applied.OTHER:
        assert decide(standing, applied) in (Verdict.CONFLICT, Verdict.PERSON)


@given(standings, found)
def test_a_second_sending_of_what_adds_up_needs_proof_of_absence(
    standing: Standing, applied: Applied
) -> None:
    assume(standing.doubtful and not is_repeatable(standing.kind, standing.way))
    if decide(standing, applied) is Verdict.SEND:
        assert (applied is Applied.NOT and standing.settled) or (
            applied is Applied.HALF and standing.kind is WriteKind.ABSOLUTE
        )


@given(standings, found)
def test_only_a_doubtful_delta_asks_a_person(standing: Standing, applied: Applied) -> None:
    if decide(standing, applied) is Verdict.PERSON:
        assert standing.doubtful
        assert standing.kind is WriteKind.DELTA


@given(found, st.booleans())
def test_after_the_write_only_a_read_confirms_and_only_absence_fails(applied: Applied, refused: bool) -> None:
    verdict = conclude(applied, refused=refused)
    assert (verdict is Verdict.CONFIRM) == (applied is Applied.DONE)
    if verdict is Verdict.FAIL:
        assert refused
        assert applied is Applied.NOT


@given(units, units, units)
def test_a_reading_is_judged_by_its_quantity(seen: Decimal, wanted: Decimal, now: Decimal) -> None:
    assume(seen != wanted)
    applied = judge_reading(order(seen, wanted), LineReading(ref=REF, quantity=now)).applied
    assert (applied is Applied.DONE) == (now == wanted)
    assert (applied is Applied.NOT) == (now == seen)


def test_a_line_that_is_gone_is_a_conflict_not_a_zero() -> None:
    gone = LineReading(ref=REF, quantity=Decimal(0), missing=True)
    finding = judge_reading(order(Decimal(5), Decimal(0)), gone)
    assert finding.applied is Applied.OTHER
    assert "no longer in the PSA" in explain_conflict(order(Decimal(5), Decimal(0)), finding, doubtful=False)


@given(st.integers(0, 10_000), st.none() | st.floats(0, 10_000))
def test_pauses_grow_are_bounded_and_obey_the_psa(tries: int, told: float | None) -> None:
    pause = pause_seconds(tries, told)
    assert pause >= (told or 0)
    assert pause <= max(LONGEST_PAUSE_SECONDS, told or 0)
    assert pause_seconds(tries + 1, told) >= pause


@given(st.integers(0, 1001), st.none() | st.floats(0, 10_000))
def test_the_breaker_opens_after_some_failures_in_a_row(failures: int, told: float | None) -> None:
    rest = break_seconds(failures, told)
    assert (rest > 0) == (failures >= FAILURES_UNTIL_BREAK or bool(told))
    assert rest <= max(LONGEST_BREAK_SECONDS, told or 0)


@given(units, units)
def test_units_that_may_be_written_are_shown_exactly(wanted: Decimal, seen: Decimal) -> None:
    assert (refuse_units(wanted, seen) == "") == (wanted != seen)
    assert Decimal(show_units(wanted)) == wanted
    assert "E" not in show_units(wanted)
