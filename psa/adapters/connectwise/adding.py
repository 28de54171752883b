"""Adding a line to an agreement: found by product, day and quantity (fact sheet psa/connectwise.md, §6.4 and §8).

An addition has no field for a key of ours: its texts are for the invoice. So a row of the product that is there
already, whoever made it, stops the order; after a lost answer, the row that was ordered is taken for ours.
"""

from collections.abc import Sequence
from datetime import date

from psa.adapters.base import AddOrder, Applied, Finding, LineReading, LineRef
from psa.adapters.connectwise import records
from psa.adapters.connectwise.client import Client
from psa.adapters.connectwise.lines import additions_path, gone, read_product_rows, reading
from psa.adapters.connectwise.push import said_reply
from psa.adapters.connectwise.values import Row, day_value, reference_id, row_id
from reconcile.http.errors import CustomerMustAct


def find(client: Client, order: AddOrder, ends_inclusive: bool) -> Finding:
    """Read what ConnectWise holds for an order now, and say whether it was applied."""
    parent, rows = read_product_rows(client, order.agreement_remote_id, order.service_remote_id)
    return judge(order, parent, rows, ends_inclusive)


def judge(order: AddOrder, parent: Row | None, rows: Sequence[Row], ends_inclusive: bool) -> Finding:
    """Decide what an agreement and its rows of the product mean for the order; pure."""
    if parent is None:
        return _other(_nothing(order), "The agreement is no longer in ConnectWise.")
    alive = [row for row in rows if _is_billed(row, order.effective_on, ends_inclusive)]
    if alive:
        return _judge_rows(order, parent, alive, ends_inclusive)
    if reference_id(parent, "company") != order.account_remote_id:
        return _other(_nothing(order), "The agreement belongs to another company in ConnectWise by now.")
    agreement = records.agreement(parent, {})
    if not agreement.active:
        return _other(_nothing(order), "The agreement is no longer active in ConnectWise.")
    if agreement.ends_on is not None and agreement.ends_on < order.effective_on:
        return _other(_nothing(order), f"The agreement ends on {agreement.ends_on:%-d %b %Y} in ConnectWise.")
    return Finding(applied=Applied.NOT, reading=_nothing(order))


def write(client: Client, order: AddOrder, ends_inclusive: bool) -> str:
    """Add the line unless one more look finds any of its product: one call, never repeated; gives the reply."""
    finding = find(client, order, ends_inclusive)
    if finding.applied != Applied.NOT:
        raise CustomerMustAct(f"{finding.sentence} Nothing was written.", unsent=True)
    path = additions_path(order.agreement_remote_id)
    return said_reply("POST", client.write("POST", path, new_line(order)))


def new_line(order: AddOrder) -> Row:
    """Give the body of the new line; what it does not name, ConnectWise takes from the catalogue."""
    body: Row = {
        "product": {"id": int(order.service_remote_id)},
        "quantity": order.wanted,
        "billCustomer": "Billable",
        "effectiveDate": day_value(order.effective_on),
    }
    return body if order.unit_price is None else body | {"unitPrice": order.unit_price}


def _judge_rows(order: AddOrder, parent: Row, alive: Sequence[Row], ends_inclusive: bool) -> Finding:
    held = [records.line(row, ends_inclusive) for row in alive]
    first = _read(order, alive[0], parent, ends_inclusive)
    if len(held) > 1:
        return _other(first, f"{len(held)} lines of this service are in the agreement by now.")
    (line,) = held
    as_ordered = (line.quantity, line.starts_on, line.ends_on) == (order.wanted, order.effective_on, None)
    said = f"A line of this service with {line.quantity} units is in the agreement by now."
    if not as_ordered:
        return _other(first, said)
    return Finding(applied=Applied.DONE, reading=first, line_remote_id=line.remote_id, sentence=said)


def _is_billed(row: Row, when: date, ends_inclusive: bool) -> bool:
    """Tell whether a row is billed on that day or on a later one."""
    _, ends = records.term(row, ends_inclusive)
    return ends is None or ends >= when


def _read(order: AddOrder, row: Row, parent: Row, ends_inclusive: bool) -> LineReading:
    ref = LineRef(agreement_remote_id=order.agreement_remote_id, line_remote_id=row_id(row))
    return reading(row, ref, parent, ends_inclusive)


def _nothing(order: AddOrder) -> LineReading:
    return gone(LineRef(agreement_remote_id=order.agreement_remote_id, line_remote_id=""))


def _other(now: LineReading, sentence: str) -> Finding:
    line = "" if now.missing else now.ref.line_remote_id
    return Finding(applied=Applied.OTHER, reading=now, line_remote_id=line, sentence=sentence)
