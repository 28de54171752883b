"""The PATCH dialect: fact sheet psa/connectwise.md, section 3.2 (not RFC 6902)."""

from typing import Any

from demo.connectwise.additions import catalogue_terms
from demo.connectwise.errors import bad_request, field_error, invalid_object
from demo.connectwise.schema import Schema
from demo.connectwise.store import Row, Table

_WORDS = ("add", "replace", "remove")


def apply_patch(row: Row, operations: Any, schema: Schema, tables: dict[str, Table]) -> Row | None:
    """The patched row, references not yet looked up; None when the patch names nothing that can change.

    Paths are bare, case-sensitive, top-level names; one leading slash is tolerated. A sub-path such as
    company/id is accepted and changes nothing, and so is a read-only field.
    """
    changes = _changes(operations, schema)
    if not changes:
        return None
    result = dict(row)
    if schema.noun == "addition" and changes.get("product") is not None:
        result |= _reset_terms(row, changes["product"], tables["catalog"])
    for name, value in changes.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def _changes(operations: Any, schema: Schema) -> dict[str, Any]:
    """The wanted value by field; None removes it."""
    if not isinstance(operations, list):
        raise bad_request("The body of a PATCH is an array of operations.")
    changes: dict[str, Any] = {}
    for operation in operations:
        name, value = _read(operation)
        if "/" in name or name in schema.ignored:
            continue
        if name not in schema.writable:
            error = field_error("OutOfRange", schema.noun, name, f"{name} is not a field of {schema.noun}.")
            raise invalid_object(schema.noun, [error])
        changes[name] = None if value == "" and name in schema.dates else value
    return changes


def _read(operation: Any) -> tuple[str, Any]:
    if not isinstance(operation, dict) or not isinstance(operation.get("path"), str):
        raise bad_request("An operation needs op, path and value.")
    word = str(operation.get("op", "")).lower()
    if word not in _WORDS:
        raise bad_request(f"Unknown operation {operation.get('op')!r}; known are {', '.join(_WORDS)}.")
    if word != "remove" and "value" not in operation:
        raise bad_request("The operation has no value.")
    return operation["path"].removeprefix("/"), None if word == "remove" else operation["value"]


def _reset_terms(row: Row, product: Any, catalog: Table) -> Row:
    """Price, cost and description go back to the catalogue's when the product becomes another one."""
    wanted = product.get("id") if isinstance(product, dict) else None
    if wanted == row.get("product", {}).get("id") or not isinstance(wanted, int):
        return {}
    item = catalog.get(wanted)
    return catalogue_terms(item) if item else {}
