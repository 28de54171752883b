"""The API member's security role in the simulated ConnectWise API (sheet §9, §11)."""

from typing import Any

import pytest

from tests.demo.connectwise_client import Client

LINE = "/finance/agreements/871/additions/3589"
INQUIRE = {
    "Companies > Company Maintenance": "/company/companies",
    "Finance > Agreements": "/finance/agreements",
    "Finance > Invoicing": "/finance/invoices",
    "Procurement > Product Catalog": "/procurement/catalog",
    "Procurement > Products": "/procurement/products",
    "Service Desk > Service Tickets": "/service/tickets",
    "System > Table Setup": "/finance/billingCycles",
    "System > Security Roles": "/system/securityRoles/7/settings",
    "System > Member Maintenance": "/system/apiMembers",
}


@pytest.mark.parametrize(("function", "path"), INQUIRE.items())
def test_without_inquire_the_list_is_forbidden_and_the_others_are_not(
    connectwise: Client, function: str, path: str
) -> None:
    connectwise.role(functions={function: {"inquire": "None"}})
    statuses = {each: connectwise.get(each).status_code for each in INQUIRE.values()}
    assert statuses == {each: 403 if each == path else 200 for each in INQUIRE.values()}
    body = connectwise.get(path).json()
    assert body["message"] == "You do not have security permission to perform this action."
    assert body["code"] in ("Security", "Unauthorized")


def test_add_edit_and_delete_have_levels_of_their_own(connectwise: Client) -> None:
    lines = "/finance/agreements/871/additions"
    new: dict[str, Any] = {"product": {"id": 812}, "billCustomer": "Billable"}
    connectwise.role(functions={"Finance > Agreements": {"add": "None", "edit": "None", "delete": "None"}})
    assert connectwise.get(LINE).status_code == 200
    assert connectwise.patch(LINE, quantity=1).status_code == 403
    assert connectwise.call("POST", lines, json=new).status_code == 403
    assert connectwise.call("DELETE", LINE).status_code == 403
    assert connectwise.ledger() == []
    connectwise.role(functions={"Finance > Agreements": {"add": "None"}})
    assert connectwise.patch(LINE, quantity=1).status_code == 200
    assert connectwise.call("POST", lines, json=new).status_code == 403


def test_my_narrows_rows_without_an_error(connectwise: Client) -> None:
    connectwise.role(functions={"Finance > Agreements": {"inquire": "My", "edit": "My"}})
    assert connectwise.ids("/finance/agreements", "") == [871, 873]
    assert connectwise.get("/finance/agreements/872").status_code == 404
    connectwise.role(functions={"Finance > Agreements": {"edit": "My"}})
    assert connectwise.patch("/finance/agreements/872/additions/3591", quantity=9).status_code == 403
    assert connectwise.patch(LINE, quantity=9).status_code == 200


def test_customize_hides_agreement_types_in_silence(connectwise: Client) -> None:
    connectwise.role(agreement_types=[1])
    assert connectwise.ids("/finance/agreements", "") == [871, 873]
    assert connectwise.ids("/finance/agreements/types/info", "") == [1]
    assert connectwise.get("/finance/agreements/872").status_code == 404
    assert connectwise.get("/finance/agreements/872/additions").status_code == 404
    items = connectwise.get("/system/mySecurity/customizeItems/").json()
    assert [row["itemIdentifier"] for row in items if row["customizeIdentifier"] == "Agreements"] == [
        "Managed"
    ]


def test_customize_of_table_setup_and_the_reduced_lists(connectwise: Client) -> None:
    connectwise.role(tables=["Company / Company Status"])
    assert connectwise.get("/finance/billingCycles").status_code == 403
    assert connectwise.get("/finance/billingCycles/info").status_code == 200
    connectwise.role(preset="none")
    reduced = [
        *("/company/companies/info", "/company/companies/info/types", "/procurement/catalog/info"),
        *("/finance/agreements/types/info", "/service/info/boards", "/service/sources/info", "/system/info"),
    ]
    assert {path: connectwise.get(path).status_code for path in reduced} == dict.fromkeys(reduced, 200)
    assert connectwise.get("/company/companies").status_code == 403


def test_the_documented_role_reads_everything_needed_and_pushes(connectwise: Client) -> None:
    connectwise.role(preset="documented")
    needed = [
        *("/company/companies", "/company/companies/statuses", "/company/companies/types"),
        *("/finance/billingCycles", "/finance/agreements", "/finance/agreements/types/info"),
        *("/finance/agreements/871/additions", "/finance/invoices", "/procurement/catalog"),
        *("/procurement/products", "/service/tickets", "/service/info/boards", "/service/boards/10/statuses"),
    ]
    assert {path: connectwise.get(path).status_code for path in needed} == dict.fromkeys(needed, 200)
    assert connectwise.patch(LINE, quantity=1).status_code == 200
    ticket = {"summary": "Seats", "company": {"id": 250}}
    assert connectwise.call("POST", "/service/tickets", json=ticket).status_code == 201
    assert connectwise.get("/system/apiMembers").status_code == 403
    assert connectwise.patch("/procurement/catalog/812", cost=1).status_code == 403


def test_rights_can_be_read_through_the_role_and_through_my_security(connectwise: Client) -> None:
    connectwise.role(functions={"Finance > Agreements": {"edit": "My"}})
    member = connectwise.get("/system/apiMembers", params={"conditions": 'identifier="ReconcileAPI"'}).json()[
        0
    ]
    path = f"/system/securityRoles/{member['securityRole']['id']}/settings"
    for source in (path, "/system/mySecurity"):
        rows = connectwise.get(source, params={"pageSize": 1000}).json()
        row = next(each for each in rows if each["moduleFunctionName"] == "Agreements")
        assert (row["moduleName"], row["editLevel"], row["inquireLevel"]) == ("Finance", "My", "All")
    connectwise.options(S11=403)
    assert connectwise.get("/system/mySecurity").status_code == 403
    assert connectwise.get("/system/mySecurity/customizeItems").status_code == 403


def test_closing_a_ticket_is_a_right_of_its_own(connectwise: Client) -> None:
    ticket = connectwise.call(
        "POST", "/service/tickets", json={"summary": "S", "company": {"id": 250}}
    ).json()
    path = f"/service/tickets/{ticket['id']}"
    connectwise.role(functions={"Service Desk > Close Service Tickets": {"edit": "None"}})
    assert connectwise.patch(path, status={"id": 102}).status_code == 403
    connectwise.role()
    assert connectwise.patch(path, status={"id": 102}).json()["closedFlag"] is True


def test_a_member_may_be_kept_from_prices_costs_and_boards(connectwise: Client) -> None:
    connectwise.options(S8="missing")
    connectwise.role(block_price=True, block_cost=True, excluded_boards=[10])
    line = connectwise.get(LINE).json()
    assert not {"unitPrice", "extPrice", "unitCost", "extCost", "margin"} & set(line)
    assert "price" not in connectwise.get("/procurement/catalog/812").json()
    assert connectwise.ids("/service/info/boards", "") == [11]
    assert connectwise.control("POST", "role", {"functions": {"Nothing": {}}}).status_code == 400
