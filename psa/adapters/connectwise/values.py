"""Reading single values out of ConnectWise rows: an unset one is missing, null or "" alike (fact sheet §2.1)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from reconcile.http.errors import OurBug

Row = dict[str, Any]
# What a figure may be at most: beyond this it is no count and no price, but a fault.
LARGEST = Decimal(10) ** 12
_PLACES = Decimal("0.000001")


def is_unset(value: Any) -> bool:
    """Tell whether a value means "not set"."""
    return value is None or value in ("", {})


def text(row: Row, name: str) -> str:
    """Give a text, "" when unset."""
    value = row.get(name)
    return "" if is_unset(value) else str(value)


def flag(row: Row, name: str) -> bool:
    """Give a flag, False when unset."""
    return row.get(name) is True


def reference_id(row: Row, name: str) -> str:
    """Give the id inside a reference, "" when unset."""
    reference = row.get(name)
    return "" if not isinstance(reference, dict) or is_unset(reference.get("id")) else str(reference["id"])


def reference_text(row: Row, name: str, part: str = "name") -> str:
    """Give the name (or another part) inside a reference, "" when unset."""
    reference = row.get(name)
    return text(reference, part) if isinstance(reference, dict) else ""


def number(row: Row, name: str) -> Decimal | None:
    """Give a figure, to six places; None when unset. Raises OurBug for what is no sensible number."""
    value = row.get(name)
    if is_unset(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _odd(row, name, value)
    figure = Decimal(value)
    if not figure.is_finite() or abs(figure) > LARGEST:
        raise _odd(row, name, value)
    rounded = figure.quantize(_PLACES)
    # Without an exponent, because sentences for people show it; and never as minus zero.
    return (
        rounded.to_integral_value() if rounded == rounded.to_integral_value() else rounded.normalize()
    ) + 0


def required_number(row: Row, name: str) -> Decimal:
    """Give a figure that must be there: a missing one is unknown and never read as zero."""
    figure = number(row, name)
    if figure is None:
        raise _odd(row, name, None)
    return figure


def day(row: Row, name: str) -> date | None:
    """Give the day of an ISO date or moment, as ConnectWise wrote it; None when unset."""
    value = row.get(name)
    if is_unset(value):
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise _odd(row, name, value) from None


def stamp(row: Row) -> str:
    """Give `_info.lastUpdated`, the only version token there is (§3.1)."""
    info = row.get("_info")
    return text(info, "lastUpdated") if isinstance(info, dict) else ""


def moment_condition(moment: datetime) -> str:
    """Write an aware moment for `conditions`: [2025-06-01T00:00:00Z]."""
    return f"[{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}]"


def day_value(when: date) -> str:
    """Write a day as ConnectWise takes it in a body."""
    return f"{when.isoformat()}T00:00:00Z"


def row_id(row: Row) -> str:
    """Give the row's own id; raises OurBug when there is none."""
    if is_unset(row.get("id")):
        raise OurBug(
            "ConnectWise sent a record without an id. Support must look at it.", detail=str(row)[:200]
        )
    return str(row["id"])


def _odd(row: Row, name: str, value: Any) -> OurBug:
    return OurBug(
        f"ConnectWise sent a record whose {name} cannot be read, so nothing of that list was used. "
        "Support must look at it.",
        detail=f"record {row.get('id')}: {name}={str(value)[:60]!r}",
    )
