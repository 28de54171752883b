"""What every PSA adapter must do: inherit `AdapterContract`, say how to build yours, and the tests run over HTTP.

A subclass in a test module gives `kind` and `simulator`; the module's own tests add what only that PSA has.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, TypeVar

import pytest

from psa.adapters.base import (
    Applied,
    Credentials,
    LineRecord,
    LineRef,
    Page,
    PsaAdapter,
    PsaKind,
    TicketOrder,
    Way,
    WriteOrder,
)
from reconcile.http.errors import CustomerMustAct, RemoteError, TryLater
from tests.psa.simulated import Simulated, simulate

TODAY = datetime.now(UTC).date()
Record = TypeVar("Record")
LISTS = ("accounts", "services", "agreements", "invoices")


class AdapterContract:
    """The inherited tests. Each works on a line of its own, so that they do not depend on each other."""

    kind: ClassVar[PsaKind]
    simulator: ClassVar[str]
    secret_field: ClassVar[str]
    # How the simulator names a write of a quantity, for faults: "METHOD /path-regex".
    quantity_write: ClassVar[str]
    _used: ClassVar[dict[str, set[str]]] = {}

    @pytest.fixture(scope="class")
    @classmethod
    def remote(cls) -> Iterator[Simulated]:
        """Run the simulator on the demo's data, without a limit of requests: the budget has its own tests."""
        with simulate(cls.simulator, "--data", "demo", "--fault", "rate_limit_per_minute=0") as running:
            yield running

    @pytest.fixture(autouse=True)
    def _calm(self, remote: Simulated, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr("reconcile.http.retry.BASE_SECONDS", 0.01)
        yield
        remote.control("DELETE", "faults")

    @pytest.fixture
    def adapter(self, remote: Simulated) -> PsaAdapter:
        return self.build(remote)

    @pytest.fixture
    def line(self, adapter: PsaAdapter, remote: Simulated) -> LineRecord:
        """Give an open, priced line that no other test has touched."""
        used = self._used.setdefault(remote.url, set())
        agreements = [
            record.remote_id for record in read_all(adapter.read_agreements(None, "")) if record.active
        ]
        lines = read_all(adapter.read_lines(agreements[:60], ""))
        services: dict[tuple[str, str], int] = {}
        for each in lines:
            key = (each.agreement_remote_id, each.service_remote_id)
            services[key] = services.get(key, 0) + 1
        for each in lines:
            alone = services[each.agreement_remote_id, each.service_remote_id] == 1
            if alone and each.remote_id not in used and is_plain(each):
                used.add(each.remote_id)
                return each
        raise AssertionError("the demo's data have no line left to try")

    def build(self, remote: Simulated, **changes: str) -> PsaAdapter:
        """Build the adapter, with some of its fields changed."""
        url = changes.pop("url", remote.url)
        fields = {**remote.fields, **changes}
        return self.kind.build(Credentials(org_id=1, connection_id=1, base_url=url, fields=fields))

    # --- connecting ---------------------------------------------------------------------------

    def test_it_says_who_answers(self, adapter: PsaAdapter) -> None:
        identity = adapter.identify()
        assert identity.remote_account
        assert identity.name

    def test_wrong_keys_are_the_customers_to_cure(self, remote: Simulated) -> None:
        with pytest.raises(CustomerMustAct) as caught:
            self.build(remote, **{self.secret_field: "wrong"}).identify()
        assert "wrong" not in caught.value.sentence + caught.value.detail

    def test_an_address_that_is_no_psa_is_said_so(self, remote: Simulated) -> None:
        with pytest.raises(RemoteError) as caught:
            self.build(remote, url="http://127.0.0.1:9").identify()
        assert "127.0.0.1" in caught.value.sentence

    def test_permissions_are_listed_one_by_one(self, adapter: PsaAdapter) -> None:
        rows = adapter.check_permissions()
        assert rows
        assert {row.state for row in rows} <= {"ok", "missing", "too_wide", "unknown"}
        assert all(row.where and row.level and row.why for row in rows)

    # --- reading ------------------------------------------------------------------------------

    @pytest.mark.parametrize("name", LISTS)
    def test_a_list_ends_once_and_repeats_nothing(self, adapter: PsaAdapter, name: str) -> None:
        pages = list(getattr(adapter, f"read_{name}")(None, ""))
        ids = [record.remote_id for page in pages for record in page.records]
        assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
        assert ids
        assert len(set(ids)) == len(ids)
        assert pages[-1].total in (None, len(ids))

    @pytest.mark.parametrize("name", LISTS)
    def test_a_list_goes_on_after_its_cursor(self, adapter: PsaAdapter, name: str) -> None:
        read = getattr(adapter, f"read_{name}")
        end = list(read(None, ""))[-1].cursor
        assert read_all(read(None, end)) == []

    @pytest.mark.parametrize("name", LISTS)
    def test_a_quick_read_gives_what_changed(self, adapter: PsaAdapter, name: str) -> None:
        read = getattr(adapter, f"read_{name}")
        assert read_all(read(datetime.now(UTC) + timedelta(days=1), "")) == []
        assert read_all(read(datetime(2000, 1, 1, tzinfo=UTC), "")) == read_all(read(None, ""))

    def test_references_point_at_what_was_read(self, adapter: PsaAdapter) -> None:
        accounts = {record.remote_id for record in read_all(adapter.read_accounts(None, ""))}
        services = {record.remote_id for record in read_all(adapter.read_services(None, ""))}
        agreements = read_all(adapter.read_agreements(None, ""))
        types = {record.remote_id for record in adapter.read_agreement_types()}
        assert {record.account_remote_id for record in agreements} <= accounts
        assert {record.type_remote_id for record in agreements} <= types
        lines = read_all(adapter.read_lines([record.remote_id for record in agreements], ""))
        assert lines
        assert {record.service_remote_id for record in lines} <= services

    def test_lines_come_in_the_order_asked_and_go_on_after_their_cursor(self, adapter: PsaAdapter) -> None:
        asked = [record.remote_id for record in read_all(adapter.read_agreements(None, ""))][::-1]
        pages = list(adapter.read_lines(asked, ""))
        assert len(pages) > 1
        came = [record.agreement_remote_id for page in pages for record in page.records]
        assert came == sorted(came, key=asked.index)
        rest = read_all(adapter.read_lines(asked, pages[0].cursor))
        assert rest == [record for page in pages[1:] for record in page.records]
        assert [page.last for page in adapter.read_lines([], "")] == [True]

    def test_reading_back_tells_what_is_gone(self, adapter: PsaAdapter, line: LineRecord) -> None:
        here = ref_of(line)
        no_line = replace(here, line_remote_id="999999999")
        no_agreement = LineRef(agreement_remote_id="999999999", line_remote_id=line.remote_id)
        readings = adapter.read_back([here, no_line, no_agreement])
        assert readings[here].quantity == line.quantity
        assert readings[here].account_remote_id
        assert [readings[ref].missing for ref in (here, no_line, no_agreement)] == [False, True, True]

    @pytest.mark.parametrize("form", ["500", "html_502", "html_200", "truncated", "empty", "drop_before"])
    def test_a_read_survives_one_failure(self, adapter: PsaAdapter, remote: Simulated, form: str) -> None:
        adapter.identify()
        remote.break_next("GET /", form)
        assert read_all(adapter.read_services(None, ""))

    @pytest.mark.parametrize("form", ["500", "html_200", "truncated"])
    def test_a_read_that_keeps_failing_yields_no_last_page(
        self, adapter: PsaAdapter, remote: Simulated, form: str
    ) -> None:
        adapter.identify()
        remote.break_next("GET /", form, times=None)
        pages: list[Page[object]] = []
        with pytest.raises(TryLater):
            pages.extend(adapter.read_services(None, ""))
        assert not any(page.last for page in pages)

    # --- writing ------------------------------------------------------------------------------

    def test_a_quantity_is_written_once_and_read_back(
        self, adapter: PsaAdapter, remote: Simulated, line: LineRecord
    ) -> None:
        order = order_for(line, line.quantity + 3)
        before = len(remote.writes())
        assert adapter.find(order).applied == Applied.NOT
        assert adapter.write(order)
        (entry,) = remote.writes()[before:]
        assert str(entry["line"]) == line.remote_id
        found = adapter.find(order)
        assert (found.applied, found.reading.quantity) == (Applied.DONE, order.wanted)
        assert adapter.read_back([order.ref])[order.ref].quantity == order.wanted

    def test_a_write_is_undone_by_its_opposite(
        self, adapter: PsaAdapter, remote: Simulated, line: LineRecord
    ) -> None:
        there, back = (
            order_for(line, line.quantity + 1),
            order_for(line, line.quantity, seen=line.quantity + 1),
        )
        adapter.write(there)
        adapter.write(back)
        assert adapter.find(back).applied == Applied.DONE
        assert adapter.read_back([there.ref])[there.ref].quantity == line.quantity

    @pytest.mark.parametrize("form", ["drop_after", "500_after", "truncated", "headers_only"])
    def test_a_lost_answer_is_settled_by_a_read(
        self, adapter: PsaAdapter, remote: Simulated, line: LineRecord, form: str
    ) -> None:
        order = order_for(line, line.quantity + 2)
        before = len(remote.writes())
        remote.break_next(self.quantity_write, form)
        with pytest.raises(TryLater) as caught:
            adapter.write(order)
        assert not caught.value.unsent
        assert len(remote.writes()) == before + 1
        assert adapter.find(order).applied == Applied.DONE

    @pytest.mark.parametrize("form", ["500", "429_seconds", "html_502", "drop_before"])
    def test_a_refused_write_is_not_repeated(
        self, adapter: PsaAdapter, remote: Simulated, line: LineRecord, form: str
    ) -> None:
        order = order_for(line, line.quantity + 2)
        before = len(remote.writes())
        remote.break_next(self.quantity_write, form, seconds=0)
        with pytest.raises(TryLater):
            adapter.write(order)
        assert len(remote.writes()) == before
        assert adapter.find(order).applied == Applied.NOT

    def test_a_line_that_moved_is_seen(self, adapter: PsaAdapter, line: LineRecord) -> None:
        adapter.write(order_for(line, line.quantity + 5))
        found = adapter.find(order_for(line, line.quantity + 1))
        assert found.applied == Applied.OTHER
        assert str(line.quantity + 5) in found.sentence

    def test_a_line_that_is_gone_is_seen(self, adapter: PsaAdapter, line: LineRecord) -> None:
        order = order_for(replace(line, remote_id="999999999"), Decimal(3))
        found = adapter.find(order)
        assert found.applied == Applied.OTHER
        assert found.reading.missing

    # --- tickets ------------------------------------------------------------------------------

    def test_a_ticket_is_made_once(self, adapter: PsaAdapter, remote: Simulated) -> None:
        order = self.ticket(adapter, "contract-1")
        first, second = adapter.create_ticket(order), adapter.create_ticket(order)
        assert (first.created, second.created) == (True, False)
        assert first.remote_id == second.remote_id

    def test_a_ticket_whose_answer_was_lost_is_found(self, adapter: PsaAdapter, remote: Simulated) -> None:
        order = self.ticket(adapter, "contract-2")
        before = len(remote.writes())
        remote.break_next("POST /", "drop_after")
        with pytest.raises(TryLater):
            adapter.create_ticket(order)
        assert not adapter.create_ticket(order).created
        assert len(remote.writes()) == before + 1

    def ticket(self, adapter: PsaAdapter, key: str) -> TicketOrder:
        """Make an order for a ticket on the first board, about the first account."""
        board = adapter.read_boards()[0]
        account = next(iter(adapter.read_accounts(None, ""))).records[0]
        return TicketOrder(
            account_remote_id=account.remote_id,
            summary="Seat count differs " * 10,
            body="42 billed, 47 used.",
            key=key,
            board_remote_id=board.remote_id,
            status_remote_id=board.statuses[0][0],
        )


def read_all(pages: Iterator[Page[Record]]) -> list[Record]:
    """Join the records of all pages."""
    return [record for page in pages for record in page.records]


def is_plain(line: LineRecord) -> bool:
    """Tell whether a line is open, priced, and large enough to play with."""
    long_ago = date(TODAY.year, TODAY.month, 1) - timedelta(days=31)
    begun = line.starts_on is None or line.starts_on < long_ago
    return begun and line.ends_on is None and line.billable and line.quantity > 1 and bool(line.unit_price)


def ref_of(line: LineRecord) -> LineRef:
    """Name a line."""
    return LineRef(agreement_remote_id=line.agreement_remote_id, line_remote_id=line.remote_id)


def order_for(
    line: LineRecord, wanted: Decimal, *, seen: Decimal | None = None, way: Way = Way.IN_PLACE
) -> WriteOrder:
    """Order a quantity for a line, as approved by somebody who saw `seen` (by default what was read)."""
    return WriteOrder(
        ref=ref_of(line),
        service_remote_id=line.service_remote_id,
        way=way,
        seen=line.quantity if seen is None else seen,
        wanted=wanted,
        effective_on=TODAY.replace(day=1),
        key="00000000-0000-4000-8000-000000000001",
    )
