"""Closes a month and opens it again (E13): what is still open, the sign-off, and the report that it locks."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import Membership, Organization, User
from dashboard import cards, decisions, grace, stranded
from dashboard.decisions import Refused
from dashboard.models import Card, MonthReopening, MonthReport
from dashboard.months import OPEN, find_closed, with_marks
from dashboard.report_content import compose
from reconcile.period import month_of, next_month


@dataclass(frozen=True)
class Obstacle:
    """What keeps a month from being closed, and the lines of the dashboard that it is about."""

    sentence: str
    lines: str = ""

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Standing:
    """How far a month is: its cards by state, those that are still open, and the numbers they were looked at with."""

    period: date
    states: Counter[str]
    open: QuerySet[Any]
    carried: QuerySet[Any]
    open_lines: int
    carried_lines: int
    # Of those that are ready, how many wait for a chosen day of this month, and how many, agreed to, for a later one.
    dated: int
    later: int
    fingerprint: str

    @property
    def ready(self) -> int:
        return self.states[Card.State.READY]

    @property
    def pushing(self) -> int:
        return self.states[Card.State.PUSHING]

    @property
    def lines(self) -> int:
        return sum(self.states.values())

    @property
    def obstacles(self) -> list[Obstacle]:
        """Say what keeps the month from being closed, and what to do about it."""
        unsent = self.ready - self.dated - self.later
        said = [
            (self.pushing, "push", "on the way to the PSA. Wait until each is confirmed.", "?tab=ready"),
            (unsent, "push", "collected but not sent. Push or undo what is ready.", "?tab=ready"),
            (self.dated, "push", "still to be sent on a chosen day of this month. Wait for that day, or undo it.",
             "?tab=ready&sort=effective"),
            (self.open_lines, "line", "still open. Approve, dismiss, snooze or carry over each of them.", ""),
        ]  # fmt: skip
        return [
            Obstacle(f"{_count(number, noun)} {rest}", lines) for number, noun, rest, lines in said if number
        ]

    @property
    def can_close(self) -> bool:
        return not self.obstacles


def look(org_id: int) -> Standing:
    """Look at the current month in two queries. Needs the organization's scope."""
    period = month_of(timezone.now())
    every = with_marks(Card.objects.filter(org_id=org_id), period)
    seen = list(
        every.order_by("pk").values_list(
            "pk",
            "state",
            "psa_units",
            "vendor_units",
            "effect",
            "carrying",
            "push__release_on",
            "push__needs_second",
            "push__second_by",
        )
    )
    fits = [row for row in seen if row[1] in OPEN]
    days = [row[6] for row in seen if row[1] == Card.State.READY and row[6]]
    # Nothing but its day is still to come: what is not agreed to would need a person while the month is closed.
    agreed = [row[6] for row in seen if row[1] == Card.State.READY and row[6] and (not row[7] or row[8])]
    ends = next_month(period)
    carried = sum(1 for row in fits if row[5])
    still = every.filter(state__in=OPEN)
    return Standing(
        period=period,
        states=Counter(row[1] for row in seen),
        open=still.filter(carrying=""),
        carried=still.exclude(carrying=""),
        open_lines=len(fits) - carried,
        carried_lines=carried,
        dated=sum(1 for day in days if day < ends),
        later=sum(1 for day in agreed if day >= ends),
        fingerprint=hashlib.sha256(repr(seen).encode()).hexdigest()[:32],
    )


def close(org: Organization, seen: str, *, by: User) -> MonthReport:
    """Sign the current month off and lock its report; `seen` is the fingerprint of what the person looked at.

    Raises Refused, and then nothing was written.
    """
    # Whoever closes at the same time, or decides on a line, waits here.
    decisions.keep_up(org.pk)
    stranded.withdraw(org.pk)
    # So does a sync that would move a figure between what is looked at and what is sealed.
    cards.lock(org.pk)
    if closed := find_closed(org.pk):
        raise Refused(
            f"{closed.period:%B} was closed already, by {closed.closed_by or closed.closed_by_label}."
        )
    standing = look(org.pk)
    if not standing.can_close:
        raise Refused(" ".join([*map(str, standing.obstacles), "Nothing was closed."]))
    if standing.fingerprint != seen:
        raise Refused("The figures have changed since you opened the page. Look at them again, then close.")
    report = lock_report(org, standing.period, by, lines=standing.lines, compose=compose)
    audit.record(
        org.pk, actor=by, verb="closed month", subject=f"report:{report.pk}", label=str(report),
        new={"lines": report.lines, "exceptions": report.exceptions, "sha256": report.digest},
    )  # fmt: skip
    return report


def reopen(report: MonthReport, reason: str, *, by: User) -> MonthReopening:
    """Open a closed month again; its report stays as the version that it is. Raises Refused."""
    audit.hold(report.org_id)
    closed = find_closed(report.org_id, report.period)
    if closed is None or closed.pk != report.pk or not grace.may_reopen(report):
        raise Refused(
            "Only the newest report of a month that can be closed again is reopened. Nothing was changed."
        )
    reopening = MonthReopening.objects.create(org_id=report.org_id, report=report, by=by, reason=reason)
    audit.record(
        report.org_id, actor=by, verb="reopened month", subject=f"report:{report.pk}", label=str(report),
        new={"reason": reason},
    )  # fmt: skip
    return reopening


def list_reports(org_id: int) -> Sequence[MonthReport]:
    """Give all reports, the newest month and version first, without their contents: two queries."""
    found = MonthReport.objects.filter(org_id=org_id).defer("content").select_related("closed_by")
    return list(found.prefetch_related("reopenings__by").order_by("-period", "-version"))


def lock_report(
    org: Organization, period: date, by: User, *, lines: int, compose: Callable[..., dict[str, Any]]
) -> MonthReport:
    """Seal the next version of a month's report, of what `compose` reads."""
    earlier = MonthReport.objects.filter(org_id=org.pk, period=period)
    version = (earlier.aggregate(last=Max("version"))["last"] or 0) + 1
    at = timezone.now()
    role = Membership.objects.get(org_id=org.pk, user=by).get_role_display()
    content = compose(org, period=period, version=version, at=at, by=by, role=role, head=audit.hold(org.pk))
    report = MonthReport(
        org_id=org.pk, period=period, version=version, closed_at=at, closed_by=by, closed_by_label=by.email,
        lines=lines, exceptions=len(content["exceptions"]),
    )  # fmt: skip
    report.seal(content)
    report.save(force_insert=True)
    return report


def _count(number: int, noun: str) -> str:
    plural = {"push": "pushes"}.get(noun, f"{noun}s")
    return f"{number:,} {noun} is" if number == 1 else f"{number:,} {plural} are"
