"""Boards with their statuses, priorities, and tickets that are never made twice (fact sheet §5, §6.7, §8)."""

from psa.adapters.base import BoardRecord, Ticket, TicketOrder
from psa.adapters.connectwise.client import Client
from psa.adapters.connectwise.parallel import in_order
from psa.adapters.connectwise.values import Row, row_id, text
from reconcile.http.errors import OurBug, RemoteError

TICKETS = "service/tickets"
_LONGEST = 100  # summary and externalXRef alike


def read_boards(client: Client, workers: int) -> list[BoardRecord]:
    """Read the boards with their statuses; a board whose statuses the role hides has none."""
    boards = client.listed("service/info/boards")
    return [
        BoardRecord(remote_id=row_id(board), name=text(board, "name"), statuses=statuses)
        for board, statuses in in_order(lambda each: _statuses(client, each), boards, workers)
    ]


def read_priorities(client: Client) -> tuple[tuple[str, str], ...]:
    """Read the priorities as (id, name)."""
    return tuple((row_id(row), text(row, "name")) for row in client.listed("service/priorities"))


def create_ticket(client: Client, order: TicketOrder) -> Ticket:
    """Make a ticket unless one with the same key is there; after an error, call again: it looks first."""
    found = client.listed(TICKETS, f'externalXRef="{_key(order)}"')
    if found:
        return Ticket(remote_id=min(map(row_id, found), key=int), created=False)
    reply = client.write("POST", TICKETS, _body(order))
    return Ticket(remote_id=row_id(reply.json()), created=True)


def _statuses(client: Client, board: Row) -> tuple[tuple[str, str], ...]:
    path = f"service/boards/{row_id(board)}/statuses"
    try:
        rows = client.first_allowed(path, f"{path}/info")
    except RemoteError as error:
        if error.status != 403:
            raise
        return ()
    return tuple((row_id(row), text(row, "name")) for row in rows)


def _key(order: TicketOrder) -> str:
    """Give the key as externalXRef takes it; a quote would end the condition it stands in."""
    if not order.key or len(order.key) > _LONGEST or '"' in order.key or "*" in order.key:
        raise OurBug(
            "A ticket's key cannot be searched for. Support must look at it.", detail=order.key[:120]
        )
    return order.key


def _body(order: TicketOrder) -> Row:
    summary = " ".join(order.summary.split())
    body: Row = {
        "summary": summary if len(summary) <= _LONGEST else summary[: _LONGEST - 1] + "…",
        "company": {"id": int(order.account_remote_id)},
        "initialDescription": order.body,
        "externalXRef": _key(order),
    }
    chosen = {
        "board": order.board_remote_id,
        "status": order.status_remote_id,
        "priority": order.priority_remote_id,
        "agreement": order.agreement_remote_id,
    }
    return body | {name: {"id": int(each)} for name, each in chosen.items() if each}
