"""Ways to read a list page by page: declared by the adapter, never guessed, loud on repeats."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconcile.http.errors import OurBug, TryLater

Row = dict[str, Any]
Params = Mapping[str, Any]


class ListMoved(TryLater):
    """A list changed or repeated itself while it was read; reading it again from the start may do."""


class PageReply(Protocol):
    """What a paginator needs of a reply."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Give the reply's headers, found without regard to case."""

    def json(self) -> Any:
        """Give the reply's JSON value."""


Get = Callable[[str, Params], PageReply]


def bare_list(value: Any) -> list[Row]:
    """Take the rows of a reply that is a bare JSON array."""
    return _rows(value)


def by_id(row: Row) -> Hashable:
    """Tell rows apart by their `id`."""
    return _hashable(row.get("id"))


def never(_reply: PageReply) -> bool:
    """Say that a page which is not full is the last."""
    return False


@dataclass(frozen=True)
class PageNumber:
    """Numbered pages; the first that is not full ends the list, unless `more` sees that it goes on."""

    size: int
    page_param: str = "page"
    size_param: str = "pageSize"
    first: int = 1
    rows: Callable[[Any], list[Row]] = bare_list
    key: Callable[[Row], Hashable] = by_id
    more: Callable[[PageReply], bool] = never

    def pages(self, get: Get, path: str, params: Params) -> Iterator[list[Row]]:
        """Yield each page's rows; raises TryLater when a row comes twice."""
        seen = _Seen(path, self.key)
        number = self.first
        while True:
            reply = get(path, {**params, self.size_param: self.size, self.page_param: number})
            rows = self.rows(reply.json())
            yield seen.add(rows)
            if len(rows) < self.size and not (rows and self.more(reply)):
                return
            number += 1


@dataclass(frozen=True)
class Offset:
    """Offset and limit with a stated total, which every page must repeat and the rows must add up to."""

    limit: int
    total: Callable[[Any], int]
    rows: Callable[[Any], list[Row]]
    key: Callable[[Row], Hashable]
    offset_param: str = "offset"
    limit_param: str = "limit"

    def pages(self, get: Get, path: str, params: Params) -> Iterator[list[Row]]:
        """Yield each page's rows; raises TryLater when a row comes twice or the totals disagree."""
        seen = _Seen(path, self.key)
        stated: int | None = None
        while stated is None or len(seen.keys) < stated:
            value = get(
                path, {**params, self.limit_param: self.limit, self.offset_param: len(seen.keys)}
            ).json()
            total = self.total(value)
            if stated not in (None, total):
                raise _moved(path, f"the total changed from {stated} to {total}")
            stated = total
            rows = self.rows(value)
            if not rows and len(seen.keys) < stated:
                raise _moved(path, f"{len(seen.keys)} rows came of {stated}")
            yield seen.add(rows)
        if len(seen.keys) != stated:
            raise _moved(path, f"{len(seen.keys)} rows came of {stated}")


@dataclass(frozen=True)
class ForwardOnly:
    """A cursor that is the last id seen; ids must grow, and a page that is not full ends the list."""

    size: int
    start: int = 0
    cursor_param: str = "pageId"
    size_param: str = "pageSize"
    rows: Callable[[Any], list[Row]] = bare_list

    def pages(self, get: Get, path: str, params: Params) -> Iterator[list[Row]]:
        """Yield each page's rows; raises TryLater when the ids do not grow."""
        cursor = self.start
        while True:
            rows = self.rows(
                get(path, {**params, self.size_param: self.size, self.cursor_param: cursor}).json()
            )
            for row in rows:
                if not isinstance(row.get("id"), int) or row["id"] <= cursor:
                    raise _moved(path, f"id {row.get('id')!r} came after {cursor}")
                cursor = row["id"]
            yield rows
            if len(rows) < self.size:
                return


@dataclass
class _Seen:
    """The keys of all rows so far."""

    path: str
    key: Callable[[Row], Hashable]
    keys: set[Hashable] = field(default_factory=set)

    def add(self, rows: list[Row]) -> list[Row]:
        for row in rows:
            key = self.key(row)
            if key in self.keys:
                raise _moved(self.path, f"row {key!r} came twice")
            self.keys.add(key)
        return rows


def _rows(value: Any) -> list[Row]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise OurBug(
            "The list came in a shape that Reconcile does not know. Support must look at it.",
            detail=f"a {type(value).__name__} instead of a list of objects",
        )
    return value


def _hashable(value: Any) -> Hashable:
    if value is None or isinstance(value, dict | list):
        raise OurBug("A row came without its id. Support must look at it.", detail=repr(value)[:200])
    key: Hashable = value
    return key


def _moved(path: str, what: str) -> ListMoved:
    return ListMoved(
        "The list changed or repeated itself while it was being read, so nothing of it was used. "
        "Reconcile reads it again at the next try.",
        detail=f"{path}: {what}",
    )
