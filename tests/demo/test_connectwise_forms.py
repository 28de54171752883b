"""Forms in which other people's clients send and expect values, and the verbs of every list (sheet §1, §5, §6)."""

from typing import Any

import pytest
import requests

from tests.demo.connectwise_client import Client

LINE = "/finance/agreements/871/additions/3589"
NEW_LINE = {"product": {"id": 812}, "billCustomer": "Billable", "quantity": 45}


@pytest.mark.parametrize(
    ("accept", "version"),
    [
        ("version=2020.4", "2020.4"),
        ("version=2021.1, application/json", "2021.1"),
        ("application/json; version=2022.1", "2022.1"),
    ],
)
def test_a_pin_without_the_vendors_media_type_is_mirrored(
    connectwise: Client, accept: str, version: str
) -> None:
    reply = connectwise.get("/system/info", headers={"Accept": accept})
    assert reply.headers["Content-Type"] == f"application/vnd.connectwise.com+json; version={version}"


def test_an_older_model_is_pinned_by_the_short_form_too(connectwise: Client) -> None:
    body = {"name": "No contact", "type": {"id": 1}, "company": {"id": 250}}
    assert connectwise.call("POST", "/finance/agreements", json=body).status_code == 400
    pinned = {"Accept": "version=2020.4"}
    assert connectwise.call("POST", "/finance/agreements", json=body, headers=pinned).status_code == 201


def test_company_info_answers_head_and_an_escaped_name(connectwise: Client) -> None:
    assert requests.head(f"{connectwise.url}/login/companyinfo/examplemsp", timeout=10).status_code == 200
    escaped = requests.get(f"{connectwise.url}/login/companyinfo/example%6Dsp", timeout=10)
    assert escaped.json()["CompanyID"] == "examplemsp"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2025-07-01", "2025-07-01T00:00:00Z"),
        ("2025-07-01T00:00:00.000Z", "2025-07-01T00:00:00Z"),
        ("2025-07-01T02:00:00+02:00", "2025-07-01T00:00:00Z"),
        ("2025-07-01T00:00:00", "2025-07-01T00:00:00Z"),
    ],
)
def test_dates_come_back_in_one_form(connectwise: Client, sent: str, kept: str) -> None:
    assert connectwise.patch(LINE, cancelledDate=sent).json()["cancelledDate"] == kept
    created = connectwise.call(
        "POST", "/finance/agreements/871/additions", json={**NEW_LINE, "effectiveDate": sent}
    )
    assert created.json()["effectiveDate"] == kept
    found = connectwise.ids(
        "/finance/agreements/871/additions", "product/id=812 and effectiveDate=[2025-07-01T00:00:00Z]"
    )
    assert created.json()["id"] in found


def test_a_date_before_all_time_is_refused(connectwise: Client) -> None:
    reply = connectwise.patch(LINE, cancelledDate="0001-01-01T00:00:00+05:00")
    assert [error["field"] for error in reply.json()["errors"]] == ["cancelledDate"]


def test_numbers_come_back_with_a_decimal_point(connectwise: Client) -> None:
    assert '"quantity":47.0,' in connectwise.patch(LINE, quantity=47).text
    (entry,) = connectwise.ledger()
    assert repr(entry["after"]["quantity"]) == "47.0"


def test_a_body_nested_beyond_reading_is_no_json(connectwise: Client) -> None:
    sent = {"data": "[" * 100_000, "headers": {"Content-Type": "application/json"}}
    assert connectwise.call("PATCH", LINE, **sent).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        *("/system/mySecurity", "/system/mySecurity/customizeItems", "/system/apiMembers"),
        "/system/securityRoles/7/settings",
    ],
)
def test_the_rows_of_the_systems_own_lists_carry_info_too(connectwise: Client, path: str) -> None:
    rows = connectwise.get(path).json()
    assert rows
    assert all(row["_info"]["lastUpdated"].endswith("Z") for row in rows)


def test_all_type_associations_have_the_fields_of_one(connectwise: Client) -> None:
    assert all("name" not in row for row in connectwise.get("/company/companyTypeAssociations").json())


def test_the_page_before_one_beyond_the_end_is_the_last(connectwise: Client) -> None:
    reply = connectwise.get("/company/companies", params={"page": "99", "pageSize": "1"})
    count = connectwise.get("/company/companies/count").json()["count"]
    assert reply.json() == []
    assert f'page={count}>; rel="prev"' in reply.headers["Link"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/company/companies/statuses", {"name": "On hold"}),
        ("/company/companies/types", {"name": "Partner"}),
        ("/finance/agreements/types", {"name": "Projects"}),
        ("/finance/billingCycles", {"identifier": "SEMI", "name": "Half", "billingOptions": "SemiAnnual"}),
        ("/finance/billingStatuses", {"name": "Paid", "closedFlag": True}),
        ("/finance/invoices", {"type": "Standard", "company": {"id": 250}, "subtotal": 12}),
    ],
)
def test_lists_with_all_verbs_create_change_and_delete(
    connectwise: Client, path: str, body: dict[str, Any]
) -> None:
    created = connectwise.call("POST", path, json=body)
    assert created.status_code == 201, created.text
    record = f"{path}/{created.json()['id']}"
    name = "reference" if path.endswith("invoices") else "name"
    assert connectwise.patch(record, **{name: "Changed"}).json()[name] == "Changed"
    assert connectwise.call("PUT", record, json=body).status_code == 200
    assert connectwise.call("DELETE", record).status_code == 204
    assert connectwise.get(record).status_code == 404
    assert [entry["method"] for entry in connectwise.ledger()] == ["POST", "PATCH", "PUT", "DELETE"]


def test_a_set_up_row_that_is_used_cannot_be_deleted(connectwise: Client) -> None:
    assert connectwise.call("DELETE", "/company/companies/statuses/1").status_code == 409
    assert connectwise.call("DELETE", "/finance/billingCycles/2").status_code == 409
    assert connectwise.ledger() == []


@pytest.mark.parametrize("options", [{"S3": "401"}, {"S7": "refuse"}, {"S8": ""}, {"S11": False}])
def test_a_switch_without_effect_is_refused(connectwise: Client, options: dict[str, Any]) -> None:
    assert connectwise.control("POST", "faults", {"options": options}).status_code == 400


def test_a_rule_whose_method_is_a_pattern_is_refused(connectwise: Client) -> None:
    rule = {"match": "(GET|PATCH) /.*", "status": 500}
    assert connectwise.control("POST", "faults", {"fail_next": [rule]}).status_code == 400
