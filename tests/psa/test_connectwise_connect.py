"""B1, B2, B4: connecting ConnectWise: addresses, failures, permissions row by row, and honest effective dates."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from psa.adapters import ADAPTERS
from psa.adapters.base import AgreementRecord, Credentials, Permission, PsaAdapter, Way
from psa.adapters.connectwise.address import REGIONS, api_base, site
from psa.adapters.connectwise.choices import add_choices, choices, next_boundary
from psa.adapters.connectwise.failures import explain
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.http.reply import Reply
from tests.http.origin import ok, serve
from tests.psa.simulated import Simulated, simulate


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
    return build(remote.url, remote.fields)


def build(url: str, fields: dict[str, str]) -> PsaAdapter:
    return ADAPTERS["connectwise"].build(Credentials(org_id=1, connection_id=1, base_url=url, fields=fields))


@pytest.mark.parametrize(
    ("typed", "expected_site", "expected_base"),
    [
        ("https://na.myconnectwise.net", "https://na.myconnectwise.net", "https://api-na.myconnectwise.net"),
        ("api-eu.myconnectwise.net", "https://eu.myconnectwise.net", "https://api-eu.myconnectwise.net"),
        (" https://AU.myconnectwise.net/v4_6_release/x ", "https://au.myconnectwise.net",
         "https://api-au.myconnectwise.net"),
        ("https://staging.connectwisedev.com/", "https://staging.connectwisedev.com",
         "https://api-staging.connectwisedev.com"),
        ("https://psa.msp.example", "https://psa.msp.example", "https://psa.msp.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://na.myconnectwise.net.evil.example", "https://na.myconnectwise.net.evil.example",
         "https://na.myconnectwise.net.evil.example"),
    ],
)  # fmt: skip
def test_the_cloud_gets_api_in_front_and_nobody_else(
    typed: str, expected_site: str, expected_base: str
) -> None:
    assert site(typed) == expected_site
    assert api_base(typed, "v2025_1/") == expected_base + "/v2025_1/apis/3.0"


def test_every_region_is_a_cloud_host() -> None:
    assert all(api_base(url, "v/").startswith("https://api-") for url, _ in REGIONS)


def test_an_unknown_company_is_named(remote: Simulated) -> None:
    with pytest.raises(CustomerMustAct, match="does not know the company 'nobody'"):
        build(remote.url, {**remote.fields, "company": "nobody"}).identify()


@pytest.mark.parametrize(
    "answer",
    [
        ok("<html>Welcome</html>"),
        ok("<html>", status="404 Not Found"),
        ok("[]"),
        ok("{}"),
        ok("{}", status="403 No"),
    ],
    ids=["page", "missing page", "list", "object", "forbidden"],
)
def test_what_is_no_connectwise_is_said_so(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.http.retry.BASE_SECONDS", 0.01)
    with serve(answer) as origin, pytest.raises(CustomerMustAct, match="No ConnectWise PSA answers at"):
        build(origin.url, {"company": "x", "public_key": "y", "private_key": "z"}).identify()


def test_a_codebase_that_is_none_is_not_followed() -> None:
    info = '{"Codebase": "../../evil/", "CompanyID": "x"}'
    with serve(ok(info), ok('{"version": "v1"}')) as origin:
        build(origin.url, {"company": "x", "public_key": "y", "private_key": "z"}).identify()
    assert origin.asked[1].startswith(b"GET /v4_6_release/apis/3.0/system/info ")


# --- failures --------------------------------------------------------------------------------

BASE = "https://api-na.myconnectwise.net/v2025_1/apis/3.0"


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, '{"code":"ConnectWiseApi","message":"UserNotAuthenticated"}', CustomerMustAct, "keys"),
        (401, '{"code":"Unauthorized","message":"A valid clientId is required."}', CustomerMustAct, "client id"),
        (403, '{"code":"Security","message":"SSL is required.","errors":null}', CustomerMustAct, "api-"),
        (403, '{"code":"Security","message":"You do not have"}', CustomerMustAct, "Finance > Agreements"),
        (404, '{"code":"ConnectWiseApi","message":"The endpoint does not exist."}', CustomerMustAct, "company id"),
        (404, '{"code":"NotFound","message":"not found"}', CustomerMustAct, "no longer has this record"),
        (404, "<html>", CustomerMustAct, "company id"),
        (400, '{"code":"InvalidObject","errors":[{"field":"yearEstablished","message":"is out of range"}]}',
         CustomerMustAct, "yearEstablished: is out of range"),
        (400, '{"code":"ConnectWiseApi","message":"bad"}', OurBug, "Support"),
        (405, "{}", type(None), ""),
        (409, "{}", TryLater, "open in ConnectWise"),
        (429, '{"error":"ConnectWiseAPI","message":"Too many"}', TryLater, "limit"),
        (500, '{"code":"ConnectWiseApi","message":"A timeout has occured."}', TryLater, "in time"),
        (200, '{"message":"SSL is required."}', type(None), ""),
    ],
)  # fmt: skip
def test_each_failure_says_who_must_act(status: int, body: str, kind: type[RemoteError], words: str) -> None:
    error = explain(Reply(status, {}, body.encode(), f"{BASE}/finance/agreements/871/additions"))
    assert type(error) is kind
    assert words in str(error)


# --- permissions -----------------------------------------------------------------------------


def states(rows: list[Permission]) -> dict[str, str]:
    return {row.where: row.state for row in rows}


def test_the_documented_role_is_enough(adapter: PsaAdapter, remote: Simulated) -> None:
    remote.control("POST", "role", {"preset": "documented"})
    found = states(adapter.check_permissions())
    assert "missing" not in found.values()
    assert "too_wide" not in found.values()
    assert found["Finance > Agreements"] == "ok"
    assert found["System > Security Roles"] == "unknown"


def test_each_row_is_judged_by_itself(adapter: PsaAdapter, remote: Simulated) -> None:
    functions = {
        "Companies > Company Maintenance": {"inquire": "My"},
        "Finance > Agreements": {"edit": "None"},
        "Finance > Invoicing": {"inquire": "None"},
        "Procurement > Product Catalog": {"delete": "All"},
    }
    remote.control("POST", "role", {"preset": "documented", "functions": functions})
    rows = adapter.check_permissions()
    found = states(rows)
    assert found["Companies > Company Maintenance"] == "missing"
    assert found["Finance > Agreements"] == "missing"
    assert found["Finance > Invoicing"] == "missing"
    assert found["Procurement > Product Catalog"] == "too_wide"
    assert found["Procurement > Products"] == "ok"
    details = {row.where: row.detail for row in rows}
    assert "in silence" in details["Companies > Company Maintenance"]
    assert "Edit is None" in details["Finance > Agreements"]


def test_b2_the_right_to_add_lines_is_asked_for_checked_and_explained(
    adapter: PsaAdapter, remote: Simulated
) -> None:
    remote.control(
        "POST", "role", {"preset": "documented", "functions": {"Finance > Agreements": {"add": "None"}}}
    )
    row = next(row for row in adapter.check_permissions() if row.where == "Finance > Agreements")
    assert (row.level, row.state) == ("Add, Edit, Inquire: All", "missing")
    assert "Add is None" in row.detail
    assert "to add a line for usage that none bills" in row.why


def test_new_lines_begin_where_the_agreement_bills_them_as_expected() -> None:
    """B4: the days offered for a line that is added, and none that the agreement would bill in another way."""
    for prorate, days in ((False, [date(2025, 7, 1)]), (True, [date(2025, 7, 1), TODAY])):
        offered = add_choices(agreement(prorate=prorate), TODAY)
        assert [each.effective_on for each in offered] == days
        assert [each.default for each in offered] == [True, False][: len(days)]
    assert add_choices(agreement(ends_on=date(2025, 6, 30)), TODAY) == []
    assert add_choices(agreement(billing_cycle="Something"), TODAY) == []
    assert add_choices(agreement(active=False), TODAY) == []


def test_a_table_that_customize_hides_is_named(adapter: PsaAdapter, remote: Simulated) -> None:
    remote.control("POST", "role", {"tables": ["Company / Company Status"]})
    row = next(row for row in adapter.check_permissions() if row.where == "System > Table Setup")
    assert row.state == "missing"
    assert "Invoicing / Billing Cycle" in row.detail


@pytest.mark.parametrize("reach", [{"preset": "documented"}, {"preset": "all"}])
def test_without_my_security_the_role_is_asked_and_else_nothing_is_claimed(
    adapter: PsaAdapter, remote: Simulated, reach: dict[str, Any]
) -> None:
    remote.control("POST", "faults", {"options": {"S11": "403"}})
    remote.control("POST", "role", reach)
    row = next(row for row in adapter.check_permissions() if row.where == "Finance > Agreements")
    if reach["preset"] == "all":
        assert (row.state, row.detail) == ("too_wide", "Delete is All: Reconcile does not need it.")
    else:
        assert row.state == "unknown"
        assert row.detail.startswith("Cannot verify")


def test_hidden_prices_and_agreement_types_are_shown(adapter: PsaAdapter, remote: Simulated) -> None:
    remote.control("POST", "role", {"block_price": True, "agreement_types": [5]})
    rows = {row.need: row for row in adapter.check_permissions()}
    assert "prices" in rows["Prices, costs and boards"].detail
    assert "Visible: Managed Services." in rows["Agreement types"].detail


def test_a_check_that_fails_is_not_a_failure(
    adapter: PsaAdapter, remote: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconcile.http.retry.BASE_SECONDS", 0.001)
    adapter.identify()
    remote.break_next("GET /", "500", times=None)
    assert set(states(adapter.check_permissions()).values()) == {"unknown"}


# --- effective dates -------------------------------------------------------------------------

TODAY = date(2025, 6, 17)


def agreement(**more: Any) -> AgreementRecord:
    return AgreementRecord(
        **{"remote_id": "1", "account_remote_id": "2", "name": "Managed", "billing_cycle": "Monthly", **more}
    )


@pytest.mark.parametrize(
    ("more", "boundary"),
    [
        ({}, date(2025, 7, 1)),
        ({"next_invoice_on": date(2025, 7, 1)}, date(2025, 7, 1)),
        ({"next_invoice_on": date(2025, 8, 1)}, date(2025, 7, 1)),
        ({"starts_on": date(2024, 1, 31)}, date(2025, 6, 30)),
        ({"starts_on": date(2024, 1, 17)}, date(2025, 7, 17)),
        ({"billing_cycle": "Quarterly", "starts_on": date(2024, 2, 1)}, date(2025, 8, 1)),
        ({"billing_cycle": "Yearly", "starts_on": date(2024, 6, 18)}, date(2025, 6, 18)),
        ({"billing_cycle": "Semi Annual", "starts_on": date(2026, 1, 1)}, date(2025, 7, 1)),
        ({"billing_cycle": "Weekly", "starts_on": date(2025, 6, 2)}, date(2025, 6, 23)),
        ({"billing_cycle": "BiWeekly", "starts_on": date(2025, 6, 3)}, date(2025, 7, 1)),
        ({"billing_cycle": "Something"}, None),
    ],
)
def test_the_next_period_begins_on(more: dict[str, Any], boundary: date | None) -> None:
    assert next_boundary(agreement(**more), TODAY) == boundary


def test_without_proration_only_boundaries_are_offered() -> None:
    offered = choices(agreement(prorate=False), TODAY)
    assert [(each.way, each.effective_on) for each in offered] == [
        (Way.IN_PLACE, TODAY),
        (Way.SPLIT, date(2025, 7, 1)),
    ]
    assert [each.default for each in offered] == [True, False]
    assert offered[1].label == "Takes effect 1 Jul 2025, a full period"


def test_with_proration_today_is_offered_too() -> None:
    offered = choices(agreement(prorate=True), TODAY)
    assert [each.effective_on for each in offered if each.way == Way.SPLIT] == [TODAY, date(2025, 7, 1)]


@pytest.mark.parametrize("more", [{"active": False}, {"recurring": False}])
def test_dead_agreements_offer_no_dates(more: dict[str, Any]) -> None:
    assert [each.way for each in choices(agreement(**more), TODAY)] == [Way.IN_PLACE]
