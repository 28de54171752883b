"""The lines of a month that is over as they stood when it ended, with what was decided by then (E13).

The figures are recomputed as those of any past day are (docs/decisions/012 and 015); decisions and the ends of pushes
are rows with their times, so that what stood at that moment can be told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q

from dashboard import past_lists, states
from dashboard.grace import last_day_of
from dashboard.models import Card, CarryOver, Decision
from dashboard.past import end_of
from dashboard.past_lists import PastRow
from psa.models import Push
from reconcile.period import next_month

# A line by its id, or usage without one by its account and service.
Key = int | tuple[int, int | None]
DIFFERS = past_lists.DIFFERENT | {Card.Kind.WAITING}


@dataclass(frozen=True)
class LateLine:
    """A line when its month ended: its numbers then, the decision that stood, and why it is carried over."""

    org_id: int
    period: date
    row: PastRow
    state: str
    decision: Decision | None
    mark: CarryOver | None
    # Said by itself: what was approved in the month, and written after it.
    after: str = ""

    @property
    def line_id(self) -> int | None:
        return self.row.judged.line

    @property
    def account_id(self) -> int:
        return self.row.pair[0]

    @property
    def service_id(self) -> int | None:
        return self.row.pair[1]

    @property
    def key(self) -> Key:
        return self.line_id or self.row.pair

    @property
    def name(self) -> str:
        """Name this line in a form."""
        return str(self.line_id) if self.line_id else f"{self.account_id}-{self.service_id}"

    @property
    def label(self) -> str:
        return f"{self.row.account}, {self.row.service}"

    @property
    def psa_units(self) -> Decimal | None:
        return self.row.judged.quantity

    @property
    def vendor_units(self) -> Decimal | None:
        return self.row.judged.verdict.vendor_units

    @property
    def effect(self) -> Decimal | None:
        return self.row.judged.verdict.effect

    @property
    def kind(self) -> str:
        return self.row.judged.verdict.kind

    @property
    def state_label(self) -> str:
        return str(Card.State(self.state).label)

    @property
    def was_open(self) -> bool:
        """Say whether nothing had been done about it when the month ended."""
        return self.state in (Card.State.TODO, Card.State.HELD)

    @property
    def carrying(self) -> str:
        """Say why the month may be signed with it; "" while nobody has said."""
        if not self.was_open:
            return ""
        return self.after or (self.mark.reason if self.mark else "")

    @property
    def outcome(self) -> str:
        """Say what had become of the difference when the month ended, as the totals have it."""
        if self.kind not in DIFFERS:
            return ""
        if self.state == Card.State.SNOOZED:
            return "snoozed"
        if self.was_open:
            return "carried"
        return "dismissed" if self.decision and self.decision.verb == Decision.Verb.DISMISS else ""


def list_late(org_id: int, period: date) -> list[LateLine]:
    """Give all lines as they stood at the end of a month, by service and account: a fixed number of queries."""
    last_day = last_day_of(period)
    moment = end_of(last_day)
    rows = past_lists.list_whole_day(org_id, last_day, everything=True)
    decided = _find_decisions(org_id, moment)
    marks = {
        mark.line_id or (mark.account_id, mark.service_id): mark
        for mark in CarryOver.objects.filter(
            org_id=org_id, period=period, undone_at__isnull=True
        ).select_related("by")
    }
    lines = [_late(org_id, period, row, moment, decided, marks) for row in rows]
    return sorted(lines, key=lambda one: (one.row.service.casefold(), one.row.account.casefold()))


def _find_decisions(org_id: int, moment: datetime) -> dict[Key, Decision]:
    """Give the decisions that stood at a moment; one that was replaced or taken back later stood then."""
    found = Decision.objects.filter(
        Q(undone_at=None) | Q(undone_at__gt=moment), org_id=org_id, at__lte=moment
    ).select_related("push", "by", "rule")
    return {one.line_id or (one.account_id, one.service_id): one for one in found.order_by("at", "pk")}


def _late(
    org_id: int,
    period: date,
    row: PastRow,
    moment: datetime,
    decided: Mapping[Key, Decision],
    marks: Mapping[Key, CarryOver],
) -> LateLine:
    key = row.judged.line or row.pair
    decision, mark = decided.get(key), marks.get(key)
    numbers = (row.judged.quantity, row.judged.verdict.vendor_units)
    state = _settle(row, decision, moment, period)
    if mark and (mark.psa_units, mark.vendor_units) != numbers:
        mark = None
    stood = decision if decision and _counts(decision, moment, period) else None
    return LateLine(org_id, period, row, state, stood, mark, _pushed_after(stood, moment))


def _settle(row: PastRow, decision: Decision | None, moment: datetime, period: date) -> str:
    """Give the state that the rule of the cards gives for what was known then; what was on its way had not arrived."""
    verdict = row.judged.verdict
    return states.settle(
        verdict.kind,
        row.judged.quantity,
        verdict.vendor_units,
        _decided(decision),
        _arrived(decision, moment),
        today=moment.date(),
        period=period,
        bills_from=next_month(period),
    )


def _counts(decision: Decision, moment: datetime, period: date) -> bool:
    decided = _decided(decision)
    pushed = _arrived(decision, moment)
    return decided is not None and states.stands(decided, pushed, today=moment.date(), period=period)


def _decided(decision: Decision | None) -> states.Decided | None:
    if decision is None:
        return None
    return states.Decided(
        verb=decision.verb, period=decision.period, psa_units=decision.psa_units, units=decision.units,
        vendor_units=decision.vendor_units, until=decision.until, push=decision.push_id,
    )  # fmt: skip


def _arrived(decision: Decision | None, moment: datetime) -> states.Pushed | None:
    """Give the push of a decision if it was confirmed by then; which steps it had taken before is not told."""
    push = decision.push if decision else None
    if push is None or push.state != Push.State.CONFIRMED or push.finished_at > moment:
        return None
    return states.Pushed(
        id=push.pk, state=push.state, seen=push.seen, wanted=push.wanted, way=push.way,
        effective_on=push.effective_on, finished_on=push.finished_at.date(),
    )  # fmt: skip


def _pushed_after(decision: Decision | None, moment: datetime) -> str:
    """Say that what was approved by then was written later, or waits for its day; "" when it was not."""
    push = decision.push if decision else None
    if push is None:
        return ""
    if push.state == Push.State.CONFIRMED and push.finished_at > moment:
        return f"Approved in time, confirmed {push.finished_at:%-d %b %Y}"
    if push.state == Push.State.WAITING and push.release_on:
        return f"Approved in time, waits for {push.release_on:%-d %b %Y}"
    return ""


def pick(lines: Iterable[LateLine], names: Iterable[str]) -> list[LateLine]:
    """Give the lines that a form names."""
    wanted = set(names)
    return [one for one in lines if one.name in wanted]
