"""Past months that ended without a sign-off (E13), so that Reports passes over none of them in silence."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from dashboard import past
from dashboard.models import MonthReport
from dashboard.months import previous_month
from reconcile.period import month_of, next_month

MONTHS = 12


@dataclass(frozen=True)
class UnclosedMonth:
    """A month that is over and not closed; `reopened`: it was once, and its report stays."""

    period: date
    reopened: bool

    @property
    def last_day(self) -> date:
        return next_month(self.period) - timedelta(days=1)


def list_unclosed(org_id: int, reports: Sequence[MonthReport]) -> list[UnclosedMonth]:
    """Give the past months that are not closed, the newest first, at most twelve: one query.

    They begin with the first sync: before it there was nothing to close. `reports` are all, with their reopenings.
    """
    since = past.first_day(org_id)
    if since is None:
        return []
    newest: dict[date, MonthReport] = {}
    for report in sorted(reports, key=lambda one: one.version):
        newest[report.period] = report
    found, period = [], previous_month(month_of(timezone.now()))
    for _ in range(MONTHS):
        if period < since.replace(day=1):
            break
        last = newest.get(period)
        if last is None or last.reopenings.all():
            found.append(UnclosedMonth(period, reopened=last is not None))
        period = previous_month(period)
    return found
