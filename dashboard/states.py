"""The state of a card as a pure rule: what is to do about it, after what people decided and what pushes did.

`refresh_cards.sql` says the same to a whole organization; a property test holds the two together.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ON_ITS_WAY = frozenset({"staged", "claimed", "sending", "unknown"})
STOPPED = frozenset({"failed", "blocked", "person"})


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A decision that nobody took back, with the numbers it was taken on. None units were unknown."""

    verb: str
    period: date
    psa_units: Decimal | None
    vendor_units: Decimal | None
    units: Decimal | None = None
    until: date | None = None
    push: int | None = None


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """The last push of the line, or of a line for the usage, that was not cancelled."""

    id: int
    state: str
    seen: Decimal
    wanted: Decimal
    way: str
    effective_on: date
    finished_on: date | None = None


def stands(decided: Decided, pushed: Pushed | None, *, today: date, period: date) -> bool:
    """Say whether a decision still counts: until its period ends, and a snooze until its day.

    One with a push counts until the end of the period in which that push has ended, so that it can be undone.
    """
    if decided.verb == "snooze":
        return decided.until is not None and decided.until > today
    if decided.period == period:
        return True
    return pushed is not None and pushed.id == decided.push and _is_of(pushed, period)


def _is_of(pushed: Pushed, period: date) -> bool:
    """Say whether a push is open, or has ended in this period."""
    if pushed.state == "waiting" or pushed.state in ON_ITS_WAY:
        return True
    return pushed.finished_on is not None and pushed.finished_on >= period


def settle(
    kind: str,
    psa: Decimal | None,
    vendor: Decimal | None,
    decided: Decided | None,
    pushed: Pushed | None,
    *,
    today: date,
    period: date,
    bills_from: date,
) -> str:
    """Give the state of a card of this kind and these units."""
    decision = decided if decided and stands(decided, pushed, today=today, period=period) else None
    if pushed and pushed.state == "waiting":
        return "ready"
    if pushed and pushed.state in ON_ITS_WAY:
        return "pushing"
    if kind in ("psa_only", "hidden"):
        return "none"
    if pushed and _has_stopped(kind, psa, decision, pushed):
        return "failed"
    if kind == "match":
        return "done"
    if decision and (stays := _keep(psa, vendor, decision, pushed, bills_from)):
        return stays
    return "held" if kind in ("held", "waiting") else "todo"


def _has_stopped(kind: str, psa: Decimal | None, decision: Decided | None, pushed: Pushed) -> bool:
    """Say whether a push that stopped still is news: nobody decided since, and the PSA has not moved on."""
    if decision and decision.push != pushed.id:
        return False
    if pushed.state == "conflict":
        return kind != "match"
    # Usage without a line is billed 0 now, as who adds a line has seen.
    return pushed.state in STOPPED and pushed.seen == (psa or 0) and pushed.wanted != pushed.seen


def _keep(
    psa: Decimal | None, vendor: Decimal | None, decision: Decided, pushed: Pushed | None, bills_from: date
) -> str:
    """Give the state that a decision keeps a difference in; nothing when its numbers have changed since."""
    if vendor != decision.vendor_units:
        return ""
    if decision.verb != "approve":
        same = psa == decision.psa_units
        return "" if not same else "done" if decision.verb == "dismiss" else "snoozed"
    if pushed is None or pushed.id != decision.push or pushed.state != "confirmed":
        return ""
    # A dated change may take effect after the next invoice: it is written, and the line changes on its day.
    dated = pushed.way == "split" and pushed.effective_on > bills_from
    return "done" if decision.units == psa or dated else ""
