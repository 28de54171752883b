"""What every PSA adapter that adds lines must do (E2, B5): inherit `AddingContract` beside `AdapterContract`."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from psa.adapters.base import AddOrder, AgreementRecord, Applied, LineRef, PsaKind, Way
from reconcile.http.errors import CustomerMustAct, TryLater
from tests.psa.adapter_contract import TODAY, read_all
from tests.psa.simulated import Simulated

KEY = "00000000-0000-4000-8000-000000000002"


class AddingContract:
    """The inherited tests. Each adds to a pair of agreement and service of its own."""

    kind: ClassVar[PsaKind]
    # How the simulator names the write that adds a line, for faults: "METHOD /path-regex".
    line_write: ClassVar[str]
    _orders: ClassVar[dict[str, Iterator[AddOrder]]] = {}

    @pytest.fixture
    def order(self, adapter: Any, remote: Simulated) -> AddOrder:
        """Order a line of a service that its agreement has never held."""
        if remote.url not in self._orders:
            self._orders[remote.url] = list_orders(adapter)
        return next(self._orders[remote.url])

    def test_the_days_offered_for_a_new_line_are_honest(self, adapter: Any) -> None:
        assert self.kind.adding is not None
        agreements = read_all(adapter.read_agreements(None, ""))
        open_ones = [a for a in agreements if a.active and a.recurring and a.ends_on is None]
        assert any(self.kind.adding(a, TODAY) for a in open_ones)
        for agreement in open_ones:
            offered = self.kind.adding(agreement, TODAY)
            assert all(each.way is Way.ADD and each.effective_on >= TODAY for each in offered)
            assert sum(each.default for each in offered) <= 1
        dead = AgreementRecord(remote_id="1", account_remote_id="1", name="Over", active=False)
        assert self.kind.adding(dead, TODAY) == []

    def test_a_line_is_added_once_and_found(self, adapter: Any, remote: Simulated, order: AddOrder) -> None:
        before = len(remote.writes())
        assert adapter.find_added(order).applied == Applied.NOT
        assert adapter.add_line(order)
        assert len(remote.writes()) == before + 1
        found = adapter.find_added(order)
        assert (found.applied, found.reading.quantity) == (Applied.DONE, order.wanted)
        assert (found.reading.starts_on, found.reading.unit_price) == (order.effective_on, order.unit_price)
        assert found.line_remote_id == found.reading.ref.line_remote_id
        held = adapter.read_back([found.reading.ref])[found.reading.ref]
        assert (held.quantity, held.service_remote_id) == (order.wanted, order.service_remote_id)

    def test_an_id_that_no_line_can_have_is_missing(self, adapter: Any, order: AddOrder) -> None:
        """A person types the id of a line whose addition nobody could tell of."""
        refs = [
            LineRef(agreement_remote_id=order.agreement_remote_id, line_remote_id=typed)
            for typed in ("seventy", "7 or id=8", "-7")
        ]
        assert all(reading.missing for reading in adapter.read_back(refs).values())

    @pytest.mark.parametrize("form", ["drop_after", "500_after", "headers_only"])
    def test_a_lost_answer_to_an_addition_is_settled_by_a_read(
        self, adapter: Any, remote: Simulated, order: AddOrder, form: str
    ) -> None:
        before = len(remote.writes())
        remote.break_next(self.line_write, form)
        with pytest.raises(TryLater) as caught:
            adapter.add_line(order)
        assert not caught.value.unsent
        assert len(remote.writes()) == before + 1
        assert adapter.find_added(order).applied == Applied.DONE

    @pytest.mark.parametrize("form", ["500", "429_seconds", "html_502", "drop_before"])
    def test_a_refused_addition_is_not_repeated(
        self, adapter: Any, remote: Simulated, order: AddOrder, form: str
    ) -> None:
        before = len(remote.writes())
        remote.break_next(self.line_write, form, seconds=0)
        with pytest.raises(TryLater):
            adapter.add_line(order)
        assert len(remote.writes()) == before
        assert adapter.find_added(order).applied == Applied.NOT

    def test_a_line_of_the_service_that_is_there_stops_another(
        self, adapter: Any, remote: Simulated, order: AddOrder
    ) -> None:
        adapter.add_line(order)
        before = len(remote.writes())
        for other in (order, replace(order, wanted=order.wanted + 1)):
            with pytest.raises(CustomerMustAct, match="Nothing was written") as caught:
                adapter.add_line(other)
            assert caught.value.unsent
        assert len(remote.writes()) == before
        found = adapter.find_added(replace(order, wanted=order.wanted + 1))
        assert (found.applied, found.reading.quantity) == (Applied.OTHER, order.wanted)
        assert str(order.wanted) in found.sentence

    def test_an_agreement_that_is_gone_or_of_another_account_takes_no_line(
        self, adapter: Any, order: AddOrder
    ) -> None:
        nowhere = replace(order, agreement_remote_id="999999999")
        for wrong in (nowhere, replace(order, account_remote_id="999999999")):
            found = adapter.find_added(wrong)
            assert (found.applied, found.reading.missing) == (Applied.OTHER, True)
            assert found.sentence


def list_orders(adapter: Any) -> Iterator[AddOrder]:
    """Yield orders for services that an open agreement does not hold, in one agreement of each account.

    Of a service of an account only one addition may be open, in whichever agreement.
    """
    services = [
        each
        for each in read_all(adapter.read_services(None, ""))
        if each.active and each.price is not None and each.product_class != "Bundle"
    ]
    agreements = [a for a in read_all(adapter.read_agreements(None, "")) if a.active and a.recurring]
    one_each = {a.account_remote_id: a for a in reversed(agreements) if a.ends_on is None}
    for agreement in reversed(one_each.values()):
        held = {line.service_remote_id for line in read_all(adapter.read_lines([agreement.remote_id], ""))}
        for service in (each for each in services if each.remote_id not in held):
            yield AddOrder(
                account_remote_id=agreement.account_remote_id,
                agreement_remote_id=agreement.remote_id,
                service_remote_id=service.remote_id,
                wanted=Decimal(9),
                unit_price=service.price,
                effective_on=TODAY.replace(day=1),
                key=KEY,
            )
