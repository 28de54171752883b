"""Reading ConnectWise with every setting of its open points, with small pages, and with rows that are odd."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from psa.adapters import ADAPTERS
from psa.adapters.base import Applied, Credentials, PsaAdapter
from psa.adapters.connectwise import records
from psa.adapters.connectwise.values import day, number, required_number
from reconcile.http.errors import CustomerMustAct, OurBug, TryLater
from tests.psa.adapter_contract import is_plain, order_for, read_all
from tests.psa.simulated import Simulated, simulate

SWITCHES: list[dict[str, Any]] = [
    {"S1": True},
    {"S2": "exclusive"},
    {"S3": "all_401"},
    {"S3": "all_404"},
    {"S4": "quantity"},
    {"S5": False},
    {"S6": "accept"},
    {"S6": "exact"},
    {"S7": "400"},
    {"S8": "missing"},
    {"S8": "null"},
    {"S8": "empty"},
    {"S9": False},
    {"S10": "store"},
    {"S11": "403"},
    {"S12": False},
    {"S13": 404},
]


@pytest.fixture(scope="module")
def remote() -> Iterator[Simulated]:
    with simulate("connectwise", "--data", "demo", "--fault", "rate_limit_per_minute=0") as running:
        yield running


@pytest.fixture(autouse=True)
def _clear(remote: Simulated) -> Iterator[None]:
    yield
    remote.control("DELETE", "faults")
    remote.control("POST", "role", {"preset": "all"})


@pytest.fixture
def adapter(remote: Simulated) -> PsaAdapter:
    return build(remote)


def build(remote: Simulated, **fields: str) -> PsaAdapter:
    every = {**remote.fields, **fields}
    credentials = Credentials(org_id=1, connection_id=1, base_url=remote.url, fields=every)
    return ADAPTERS["connectwise"].build(credentials)


def everything(adapter: PsaAdapter) -> dict[str, list[Any]]:
    agreements = read_all(adapter.read_agreements(None, ""))
    ids = [record.remote_id for record in agreements][:40]
    return {
        "accounts": read_all(adapter.read_accounts(None, "")),
        "services": read_all(adapter.read_services(None, "")),
        "agreements": agreements,
        "lines": read_all(adapter.read_lines(ids, "")),
        "invoices": read_all(adapter.read_invoices(None, "")),
        "types": list(adapter.read_agreement_types()),
        "boards": list(adapter.read_boards()),
    }


@pytest.fixture(scope="module")
def usual(remote: Simulated, django_db_blocker: Any) -> dict[str, list[Any]]:
    """Give what is read with every switch at its default."""
    from django.test import override_settings

    with override_settings(OUTBOUND_PLAIN_ORIGINS=["http://127.0.0.1:*"]):
        return everything(build(remote))


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_the_same_is_read_and_written_with_every_switch(
    remote: Simulated, usual: dict[str, list[Any]], switches: dict[str, Any]
) -> None:
    remote.control("POST", "faults", {"options": switches})
    adapter = build(remote)
    adapter.identify()
    adapter.check_permissions()
    now = everything(adapter)
    line = next(each for each in now["lines"] if is_plain(each))
    order = order_for(line, line.quantity + 1)
    adapter.write(order)
    assert adapter.find(order).applied == Applied.DONE
    adapter.write(order_for(line, line.quantity, seen=order.wanted))
    for name, records_now in now.items():
        assert [unstamped(each) for each in records_now] == [unstamped(each) for each in usual[name]]


def unstamped(record: Any) -> dict[str, Any]:
    """Leave out what each write moves."""
    return {name: value for name, value in vars(record).items() if name != "remote_version"}


@pytest.mark.parametrize("mode", ["company_404", "all_401", "all_404"])
@pytest.mark.parametrize("field", ["company", "public_key", "private_key"])
def test_wrong_credentials_read_as_such_in_every_version(remote: Simulated, mode: str, field: str) -> None:
    remote.control("POST", "faults", {"options": {"S3": mode}})
    with pytest.raises(CustomerMustAct, match=r"company|keys"):
        build(remote, **{field: "wrong"}).identify()


def test_a_missing_client_id_is_named(remote: Simulated) -> None:
    with pytest.raises(CustomerMustAct, match="client id"):
        build(remote, client_id="").identify()


def test_a_field_left_empty_is_named(remote: Simulated) -> None:
    with pytest.raises(CustomerMustAct, match="private key is missing"):
        build(remote, private_key=" ").identify()


@pytest.mark.parametrize("size", [1, 40, 98])
def test_small_pages_give_the_same_lists(
    adapter: PsaAdapter, usual: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    for module in ("client", "lists"):
        monkeypatch.setattr(f"psa.adapters.connectwise.{module}.PAGE_SIZE", size)
    pages = list(adapter.read_accounts(None, ""))
    assert [record for page in pages for record in page.records] == usual["accounts"]
    assert len(pages) == len(usual["accounts"]) // size + 1
    middle = pages[len(pages) // 2]
    rest = read_all(adapter.read_accounts(None, middle.cursor))
    assert rest == [record for page in pages[len(pages) // 2 + 1 :] for record in page.records]


def test_additions_are_read_to_the_end_when_the_server_makes_pages_smaller(
    adapter: PsaAdapter, usual: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("psa.adapters.connectwise.client.PAGE_SIZE", 2)
    ids = [record.remote_id for record in usual["agreements"]][:5]
    wanted = [line.remote_id for line in usual["lines"] if line.agreement_remote_id in ids]
    assert [line.remote_id for line in read_all(adapter.read_lines(ids, ""))] == wanted


@pytest.mark.parametrize("size", [1, 40])
def test_a_page_that_repeats_for_ever_stops_the_read(
    adapter: PsaAdapter, remote: Simulated, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    for module in ("client", "lists"):
        monkeypatch.setattr(f"psa.adapters.connectwise.{module}.PAGE_SIZE", size)
    remote.control("POST", "faults", {"options": {"repeat_pages": True}})
    with pytest.raises(TryLater, match="repeated itself"):
        read_all(adapter.read_accounts(None, ""))


def test_a_list_shorter_than_its_count_is_not_complete(
    adapter: PsaAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The lists believe in larger pages than the server is asked for: what a server that caps them does.
    monkeypatch.setattr("psa.adapters.connectwise.client.PAGE_SIZE", 40)
    monkeypatch.setattr("psa.adapters.connectwise.lists.PAGE_SIZE", 1000)
    pages = adapter.read_accounts(None, "")
    with pytest.raises(TryLater, match="fewer records than it counts"):
        list(pages)


def test_reads_wait_for_a_429_and_go_on(adapter: PsaAdapter, remote: Simulated) -> None:
    adapter.identify()
    remote.break_next("GET /additions", "429_seconds", seconds=0, times=2)
    ids = [record.remote_id for record in read_all(adapter.read_agreements(None, ""))][:20]
    assert read_all(adapter.read_lines(ids, ""))


def test_no_more_calls_at_once_than_allowed(remote: Simulated, settings: Any) -> None:
    settings.CONNECTWISE_PARALLEL_READS = 3
    adapter = build(remote)
    ids = [record.remote_id for record in read_all(adapter.read_agreements(None, ""))][:60]
    remote.control("DELETE", "requests")
    remote.control("POST", "faults", {"latency_ms": 5})
    assert read_all(adapter.read_lines(ids, ""))
    # The control call that asks is none of ours.
    assert remote.control("GET", "requests")["most_in_flight"] <= 3


def test_a_reader_that_stops_early_starts_nothing_more(adapter: PsaAdapter, remote: Simulated) -> None:
    ids = [record.remote_id for record in read_all(adapter.read_agreements(None, ""))]
    remote.control("DELETE", "requests")
    pages = adapter.read_lines(ids, "")
    next(pages)
    pages.close()  # type: ignore[attr-defined]
    counts = remote.control("GET", "requests")["counts"]
    assert counts["GET /finance/agreements/{parent}/additions"] < len(ids)


def test_without_the_catalogue_right_names_still_come(adapter: PsaAdapter, remote: Simulated) -> None:
    remote.control("POST", "role", {"functions": {"Procurement > Product Catalog": {"inquire": "None"}}})
    services = read_all(adapter.read_services(None, ""))
    assert services
    assert all(record.name and record.price is None for record in services)


def test_a_missing_right_is_named_by_its_row(adapter: PsaAdapter, remote: Simulated) -> None:
    remote.control("POST", "role", {"functions": {"Finance > Invoicing": {"inquire": "None"}}})
    with pytest.raises(CustomerMustAct, match="Finance > Invoicing"):
        read_all(adapter.read_invoices(None, ""))


# --- rows alone ------------------------------------------------------------------------------

LINE = {"id": 1, "agreementId": 2, "product": {"id": 3}, "quantity": Decimal("1.5")}


@pytest.mark.parametrize("unset", [{}, {"cancelledDate": None}, {"cancelledDate": ""}])
def test_unset_values_are_alike(unset: dict[str, Any]) -> None:
    assert records.line({**LINE, **unset}, True) == records.line(LINE, True)


@pytest.mark.parametrize(
    "quantity", ["42", True, Decimal("NaN"), Decimal("Infinity"), Decimal("1e400"), 10**30, [], None, ""]
)
def test_a_quantity_that_is_no_number_is_an_error_and_never_zero(quantity: Any) -> None:
    with pytest.raises(OurBug, match="quantity"):
        required_number({"id": 1, "quantity": quantity}, "quantity")


@pytest.mark.parametrize(
    ("sent", "figure"),
    [(100, "100"), (Decimal("-3"), "-3"), (Decimal("0.10"), "0.1"), (Decimal("-0.0"), "0")],
)
def test_figures_read_as_people_write_them(sent: Any, figure: str) -> None:
    assert str(number({"n": sent}, "n")) == figure


def test_days_are_taken_as_written() -> None:
    assert day({"d": "2025-06-30T23:59:59Z"}, "d") == date(2025, 6, 30)
    with pytest.raises(OurBug, match="d cannot be read"):
        day({"d": "soon"}, "d")


@pytest.mark.parametrize(
    ("row", "active", "prospect"),
    [
        ({"status": {"name": "Active"}, "types": [{"name": "Client"}]}, True, False),
        ({"status": {"name": "Not Approved"}}, False, False),
        ({"deletedFlag": True, "status": {"name": "Active"}}, False, False),
        ({"types": [{"name": "Prospect"}]}, True, True),
        ({"types": [{"name": "Prospect"}, {"name": "Client"}]}, True, False),
        ({"leadFlag": True, "types": None}, True, True),
    ],
)
def test_who_is_a_customer(row: dict[str, Any], active: bool, prospect: bool) -> None:
    account = records.account({"id": 1, "name": "Example Dental", **row})
    assert (account.active, account.prospect) == (active, prospect)


@pytest.mark.parametrize(
    ("row", "cycle", "recurring", "active"),
    [
        ({"billingCycle": {"id": 2, "name": "Month"}, "agreementStatus": "Active"}, "Monthly", True, True),
        ({"billingCycle": {"id": 9, "name": "None"}}, "None", False, True),
        ({"billingCycle": {"id": 3, "name": "Once"}}, "NotRecurring", False, True),
        ({"agreementStatus": "Expired"}, "", False, False),
        ({"cancelledFlag": True, "agreementStatus": "Active"}, "", False, False),
    ],
)
def test_what_an_agreement_is(row: dict[str, Any], cycle: str, recurring: bool, active: bool) -> None:
    read = records.agreement({"id": 1, **row}, {"2": "Monthly", "3": "NotRecurring"})
    assert (read.billing_cycle, read.recurring, read.active) == (cycle, recurring, active)
