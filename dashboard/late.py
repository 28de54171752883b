"""Signing the month before off in the first days of the next (E13, docs/decisions/015): what stood, and the seal."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from accounts import audit
from accounts.models import Organization, User
from dashboard import grace, late_lines, months, past
from dashboard.closing import Obstacle, lock_report
from dashboard.decisions import Refused
from dashboard.late_lines import LateLine
from dashboard.models import MonthReport
from dashboard.report_late import compose_late
from dashboard.report_pushes import list_pushes
from psa.models import Push

OVER = "No month before this one can be signed off now. Nothing was changed."
MOVED = "Lines have changed since you opened the page. Nothing was changed: look again."


@dataclass(frozen=True)
class LateStanding:
    """A month that is over: its lines as they stood at its end, and what was pushed in its name."""

    period: date
    lines: Sequence[LateLine]
    pushes: Sequence[dict[str, Any]]
    pushing: int
    fingerprint: str

    @property
    def last_day(self) -> date:
        return grace.last_day_of(self.period)

    @property
    def open(self) -> list[LateLine]:
        return [one for one in self.lines if one.was_open and not one.carrying]

    @property
    def carried(self) -> list[LateLine]:
        return [one for one in self.lines if one.carrying]

    @property
    def open_lines(self) -> int:
        return len(self.open)

    @property
    def carried_lines(self) -> int:
        return len(self.carried)

    @property
    def obstacles(self) -> list[Obstacle]:
        """Say what keeps the month from being signed, and what to do about it."""
        said = []
        if self.pushing:
            pushes = "1 push is" if self.pushing == 1 else f"{self.pushing:,} pushes are"
            said.append(
                Obstacle(f"{pushes} on the way to the PSA since {self.period:%B}. Wait for it.", "?tab=ready")
            )
        if self.open:
            lines = "1 line was" if self.open_lines == 1 else f"{self.open_lines:,} lines were"
            said.append(
                Obstacle(f"{lines} still open when {self.period:%B} ended. Carry each over with a reason.")
            )
        return said


def look(org_id: int, period: date) -> LateStanding:
    """Recompute a month that is over: a fixed number of queries. Needs the organization's scope."""
    lines = late_lines.list_late(org_id, period)
    # What was asked for by then and has ended since, too: the report says what became of it.
    pushes = list_pushes(org_id, period, since=True)
    states = [(push["reference"], push["state"]) for push in pushes]
    seen = [
        (one.name, one.state, one.carrying, one.psa_units, one.vendor_units, one.effect, one.row.currency)
        for one in lines
    ]
    return LateStanding(
        period=period,
        lines=lines,
        pushes=pushes,
        pushing=sum(state in Push.RUNNING for _, state in states),
        fingerprint=hashlib.sha256(repr((period, seen, states)).encode()).hexdigest()[:32],
    )


def find_standing(org_id: int) -> LateStanding:
    """Look at the month that may be signed off, in line behind whoever writes. Raises Refused when there is none."""
    # Whoever closes, carries over, maps or ends a push at the same time waits here.
    audit.hold(org_id)
    period = grace.find_signable(org_id)
    if period is None:
        raise Refused(OVER)
    return look(org_id, period)


def carry(org_id: int, chosen: Sequence[str] | None, reason: str, seen: str, *, by: User) -> None:
    """Carry lines that were open at the month's end over, with a reason; `chosen` None: all of them. Raises Refused."""
    standing = find_standing(org_id)
    if not reason:
        raise Refused("Say why these lines are carried over. Nothing was changed.")
    if standing.fingerprint != seen:
        raise Refused(MOVED)
    found = standing.open if chosen is None else late_lines.pick(standing.open, chosen)
    months.mark(org_id, found, reason, by=by)
    notes = [
        audit.Note(
            f"line:{one.name}", one.label, new={"reason": reason, "month": one.period},
            old={"psa": one.psa_units, "vendor": one.vendor_units},
        )
        for one in found
    ]  # fmt: skip
    audit.record_all(org_id, actor=by, verb="carried over", notes=notes)


def take_back(org_id: int, chosen: Sequence[str], *, by: User) -> None:
    """Take back that lines of the month before are carried over. Raises Refused."""
    standing = find_standing(org_id)
    found = [one for one in late_lines.pick(standing.carried, chosen) if one.mark]
    months.end_marks(org_id, found)
    notes = [
        audit.Note(f"line:{one.name}", one.label, old={"reason": one.carrying, "month": one.period})
        for one in found
    ]
    audit.record_all(org_id, actor=by, verb="no longer carried over", notes=notes)


def sign(org: Organization, seen: str, *, by: User) -> MonthReport:
    """Sign the month before off and lock its report. Raises Refused, and then nothing was written."""
    standing = find_standing(org.pk)
    if standing.obstacles:
        raise Refused(" ".join([*map(str, standing.obstacles), "Nothing was closed."]))
    if standing.fingerprint != seen:
        raise Refused("The figures have changed since you opened the page. Look at them again, then close.")
    report = lock_report(
        org, standing.period, by, lines=len(standing.lines),
        compose=partial(compose_late, lines=standing.lines, pushes=standing.pushes),
    )  # fmt: skip
    audit.record(
        org.pk, actor=by, verb="closed month", subject=f"report:{report.pk}", label=str(report),
        new={
            "lines": report.lines, "exceptions": report.exceptions, "sha256": report.digest,
            "as_of": past.end_of(standing.last_day),
        },
    )  # fmt: skip
    return report
