"""The simulated Veeam console answers as its sheet says, trap by trap (facts/vendors/veeam_vspc.md)."""

import urllib.error
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.veeam_vspc import licensing
from demo.veeam_vspc.options import VeeamOptions
from demo.veeam_vspc.rows import uid_of
from demo.veeam_vspc.sample import SampleWorld, company_row, every_sort, many
from demo.veeam_vspc.simulator import build
from demo.veeam_vspc.tokens import FORM, TokenOffice
from tests.demo.veeam_client import Client
from tests.vendors.simulated import Simulated, serving

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
PLAIN = uid_of("plain")


@pytest.fixture(scope="module")
def running() -> Iterator[Simulated]:
    """One console with a company of every sort."""
    with serving(build, every_sort(TODAY)) as simulated:
        yield simulated


@pytest.fixture
def client(running: Simulated) -> Client:
    """A client of it, all switches at rest."""
    running.reset()
    return Client(running)


def equals(name: str, value: Any) -> list[dict[str, Any]]:
    return [{"property": name, "operation": "equals", "value": value}]


def test_a_password_gives_a_token_for_an_hour(client: Client) -> None:
    answer = client.by_password()
    assert answer.status == 200
    assert answer.value["expires_in"] == 3600
    assert answer.value["token_type"] == "bearer"
    assert answer.value["mfa_token"] is None
    assert client.call("/about", bearer=answer.value["access_token"]).status == 200


def test_a_refresh_token_gives_the_next(client: Client) -> None:
    first = client.by_password().value
    second = client.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert client.call("/about", bearer=second.value["access_token"]).status == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password", "username": "reconcile", "password": "wrong"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "rt-none"}, "invalid_grant"),
        ({"grant_type": "mfa", "mfa_token": "none", "mfa_code": "000000"}, "invalid_grant"),
        ({"grant_type": "public_key", "public_key": "bm9uZQ=="}, "invalid_grant"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"username": "reconcile"}, "invalid_request"),
    ],
)
def test_a_grant_is_refused_in_oauths_words(client: Client, form: dict[str, str], error: str) -> None:
    answer = client.token(**form)
    assert answer.status == 400
    assert set(answer.value) == {"error", "error_description", "error_uri"}
    assert answer.value["error"] == error


def test_the_token_call_wants_a_form(client: Client) -> None:
    names = {name: client.simulated.credentials[name] for name in ("username", "password")}
    assert client.token("application/json", grant_type="password", **names).status == 400
    assert client.token(f"{FORM}; charset=utf-8", grant_type="password", **names).status == 200


def test_a_second_factor_stands_between(client: Client) -> None:
    client.simulated.faults(options={"mfa": True, "mfa_code": "424242"})
    first = client.by_password().value
    assert first["access_token"] is None
    assert client.token(grant_type="mfa", mfa_token=first["mfa_token"], mfa_code="1").status == 400
    second = client.token(grant_type="mfa", mfa_token=first["mfa_token"], mfa_code="424242").value
    assert client.call("/about", bearer=second["access_token"]).status == 200


def test_a_read_only_token_may_not_write(client: Client) -> None:
    token = client.by_password(read_only="true").value["access_token"]
    path = f"/asyncActions/{uuid.uuid4()}"
    assert client.call(path, method="DELETE", bearer=token).status == 403
    assert client.call(path, method="DELETE").status == 404


@pytest.mark.parametrize("bearer", ["", "wrong"])
def test_a_wrong_bearer_is_refused(client: Client, bearer: str) -> None:
    answer = client.call("/organizations/companies", bearer=bearer)
    assert answer.status == 401
    assert answer.value["errors"][0]["type"] == "security"


@pytest.mark.parametrize("seconds", [3600, 5])
def test_a_token_ends_after_its_time(seconds: int) -> None:
    now = [1000.0]
    office = TokenOffice({"username": "u", "password": "p", "api_key": "k"}, clock=lambda: now[0])
    options = VeeamOptions(token_seconds=seconds)
    _, body = office.grant(FORM, b"grant_type=password&username=u&password=p", options)
    now[0] += seconds - 1
    assert office.bearer(f"Bearer {body['access_token']}")
    now[0] += 1
    assert office.bearer(f"Bearer {body['access_token']}") is None
    assert office.bearer("Bearer k")


def test_pages_have_a_default_and_a_greatest_size() -> None:
    with serving(build, many(1203, YESTERDAY)) as simulated:
        client = Client(simulated)
        assert client.get("/organizations/companies").page == (1203, 100, 0)
        assert client.get("/organizations/companies", limit=9999).page == (1203, 500, 0)
        assert client.get("/organizations/companies", limit=500, offset=1000).page == (1203, 203, 1000)
        assert client.get("/organizations/companies", limit=500, offset=5000).page == (1203, 0, 5000)


@pytest.mark.parametrize("query", [{"limit": "many"}, {"offset": "-1"}, {"filter": "{"}, {"filter": '["x"]'}])
def test_a_bad_query_is_refused(client: Client, query: dict[str, str]) -> None:
    answer = client.get("/organizations/companies", **query)
    assert answer.status == 400
    assert answer.value["errors"][0]["type"] == "logical"


def test_companies_carry_what_every_company_carries(client: Client) -> None:
    for answer in (
        client.get("/organizations/companies"),
        client.get("/organizations/companies", select="name"),
    ):
        for row in answer.rows:
            assert row["ownerCredentials"]["password"] is None
            assert row["ownerCredentials"]["userName"]
            assert "_embedded" not in row
    expanded = client.get(f"/organizations/companies/{PLAIN}", expand="Organization")
    assert expanded.value["data"]["_embedded"]["organization"]["companyId"] == "PSA-7"
    assert expanded.value["meta"]["pagingInfo"]["total"] == 1


def test_filter_sort_and_select(client: Client) -> None:
    named = client.get("/organizations/companies", filter=equals("name", "Elm Motors"))
    assert [row["instanceUid"] for row in named.rows] == [uid_of("late")]
    down = client.get("/organizations/companies", sort=[{"property": "name", "direction": "descending"}])
    assert [row["name"] for row in down.rows][:2] == ["Fir Studio", "Elm Motors"]
    chosen = client.get("/organizations/companies", select=["name"], limit=1)
    assert set(chosen.rows[0]) == {"name", "ownerCredentials"}


@pytest.mark.parametrize(
    ("version", "status"), [("3.5.1", "Deleted"), ("3.6.1", "REMOVED_Deleted"), ("3.7", "Deleted")]
)
def test_statuses_are_spelled_by_version(client: Client, version: str, status: str) -> None:
    client.simulated.faults(options={"api_version": version})
    statuses = {row["name"]: row["status"] for row in client.get("/organizations/companies").rows}
    assert statuses["Dogwood Yard"] == status
    assert statuses["Cedar Foods"] == "Disabled"


def test_usage_is_one_row_per_company_location_and_day(client: Client) -> None:
    days = {"fromDate": YESTERDAY.isoformat(), "toDate": YESTERDAY.isoformat()}
    rows = client.get(f"/organizations/companies/{PLAIN}/usage", **days).rows
    assert [row["date"] for row in rows] == [f"{YESTERDAY}T00:00:00.0000000+00:00"] * 2
    assert len({row["locationUid"] for row in rows}) == 2
    assert len(client.get("/organizations/companies/usage").rows) > len(rows)
    assert client.get("/organizations/companies/usage", fromDate="soon").status == 400


def test_a_resellers_usage_is_the_sum_of_its_companies(client: Client) -> None:
    (row,) = client.get("/organizations/resellers/usage").rows
    assert row["resellerUid"] == uid_of("reseller")
    assert {one["type"]: one["value"] for one in row["counters"]} == {
        "ManagedServerAgents": 0,
        "NewestThing": 8,
    }
    path = f"/organizations/resellers/{uid_of('reseller')}/companies"
    assert [one["name"] for one in client.get(path).rows] == ["Birch Legal"]


def test_counters_of_the_future_and_of_the_past(client: Client) -> None:
    client.simulated.faults(options={"unknown_counters": True})
    kinds = {
        one["type"] for row in client.get("/organizations/companies/usage").rows for one in row["counters"]
    }
    assert "FutureVaultNodes" in kinds


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, 3),
        ({"organizationType": "Provider"}, 1),
        ({"organizationUid": PLAIN}, 1),
        ({"serverType": "BackupAndReplication"}, 1),
        ({"organizationType": "Unknown"}, 0),
    ],
)
def test_licence_usage_is_filtered(client: Client, query: dict[str, str], rows: int) -> None:
    assert len(client.get("/licensing/usage/organizations", **query).rows) == rows


def test_older_calls_give_counters_per_company(client: Client) -> None:
    (row,) = client.get("/licensing/console/usage/companies").rows
    assert row["companyUid"] == PLAIN
    assert row["counters"] == [
        {"type": "VAC_Workstation_Agent", "rentalCount": 15, "newCount": 0, "usedCount": 15}
    ]


@pytest.mark.parametrize(("day", "found"), [("2025-05-31", 1), ("2025-06-02", 1), ("2025-06-01", 0)])
def test_a_report_is_found_by_its_month_and_by_the_day_it_was_made(day: str, found: int) -> None:
    interval = {"startOfInterval": "2025-05-01T00:00:00Z", "endOfInterval": "2025-05-31T00:00:00Z"}
    made = "2025-06-02T00:00:00Z"
    report = {"reportParameters": {"generationDate": made, "reportInterval": interval}}
    assert len(licensing.reports_of_day([report], day)) == found


def test_a_number_may_be_filtered_by_its_text(client: Client) -> None:
    assert len(client.get("/alarms/templates", filter=equals("internalId", "17")).rows) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "²"},
        {"filter": [{"property": "name", "operation": "in", "value": 5}]},
        {"filter": [{"operation": "and", "items": 5}]},
    ],
)
def test_a_query_that_cannot_be_read_is_400(client: Client, query: dict[str, Any]) -> None:
    answer = client.get("/organizations/companies", **query)
    assert (answer.status, answer.value["errors"][0]["type"]) == (400, "logical")


def test_a_token_call_that_is_no_text_is_a_bad_login(client: Client) -> None:
    answer = client.call(
        "/token", method="POST", bearer="", body=b"grant_type=password&username=\xff", Content_Type=FORM
    )
    assert (answer.status, answer.value["error"]) == (400, "invalid_grant")


def test_alarms_are_found_by_template(client: Client) -> None:
    (template,) = client.get("/alarms/templates", filter=equals("internalId", 17)).rows
    uid = template["instanceUid"]
    (alarm,) = client.get("/alarms/active", filter=equals("alarmTemplateUid", uid)).rows
    assert alarm["lastActivation"]["status"] == "Warning"
    assert alarm["object"]["organizationUid"] == uid_of("silent")


@pytest.mark.parametrize(
    "path",
    [
        "/organizations",
        "/organizations/resellers",
        "/organizations/companies/billing/invoices/",
        f"/organizations/companies/{PLAIN}/billing/invoices",
        "/subscriptionPlans",
        "/licensing/reports",
        "/licensing/reports/latest",
        "/licensing/reports/2025-01-31",
        "/licensing/sites/usage/companies",
        "/licensing/backupServers/usage/companies",
        "/licensing/voneServers/usage/companies",
        "/licensing/vbm365Servers/usage/companies",
        "/protectedWorkloads/computersManagedByConsole",
        "/protectedWorkloads/computersManagedByBackupServer",
        "/protectedWorkloads/virtualMachines",
        "/protectedWorkloads/vb365ProtectedObjects",
        "/asyncActions",
    ],
)
def test_every_list_is_there_and_pages(client: Client, path: str) -> None:
    answer = client.call(path, X_Client_Version="3.6.1")
    assert answer.status == 200
    total, count, offset = answer.page
    assert (count, offset) == (min(total, 100), 0)
    assert answer.value["errors"] is None


def test_what_does_not_exist_is_404_in_the_consoles_words(client: Client) -> None:
    for path in (
        "/nothing",
        f"/organizations/companies/{uuid.uuid4()}",
        f"/organizations/companies/{PLAIN}/subscriptionPlan",
    ):
        answer = client.call(path)
        assert answer.status == 404
        assert answer.value["errors"][0]["code"] == 404


def test_the_controls_move_usage_and_alarms(client: Client) -> None:
    simulated = client.simulated
    simulated.control("POST", "usage", {"company": "Elm Motors", "type": "ManagedVms", "value": 70})
    days = {"fromDate": (TODAY - timedelta(days=2)).isoformat()}
    rows = client.get(f"/organizations/companies/{uid_of('late')}/usage", **days).rows
    assert [one["value"] for row in rows for one in row["counters"]] == [70]
    simulated.control("POST", "alarms", {"company": "Elm Motors", "internalId": 41})
    assert len(client.call("/alarms/active").rows) == 2
    simulated.control("POST", "alarms", {"company": "Elm Motors", "internalId": 41, "clear": True})
    assert len(client.call("/alarms/active").rows) == 1
    with pytest.raises(urllib.error.HTTPError):
        simulated.control("POST", "usage", {"company": "Nobody", "type": "ManagedVms", "value": 1})


def test_reports_plans_and_invoices_are_found() -> None:
    def report(number: int, month: str) -> dict[str, Any]:
        interval = {"startOfInterval": f"{month}-01", "endOfInterval": f"{month}-28"}
        used = {
            "organizationType": "Company",
            "organizationName": "Alder",
            "organizationUid": "a",
            "usedPoints": 4.5,
        }
        return {
            "reportStatus": "Approved",
            "reportParameters": {"reportId": number, "reportInterval": interval},
            "organizationsUsage": [used],
        }

    company = company_row("a", "Alder") | {"subscriptionPlanUid": "plan"}
    rows = {
        "companies": [company],
        "reports": [report(1, "2025-01"), report(2, "2025-02")],
        "subscription_plans": [{"instanceUid": "plan", "name": "Backup", "currency": "USD"}],
        "invoices": [{"instanceUid": "i", "organizationUid": "a", "amount": 12.5, "currencyCode": "USD"}],
    }
    with serving(build, SampleWorld(rows)) as simulated:
        client = Client(simulated)
        latest = client.call("/licensing/reports/latest").rows
        of_day = client.call("/licensing/reports/2025-01-15").rows
        sheet = client.call("/licensing/reports/2/csv")
        assert client.call("/organizations/companies/a/subscriptionPlan").value["data"]["currency"] == "USD"
        assert len(client.call("/organizations/companies/billing/invoices/").rows) == 1
        assert len(client.call("/organizations/companies/a/billing/invoices").rows) == 1
    assert [row["reportParameters"]["reportId"] for row in (*latest, *of_day)] == [2, 1]
    assert sheet.headers["Content-Type"] == "text/csv"
    assert sheet.body.decode().splitlines()[1] == "Alder,a,Company,4.5"


@pytest.mark.parametrize("base", ["", "/api/v3", "/api/v3/api/v3"])
def test_the_base_path_may_come_from_either_side(client: Client, base: str) -> None:
    assert Client(client.simulated, base).call("/about").status == 200
