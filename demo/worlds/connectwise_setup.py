"""The set-up tables of the simulated PSA: statuses, types, cycles, boards and the like."""

from typing import Any

Row = dict[str, Any]

COMPANY_STATUSES = {"Active": 1, "Inactive": 2, "Not Approved": 3}
COMPANY_TYPES = {"Client": 1, "Prospect": 2, "Owner": 3, "Vendor": 4}
AGREEMENT_TYPES = {
    "Managed Services": 5,
    "Backup and Recovery": 6,
    "Cloud Hosting": 7,
    "Voice": 8,
    "Advisory": 9,
    "Block Hours": 10,
}
# By `billingOptions`; the name alone does not say how often a cycle bills.
CYCLES = {
    "Monthly": (2, "MONTH", "Monthly"),
    "Quarterly": (3, "QUART", "Quarterly"),
    "SemiAnnual": (4, "HALF", "Half-yearly"),
    "Yearly": (5, "YEAR", "Yearly"),
    "NotRecurring": (6, "ONCE", "One Time"),
}
CURRENCY: Row = {"id": 7, "name": "US Dollars", "currencyCode": "USD", "symbol": "$"}
BOARDS = {10: "Service Desk", 11: "Billing"}


def cycle_ref(option: str) -> Row:
    """Return the reference to the billing cycle that bills this often."""
    number, _, name = CYCLES[option]
    return {"id": number, "name": name}


def setup() -> dict[str, list[Row]]:
    """Return every list of the PSA, with rows in the set-up tables alone."""
    empty: dict[str, list[Row]] = {
        name: [] for name in ("companies", "catalog", "agreements", "additions", "invoices")
    }
    return empty | {
        "company_statuses": [
            {"id": number, "name": name, "defaultFlag": name == "Active", "inactiveFlag": name == "Inactive"}
            for name, number in COMPANY_STATUSES.items()
        ],
        "company_types": [
            {"id": number, "name": name, "defaultFlag": name == "Client", "vendorFlag": name == "Vendor"}
            for name, number in COMPANY_TYPES.items()
        ],
        "agreement_types": [
            {"id": number, "name": name, "defaultFlag": number == 5, "inactiveFlag": False}
            for name, number in AGREEMENT_TYPES.items()
        ],
        "billing_cycles": [
            {
                "id": number,
                "identifier": code,
                "name": name,
                "defaultFlag": option == "Monthly",
                "billingOptions": option,
            }
            for option, (number, code, name) in CYCLES.items()
        ],
        **_invoicing(),
        **_service(),
    }


def _invoicing() -> dict[str, list[Row]]:
    flags = {"sentFlag": False, "inactiveFlag": False, "defaultFlag": False, "closedFlag": False}
    return {
        "billing_statuses": [
            {"id": 1, "name": "New", **flags, "defaultFlag": True},
            {"id": 2, "name": "Sent", **flags, "sentFlag": True},
            {"id": 3, "name": "Closed", **flags, "sentFlag": True, "closedFlag": True},
        ]
    }


def _service() -> dict[str, list[Row]]:
    return {
        "boards": [{"id": number, "name": name, "inactiveFlag": False} for number, name in BOARDS.items()],
        "board_statuses": [
            {
                "id": board * 10 + place,
                "boardId": board,
                "name": name,
                "defaultFlag": place == 0,
                "closedStatus": name == "Closed",
                "sortOrder": place,
            }
            for board in BOARDS
            for place, name in enumerate(("New", "In Progress", "Waiting", "Closed"))
        ],
        "priorities": [
            {"id": 4, "name": "Priority 3: Normal", "defaultFlag": True},
            {"id": 6, "name": "Priority 1: Urgent", "defaultFlag": False},
        ],
        "sources": [{"id": 2, "name": "Integration", "defaultFlag": True}],
        "locations": [{"id": 2, "name": "Main", "locationFlag": True}],
    }
