"""Dated lines: created first, ended then, resumed where they stopped, and judged by what a day's rows bill."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import requests

from psa.adapters import ADAPTERS
from psa.adapters.base import Applied, Credentials, LineRecord, LineRef, PsaAdapter, Way, WriteOrder
from psa.adapters.connectwise.lines import gone
from psa.adapters.connectwise.push import Lines, active_sum, following_line, judge
from reconcile.http.errors import CustomerMustAct, TryLater
from tests.psa.adapter_contract import is_plain, order_for, read_all
from tests.psa.simulated import Simulated, simulate

START = (datetime.now(UTC).date().replace(day=1) + timedelta(days=32)).replace(day=1)
BEFORE = START - timedelta(days=1)


@pytest.fixture(scope="module")
def remote() -> Iterator[Simulated]:
    with simulate("connectwise", "--data", "demo", "--fault", "rate_limit_per_minute=0") as running:
        yield running


@pytest.fixture(scope="module")
def spare() -> set[str]:
    return set()


@pytest.fixture(autouse=True)
def _clear(remote: Simulated) -> Iterator[None]:
    yield
    remote.control("DELETE", "faults")
    remote.control("POST", "role", {"preset": "all"})


@pytest.fixture
def adapter(remote: Simulated) -> PsaAdapter:
    return build(remote)


@pytest.fixture
def order(adapter: PsaAdapter, spare: set[str]) -> WriteOrder:
    """Order a dated change for a line that no other test has touched."""
    return split(pick(adapter, spare))


def build(remote: Simulated, **fields: str) -> PsaAdapter:
    every = {**remote.fields, **fields}
    credentials = Credentials(org_id=1, connection_id=1, base_url=remote.url, fields=every)
    return ADAPTERS["connectwise"].build(credentials)


def pick(adapter: PsaAdapter, spare: set[str]) -> LineRecord:
    ids = [record.remote_id for record in read_all(adapter.read_agreements(None, "")) if record.active]
    lines = read_all(adapter.read_lines(ids[:60], ""))
    keys = [(line.agreement_remote_id, line.service_remote_id) for line in lines]
    for line, key in zip(lines, keys, strict=True):
        if is_plain(line) and keys.count(key) == 1 and line.remote_id not in spare:
            spare.add(line.remote_id)
            return line
    raise AssertionError("no line left")


def split(line: LineRecord, change: int = 3) -> WriteOrder:
    return replace(order_for(line, line.quantity + change, way=Way.SPLIT), effective_on=START)


def rows(remote: Simulated, order: WriteOrder) -> list[dict[str, Any]]:
    """Read the additions of the order's agreement with the API itself, not with our adapter."""
    keys = remote.fields
    reply = requests.get(
        f"{remote.url}/v4_6_release/apis/3.0/finance/agreements/{order.ref.agreement_remote_id}/additions",
        params={"conditions": f"product/id={order.service_remote_id}", "pageSize": "1000"},
        auth=(f"{keys['company']}+{keys['public_key']}", keys["private_key"]),
        headers={"clientId": keys["client_id"]},
        timeout=10,
    )
    found: list[dict[str, Any]] = reply.json()
    return found


def test_a_split_ends_the_old_line_and_copies_it(
    adapter: PsaAdapter, remote: Simulated, order: WriteOrder
) -> None:
    before = len(remote.writes())
    said = adapter.write(order)
    assert [entry["method"] for entry in remote.writes()[before:]] == ["POST", "PATCH"]
    assert "POST" in said
    assert "PATCH" in said
    old, new = rows(remote, order)
    assert old["cancelledDate"] == f"{BEFORE}T00:00:00Z"
    assert new["effectiveDate"] == f"{START}T00:00:00Z"
    assert (old["quantity"], new["quantity"]) == (float(order.seen), float(order.wanted))
    for name in (
        "unitPrice",
        "unitCost",
        "lessIncluded",
        "billCustomer",
        "description",
        "invoiceDescription",
    ):
        assert (new.get(name) or None) == (old.get(name) or None)


def test_a_split_is_confirmed_by_the_line_that_follows(adapter: PsaAdapter, order: WriteOrder) -> None:
    adapter.write(order)
    found = adapter.find(order)
    assert found.applied == Applied.DONE
    assert (found.reading.quantity, found.reading.starts_on) == (order.wanted, START)
    assert found.line_remote_id == found.reading.ref.line_remote_id != order.ref.line_remote_id
    assert "until" in found.sentence
    assert adapter.write(order).startswith("nothing to write")


def test_a_split_is_undone_on_the_following_line(
    adapter: PsaAdapter, remote: Simulated, order: WriteOrder
) -> None:
    adapter.write(order)
    new = adapter.find(order).reading
    undo = replace(order, ref=new.ref, seen=order.wanted, wanted=order.seen)
    assert adapter.find(undo).applied == Applied.NOT
    adapter.write(undo)
    assert adapter.find(undo).applied == Applied.DONE
    assert [row["quantity"] for row in rows(remote, order)] == [float(order.seen)] * 2


@pytest.mark.parametrize("call", ["POST", "PATCH"])
@pytest.mark.parametrize("form", ["drop_after", "500_after", "drop_before", "500", "truncated", "empty"])
def test_a_split_that_broke_off_resumes_without_doubling(
    adapter: PsaAdapter, remote: Simulated, order: WriteOrder, call: str, form: str
) -> None:
    before = len(remote.writes())
    remote.break_next(f"{call} /additions", form)
    try:
        adapter.write(order)
    except TryLater as error:
        assert not error.unsent  # noqa: PT017 - a spoiled answer of a write whose status was fine raises nothing
    assert adapter.find(order).applied in (Applied.NOT, Applied.HALF, Applied.DONE)
    adapter.write(order)
    assert adapter.find(order).applied == Applied.DONE
    assert [entry["method"] for entry in remote.writes()[before:]] == ["POST", "PATCH"]


def test_a_half_written_split_is_seen_and_finished(
    adapter: PsaAdapter, remote: Simulated, order: WriteOrder
) -> None:
    remote.break_next("PATCH /additions", "500")
    with pytest.raises(TryLater):
        adapter.write(order)
    found = adapter.find(order)
    assert (found.applied, found.reading.quantity) == (Applied.HALF, order.seen)
    before = len(remote.writes())
    adapter.write(order)
    assert [entry["method"] for entry in remote.writes()[before:]] == ["PATCH"]


def test_another_quantity_from_the_same_day_stops_for_a_person(
    adapter: PsaAdapter, remote: Simulated, order: WriteOrder
) -> None:
    adapter.write(order)
    other = replace(order, wanted=order.wanted + 1)
    found = adapter.find(other)
    assert found.applied == Applied.OTHER
    before = len(remote.writes())
    with pytest.raises(CustomerMustAct, match="Nothing was written") as caught:
        adapter.write(other)
    assert caught.value.unsent
    assert len(remote.writes()) == before


def test_exclusive_ends_are_written_and_read_as_such(
    remote: Simulated, adapter: PsaAdapter, order: WriteOrder
) -> None:
    remote.control("POST", "faults", {"options": {"S2": "exclusive"}})
    exclusive = build(remote, ends_inclusive="False")
    exclusive.write(order)
    assert rows(remote, order)[0]["cancelledDate"] == f"{START}T00:00:00Z"
    assert exclusive.find(order).applied == Applied.DONE
    assert exclusive.read_back([order.ref])[order.ref].ends_on == BEFORE


def test_hidden_prices_stop_a_split_before_anything_is_written(
    adapter: PsaAdapter, remote: Simulated, order: WriteOrder
) -> None:
    remote.control("POST", "role", {"block_price": True})
    before = len(remote.writes())
    with pytest.raises(CustomerMustAct, match="hides prices") as caught:
        adapter.write(order)
    assert caught.value.unsent
    assert len(remote.writes()) == before


def test_a_role_that_may_not_edit_is_named(adapter: PsaAdapter, remote: Simulated, order: WriteOrder) -> None:
    remote.control("POST", "role", {"functions": {"Finance > Agreements": {"edit": "None"}}})
    before = len(remote.writes())
    with pytest.raises(CustomerMustAct, match="Finance > Agreements"):
        adapter.write(replace(order, way=Way.IN_PLACE))
    assert len(remote.writes()) == before


# --- the rules alone -------------------------------------------------------------------------

REF = LineRef(agreement_remote_id="871", line_remote_id="1")
ORDER = WriteOrder(
    ref=REF,
    service_remote_id="812",
    way=Way.SPLIT,
    seen=Decimal(42),
    wanted=Decimal(45),
    effective_on=date(2025, 7, 1),
    key="k",
)


def addition(number: int, quantity: int, starts: str, ends: str | None = None, **more: Any) -> dict[str, Any]:
    dates = {"effectiveDate": f"{starts}T00:00:00Z", "cancelledDate": f"{ends}T00:00:00Z" if ends else ""}
    return {"id": number, "agreementId": 871, "product": {"id": 812}, "quantity": quantity, **dates, **more}


def lines_of(old: dict[str, Any], *followers: dict[str, Any]) -> Lines:
    from psa.adapters.connectwise.lines import reading

    return Lines(old, reading(old, REF, {"company": {"id": 250}}, True), followers)


OPEN = addition(1, 42, "2025-01-01")
ENDED = addition(1, 42, "2025-01-01", "2025-06-30")
FOLLOWER = addition(2, 45, "2025-07-01")


@pytest.mark.parametrize(
    ("rows_now", "applied"),
    [
        ((OPEN,), Applied.NOT),
        ((OPEN, FOLLOWER), Applied.HALF),
        ((ENDED, FOLLOWER), Applied.DONE),
        ((ENDED,), Applied.OTHER),
        ((OPEN, addition(2, 46, "2025-07-01")), Applied.OTHER),
        ((ENDED, addition(2, 46, "2025-07-01")), Applied.OTHER),
        ((ENDED, FOLLOWER, addition(3, 45, "2025-07-01")), Applied.OTHER),
        ((OPEN, FOLLOWER, addition(3, 45, "2025-07-01")), Applied.OTHER),
        ((addition(1, 41, "2025-01-01"),), Applied.OTHER),
        ((addition(1, 42, "2025-01-01", "2025-05-31"), FOLLOWER), Applied.OTHER),
        ((addition(1, 42, "2025-01-01", product={"id": 9}),), Applied.OTHER),
        ((addition(1, 42, "2025-01-01", "2025-12-31"),), Applied.NOT),
        ((addition(1, 42, "2025-07-01"),), Applied.NOT),
        ((addition(1, 45, "2025-07-01"),), Applied.DONE),
    ],
)
def test_each_state_of_a_split_is_told(rows_now: tuple[dict[str, Any], ...], applied: Applied) -> None:
    assert judge(ORDER, lines_of(*rows_now)).applied == applied


def test_a_gone_line_is_told() -> None:
    found = judge(ORDER, Lines(None, gone(REF)))
    assert (found.applied, found.reading.missing) == (Applied.OTHER, True)


def test_the_sum_of_a_day_counts_the_last_billed_day() -> None:
    held = (ENDED, FOLLOWER, addition(3, 5, "2025-06-30", "2025-07-01"))
    days = [date(2024, 12, 31), date(2025, 6, 29), date(2025, 6, 30), date(2025, 7, 1), date(2025, 7, 2)]
    assert [active_sum(held, day, True) for day in days] == [0, 42, 47, 50, 45]


def test_the_following_line_keeps_a_later_end_and_drops_unset_values() -> None:
    old = {
        **addition(1, 42, "2025-01-01", "2025-12-31"),
        "unitPrice": Decimal("6.5"),
        "unitCost": 0,
        "uom": None,
        "invoiceDescription": None,
        "customFields": [],
        "invoiceGrouping": {"id": 4, "name": "x", "_info": {}},
    }
    assert following_line(old, ORDER) == {
        "product": {"id": 812},
        "quantity": Decimal(45),
        "unitPrice": Decimal("6.5"),
        "unitCost": Decimal(0),
        "effectiveDate": "2025-07-01T00:00:00Z",
        "description": "",
        "invoiceDescription": "",
        "invoiceGrouping": {"id": 4},
        "cancelledDate": "2025-12-31T00:00:00Z",
    }
