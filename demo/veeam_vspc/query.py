"""The query helpers of every list: filter, sort, select, limit and offset (sheet §5)."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
ALWAYS_SENT = ("ownerCredentials",)

Row = dict[str, Any]
Query = Mapping[str, Sequence[str]]


class BadQuery(ValueError):
    """A query the console refuses with 400; the text is its message."""


def first(query: Query, name: str) -> str:
    """Return the first value of a query parameter, empty when it is not there."""
    values = query.get(name) or [""]
    return values[0]


def chosen(rows: Sequence[Row], query: Query) -> list[Row]:
    """Return the rows that the filter keeps, in the order asked for."""
    kept = [row for row in rows if _passes(row, _json_of(query, "filter"))]
    for rule in reversed(_json_of(query, "sort")):
        path, down = str(rule.get("property", "")), rule.get("direction") == "descending"
        kept.sort(key=lambda row: _sort_key(value_at(row, path)), reverse=down)
    return kept


def page_bounds(query: Query) -> tuple[int, int]:
    """Return (offset, limit): 0 and 100 unless asked otherwise, never more than 500 rows."""
    offset, limit = _whole(query, "offset", 0), _whole(query, "limit", DEFAULT_LIMIT)
    return offset, min(limit, MAX_LIMIT)


def enveloped(rows: Sequence[Row], query: Query) -> dict[str, Any]:
    """Return one page of the rows in the console's envelope; `total` is the length of the whole list."""
    offset, limit = page_bounds(query)
    page = [_selected(row, query) for row in rows[offset : offset + limit]]
    info = {"total": len(rows), "count": len(page), "offset": offset}
    return {"meta": {"pagingInfo": info}, "data": page, "errors": None}


def enveloped_one(row: Any) -> dict[str, Any]:
    """Return a single object in the envelope; the paging info is always there."""
    return {"meta": {"pagingInfo": {"total": 1, "count": 1, "offset": 0}}, "data": row, "errors": None}


def value_at(row: Any, path: str) -> Any:
    """Return the value at a dotted path, None where the path ends early."""
    for name in path.split("."):
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def _whole(query: Query, name: str, default: int) -> int:
    text = first(query, name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise BadQuery(f"The value '{text}' is not valid for {name}.")
    return int(text)


def _json_of(query: Query, name: str) -> list[Row]:
    text = first(query, name)
    if not text:
        return []
    try:
        rules = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadQuery(f"The {name} is not valid JSON.") from error
    rules = [rules] if isinstance(rules, dict) else rules
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise BadQuery(f"The {name} is not a list of objects.")
    return rules


def _passes(row: Row, rules: Sequence[Row]) -> bool:
    return all(_holds(row, rule) for rule in rules)


def _holds(row: Row, rule: Row) -> bool:
    operation = str(rule.get("operation", ""))
    if operation in ("and", "or"):
        parts = [_holds(row, part) for part in _list(rule.get("items", []), "items")]
        return all(parts) if operation == "and" else any(parts)
    compare = OPERATIONS.get(operation)
    if compare is None or "property" not in rule:
        raise BadQuery(f"The filter operation '{operation}' is not supported.")
    return compare(value_at(row, str(rule["property"])), rule.get("value"))


def _same(mine: Any, asked: Any) -> bool:
    """Equal as texts without case; a number may be asked for as its text, as many scripts do."""
    if mine is None or asked is None or isinstance(mine, bool) or isinstance(asked, bool):
        return bool(mine == asked)
    return str(mine).casefold() == str(asked).casefold()


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadQuery(f"The filter's {name} is not a list.")
    return value


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(mine: Any, asked: Any) -> bool:
        try:
            return mine is not None and test(mine, asked)
        except TypeError as error:
            raise BadQuery("The filter compares values of different types.") from error

    return compare


OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": _same,
    "notEquals": lambda mine, asked: not _same(mine, asked),
    "in": lambda mine, asked: any(_same(mine, one) for one in _list(asked, "value")),
    "contains": lambda mine, asked: str(asked).casefold() in str(mine or "").casefold(),
    "lessThan": _ordered(lambda mine, asked: bool(mine < asked)),
    "lessThanOrEqual": _ordered(lambda mine, asked: bool(mine <= asked)),
    "greaterThan": _ordered(lambda mine, asked: bool(mine > asked)),
    "greaterThanOrEqual": _ordered(lambda mine, asked: bool(mine >= asked)),
}


def _sort_key(value: Any) -> tuple[int, float, str]:
    if isinstance(value, bool | int | float):
        return (1, value, "")
    return (0, 0, "") if value is None else (2, 0, str(value).casefold())


def _selected(row: Row, query: Query) -> Row:
    text = first(query, "select")
    if not text:
        return row
    names = _select_names(text)
    return {name: value for name, value in row.items() if name in names or name in ALWAYS_SENT}


def _select_names(text: str) -> set[str]:
    """Read `select` as a JSON list of names or of `{"propertyPath": name}`, or as names with commas."""
    if not text.lstrip().startswith("["):
        return {name.strip().partition(".")[0] for name in text.split(",")}
    try:
        parts = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadQuery("The select is not valid JSON.") from error
    names = [part.get("propertyPath", "") if isinstance(part, dict) else str(part) for part in parts]
    return {name.partition(".")[0] for name in names}
