"""Reading the long lists page by page, whole or since a moment, and proving that none of it is missing."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from psa.adapters.base import Page
from psa.adapters.connectwise.client import PAGE_SIZE, Client
from psa.adapters.connectwise.values import Row, moment_condition
from reconcile.http.errors import RemoteError, TryLater

# Clocks differ and records are saved while we read: each quick window reaches back a little (§2.5).
OVERLAP = timedelta(minutes=10)

Record = TypeVar("Record")


def read_list(
    client: Client,
    path: str,
    to_record: Callable[[Row], Record],
    *,
    since: datetime | None = None,
    cursor: str = "",
    conditions: str = "",
) -> Iterator[Page[Record]]:
    """Yield a list's pages in id order after `cursor`; raises TryLater when the list turns out incomplete.

    A page that is not full ends the list. A server with smaller pages than asked for would end it early, and
    what is missing would look gone, so the list is counted: before for progress, and after if they differ.
    """
    wanted = _joined(conditions, changed_since(since))
    total = _count(client, path, wanted)
    first = last_id = int(cursor or 0)
    read = 0
    for rows in client.forward(path, wanted, first):
        read += len(rows)
        last_id = int(rows[-1]["id"]) if rows else last_id
        last = len(rows) < PAGE_SIZE
        if last and total is not None and (first or read < total):
            _prove_complete(client, path, _joined(wanted, f"id>{first}"), read)
        yield Page(records=[to_record(row) for row in rows], cursor=str(last_id), last=last, total=total)


def read_with_fallback(
    client: Client,
    path: str,
    reduced: str,
    to_record: Callable[[Row], Record],
    since: datetime | None,
    cursor: str,
) -> Iterator[Page[Record]]:
    """The same, from the list's reduced view (§5) when the role does not allow the full one."""
    try:
        yield from read_list(client, path, to_record, since=since, cursor=cursor)
    except RemoteError as error:
        if error.status != 403:
            raise
        yield from read_list(client, reduced, to_record, cursor=cursor)


def _count(client: Client, path: str, conditions: str) -> int | None:
    """Count the list; None where a reduced view has no count of its own."""
    try:
        return client.count(path, conditions)
    except RemoteError as error:
        if error.status != 404 or not path.endswith("/info"):
            raise
        return None


def changed_since(since: datetime | None) -> str:
    """Write the condition of a quick read; the filter's name is lastUpdated though it stands in _info."""
    return f"lastUpdated>{moment_condition(since - OVERLAP)}" if since else ""


def _joined(*conditions: str) -> str:
    return " and ".join(condition for condition in conditions if condition)


def _prove_complete(client: Client, path: str, conditions: str, read: int) -> None:
    """Count again: rows may have gone meanwhile, but there must not be more than were read."""
    total = client.count(path, conditions)
    if total > read:
        raise TryLater(
            "ConnectWise gave fewer records than it counts, so nothing of that list was used. Reconcile reads it "
            "again at the next try.",
            detail=f"{path}: {read} of {total}",
        )
