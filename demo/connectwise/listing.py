"""Lists: conditions, orderBy, fields, and both ways of paging (fact sheet psa/connectwise.md, section 2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from demo.connectwise.conditions import BadConditions, field_path, parse_conditions, read_field
from demo.connectwise.errors import ApiError, bad_request
from demo.connectwise.store import Row
from demo.server import Request, Response

DEFAULT_PAGE_SIZE = 25
LARGEST_PAGE_SIZE = 1000
_PAGING = ("page", "pageid", "pagesize")


@dataclass(frozen=True)
class ListOptions:
    """The open points that lists depend on: S7, S13, and a server that repeats its first page for ever."""

    clamp_page_size: bool = True
    bad_conditions_status: int = 400
    repeat_pages: bool = False


def parameters(request: Request) -> dict[str, str]:
    """The query parameters with lower-case names, the last one of a name counting."""
    return {name.lower(): values[-1] for name, values in request.query.items()}


def select(rows: Sequence[Row], conditions: str, options: ListOptions) -> list[Row]:
    """The rows that meet the conditions; a malformed expression is a 400 (S13)."""
    if not conditions:
        return list(rows)
    try:
        predicate = parse_conditions(conditions)
    except BadConditions as error:
        body = {"code": "InvalidConditions", "message": f"Invalid conditions: {error}", "errors": None}
        raise ApiError(options.bad_conditions_status, body) from error
    return [row for row in rows if predicate(row)]


def count(rows: Sequence[Row], request: Request, options: ListOptions) -> Response:
    """The answer of a /count path."""
    return Response(200, {"count": len(select(rows, parameters(request).get("conditions", ""), options))})


def list_page(
    rows: Sequence[Row],
    request: Request,
    options: ListOptions,
    show: Callable[[Row], Row] = dict,
    conditions: str | None = None,
) -> Response:
    """One page of the rows (given in id order) as a bare array with its Link header."""
    given = parameters(request)
    size = _page_size(given, options)
    chosen = select(rows, given.get("conditions", "") if conditions is None else conditions, options)
    if request.headers.get("pagination-type", "").lower() == "forward-only":
        page, link = _forward(chosen, given, size, request, options)
    else:
        page, link = _numbered(_ordered(chosen, given.get("orderby", "")), given, size, request, options)
    return Response(200, narrowed([show(row) for row in page], given), {"Link": link} if link else {})


def _page_size(given: dict[str, str], options: ListOptions) -> int:
    size = _number(given, "pagesize", DEFAULT_PAGE_SIZE)
    if size < 1 or (size > LARGEST_PAGE_SIZE and not options.clamp_page_size):
        raise bad_request(f"pageSize must lie between 1 and {LARGEST_PAGE_SIZE}.")
    return min(size, LARGEST_PAGE_SIZE)


def _number(given: dict[str, str], name: str, default: int) -> int:
    text = given.get(name) or str(default)
    if not text.isdecimal() or len(text) > 18:
        raise bad_request(f"{name} must be a whole number.")
    return int(text)


def _forward(
    rows: list[Row], given: dict[str, str], size: int, request: Request, options: ListOptions
) -> tuple[list[Row], str]:
    if given.get("orderby"):
        raise bad_request("orderBy is not allowed with forward-only paging.")
    after = _number(given, "pageid", 0)
    start = 0 if options.repeat_pages else after
    page = [row for row in rows if row["id"] > start][:size]
    # The next page is always offered, also after the last one.
    last = page[-1]["id"] if page else after
    return page, f'<{_address(request, size)}&pageId={last}>; rel="next"'


def _numbered(
    rows: list[Row], given: dict[str, str], size: int, request: Request, options: ListOptions
) -> tuple[list[Row], str]:
    number = _number(given, "page", 1)
    if number < 1:
        raise bad_request("page starts at 1.")
    last = max(1, -(-len(rows) // size))
    relations = {"first": 1, "prev": min(number - 1, last)} if number > 1 else {}
    relations |= {"next": number + 1, "last": last} if number < last else {}
    address = _address(request, size) if relations else ""
    # Clients read these links with page=(\d+)>; rel="(.*?)": page has to stay last.
    link = ", ".join(f'<{address}&page={page}>; rel="{name}"' for name, page in relations.items())
    start = 0 if options.repeat_pages else (number - 1) * size
    return rows[start : start + size], link


def _address(request: Request, size: int) -> str:
    """The address of this list with its other parameters kept and the page size named."""
    kept = [pair for pair in parse_qsl(request.raw_query) if pair[0].lower() not in _PAGING]
    query = urlencode([*kept, ("pageSize", str(size))])
    return f"http://{request.headers.get('Host', '127.0.0.1')}{request.path}?{query}"


def _ordered(rows: list[Row], order_by: str) -> list[Row]:
    """Rows by `name asc, company/name desc`; the last key is sorted first, because sorting is stable."""
    for part in reversed([part.split() for part in order_by.split(",") if part.strip()]):
        direction = part[1].lower() if len(part) > 1 else "asc"
        if len(part) > 2 or direction not in ("asc", "desc"):
            raise bad_request(f"orderBy cannot be read: {order_by}")
        path = field_path(part[0])
        rows = sorted(rows, key=lambda row: _sort_key(read_field(row, path)), reverse=direction == "desc")
    return rows


def _sort_key(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    if isinstance(value, int | float):
        return 1, value
    return 2, str(value).casefold()


def narrowed(rows: list[Row], given: dict[str, str]) -> list[Row]:
    """The rows cut down to the names in `fields`; a slash reaches into a reference."""
    names = [name.strip() for name in given.get("fields", "").split(",") if name.strip()]
    return [_cut(row, names) for row in rows] if names else rows


def _cut(row: Row, names: list[str]) -> Row:
    result: Row = {}
    for name in names:
        head, _, rest = name.partition("/")
        key = head if head in row else next((key for key in row if key.lower() == head.lower()), None)
        if key is None:
            continue
        if rest and isinstance(row[key], dict):
            result[key] = {**result.get(key, {}), **_cut(row[key], [rest])}
        else:
            result[key] = row[key]
    return result
