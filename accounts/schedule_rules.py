"""On which days an organization syncs by itself (F1): pure rules over dates; every slot is at 07:00 UTC."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

AT = time(7, tzinfo=UTC)
LAST = 5


@dataclass(frozen=True)
class OnDate:
    """Monthly on a date, 1 to 31; a month that is shorter uses its last day."""

    day: int

    def in_month(self, year: int, month: int) -> date:
        """Give the day of a month."""
        return date(year, month, min(self.day, monthrange(year, month)[1]))


@dataclass(frozen=True)
class OnWeekday:
    """Monthly on the first to fourth, or on the last (5) of a weekday; Monday is 0."""

    nth: int
    weekday: int

    def in_month(self, year: int, month: int) -> date:
        """Give the day of a month."""
        first_weekday, days = monthrange(year, month)
        if self.nth == LAST:
            last = date(year, month, days)
            return last - timedelta((last.weekday() - self.weekday) % 7)
        return date(year, month, 1 + (self.weekday - first_weekday) % 7 + 7 * (self.nth - 1))


@dataclass(frozen=True)
class Schedule:
    """A weekday each week, a day each month, both or neither; neither is manual only."""

    weekly: int | None = None
    monthly: OnDate | OnWeekday | None = None

    @property
    def is_manual(self) -> bool:
        return self.weekly is None and self.monthly is None


@dataclass(frozen=True)
class Slot:
    """One automatic sync; a day on which both rules meet has one slot."""

    day: date
    is_weekly: bool
    is_monthly: bool

    @property
    def at(self) -> datetime:
        return datetime.combine(self.day, AT)

    @property
    def why(self) -> str:
        """Name the rule, or both."""
        names = [name for name, holds in (("weekly", self.is_weekly), ("monthly", self.is_monthly)) if holds]
        return " and ".join(names)


def walk(schedule: Schedule, after: datetime) -> Iterator[Slot]:
    """Give the slots strictly after an aware moment, in their order, without an end; none when manual."""
    if schedule.is_manual:
        return
    day = _first_day_after(after)
    while True:
        week_day, month_day = _next_weekly(schedule.weekly, day), _next_monthly(schedule.monthly, day)
        found = min(one for one in (week_day, month_day) if one is not None)
        yield Slot(found, found == week_day, found == month_day)
        day = found + timedelta(1)


def find_next(schedule: Schedule, after: datetime) -> Slot | None:
    """Give the first slot strictly after a moment; None when manual."""
    return next(walk(schedule, after), None)


def find_latest(schedule: Schedule, at: datetime) -> Slot | None:
    """Give the last slot that is not after a moment; None when manual."""
    # Two months hold a slot of each rule, and the slots between are few.
    found = None
    for slot in walk(schedule, at - timedelta(62)):
        if slot.at > at:
            break
        found = slot
    return found


def list_next(schedule: Schedule, after: datetime, count: int) -> list[Slot]:
    """Give the next so many slots."""
    return list(islice(walk(schedule, after), count))


def find_short_month(schedule: Schedule, after: datetime) -> date | None:
    """Give the next month's last day that stands for a date which the month lacks; None: no month lacks it."""
    if not isinstance(schedule.monthly, OnDate) or schedule.monthly.day <= 28:
        return None
    monthly = Schedule(monthly=schedule.monthly)
    wanted = schedule.monthly.day
    return next(slot.day for slot in walk(monthly, after) if slot.day.day < wanted)


def _first_day_after(after: datetime) -> date:
    moment = after.astimezone(UTC)
    return moment.date() if moment < datetime.combine(moment.date(), AT) else moment.date() + timedelta(1)


def _next_weekly(weekday: int | None, day: date) -> date | None:
    return None if weekday is None else day + timedelta((weekday - day.weekday()) % 7)


def _next_monthly(rule: OnDate | OnWeekday | None, day: date) -> date | None:
    if rule is None:
        return None
    this_month = rule.in_month(day.year, day.month)
    if this_month >= day:
        return this_month
    return rule.in_month(day.year + day.month // 12, day.month % 12 + 1)
