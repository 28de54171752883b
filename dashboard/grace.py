"""The first days of a month, in which the month before may still be signed off (E13, docs/decisions/015)."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone

from dashboard import months, past
from dashboard.models import MonthReport
from reconcile.period import month_of, next_month


def last_day_of(period: date) -> date:
    """Give the last day of a month."""
    return next_month(period) - timedelta(days=1)


def deadline(period: date) -> date:
    """Give the last day on which a month that is over may be signed off: in the month after it, at the latest its last.

    The month's own last day: it may not.
    """
    days = timedelta(days=settings.MONTH_CLOSE_GRACE_DAYS)
    return min(last_day_of(period) + days, last_day_of(next_month(period)))


def is_in_time(period: date, now: datetime) -> bool:
    """Say whether a month is the one before, and its days have not run out."""
    return next_month(period) == month_of(now) and now.date() <= deadline(period)


def find_signable(org_id: int, now: datetime | None = None) -> date | None:
    """Give the month before while it may still be signed off: it is not closed, and something of it is known."""
    now = now or timezone.now()
    period, since = months.previous_month(month_of(now)), past.first_day(org_id)
    if not is_in_time(period, now) or since is None or since > last_day_of(period):
        return None
    return None if months.find_closed(org_id, period) else period


def may_reopen(report: MonthReport) -> bool:
    """Say whether a report's month could be signed off again: the current one, or the one before in its days."""
    now = timezone.now()
    return report.period == month_of(now) or is_in_time(report.period, now)
