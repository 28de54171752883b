"""Writes of companies, catalogue, agreements, tickets and notes (sheet §3, §4.1, §6, §11)."""

from typing import Any

import pytest

from tests.demo.connectwise_client import Client

COMPANY = {
    "identifier": "NewCo",
    "name": "New Company",
    "city": "Sampletown",
    "types": [{"id": 1}, {"id": 3}],
}
ITEM = {
    "identifier": "NEW-1",
    "description": "New item",
    "customerDescription": "New item per unit",
    "subcategory": {"id": 1},
    "type": {"id": 1},
}
AGREEMENT = {"name": "New agreement", "type": {"id": 1}, "company": {"id": 250}, "contact": {"id": 5}}
TICKET = {
    "summary": "Seat count differs",
    "company": {"id": 250},
    "initialDescription": "Reconcile run",
    "externalXRef": "recon-2025-06-871-812",
}


def errors(reply: Any) -> list[tuple[str, str]]:
    assert reply.status_code == 400, reply.text
    return [(error["code"], error["field"]) for error in reply.json()["errors"]]


def test_one_bad_value_elsewhere_fails_a_one_field_patch(connectwise: Client) -> None:
    assert connectwise.patch("/company/companies/250", phoneNumber="555-0100").status_code == 200
    refused = connectwise.patch("/company/companies/400", phoneNumber="555-0100")
    assert errors(refused) == [("OutOfRange", "yearEstablished")]
    assert connectwise.patch("/company/companies/400", yearEstablished=1999).status_code == 200


def test_a_deleted_company_stays_readable_in_the_recycle_bin(connectwise: Client) -> None:
    assert connectwise.call("DELETE", "/company/companies/251").status_code == 204
    row = connectwise.get("/company/companies/251").json()
    assert row["deletedFlag"] is True
    assert row["deletedBy"] == "ReconcileAPI"
    assert connectwise.ids("/company/companies", "deletedFlag=True") == [251]


def test_a_new_company_its_types_and_its_unique_identifier(connectwise: Client) -> None:
    created = connectwise.call("POST", "/company/companies", json=COMPANY)
    assert created.status_code == 201
    row = created.json()
    assert [kind["id"] for kind in row["types"]] == [1, 3]
    assert row["status"]["name"] == "Active"
    path = f"/company/companies/{row['id']}"
    assert connectwise.patch(path, types=[]).json()["types"] == row["types"]
    added = connectwise.call("POST", f"{path}/typeAssociations", json={"type": {"id": 2}})
    assert added.status_code == 201
    assert [kind["id"] for kind in connectwise.get(path).json()["types"]] == [1, 3, 2]
    duplicate = connectwise.call("POST", "/company/companies", json=COMPANY)
    assert errors(duplicate) == [("ObjectExists", "identifier")]
    nowhere = {"identifier": "X", "name": "X"}
    assert errors(connectwise.call("POST", "/company/companies", json=nowhere)) == [
        ("MissingRequiredField", "addressLine1")
    ]


def test_a_recurring_item_needs_a_cycle(connectwise: Client) -> None:
    refused = connectwise.call("POST", "/procurement/catalog", json={**ITEM, "recurringFlag": True})
    assert refused.json() == {
        "code": "InvalidObject",
        "message": "catalogItem object is invalid",
        "errors": [
            {
                "code": "MissingRequiredField",
                "message": "recurringBillCycle or recurringOneTimeFlag is required.",
                "resource": "catalogItem",
                "field": "recurringBillCycle/id",
                "details": "",
            }
        ],
    }
    accepted = {**ITEM, "recurringFlag": True, "recurringBillCycle": {"id": 2}}
    row = connectwise.call("POST", "/procurement/catalog", json=accepted).json()
    assert row["recurringBillCycle"]["name"] == "Monthly"
    assert row["productClass"] == "NonInventory"
    assert connectwise.patch(f"/procurement/catalog/{row['id']}", cost=3.5).json()["cost"] == 3.5


def test_a_catalogue_item_on_an_agreement_is_in_use(connectwise: Client) -> None:
    assert connectwise.call("DELETE", "/procurement/catalog/812").status_code == 409
    assert connectwise.call("DELETE", "/procurement/catalog/814").status_code == 204
    assert connectwise.get("/procurement/catalog/814").status_code == 404


def test_the_newest_model_demands_more_than_an_older_one(connectwise: Client) -> None:
    body = {name: value for name, value in AGREEMENT.items() if name != "contact"}
    refused = connectwise.call("POST", "/finance/agreements", json=body)
    assert errors(refused) == [("MissingRequiredField", "contact/id")]
    pin = {"Accept": "application/vnd.connectwise.com+json; version=2022.1"}
    row = connectwise.call("POST", "/finance/agreements", json=body, headers=pin).json()
    assert row["agreementStatus"] == "Active"
    put = connectwise.call("PUT", f"/finance/agreements/{row['id']}", json=AGREEMENT)
    assert {field for _, field in errors(put)} >= {"invoicingCycle", "employeeCompRate"}
    assert connectwise.patch(f"/finance/agreements/{row['id']}", billTime="Often").status_code == 400


def test_a_ticket_gets_its_defaults_and_never_returns_its_first_text(connectwise: Client) -> None:
    created = connectwise.call("POST", "/service/tickets", json=TICKET)
    assert created.status_code == 201
    row = created.json()
    assert (row["board"]["id"], row["status"]["name"], row["priority"]["name"]) == (10, "New", "Medium")
    assert "initialDescription" not in row
    assert "initialDescription" not in connectwise.get(f"/service/tickets/{row['id']}").json()
    search = {"conditions": 'externalXRef="recon-2025-06-871-812"'}
    found = connectwise.call("POST", "/service/tickets/search", json=search)
    assert (found.status_code, [each["id"] for each in found.json()]) == (200, [row["id"]])
    assert errors(connectwise.call("POST", "/service/tickets", json={})) == [
        ("MissingRequiredField", "summary"),
        ("MissingRequiredField", "company/id"),
    ]
    too_long = connectwise.call("POST", "/service/tickets", json={**TICKET, "summary": "x" * 101})
    assert errors(too_long) == [("OutOfRange", "summary")]
    put = connectwise.call("PUT", f"/service/tickets/{row['id']}", json=TICKET)
    assert {field for _, field in errors(put)} == {"severity", "impact"}


def test_notes_of_a_ticket(connectwise: Client) -> None:
    ticket = connectwise.call("POST", "/service/tickets", json=TICKET).json()["id"]
    path = f"/service/tickets/{ticket}/notes"
    note = connectwise.call("POST", path, json={"text": "Counted again", "detailDescriptionFlag": True})
    assert (note.status_code, note.json()["ticketId"]) == (201, ticket)
    assert note.json()["createdBy"] == "ReconcileAPI"
    assert [row["text"] for row in connectwise.get(path).json()] == ["Counted again"]
    assert connectwise.call("POST", path, json={}).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_object_is_refused(connectwise: Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert connectwise.call("POST", "/service/tickets", data=body, headers=headers).status_code == 400
