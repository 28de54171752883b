"""The Veeam adapter's wire: tokens that end, answers that come later, errors inside 200, lists that move."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from demo.veeam_vspc.sample import every_sort, many
from demo.veeam_vspc.simulator import build
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.http.reply import Reply
from tests.vendors.adapter_contract import accounts_of, figures, pull
from tests.vendors.simulated import Simulated, serving
from vendors.adapters import ADAPTERS
from vendors.adapters.base import AccountKind, VendorAdapter, VendorCredentials
from vendors.adapters.veeam_vspc.console import api_address
from vendors.adapters.veeam_vspc.errors import SECOND_FACTOR, explain

TODAY = datetime.now(UTC).date()
COMPANIES = 1203
USAGE = "GET /organizations/companies/usage"


@pytest.fixture(scope="module")
def vendor() -> Iterator[Simulated]:
    """One console with a company of every sort."""
    with serving(build, every_sort(TODAY)) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def crowd() -> Iterator[Simulated]:
    """One console with companies for three pages."""
    with serving(build, many(COMPANIES, TODAY - timedelta(days=1))) as simulated:
        yield simulated


@pytest.fixture(autouse=True)
def _calm(settings: Settings, vendor: Simulated, crowd: Simulated) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.OUTBOUND_READ_TRIES = 2
    settings.VEEAM_REQUESTS_PER_MINUTE = 100_000
    vendor.reset()
    crowd.reset()


def credentials_of(simulated: Simulated, *names: str) -> VendorCredentials:
    fields = {name: simulated.credentials[name] for name in names or ("api_key",)}
    return VendorCredentials(org_id=1, integration_id=1, base_url=simulated.url, fields=fields)


def adapter_on(simulated: Simulated, *names: str) -> VendorAdapter:
    return ADAPTERS["veeam_vspc"].build(credentials_of(simulated, *names))


def by_password(simulated: Simulated) -> VendorAdapter:
    return adapter_on(simulated, "username", "password")


def tokens_asked_for(simulated: Simulated) -> int:
    count: int = simulated.requests()["counts"].get("POST /token", 0)
    return count


def test_a_list_of_several_pages_is_read_whole(crowd: Simulated) -> None:
    usage = pull(adapter_on(crowd), TODAY)
    assert len(usage.counts) == COMPANIES
    assert sum(one.quantity for one in usage.counts) == sum(range(COMPANIES))
    assert crowd.requests()["counts"]["GET /organizations/companies/usage"] == 3


@pytest.mark.parametrize(("shift", "total"), [("insert", COMPANIES), ("remove", COMPANIES - 1)])
@pytest.mark.parametrize("path", ["/organizations/companies$", "/organizations/companies/usage$"])
def test_a_list_that_moves_is_read_again(shift: str, total: int, path: str) -> None:
    with serving(build, many(COMPANIES, TODAY - timedelta(days=1))) as crowd:
        crowd.faults(options={"shift": shift, "shift_path": path})
        adapter = adapter_on(crowd)
        if path.endswith("usage$"):
            found = [one.account_external_id for one in pull(adapter, TODAY).counts]
        else:
            found = [one.external_id for one in accounts_of(adapter) if one.kind is AccountKind.CUSTOMER]
        asked = crowd.requests()["counts"][f"GET {path.rstrip('$')}"]
    assert len(found) == len(set(found)) == total
    assert asked > 3


def test_answers_that_come_later_are_waited_for(vendor: Simulated) -> None:
    expected = figures(pull(adapter_on(vendor), TODAY))
    vendor.faults(options={"async_share": 1, "async_polls": 1})
    assert figures(pull(adapter_on(vendor), TODAY)) == expected
    assert vendor.requests()["counts"]["GET /asyncActions/{uid}/result"] >= 8


@pytest.mark.parametrize("outcome", ["failed", "canceled"])
def test_an_answer_that_fails_later_is_no_answer(vendor: Simulated, outcome: str) -> None:
    vendor.faults(options={"async_path": "/companies/usage", "async_outcome": outcome})
    with pytest.raises(TryLater, match=outcome):
        pull(adapter_on(vendor), TODAY)


def test_a_promise_that_is_forgotten_is_no_answer(vendor: Simulated) -> None:
    vendor.faults(options={"async_path": "/companies/usage"})
    vendor.fail("GET /asyncActions/", status=404)
    with pytest.raises(TryLater, match="forgotten"):
        pull(adapter_on(vendor), TODAY)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("logical", OurBug),
        ("security", CustomerMustAct),
        ("retryableLogical", TryLater),
        ("transport", TryLater),
        ("unspecified", TryLater),
        ("somethingNew", TryLater),
    ],
)
def test_errors_inside_a_200_are_errors(
    vendor: Simulated, kind: str, error: type[RemoteError], keep: bool
) -> None:
    path = "/organizations/companies/usage|/organizations/companies$"
    vendor.faults(options={"errors_path": path, "errors_type": kind, "errors_keep_data": keep})
    adapter = adapter_on(vendor)
    for act in (lambda: pull(adapter, TODAY), lambda: list(adapter.read_accounts())):
        with pytest.raises(error):
            act()


def test_errors_in_a_later_answer_are_errors_too(vendor: Simulated) -> None:
    options = {
        "errors_path": "/companies/usage",
        "errors_type": "transport",
        "async_path": "/companies/usage",
    }
    vendor.faults(options=options)
    with pytest.raises(TryLater):
        pull(adapter_on(vendor), TODAY)


def test_one_token_serves_a_whole_run(vendor: Simulated) -> None:
    pull(by_password(vendor), TODAY)
    assert tokens_asked_for(vendor) == 1


def test_a_token_that_ends_in_mid_run_is_renewed_once(vendor: Simulated) -> None:
    expected = figures(pull(by_password(vendor), TODAY))
    vendor.reset()
    vendor.fail(USAGE, status=401, times=1)
    assert figures(pull(by_password(vendor), TODAY)) == expected
    assert tokens_asked_for(vendor) == 2


def test_a_second_401_is_for_the_customer(vendor: Simulated) -> None:
    vendor.fail(USAGE, status=401)
    with pytest.raises(CustomerMustAct):
        pull(by_password(vendor), TODAY)
    assert vendor.hits() == 2


def test_tokens_forgotten_by_the_console_are_renewed(vendor: Simulated) -> None:
    adapter = by_password(vendor)
    adapter.identify()
    vendor.control("POST", "tokens", {})
    assert accounts_of(adapter)
    assert tokens_asked_for(vendor) == 2


def test_the_password_is_asked_when_the_refresh_token_is_refused(vendor: Simulated) -> None:
    adapter = by_password(vendor)
    adapter.identify()
    vendor.control("POST", "tokens", {"refresh": True})
    assert accounts_of(adapter)
    assert tokens_asked_for(vendor) == 3


def test_a_second_factor_is_named(vendor: Simulated) -> None:
    vendor.faults(options={"mfa": True})
    with pytest.raises(CustomerMustAct) as caught:
        by_password(vendor).identify()
    assert caught.value.sentence == SECOND_FACTOR


def test_no_credentials_at_all_are_for_the_customer(vendor: Simulated) -> None:
    for fields in ({}, {"username": "reconcile"}, {"password": "x"}):
        with pytest.raises(CustomerMustAct, match="API key"):
            ADAPTERS["veeam_vspc"].build(replace(credentials_of(vendor), fields=fields)).identify()


def test_something_else_at_the_address_is_for_the_customer(vendor: Simulated) -> None:
    vendor.fail("GET /about", status=404)
    with pytest.raises(CustomerMustAct, match="No Veeam console"):
        adapter_on(vendor).identify()


def test_an_older_server_is_asked_its_five_calls(vendor: Simulated) -> None:
    vendor.fail("GET /licensing/usage/organizations", status=404)
    usage = pull(adapter_on(vendor), TODAY)
    licences = {name: n for (_, name), n in figures(usage).items() if name.startswith("licence")}
    assert licences == {"licence:VAC_Workstation_Agent": "15", "licence:VBR_Workstation_Agent": "2"}


def test_retry_after_in_the_body_is_kept() -> None:
    body = b'{"errors":[{"type":"transport","code":429}]}'
    bare = explain(Reply(429, {}, body, "https://vspc.example"))
    assert isinstance(bare, TryLater)
    assert bare.retry_after is None


def test_a_long_pause_is_left_to_the_queue(vendor: Simulated) -> None:
    vendor.fail(USAGE, form="429_body", seconds=600)
    with pytest.raises(TryLater) as caught:
        pull(adapter_on(vendor), TODAY)
    assert caught.value.retry_after == 600
    assert vendor.hits() == 1


@pytest.mark.parametrize(
    "typed",
    ["https://vspc.example:1280", "https://vspc.example:1280/", " https://vspc.example:1280/api/v3/ "],
)
def test_the_address_may_be_typed_with_or_without_its_path(typed: str) -> None:
    assert api_address(typed) == "https://vspc.example:1280/api/v3"
