"""When a credential ends, in days and in words; pure."""

from datetime import date

# Told so many days before, and shown as ending from the first of them on.
FIRST, LAST = 14, 3


def in_words(days: int) -> str:
    """Say when something ends that has so many days left: "in 12 days", "today", "3 days ago"."""
    if days < 0:
        return "yesterday" if days == -1 else f"{-days} days ago"
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def ends_soon(day: date | None, today: date) -> str:
    """Say "Key expires in 12 days" from a fortnight before its last day on; empty before that, or without a day."""
    if day is None or (days := (day - today).days) > FIRST:
        return ""
    return f"Key {'expires' if days >= 0 else 'expired'} {in_words(days)}"
