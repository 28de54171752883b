"""An organization's schedule in plain words: the sentence, a day, and the note about short months."""

from datetime import date, datetime

from accounts.schedule_rules import LAST, OnDate, Schedule, find_short_month

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", LAST: "last"}
MANUAL = "Manual only: nothing runs until somebody presses Quick sync."


def write_sentence(schedule: Schedule) -> str:
    """Write "Every Monday, and on the 30th of each month, at 07:00 UTC."."""
    parts = []
    if schedule.weekly is not None:
        parts.append(f"every {WEEKDAYS[schedule.weekly]}")
    if schedule.monthly is not None:
        parts.append(f"on the {_write_monthly(schedule)} of each month")
    if not parts:
        return MANUAL
    sentence = f"{', and '.join(parts)}{',' if len(parts) > 1 else ''} at 07:00 UTC."
    return sentence[0].upper() + sentence[1:]


def write_short_month(schedule: Schedule, after: datetime) -> str:
    """Write what a month without the chosen date does; empty when every month has it."""
    short = find_short_month(schedule, after)
    if short is None or not isinstance(schedule.monthly, OnDate):
        return ""
    ordinal = write_ordinal(schedule.monthly.day)
    return f"A month without a {ordinal} uses its last day: {short:%B} runs on {short.day} {short:%b %Y}."


def write_day(day: date, this_year: int) -> str:
    """Write "Monday 7 December", with the year when it is not this one."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {day:%B}" + ("" if day.year == this_year else f" {day.year}")


def write_ordinal(number: int) -> str:
    """Write "1st", "22nd", "13th"."""
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _write_monthly(schedule: Schedule) -> str:
    rule = schedule.monthly
    if isinstance(rule, OnDate):
        return write_ordinal(rule.day)
    return f"{NTH[rule.nth]} {WEEKDAYS[rule.weekday]}" if rule else ""
