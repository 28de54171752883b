"""The decisions of a push, as pure functions of what a read found; no clock, no rows, no calls (RELIABILITY §1)."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from psa.adapters.base import AddOrder, Applied, Finding, LineReading, Way, WriteKind, WriteOrder

# A billion units of anything on one line is a slip of the finger, and would not fit the column either.
MOST_UNITS = Decimal(10) ** 9
SMALLEST_STEP = Decimal("0.000001")
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 600.0
FAILURES_UNTIL_BREAK = 3
FIRST_BREAK_SECONDS = 30.0
LONGEST_BREAK_SECONDS = 900.0


class Verdict(StrEnum):
    """What to do with a push after a look at the PSA."""

    SEND = "send"
    CONFIRM = "confirm"
    CONFLICT = "conflict"
    WAIT = "wait"  # look again later
    FAIL = "fail"
    PERSON = "person"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of a push before the look.

    `doubtful`: it may have been sent. `settled`: so long ago that what was sent has arrived if it ever will.
    """

    kind: WriteKind
    way: Way
    doubtful: bool
    settled: bool


def is_repeatable(kind: WriteKind, way: Way) -> bool:
    """Say whether a second arrival of the same write changes nothing: only a number set in place."""
    return kind is WriteKind.ABSOLUTE and way is Way.IN_PLACE


def decide(standing: Standing, applied: Applied) -> Verdict:
    """Say what follows from a look before the write (steps 4 and 8).

    A line that nobody of us has added yet, and that is there all the same, is somebody else's: a conflict.
    """
    if not standing.doubtful and standing.way is Way.ADD:
        return Verdict.SEND if applied is Applied.NOT else Verdict.CONFLICT
    if applied is Applied.DONE:
        return Verdict.CONFIRM
    if not standing.doubtful:
        return Verdict.SEND if applied is Applied.NOT else Verdict.CONFLICT
    if applied is Applied.OTHER:
        return Verdict.PERSON if standing.kind is WriteKind.DELTA else Verdict.CONFLICT
    if applied is Applied.HALF:
        return Verdict.PERSON if standing.kind is WriteKind.DELTA else Verdict.SEND
    if standing.settled or is_repeatable(standing.kind, standing.way):
        return Verdict.SEND
    return Verdict.WAIT


def conclude(applied: Applied, *, refused: bool) -> Verdict:
    """Say what follows from the look after the write (step 7); a 200 has no say in it.

    `refused`: the PSA's reply was a refusal that only a person can cure.
    """
    if applied is Applied.DONE:
        return Verdict.CONFIRM
    if not refused:
        return Verdict.WAIT
    return Verdict.FAIL if applied is Applied.NOT else Verdict.PERSON


def judge_reading(order: WriteOrder, reading: LineReading) -> Finding:
    """Compare a line with an order that sets a number in place; nothing but the quantity decides."""
    if reading.missing:
        applied = Applied.OTHER
    elif reading.quantity == order.wanted:
        applied = Applied.DONE
    elif reading.quantity == order.seen:
        applied = Applied.NOT
    else:
        applied = Applied.OTHER
    return Finding(applied=applied, reading=reading, line_remote_id=order.ref.line_remote_id)


def explain_conflict(order: WriteOrder | AddOrder, finding: Finding, *, doubtful: bool) -> str:
    """Say in one sentence how the PSA has moved, and who must act."""
    sent = (
        f" Reconcile had sent {show_units(order.wanted)} before; somebody else wrote after it or instead."
        if doubtful
        else " Nothing was written."
    )
    if finding.sentence or isinstance(order, AddOrder):
        return f"{finding.sentence}{sent}"
    if finding.reading.missing:
        return f"The line is no longer in the PSA.{sent} Look at the agreement there."
    now, seen = show_units(finding.reading.quantity), show_units(order.seen)
    return f"The PSA has moved: the line says {now}, not {seen} as approved.{sent} Approve it again."


def refuse_units(wanted: Decimal, seen: Decimal) -> str:
    """Give the sentence that refuses to write this number of units, or nothing when it may be written."""
    if not wanted.is_finite() or wanted < 0:
        return "The quantity must be zero or more."
    if wanted >= MOST_UNITS:
        return "A quantity of a billion or more cannot be right. Nothing was written."
    if wanted % SMALLEST_STEP:
        return "The quantity has more than six decimals."
    if wanted == seen:
        return f"The line already says {show_units(seen)}: there is nothing to write."
    return ""


def pause_seconds(tries: int, told: float | None) -> float:
    """Give how long to wait after the `tries`th failure: at least as long as the PSA told us."""
    own = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(max(tries, 1) - 1, 20))
    return max(own, told or 0.0)


def break_seconds(failures: int, told: float | None) -> float:
    """Give how long a connection rests after so many failures in a row; 0.0 while it need not."""
    if failures < FAILURES_UNTIL_BREAK:
        return told or 0.0
    own = FIRST_BREAK_SECONDS * 2.0 ** min(failures - FAILURES_UNTIL_BREAK, 20)
    return max(min(LONGEST_BREAK_SECONDS, own), told or 0.0)


def show_units(units: Decimal) -> str:
    """Write units as people do: no trailing zeros, no exponent."""
    return format(units.normalize(), "f") if units else "0"
