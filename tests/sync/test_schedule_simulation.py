"""F4 over 60 simulated days: three beats, clocks ten minutes apart, all stopped from 06:55 to 07:20 each day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from typing import Any

import pytest

from accounts.models import Organization, SyncSchedule, User
from reconcile.tenancy.scope import org_scope
from sync import runs, schedules
from sync.models import AutomaticSync, SyncRun
from tests.sync.pocket import PocketVendor, PocketVendorAdapter
from vendors.models import Integration

FIRST, DAYS = date(2027, 2, 20), 60  # a month's last day in February, and Europe's and America's summer time
CLOCKS = [timedelta(minutes=-10), timedelta(0), timedelta(minutes=10)]
OUTAGE = time(6, 55), time(7, 20)
ON_DATE, ON_WEEKDAY = SyncSchedule.MonthlyBy
CHOICES: dict[str, dict[str, Any]] = {
    "Mondays": {"weekday": 0},
    "Sundays": {"weekday": 6},
    "The 31st": {"weekly": False, "monthly": True, "monthly_by": ON_DATE, "month_day": 31},
    "Wednesdays and the last one": {
        "weekday": 2, "monthly": True, "monthly_by": ON_WEEKDAY, "month_nth": 5, "month_weekday": 2,
    },
    "Fridays and the 15th": {"weekday": 4, "monthly": True, "monthly_by": ON_DATE, "month_day": 15},
    "By hand": {"weekly": False},
}  # fmt: skip
CALENDAR = [FIRST + timedelta(n) for n in range(DAYS)]
# The days on which a person who reads a calendar expects them.
EXPECTED: dict[str, list[date]] = {
    "Mondays": [day for day in CALENDAR if f"{day:%a}" == "Mon"],
    "Sundays": [day for day in CALENDAR if f"{day:%a}" == "Sun"],
    "The 31st": [date(2027, 2, 28), date(2027, 3, 31)],
    "Wednesdays and the last one": [day for day in CALENDAR if f"{day:%a}" == "Wed"],
    "Fridays and the 15th": [day for day in CALENDAR if f"{day:%a}" == "Fri" or day.day == 15],
    "By hand": [],
}


def ticks(beat: int, outage: tuple[time, time] = OUTAGE) -> Iterator[datetime]:
    """Give the moments at which one beat ticks: each half minute around 07:00, else now and then."""
    for day in CALENDAR:
        midnight = datetime.combine(day, time(0), UTC) + timedelta(seconds=9 * beat)
        near = [midnight + timedelta(hours=6, minutes=30, seconds=30 * n) for n in range(140)]
        far = [midnight + timedelta(hours=3 * n) for n in range(8)]
        yield from (one for one in sorted(near + far) if not outage[0] <= one.time() < outage[1])


@pytest.fixture
def organizations(alice: User, console: PocketVendor) -> dict[str, Organization]:
    """Found one organization per schedule, each with a source; next planned as of the first day."""
    found = {}
    for name, choice in CHOICES.items():
        org = found[name] = Organization.found(name=name, owner=alice)
        with org_scope(org.pk):
            schedule = SyncSchedule.objects.get()
            for field, value in choice.items():
                setattr(schedule, field, value)
            schedule.next_sync_at = None
            schedule.plan(datetime.combine(FIRST, time(0), UTC))
            schedule.save()
            Integration.objects.create(
                org=org, kind=PocketVendorAdapter.key, name="Vendor", base_url="https://vendor.example"
            )
    return found


def beat_once(at: datetime) -> None:
    """Do what one tick does when the engine is told this moment, its wake-ups delivered twice."""
    for org_id in schedules.find_due(at):
        for started in (schedules.start(org_id, at), schedules.start(org_id, at)):
            if started is not None:
                with org_scope(org_id):
                    run_ids = list(started.asked.values_list("run_id", flat=True))
                for run_id in run_ids:
                    runs.run(org_id, run_id)


def check_each_slot_ran_once(organizations: dict[str, Organization]) -> list[AutomaticSync]:
    found: list[AutomaticSync] = []
    for name, org in organizations.items():
        with org_scope(org.pk):
            started = list(AutomaticSync.objects.order_by("slot"))
            assert [one.slot.date() for one in started] == EXPECTED[name], name
            assert all(one.slot.time() == time(7) for one in started)
            done = SyncRun.objects.filter(state=SyncRun.State.DONE)
            assert done.count() == SyncRun.objects.count() == len(started), "one run per slot"
        found += started
    return found


def test_f4_sixty_days_three_beats_and_a_daily_outage(organizations: dict[str, Organization]) -> None:
    """By the database's clock, as the engine runs: a beat's own clock only says when it ticks."""
    for at in merge(*(ticks(beat) for beat in range(len(CLOCKS)))):
        beat_once(at)
    for one in check_each_slot_ran_once(organizations):
        back = datetime.combine(one.slot, OUTAGE[1], UTC)
        assert back <= one.started_at <= back + timedelta(minutes=2), "within two minutes of coming back"


def test_f4_even_with_the_beats_own_wrong_clocks_no_slot_runs_twice(
    organizations: dict[str, Organization],
) -> None:
    """What holds if the engine believed clocks ten minutes apart: still exactly one run, though ten minutes early."""
    told = (((at, at + wrong) for at in ticks(beat)) for beat, wrong in enumerate(CLOCKS))
    for _, believed in merge(*told):
        beat_once(believed)
    for one in check_each_slot_ran_once(organizations):
        assert one.started_at >= one.slot


def test_f4_without_an_outage_every_slot_starts_within_ten_minutes(
    organizations: dict[str, Organization],
) -> None:
    for at in ticks(0, outage=(time(0), time(0))):
        beat_once(at)
    for one in check_each_slot_ran_once(organizations):
        assert timedelta(0) <= one.started_at - one.slot <= timedelta(minutes=10)
