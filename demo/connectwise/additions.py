"""What the API computes on an addition: billed quantity, extended prices, proration and status.

Fact sheet psa/connectwise.md, sections 6.4 and 7.4; open points S2, S4, S5 and S9 of section 12.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from demo.connectwise.conditions import read_datetime
from demo.connectwise.errors import field_error, invalid_object
from demo.connectwise.schema import ADDITION
from demo.connectwise.store import Row, Table

_CENT = Decimal("0.01")
_MONTHS = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}
_WEEKS = {"Weekly": 1, "BiWeekly": 2}
_MONDAY = date(2024, 1, 1)


def fill_addition(row: Row, before: Row | None, tables: dict[str, Table]) -> Row:
    """Give a new addition its catalogue defaults, and refuse a product of class Bundle."""
    item = tables["catalog"].get(int(row.get("product", {}).get("id") or 0))
    if item is None:
        return row
    if item.get("productClass") == "Bundle":
        text = "A product of class Bundle cannot be added to an agreement."
        raise invalid_object("addition", [field_error("OutOfRange", "addition", "product/id", text)])
    if before is not None:
        return row
    agreement = tables["agreements"].get(row["agreementId"]) or {}
    siblings = tables["additions"].all(row["agreementId"])
    defaults = {
        "quantity": 1.0,
        "lessIncluded": 0.0,
        **catalogue_terms(item),
        "invoiceDescription": item.get("customerDescription", item["description"]),
        "taxableFlag": item.get("taxableFlag", False),
        "uom": item.get("unitOfMeasure", {}).get("name"),
        "effectiveDate": agreement.get("startDate"),
        "sequenceNumber": max((each.get("sequenceNumber", 0.0) for each in siblings), default=0.0) + 1,
    }
    return {**{name: value for name, value in defaults.items() if value is not None}, **row}


def catalogue_terms(item: Row) -> Row:
    """What a change of product resets: price, cost and description (section 3.2)."""
    return {
        "unitPrice": item.get("price", 0.0),
        "unitCost": item.get("cost", 0.0),
        "description": item["description"],
    }


def compute_addition(row: Row, agreement: Row, cycles: Table, options: dict[str, Any]) -> Row:
    """The row with its read-only figures worked out anew."""
    quantity = _decimal(row.get("quantity"))
    billable = quantity - _decimal(row.get("lessIncluded"))
    units = billable if options["S4"] == "billable" else quantity
    price, cost = _decimal(row.get("unitPrice")), _decimal(row.get("unitCost"))
    result = {name: value for name, value in row.items() if name not in ADDITION.read_only}
    result |= {
        "agreementId": row["agreementId"],
        "billedQuantity": float(billable),
        "extPrice": _money(units * price),
        "extCost": _money(units * cost),
        "margin": _money(units * price - units * cost),
        "agreementStatus": agreement.get("agreementStatus", "Active"),
    }
    share = _prorated_share(row, agreement, cycles, bool(options["S9"]))
    if share is not None:
        result |= {
            "proratePrice": _money(price * share),
            "prorateCost": _money(cost * share),
            "extendedProratePrice": _money(units * price * share),
            "extendedProrateCost": _money(units * cost * share),
        }
    return result


def addition_status(row: Row, now: datetime, inclusive: bool) -> str:
    """Whether the line bills today; `inclusive` says that cancelledDate is the last billed day (S2)."""
    today = now.astimezone(UTC).date()
    cancelled, effective = _day(row.get("cancelledDate")), _day(row.get("effectiveDate"))
    if cancelled and (cancelled < today or (cancelled == today and not inclusive)):
        return "Cancelled"
    return "Inactive" if effective and effective > today else str(row["agreementStatus"])


def _prorated_share(row: Row, agreement: Row, cycles: Table, day_counts: bool) -> Decimal | None:
    """Remaining days over the period's days when the line starts inside one; None when not prorated."""
    start = _day(row.get("effectiveDate"))
    cycle = cycles.get(int(agreement.get("billingCycle", {}).get("id") or 0)) or {}
    if not agreement.get("prorateFlag") or start is None:
        return None
    first, end = billing_period(start, str(cycle.get("billingOptions", "Monthly")), _anchor(agreement))
    if first == start:
        return None
    remaining = (end - start).days - (0 if day_counts else 1)
    return Decimal(remaining) / Decimal((end - first).days)


def _anchor(agreement: Row) -> date:
    """The day periods are counted from: the agreement's own start, or the calendar year's."""
    own = _day(agreement.get("billStartDate")) or _day(agreement.get("startDate"))
    by_contract = agreement.get("invoicingCycle") == "ContractYear"
    return own if own and by_contract else date(2000, 1, 1)


def billing_period(day: date, option: str, anchor: date) -> tuple[date, date]:
    """First day of the billing period that holds `day`, and the first day after it."""
    if option in _WEEKS:
        length = 7 * _WEEKS[option]
        first = day - timedelta(days=(day - _MONDAY).days % length)
        return first, first + timedelta(days=length)
    months = _MONTHS.get(option, 1)
    passed = (day.year - anchor.year) * 12 + day.month - anchor.month
    passed -= passed % months
    if _shifted(anchor, passed) > day:
        passed -= months
    return _shifted(anchor, passed), _shifted(anchor, passed + months)


def _shifted(day: date, months: int) -> date:
    """The same day so many months on, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    following = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def _day(text: object) -> date | None:
    moment = read_datetime(text) if isinstance(text, str) else None
    return moment.date() if moment else None


def _decimal(value: object) -> Decimal:
    return Decimal(str(value or 0))


def _money(amount: Decimal) -> float:
    """An amount rounded to cents, as the API's JSON number."""
    return float(amount.quantize(_CENT))
