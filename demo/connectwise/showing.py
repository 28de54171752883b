"""How a row leaves the API: links in references, unset values in their many forms, hidden prices."""

from datetime import UTC, datetime
from typing import Any

from demo.connectwise.additions import addition_status
from demo.connectwise.resources import ADDRESSES, Resource
from demo.connectwise.roles import Role
from demo.connectwise.store import Row

_PRICES = (
    "unitPrice",
    "extPrice",
    "margin",
    "proratePrice",
    "extendedProratePrice",
    "price",
    "recurringRevenue",
)
_COSTS = ("unitCost", "extCost", "margin", "prorateCost", "extendedProrateCost", "cost", "recurringCost")


def show_row(row: Row, resource: Resource, base: str, role: Role, options: dict[str, Any]) -> Row:
    """The row as sent; `base` is the address below which the modules stand."""
    result = dict(row)
    if resource.table == "additions" and options["S5"]:
        inclusive = options["S2"] == "inclusive"
        result["additionStatus"] = addition_status(row, datetime.now(UTC), inclusive)
    if role.block_price or role.block_cost:
        for name in (*(_PRICES if role.block_price else ()), *(_COSTS if role.block_cost else ())):
            result.pop(name, None)
    for name, table in resource.schema.references.items():
        if table in ADDRESSES and isinstance(reference := result.get(name), dict) and "id" in reference:
            href = f"{base}{ADDRESSES[table]}/{reference['id']}"
            result[name] = {**reference, "_info": {f"{name}_href": href}}
    _show_unset(result, resource, str(options["S8"]))
    return result


def _show_unset(row: Row, resource: Resource, form: str) -> None:
    """Show unset values as missing, null or empty (S8); mixed takes turns by id and field."""
    schema = resource.schema
    for number, name in enumerate(schema.optional):
        if name in row:
            continue
        chosen = form if form != "mixed" else ("missing", "null", "empty")[(row["id"] + number) % 3]
        if chosen == "empty" and name not in schema.references:
            row[name] = ""
        elif chosen != "missing":
            row[name] = None
