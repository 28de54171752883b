"""F1, the days on which an organization syncs: every rule over 2024–2032, against the calendar read day by day."""

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise, product, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.schedule_rules import (
    LAST,
    OnDate,
    OnWeekday,
    Schedule,
    find_latest,
    find_next,
    find_short_month,
    list_next,
    walk,
)
from accounts.schedule_words import NTH, WEEKDAYS, write_day, write_ordinal, write_sentence, write_short_month

# Beyond the moments below by a February without a 29th.
FIRST_DAY, LAST_DAY = date(2024, 1, 1), date(2033, 12, 31)
DAYS = [FIRST_DAY + timedelta(n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
BEFORE = datetime(2024, 1, 1, 6, 59, 59, tzinfo=UTC)
WEEKLY = [None, *range(7)]
MONTHLY = [
    None,
    *map(OnDate, range(1, 32)),
    *(OnWeekday(*one) for one in product(range(1, LAST + 1), range(7))),
]

MONTHS: dict[tuple[int, int], list[date]] = defaultdict(list)
for one_day in DAYS:
    MONTHS[one_day.year, one_day.month].append(one_day)

rules = st.builds(Schedule, weekly=st.sampled_from(WEEKLY), monthly=st.sampled_from(MONTHLY))
zones = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
seconds = st.integers(0, (date(2032, 9, 30) - date(2024, 3, 1)).days * 86_400)
moments = st.builds(
    lambda after, zone: (datetime(2024, 3, 1, tzinfo=UTC) + timedelta(seconds=after)).astimezone(zone),
    seconds,
    zones,
)


def read_weekly(weekday: int | None) -> set[date]:
    """Read the rule as a person with a calendar does."""
    return {day for day in DAYS if weekday is not None and f"{day:%A}" == WEEKDAYS[weekday]}


def read_monthly(rule: OnDate | OnWeekday | None) -> set[date]:
    """Read the rule as a person with a calendar does, month by month."""
    found = set()
    for days in MONTHS.values():
        if isinstance(rule, OnDate):
            wanted = [day for day in days if day.day == rule.day]
            found.add(wanted[0] if wanted else days[-1])
        elif isinstance(rule, OnWeekday):
            wanted = [day for day in days if f"{day:%A}" == WEEKDAYS[rule.weekday]]
            found.add(wanted[-1] if NTH[rule.nth] == "last" else wanted[rule.nth - 1])
    return found


def walked(schedule: Schedule) -> list[tuple[date, bool, bool]]:
    slots = takewhile(lambda slot: slot.day <= LAST_DAY, walk(schedule, BEFORE))
    return [(slot.day, slot.is_weekly, slot.is_monthly) for slot in slots]


@pytest.mark.parametrize("weekly", WEEKLY)
def test_f1_every_rule_and_every_pair_of_rules_over_nine_years(weekly):
    in_week = read_weekly(weekly)
    for monthly in MONTHLY:
        in_month = read_monthly(monthly)
        expected = [(day, day in in_week, day in in_month) for day in sorted(in_week | in_month)]
        assert walked(Schedule(weekly, monthly)) == expected, (weekly, monthly)


def test_f1_the_nine_years_hold_what_is_awkward():
    """What the exhaustive test stands on: leap years, and dates that months lack."""
    on_31st = {day for day, _, _ in walked(Schedule(monthly=OnDate(31)))}
    assert {date(2024, 2, 29), date(2025, 2, 28), date(2028, 2, 29), date(2032, 2, 29)} <= on_31st
    assert {date(2026, 4, 30), date(2026, 12, 31)} <= on_31st
    assert len(on_31st) == len(MONTHS)
    on_29th = {day for day, _, _ in walked(Schedule(monthly=OnDate(29)))}
    assert {date(2024, 2, 29), date(2027, 2, 28)} <= on_29th


@given(schedule=rules, moment=moments)
def test_f1_next_and_latest_stand_on_both_sides_of_any_moment(schedule, moment):
    following, latest = find_next(schedule, moment), find_latest(schedule, moment)
    if schedule.is_manual:
        assert following is latest is None
        return
    assert following is not None
    assert latest is not None
    assert latest.at <= moment < following.at
    assert following.at.astimezone(UTC).time() == time(7)
    days = read_weekly(schedule.weekly) | read_monthly(schedule.monthly)
    assert {latest.day, following.day} <= days
    assert not any(latest.day < day < following.day for day in days), "no slot is passed over"


@given(schedule=rules, moment=moments)
def test_f1_a_slot_is_never_its_own_next(schedule, moment):
    slots = list_next(schedule, moment, 6)
    assert len(slots) == (0 if schedule.is_manual else 6)
    assert [slot.at for slot in slots] == sorted({slot.at for slot in slots})
    for slot, following in pairwise(slots):
        assert find_next(schedule, slot.at) == following
        assert find_latest(schedule, slot.at) == slot


@given(schedule=rules, moment=moments)
def test_f1_the_note_names_the_next_month_that_lacks_the_date(schedule, moment):
    short = find_short_month(schedule, moment)
    if not isinstance(schedule.monthly, OnDate) or schedule.monthly.day < 29:
        assert short is None
        return
    wanted = schedule.monthly.day
    lacking = [days[-1] for days in MONTHS.values() if len(days) < wanted]
    assert short == min(day for day in lacking if datetime.combine(day, time(7), UTC) > moment)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(0, OnDate(30)), "Every Monday, and on the 30th of each month, at 07:00 UTC."),
        (Schedule(6), "Every Sunday at 07:00 UTC."),
        (Schedule(None, OnWeekday(2, 1)), "On the second Tuesday of each month at 07:00 UTC."),
        (Schedule(None, OnWeekday(LAST, 4)), "On the last Friday of each month at 07:00 UTC."),
        (Schedule(), "Manual only: nothing runs until somebody presses Quick sync."),
    ],
)
def test_f1_a_schedule_in_words(schedule, words):
    assert write_sentence(schedule) == words


def test_f1_words_for_dates():
    after = datetime(2026, 11, 25, 8, tzinfo=UTC)
    note = "A month without a 30th uses its last day: February runs on 28 Feb 2027."
    assert write_short_month(Schedule(0, OnDate(30)), after) == note
    assert write_short_month(Schedule(0, OnDate(28)), after) == ""
    assert write_day(date(2026, 12, 7), 2026) == "Monday 7 December"
    assert write_day(date(2027, 1, 4), 2026) == "Monday 4 January 2027"
    ordinals = [write_ordinal(number) for number in range(1, 32)]
    assert ordinals[:4] == ["1st", "2nd", "3rd", "4th"]
    assert ordinals[10:13] == ["11th", "12th", "13th"]
    assert ordinals[20:23] == ["21st", "22nd", "23rd"]
    assert ordinals[30] == "31st"
