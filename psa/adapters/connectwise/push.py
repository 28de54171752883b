"""Writing a quantity: in place, or by a dated line that follows (fact sheet psa/connectwise.md, sections 7 and 8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from psa.adapters.base import Applied, Finding, LineReading, LineRef, Way, WriteOrder
from psa.adapters.connectwise import records
from psa.adapters.connectwise.client import Client
from psa.adapters.connectwise.lines import additions_path, gone, read_service_rows, reading
from psa.adapters.connectwise.values import Row, day_value, flag, is_unset, number, reference_id, row_id, text
from reconcile.http.errors import CustomerMustAct, RemoteError
from reconcile.http.reply import Reply

_ONE_DAY = timedelta(days=1)
# What the following line takes over besides product, quantity, price and cost (§7.2), where it is set.
_COPIED = (
    *("lessIncluded", "billCustomer", "taxableFlag", "purchaseItemFlag", "specialOrderFlag", "uom"),
    *("sequenceNumber", "customFields"),
)
# Texts of the invoice: an empty one is sent as such, or the new line would get the catalogue's.
_COPIED_TEXTS = ("description", "invoiceDescription")
_COPIED_REFERENCES = ("invoiceGrouping", "opportunity")


@dataclass(frozen=True)
class Lines:
    """The rows an order is about: the line itself, and the live ones of the same product that start on its date."""

    line: Row | None
    reading: LineReading
    followers: tuple[Row, ...] = ()
    inclusive: bool = True

    def quantity_on(self, when: date) -> Decimal:
        """Sum the units of the line and its followers that are billed on `when` (§6.4)."""
        rows = (*([self.line] if self.line else ()), *self.followers)
        return active_sum(rows, when, self.inclusive)


def active_sum(rows: Iterable[Row], when: date, ends_inclusive: bool) -> Decimal:
    """Sum the quantities of the rows that are billed on a day."""
    lines = (records.line(row, ends_inclusive) for row in rows)
    return sum(
        (
            line.quantity
            for line in lines
            if (line.starts_on is None or line.starts_on <= when)
            and (line.ends_on is None or line.ends_on >= when)
        ),
        Decimal(0),
    )


def find(client: Client, order: WriteOrder, ends_inclusive: bool) -> Finding:
    """Read what ConnectWise holds for an order now, and say whether it was applied."""
    return judge(order, read(client, order, ends_inclusive))


def read(client: Client, order: WriteOrder, ends_inclusive: bool) -> Lines:
    """Read the rows an order is about."""
    parent, rows = read_service_rows(client, order.ref, order.service_remote_id)
    line = next((row for row in rows if row_id(row) == order.ref.line_remote_id), None)
    if parent is None or line is None:
        return Lines(None, gone(order.ref))
    followers = tuple(
        row
        for row in rows
        if row is not line
        and reference_id(row, "product") == order.service_remote_id
        and _starts_alive(row, order.effective_on, ends_inclusive)
    )
    return Lines(line, reading(line, order.ref, parent, ends_inclusive), followers, ends_inclusive)


def judge(order: WriteOrder, lines: Lines) -> Finding:
    """Decide what the rows mean for the order; pure."""
    now = lines.reading
    if now.missing:
        return _other(now, "The line is no longer in ConnectWise.")
    if now.service_remote_id != order.service_remote_id:
        return _other(now, "The line holds another product in ConnectWise by now.")
    if is_split(order, now):
        return _judge_split(order, lines)
    if now.quantity == order.wanted:
        return Finding(applied=Applied.DONE, reading=now, line_remote_id=now.ref.line_remote_id)
    if now.quantity != order.seen:
        return _moved(order, now)
    return Finding(applied=Applied.NOT, reading=now)


def is_split(order: WriteOrder, now: LineReading) -> bool:
    """Tell whether the order needs a second line: not when the line itself starts on the day or later."""
    return order.way == Way.SPLIT and (now.starts_on is None or now.starts_on < order.effective_on)


def _judge_split(order: WriteOrder, lines: Lines) -> Finding:
    now, before = lines.reading, order.effective_on - _ONE_DAY
    if now.quantity != order.seen:
        return _moved(order, now)
    if len(lines.followers) > 1:
        return _other(
            now, f"{len(lines.followers)} lines of this service start on {_said(order.effective_on)}."
        )
    follower = lines.followers[0] if lines.followers else None
    if follower is not None and number(follower, "quantity") != order.wanted:
        held = number(follower, "quantity")
        return _other(now, f"A line with {held} units starts on {_said(order.effective_on)} already.")
    open_ended = now.ends_on is None or now.ends_on >= order.effective_on
    if follower is None:
        if open_ended:
            return Finding(applied=Applied.NOT, reading=now)
        return _other(now, f"The line ended on {_said(now.ends_on)}, and no other follows it.")
    if open_ended:
        return Finding(applied=Applied.HALF, reading=now, line_remote_id=row_id(follower))
    sums = (lines.quantity_on(before), lines.quantity_on(order.effective_on))
    if sums != (order.seen, order.wanted):
        return _other(now, f"The line bills {sums[0]} until {_said(before)} and {sums[1]} after.")
    return _done_split(order, now, follower, lines.inclusive)


def _done_split(order: WriteOrder, now: LineReading, follower: Row, ends_inclusive: bool) -> Finding:
    """Confirm with a reading of the line that carries the wanted quantity."""
    new = records.line(follower, ends_inclusive)
    carried = LineReading(
        ref=LineRef(agreement_remote_id=order.ref.agreement_remote_id, line_remote_id=new.remote_id),
        quantity=new.quantity,
        remote_version=new.remote_version,
        starts_on=new.starts_on,
        ends_on=new.ends_on,
        included=new.included,
        service_remote_id=new.service_remote_id,
        account_remote_id=now.account_remote_id,
        prorate=now.prorate,
    )
    said = f"{order.seen} units until {_said(now.ends_on)}, {new.quantity} from {_said(new.starts_on)}."
    return Finding(applied=Applied.DONE, reading=carried, line_remote_id=new.remote_id, sentence=said)


def write(client: Client, order: WriteOrder, ends_inclusive: bool) -> str:
    """Write an order from where it stands: each call once, none repeated; gives the replies in one line.

    A split creates first and cancels then, so that a break between the two bills too much rather than nothing,
    and the next attempt finds the created line and only ends the old one.
    """
    lines = read(client, order, ends_inclusive)
    finding = judge(order, lines)
    if finding.applied == Applied.DONE:
        return "nothing to write: ConnectWise holds it already"
    if finding.applied == Applied.OTHER or lines.line is None:
        raise CustomerMustAct(f"{finding.sentence} Nothing was written.", unsent=True)
    path = additions_path(order.ref.agreement_remote_id)
    record = f"{path}/{order.ref.line_remote_id}"
    if not is_split(order, finding.reading):
        return _patch(client, record, "quantity", order.wanted)
    last_day = order.effective_on - (_ONE_DAY if ends_inclusive else timedelta())
    if finding.applied == Applied.HALF:
        return _patch(client, record, "cancelledDate", day_value(last_day))
    created = said_reply("POST", client.write("POST", path, following_line(lines.line, order)))
    try:
        return f"{created}; {_patch(client, record, 'cancelledDate', day_value(last_day))}"
    except RemoteError as error:
        error.unsent = False  # this half was not, but the other was
        raise


def following_line(old: Row, order: WriteOrder) -> Row:
    """Give the body of the line that follows `old` with the full new quantity (§7.2).

    Raises CustomerMustAct when price or cost are hidden from the API member: the new line would silently get
    the catalogue's.
    """
    price, cost = number(old, "unitPrice"), number(old, "unitCost")
    if price is None or cost is None:
        raise CustomerMustAct(
            "ConnectWise hides prices or costs from the API member, so a dated line cannot take them over. Allow "
            "them for that member, or change the quantity on the line itself.",
            unsent=True,
        )
    body: Row = {
        "product": {"id": int(order.service_remote_id)},
        "quantity": order.wanted,
        "unitPrice": price,
        "unitCost": cost,
        "effectiveDate": day_value(order.effective_on),
    }
    body |= {name: old[name] for name in _COPIED if not is_unset(old.get(name)) and old[name] != []}
    body |= {name: text(old, name) for name in _COPIED_TEXTS}
    body |= {name: {"id": int(each)} for name in _COPIED_REFERENCES if (each := reference_id(old, name))}
    if text(old, "cancelledDate"):
        body["cancelledDate"] = old["cancelledDate"]  # an end agreed for later stays agreed
    if flag(old, "prorateCurrentPeriodFlag"):
        body["prorateCurrentPeriodFlag"] = True
    return body


def _patch(client: Client, record: str, name: str, value: Decimal | str) -> str:
    """Replace one value; the path is a bare, case-sensitive name (§3.2)."""
    return said_reply(
        "PATCH", client.write("PATCH", record, [{"op": "replace", "path": name, "value": value}])
    )


def said_reply(method: str, reply: Reply) -> str:
    """Write a reply down in one line that holds no secret."""
    return (
        f"{method} {reply.url.partition('/apis/3.0/')[2]}: {reply.status}, request {reply.request_id or '-'}"
    )


def _starts_alive(row: Row, when: date, ends_inclusive: bool) -> bool:
    starts, ends = records.term(row, ends_inclusive)
    return starts == when and (ends is None or ends >= when)


def _moved(order: WriteOrder, now: LineReading) -> Finding:
    return _other(
        now, f"ConnectWise holds {now.quantity} units by now; it was {order.seen} when this was approved."
    )


def _other(now: LineReading, sentence: str) -> Finding:
    return Finding(applied=Applied.OTHER, reading=now, sentence=sentence)


def _said(when: date | None) -> str:
    return f"{when:%-d %b %Y}" if when else "an unknown day"
