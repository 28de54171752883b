"""The period being reconciled: a calendar month, in UTC."""

from datetime import UTC, date, datetime, timedelta


def month_of(now: datetime) -> date:
    """Give the first day of the month of an aware time."""
    return now.astimezone(UTC).date().replace(day=1)


def next_month(first: date) -> date:
    """Give the first day of the month after."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
