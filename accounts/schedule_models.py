"""When an organization syncs by itself (F1): what an admin chose, and the next moment at which it is due."""

import hashlib
from datetime import date, datetime, timedelta
from typing import ClassVar, Self

from django.db import models

from accounts.schedule_rules import AT, LAST, OnDate, OnWeekday, Schedule, find_latest, find_next
from accounts.schedule_words import NTH, WEEKDAYS
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.models import TenantRow

# All organizations at 07:00:00 would stand in one queue; within these seconds each has a place of its own.
SPREAD_SECONDS = 240


class SyncSchedule(TenantRow):
    """One row per organization. `next_sync_at` is the slot's 07:00 UTC and the organization's spread; NULL: manual."""

    class MonthlyBy(models.TextChoices):
        DATE = "date", "On a date"
        WEEKDAY = "weekday", "On a weekday"

    DAYS: ClassVar = [(number, name) for number, name in enumerate(WEEKDAYS)]

    weekly = models.BooleanField(default=True)
    weekday = models.PositiveSmallIntegerField(choices=DAYS, default=0, help_text="Monday is 0")
    monthly = models.BooleanField(default=False)
    monthly_by = models.CharField(max_length=7, choices=MonthlyBy.choices, default=MonthlyBy.DATE)
    month_day = models.PositiveSmallIntegerField(
        choices=[(day, str(day)) for day in range(1, 32)],
        default=1,
        help_text="1 to 31; a shorter month uses its last day",
    )
    month_nth = models.PositiveSmallIntegerField(choices=list(NTH.items()), default=LAST)
    month_weekday = models.PositiveSmallIntegerField(choices=DAYS, default=4)
    next_sync_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("accounts_syncschedule"),
            models.UniqueConstraint(fields=["org"], name="accounts_syncschedule_one"),
            models.CheckConstraint(
                condition=models.Q(
                    weekday__lte=6,
                    month_weekday__lte=6,
                    month_day__range=(1, 31),
                    month_nth__range=(1, LAST),
                ),
                name="accounts_syncschedule_days",
            ),
        ]

    def __str__(self) -> str:
        return f"Schedule of {self.org_id}"

    @classmethod
    def begin(cls, org_id: int, joined_on: date, now: datetime) -> Self:
        """Make a new organization's schedule: weekly, on the weekday on which it joined."""
        schedule = cls(org_id=org_id, weekday=joined_on.weekday())
        schedule.plan(now)
        schedule.save()
        return schedule

    @property
    def rules(self) -> Schedule:
        """Give what was chosen, as the rules that say on which days."""
        monthly: OnDate | OnWeekday | None = None
        if self.monthly and self.monthly_by == self.MonthlyBy.DATE:
            monthly = OnDate(self.month_day)
        elif self.monthly:
            monthly = OnWeekday(self.month_nth, self.month_weekday)
        return Schedule(weekly=self.weekday if self.weekly else None, monthly=monthly)

    @property
    def spread(self) -> timedelta:
        """Give how long after 07:00 this organization starts: always the same, and less than ten minutes."""
        digest = hashlib.sha256(str(self.org_id).encode()).digest()
        return timedelta(seconds=int.from_bytes(digest[:4]) % SPREAD_SECONDS)

    def plan(self, now: datetime) -> None:
        """Set when it is next due, by what is chosen now; what is overdue stays so, and is caught up. Not saved."""
        is_overdue = self.next_sync_at is not None and self.next_sync_at <= now
        if self.rules.is_manual or not is_overdue:
            self.next_sync_at = self.find_due_after(now - self.spread)

    def find_due_after(self, moment: datetime) -> datetime | None:
        """Give when the first slot after a moment is due; None: manual only."""
        slot = find_next(self.rules, moment)
        return slot.at + self.spread if slot else None

    def find_due_slot(self, now: datetime) -> datetime | None:
        """Give the newest slot that is due; those missed before it need no sync of their own. None: nothing is."""
        if self.next_sync_at is None or self.next_sync_at > now:
            return None
        due = datetime.combine(self.next_sync_at.date(), AT)
        latest = find_latest(self.rules, now)
        return max(due, latest.at) if latest else due
