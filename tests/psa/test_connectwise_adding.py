"""E2, B5: adding a line in ConnectWise: the rules alone, and pushes over HTTP, where the PSA's ledger decides."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Organization, User
from psa import additions, push_undo
from psa.adapters.base import AddOrder, Applied
from psa.adapters.connectwise.adding import judge, new_line
from psa.models import AgreementLine, Push, Service
from reconcile.tenancy.scope import org_scope
from tests.drills.rig import Rig, connect, read_plain_lines, speak
from tests.psa.adding_contract import list_orders
from tests.psa.simulated import Simulated, simulate
from tests.psa.test_connectwise_push import addition
from tests.psa.test_push_connectwise import run_out

State = Push.State
ORDER = AddOrder(
    account_remote_id="250",
    agreement_remote_id="871",
    service_remote_id="812",
    wanted=Decimal(9),
    unit_price=Decimal("6.5"),
    effective_on=date(2025, 7, 1),
    key="k",
)
PARENT = {
    "id": 871,
    "name": "Managed",
    "company": {"id": 250},
    "agreementStatus": "Active",
    "noEndingDateFlag": True,
}
OURS = addition(7, 9, "2025-07-01")


@pytest.mark.parametrize(
    ("rows", "applied", "words"),
    [
        ((), Applied.NOT, ""),
        ((addition(1, 42, "2024-01-01", "2025-06-30"),), Applied.NOT, ""),
        ((OURS,), Applied.DONE, "9 units"),
        ((addition(1, 42, "2024-01-01", "2025-06-30"), OURS), Applied.DONE, "9 units"),
        ((addition(7, 8, "2025-07-01"),), Applied.OTHER, "8 units"),
        ((addition(7, 9, "2025-06-01"),), Applied.OTHER, "9 units"),
        ((addition(7, 9, "2025-08-01"),), Applied.OTHER, "9 units"),
        ((addition(7, 9, "2025-07-01", "2025-12-31"),), Applied.OTHER, "9 units"),
        ((addition(7, 0, "2025-07-01"),), Applied.OTHER, "0 units"),
        ((OURS, addition(8, 9, "2025-07-01")), Applied.OTHER, "2 lines"),
    ],
)
def test_each_state_of_an_addition_is_told(
    rows: tuple[dict[str, Any], ...], applied: Applied, words: str
) -> None:
    found = judge(ORDER, PARENT, rows, ends_inclusive=True)
    assert found.applied == applied
    assert words in found.sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (None, "no longer in ConnectWise"),
        ({"company": {"id": 251}}, "another company"),
        ({"agreementStatus": "Expired"}, "no longer active"),
        ({"cancelledFlag": True}, "no longer active"),
        ({"noEndingDateFlag": False, "endDate": "2025-06-30T00:00:00Z"}, "ends on 30 Jun 2025"),
    ],
)
def test_an_agreement_that_takes_no_line_is_told(changes: dict[str, Any] | None, words: str) -> None:
    parent = None if changes is None else PARENT | changes
    found = judge(ORDER, parent, (), ends_inclusive=True)
    assert (found.applied, found.reading.missing) == (Applied.OTHER, True)
    assert words in found.sentence


def test_the_line_that_was_ordered_is_ours_even_when_the_agreement_has_ended_since() -> None:
    found = judge(ORDER, PARENT | {"cancelledFlag": True}, (OURS,), ends_inclusive=True)
    assert (found.applied, found.line_remote_id) == (Applied.DONE, "7")


def test_the_body_names_what_was_approved_and_nothing_else() -> None:
    body = {
        "product": {"id": 812},
        "quantity": 9,
        "billCustomer": "Billable",
        "effectiveDate": "2025-07-01T00:00:00Z",
    }
    assert new_line(ORDER) == body | {"unitPrice": Decimal("6.5")}


@pytest.fixture(scope="module")
def remote() -> Iterator[Simulated]:
    with simulate("connectwise", "--data", "demo", "--fault", "rate_limit_per_minute=0") as running:
        yield running


@pytest.fixture(scope="module")
def orders(remote: Simulated) -> Iterator[AddOrder]:
    return list_orders(speak(remote))


@pytest.fixture
def rig(
    org: Organization, alice: User, remote: Simulated, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Iterator[Rig]:
    monkeypatch.setattr("reconcile.http.retry.BASE_SECONDS", 0.01)
    settings.PUSH_SETTLE_SECONDS = 0
    yield connect(org, alice, remote, read_plain_lines(remote)[:1])
    remote.control("DELETE", "faults")
    remote.control("POST", "role", {"preset": "all"})


def stage(rig: Rig, order: AddOrder) -> Push:
    """Mirror the order's account, agreement and service, and approve the line."""
    with org_scope(rig.org.pk):
        sample = rig.lines[0].agreement
        sample.account.remote_id, sample.remote_id = order.account_remote_id, order.agreement_remote_id
        sample.account.save()
        sample.save()
        service, _ = Service.objects.get_or_create(
            org=rig.org, connection=sample.connection, remote_id=order.service_remote_id,
            defaults={"name": "New", "changed_at": sample.changed_at},
        )  # fmt: skip
        wanted = additions.Addition(sample, service, order.wanted, order.unit_price, order.effective_on)
        return additions.stage(wanted, by=rig.user)


def state_of(rig: Rig, push: Push) -> tuple[str, str]:
    with org_scope(rig.org.pk):
        kept = Push.objects.get(pk=push.pk)
        return kept.state, kept.reason


@pytest.mark.parametrize(
    "form", ["", "drop_after", "500_after", "truncated", "empty", "drop_before", "500", "html_502"]
)
def test_one_line_and_undo_one_quantity_more(
    rig: Rig, remote: Simulated, orders: Iterator[AddOrder], form: str
) -> None:
    order, before = next(orders), len(remote.writes())
    push = stage(rig, order)
    if form:
        remote.break_next("POST /additions", form)
    run_out(rig)
    assert state_of(rig, push) == (State.CONFIRMED, "")
    (made,) = remote.writes()[before:]
    assert (made["before"], made["after"]["quantity"], made["after"]["unitPrice"]) == (
        None, float(order.wanted), float(order.unit_price or 0),
    )  # fmt: skip
    with org_scope(rig.org.pk):
        line = AgreementLine.objects.get(remote_id=str(made["line"]))
        assert (line.quantity, line.unit_price) == (order.wanted, order.unit_price)
        push_undo.undo(Push.objects.get(pk=push.pk), rig.user)
    run_out(rig)
    undone = remote.writes()[before + 1 :]
    assert [(each["method"], each["line"], each["after"]["quantity"]) for each in undone] == [
        ("PATCH", made["line"], 0)
    ]


def test_a_role_that_may_not_add_is_named_and_nothing_is_written(
    rig: Rig, remote: Simulated, orders: Iterator[AddOrder]
) -> None:
    remote.control("POST", "role", {"functions": {"Finance > Agreements": {"add": "None"}}})
    before = len(remote.writes())
    push = stage(rig, next(orders))
    run_out(rig)
    state, reason = state_of(rig, push)
    assert state == State.FAILED
    assert "lacks Finance > Agreements (Add, Edit, Inquire: All)" in reason
    assert len(remote.writes()) == before


def test_somebody_who_added_it_first_wins(rig: Rig, remote: Simulated, orders: Iterator[AddOrder]) -> None:
    order = next(orders)
    push = stage(rig, order)
    speak(remote).add_line(order)  # type: ignore[attr-defined]
    before = len(remote.writes())
    run_out(rig)
    state, reason = state_of(rig, push)
    assert state == State.CONFLICT
    assert "9 units is in the agreement by now. Nothing was written." in reason
    assert len(remote.writes()) == before
