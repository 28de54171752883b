"""Time zones: their names, how each reads today, and what a time in UTC is there."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache

UTC_NAME = "UTC"
# Names that are no place: they are kept by the database for old systems.
NO_PLACE = ("posix/", "right/", "Etc/", "SystemV/", "localtime", "Factory")


@cache
def list_names() -> tuple[str, ...]:
    """Give the names of all zones, UTC first."""
    names = {name for name in zoneinfo.available_timezones() if not name.startswith(NO_PLACE)}
    return (UTC_NAME, *sorted(names - {UTC_NAME}))


def offset(local: datetime) -> str:
    """Write how far a local time is from UTC: "UTC−5", "UTC+5:30", "UTC"."""
    away = local.utcoffset() or timedelta(0)
    if not away:
        return UTC_NAME
    hours, minutes = divmod(abs(away) // timedelta(minutes=1), 60)
    return f"UTC{'+' if away > timedelta(0) else '−'}{hours}" + (f":{minutes:02}" if minutes else "")


def abbreviation(local: datetime) -> str:
    """Give the letters that people write after a local time: "EST"; where a zone has none, "UTC−3"."""
    name = local.tzname() or ""
    return name if name.isalpha() else offset(local)


def place(name: str) -> str:
    """Give the place that a zone is named after: "Detroit"; "Argentina, Buenos Aires"; "UTC"."""
    return name.partition("/")[2].replace("_", " ").replace("/", ", ") or name


def describe(name: str, now: datetime) -> str:
    """Describe a zone: "Detroit (EST, UTC−5)"; `now` decides whether summer time holds."""
    local = now.astimezone(zoneinfo.ZoneInfo(name))
    letters = abbreviation(local)
    inside = dict.fromkeys((letters, offset(local)))
    return place(name) if name == UTC_NAME else f"{place(name)} ({', '.join(inside)})"


def list_choices(now: datetime) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give all zones for a select, grouped by region: UTC by itself, then Africa, America …, then the old names."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in list_names():
        region = name.partition("/")[0] if "/" in name else "Other names"
        groups.setdefault(UTC_NAME if name == UTC_NAME else region, []).append((name, describe(name, now)))
    last = groups.pop("Other names", [])
    return [*groups.items(), ("Other names", last)]


def at_hour(hour: int, name: str, now: datetime) -> str:
    """Say what a full hour in UTC, of today, is in a zone: "02:00", "21:00 the day before"."""
    moment = now.astimezone(UTC).replace(hour=hour, minute=0)
    local = moment.astimezone(zoneinfo.ZoneInfo(name))
    days = (local.date() - moment.date()).days
    return f"{local:%H:%M}" + (" the day before" if days < 0 else " the day after" if days > 0 else "")


def write_there(moment: datetime, name: str) -> str:
    """Write when a moment is in a zone, with its day where UTC has another: "02:00 EST", "6 Dec, 21:00 HST"."""
    if name == UTC_NAME:
        return ""
    local = moment.astimezone(zoneinfo.ZoneInfo(name))
    day = "" if local.date() == moment.astimezone(UTC).date() else f"{local.day} {local:%b}, "
    return f"{day}{local:%H:%M} {abbreviation(local)}"


def has(name: str) -> bool:
    """Say whether a zone of this name exists."""
    return name in list_names()
