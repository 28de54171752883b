"""Additions of the simulated ConnectWise API: figures, pushes and their traps (sheet §3.2, §6.4, §7, §11)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.demo.connectwise_client import Client

LINES = "/finance/agreements/871/additions"
LINE = f"{LINES}/3589"
NEW = {
    "product": {"id": 812},
    "quantity": 45.0,
    "billCustomer": "Billable",
    "effectiveDate": "2025-07-01T00:00:00Z",
}


def figures(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("quantity", "billedQuantity", "extPrice", "extCost", "margin"))


def test_the_api_computes_the_read_only_figures(connectwise: Client) -> None:
    assert figures(connectwise.get(LINE).json()) == (42.0, 40.0, 260.0, 84.0, 176.0)
    row = connectwise.patch(LINE, quantity=47, billedQuantity=1, extPrice=1).json()
    assert figures(row) == (47, 45.0, 292.5, 94.5, 198.0)
    assert row["product"].keys() == {"id", "identifier", "serializedFlag", "_info"}


def test_s4_extended_price_from_the_whole_quantity(connectwise: Client) -> None:
    connectwise.options(S4="quantity")
    assert figures(connectwise.get(LINE).json()) == (42.0, 40.0, 273.0, 88.2, 184.8)


def test_changing_in_place_is_one_ledger_entry_with_before_and_after(connectwise: Client) -> None:
    reply = connectwise.patch(LINE, quantity=45)
    assert (reply.status_code, reply.json()["quantity"]) == (200, 45)
    (entry,) = connectwise.ledger()
    assert entry["before"]["quantity"] == 42.0
    assert entry["after"]["quantity"] == 45
    assert (entry["method"], entry["line"], entry["agreement"]) == ("PATCH", 3589, 871)
    assert (entry["tenant"], entry["key"]) == ("examplemsp", connectwise.credentials["public_key"])
    assert entry["host"] in connectwise.url
    assert entry["request_id"] == reply.headers["x-cw-request-id"]


def test_splitting_the_line_keeps_history_and_a_second_post_makes_a_second_row(connectwise: Client) -> None:
    assert connectwise.patch(LINE, cancelledDate="2025-06-30T00:00:00Z").status_code == 200
    replies = [connectwise.call("POST", LINES, json=NEW) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 201]
    row = replies[-1].json()
    assert (row["agreementId"], row["unitPrice"], row["uom"]) == (871, 6.5, "Each")
    assert (row["description"], row["sequenceNumber"]) == ("Managed EDR-WS", 3.0)
    found = connectwise.ids(LINES, "product/id=812 and effectiveDate=[2025-07-01T00:00:00Z]")
    assert len(found) == 2
    assert [entry["method"] for entry in connectwise.ledger()] == ["PATCH", "POST", "POST"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"product": None}, "product/id"),
        ({"billCustomer": None}, "billCustomer"),
        ({"billCustomer": "Sometimes"}, "billCustomer"),
        ({"quantity": "many"}, "quantity"),
        ({"quantity": 1e300}, "quantity"),
        ({"effectiveDate": "soon"}, "effectiveDate"),
        ({"product": {"id": 99999}}, "product/id"),
        ({"product": {"id": 814}}, "product/id"),
        ({"serialNumber": "x" * 51}, "serialNumber"),
    ],
)
def test_a_new_line_is_refused_field_by_field(
    connectwise: Client, change: dict[str, Any], field: str
) -> None:
    reply = connectwise.call("POST", LINES, json={**NEW, **change})
    body = reply.json()
    assert (reply.status_code, body["code"], body["message"]) == (
        400,
        "InvalidObject",
        "addition object is invalid",
    )
    assert [error["field"] for error in body["errors"]] == [field]
    assert body["errors"][0].keys() == {"code", "message", "resource", "field", "details"}
    assert connectwise.ledger() == []


def test_patch_paths_are_case_sensitive_and_a_leading_slash_is_tolerated(connectwise: Client) -> None:
    assert connectwise.patch(LINE, Quantity=50).status_code == 400
    assert connectwise.patch(LINE, **{"/quantity": 50}).json()["quantity"] == 50


def test_a_sub_path_of_a_reference_answers_200_and_changes_nothing(connectwise: Client) -> None:
    before = connectwise.get(LINE).json()
    reply = connectwise.patch(LINE, **{"product/id": 813})
    assert (reply.status_code, reply.json()) == (200, before)
    assert connectwise.ledger() == []


def test_a_change_of_product_resets_price_cost_and_description(connectwise: Client) -> None:
    connectwise.patch(LINE, unitPrice=1.0, description="Ours")
    row = connectwise.patch(LINE, product={"id": 813}).json()
    assert (row["unitPrice"], row["unitCost"], row["description"]) == (40.0, 17.25, "Managed BKP-SRV")
    assert (row["product"]["identifier"], row["quantity"]) == ("BKP-SRV", 42.0)
    row = connectwise.patch(LINE, unitPrice=5.0, product={"id": 812}).json()
    assert (row["unitPrice"], row["unitCost"]) == (5.0, 2.1)
    row = connectwise.patch(LINE, product={"id": 812}).json()
    assert row["unitPrice"] == 5.0
    assert connectwise.patch(LINE, product={"id": 814}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"op": "replace", "path": "quantity", "value": 1},
        [{"op": "move", "path": "quantity", "value": 1}],
        [{"op": "replace", "value": 1}],
        [{"op": "replace", "path": "quantity"}],
        [{"op": "remove", "path": "billCustomer"}],
        [{"op": "remove", "path": "product"}],
        [{"op": "replace", "path": "product", "value": 813}],
    ],
)
def test_a_patch_outside_the_dialect_is_refused(connectwise: Client, body: Any) -> None:
    assert connectwise.call("PATCH", LINE, json=body).status_code == 400
    assert connectwise.ledger() == []


def test_remove_unsets_a_date(connectwise: Client) -> None:
    connectwise.patch(LINE, cancelledDate="2025-06-30T00:00:00Z")
    reply = connectwise.call("PATCH", LINE, json=[{"op": "remove", "path": "cancelledDate"}])
    assert reply.status_code == 200
    assert 3589 in connectwise.ids(LINES, "cancelledDate = null")


def test_put_replaces_the_record_and_delete_makes_it_vanish(connectwise: Client) -> None:
    body = {"product": {"id": 812}, "quantity": 7.0, "billCustomer": "NoCharge", "unitPrice": 2.0}
    row = connectwise.call("PUT", LINE, json=body).json()
    assert (row["quantity"], row["extPrice"], row["billCustomer"]) == (7.0, 14.0, "NoCharge")
    assert row.get("invoiceDescription") in (None, "")
    assert row["agreementId"] == 871
    gone = connectwise.call("DELETE", LINE)
    assert (gone.status_code, gone.content) == (204, b"")
    assert connectwise.get(LINE).status_code == 404
    assert connectwise.ledger()[-1]["after"] is None


def test_a_line_that_starts_inside_a_period_of_a_prorated_agreement(connectwise: Client) -> None:
    inside = {**NEW, "effectiveDate": "2025-06-16T00:00:00Z"}
    row = connectwise.call("POST", LINES, json=inside).json()
    assert (row["proratePrice"], row["extendedProratePrice"]) == (3.25, 146.25)
    assert "proratePrice" not in connectwise.call("POST", LINES, json=NEW).json()
    plain = connectwise.call("POST", "/finance/agreements/872/additions", json=inside).json()
    assert "proratePrice" not in plain
    connectwise.options(S9=False)
    assert connectwise.get(f"{LINES}/{row['id']}").json()["proratePrice"] == 3.03


def test_s1_the_agreement_is_touched_only_if_the_switch_says_so(connectwise: Client) -> None:
    before = connectwise.get("/finance/agreements/871").json()["_info"]
    connectwise.patch(LINE, quantity=50)
    assert connectwise.get("/finance/agreements/871").json()["_info"] == before
    connectwise.options(S1=True)
    connectwise.patch(LINE, quantity=51)
    after = connectwise.get("/finance/agreements/871").json()["_info"]
    assert after["lastUpdated"] > before["lastUpdated"]
    assert after["updatedBy"] == "ReconcileAPI"


def test_s2_and_s5_the_status_of_a_line_on_its_last_day(connectwise: Client) -> None:
    """Yesterday is over, tomorrow is not; the switch decides about today, whatever day the clock says."""
    today = datetime.now(UTC)
    dates = {day: f"{today + timedelta(days=day):%Y-%m-%dT00:00:00Z}" for day in (-1, 2)}
    assert connectwise.patch(LINE, cancelledDate=dates[-1]).json()["additionStatus"] == "Cancelled"
    assert connectwise.patch(LINE, cancelledDate=dates[2]).json()["additionStatus"] == "Active"
    assert connectwise.patch(LINE, effectiveDate=dates[2]).json()["additionStatus"] == "Inactive"
    connectwise.options(S5=False)
    assert "additionStatus" not in connectwise.get(LINE).json()


def test_s10_flags_of_unknown_effect_are_stored_and_returned(connectwise: Client) -> None:
    before = connectwise.get(LINE).json()
    row = connectwise.patch(LINE, prorateCurrentPeriodFlag=True).json()
    assert row["prorateCurrentPeriodFlag"] is True
    assert figures(row) == figures(before)


def test_lines_follow_the_state_of_their_agreement(connectwise: Client) -> None:
    changed = connectwise.patch("/finance/agreements/871", cancelledFlag=True, reasonCancelled="Moved away")
    assert changed.json()["agreementStatus"] == "Cancelled"
    assert connectwise.get(LINE).json()["agreementStatus"] == "Cancelled"
