"""Reading additions: one call per agreement, since there is no list across them (fact sheet §2.5)."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from psa.adapters.base import LineReading, LineRecord, LineRef, Page
from psa.adapters.connectwise import records
from psa.adapters.connectwise.client import Client
from psa.adapters.connectwise.parallel import in_order
from psa.adapters.connectwise.values import Row, flag, reference_id, row_id
from reconcile.http.errors import OurBug, RemoteError

AGREEMENTS = "finance/agreements"
# A page is handed on when it holds this many lines, or stands for this many agreements.
PAGE_LINES = 500
PAGE_AGREEMENTS = 50
# Ids per condition: keeps an address under 2,000 characters (§2.4).
IDS_PER_CALL = 100


def additions_path(agreement_id: str) -> str:
    """Give the path of an agreement's additions."""
    if not agreement_id.isdecimal():
        raise OurBug("An agreement id is not a number. Support must look at it.", detail=agreement_id[:60])
    return f"{AGREEMENTS}/{agreement_id}/additions"


def read_lines(
    client: Client, agreement_ids: Sequence[str], cursor: str, *, ends_inclusive: bool, workers: int
) -> Iterator[Page[LineRecord]]:
    """Yield the lines of these agreements in the order given; `cursor` is the last agreement handed on.

    Whether a changed addition marks its agreement as changed is unknown (S1), so all of them are read.
    """
    left = _after(list(dict.fromkeys(agreement_ids)), cursor)
    done: list[LineRecord] = []
    agreements = 0
    for agreement_id, rows in in_order(lambda each: _rows_of(client, each), left, workers):
        done += [records.line(row, ends_inclusive) for row in rows]
        agreements += 1
        last = agreement_id == left[-1]
        if last or len(done) >= PAGE_LINES or agreements >= PAGE_AGREEMENTS:
            yield Page(records=done, cursor=agreement_id, last=last)
            done, agreements = [], 0
    if not left:
        yield Page(records=[], cursor=cursor, last=True)


def read_back(
    client: Client, refs: Iterable[LineRef], *, ends_inclusive: bool, workers: int
) -> dict[LineRef, LineReading]:
    """Read these lines as they are now, a hundred of one agreement per call; what is gone is `missing`."""
    wanted = sorted(set(refs), key=lambda ref: ref.agreement_remote_id)
    parents = {row["id"]: row for row in _by_ids(client, AGREEMENTS, [r.agreement_remote_id for r in wanted])}
    groups = [list(group) for _, group in groupby(wanted, key=lambda ref: ref.agreement_remote_id)]
    # An agreement that the list of agreements does not hold has no lines to ask for.
    known = [group for group in groups if int(group[0].agreement_remote_id) in parents]
    found: dict[LineRef, LineReading] = {}
    for group, rows in in_order(lambda each: _rows_for(client, each), known, workers):
        parent = parents[int(group[0].agreement_remote_id)]
        lines = {row_id(row): row for row in rows}
        for ref in group:
            if ref.line_remote_id in lines:
                found[ref] = reading(lines[ref.line_remote_id], ref, parent, ends_inclusive)
    return {ref: found.get(ref, gone(ref)) for ref in wanted}


def read_service_rows(client: Client, ref: LineRef, service_id: str) -> tuple[Row | None, list[Row]]:
    """Read an agreement and all its rows of one product; (None, []) when the agreement is gone."""
    parents = _by_ids(client, AGREEMENTS, [ref.agreement_remote_id])
    if not parents:
        return None, []
    # The line itself is asked for by id: somebody may have changed its product.
    wanted = f"product/id={int(service_id)} or id={int(ref.line_remote_id)}"
    return parents[0], client.listed(additions_path(ref.agreement_remote_id), wanted)


def read_product_rows(client: Client, agreement_id: str, service_id: str) -> tuple[Row | None, list[Row]]:
    """Read an agreement and all its rows of one product; (None, []) when the agreement is gone."""
    parents = _by_ids(client, AGREEMENTS, [agreement_id])
    if not parents:
        return None, []
    return parents[0], client.listed(additions_path(agreement_id), f"product/id={int(service_id)}")


def reading(row: Row, ref: LineRef, parent: Row, ends_inclusive: bool) -> LineReading:
    """Read one addition for a comparison."""
    line = records.line(row, ends_inclusive)
    return LineReading(
        ref=ref,
        quantity=line.quantity,
        remote_version=line.remote_version,
        starts_on=line.starts_on,
        ends_on=line.ends_on,
        included=line.included,
        service_remote_id=line.service_remote_id,
        account_remote_id=reference_id(parent, "company"),
        prorate=flag(parent, "prorateFlag"),
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        billable=line.billable,
        description=line.description,
    )


def gone(ref: LineRef) -> LineReading:
    """Say that the line is not there; its quantity means nothing."""
    return LineReading(ref=ref, quantity=Decimal(0), missing=True)


def _rows_of(client: Client, agreement_id: str) -> list[Row]:
    """Read all additions of one agreement; none when the agreement has gone since it was listed."""
    try:
        rows = client.listed(additions_path(agreement_id))
    except RemoteError as error:
        # A wrong key may answer 404 too (S3), so the list of agreements decides.
        if error.status != 404 or client.count(AGREEMENTS, f"id={agreement_id}"):
            raise
        return []
    return [{**row, "agreementId": agreement_id} for row in rows]


def _rows_for(client: Client, refs: Sequence[LineRef]) -> list[Row]:
    # A person may have typed it: what is no number is the id of no addition.
    ids = [ref.line_remote_id for ref in refs if ref.line_remote_id.isdecimal()]
    return _by_ids(client, additions_path(refs[0].agreement_remote_id), ids)


def _by_ids(client: Client, path: str, ids: Sequence[str]) -> list[Row]:
    distinct = sorted({int(each) for each in ids})
    chunks = [distinct[at : at + IDS_PER_CALL] for at in range(0, len(distinct), IDS_PER_CALL)]
    return [row for chunk in chunks for row in client.listed(path, f"id in ({','.join(map(str, chunk))})")]


def _after(agreement_ids: Sequence[str], cursor: str) -> Sequence[str]:
    """Give what follows `cursor`, or everything when it is not among these agreements."""
    return agreement_ids[agreement_ids.index(cursor) + 1 :] if cursor in agreement_ids else agreement_ids
