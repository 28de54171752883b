"""A small ConnectWise world, served by `python -m tests.demo.sample_connectwise` in its own process."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from demo.connectwise.simulator import build
from demo.faults import read_fault_arguments
from demo.ledger import Ledger
from demo.wire import run

Row = dict[str, Any]

DENTAL = {"id": 250, "identifier": "ExampleDental", "name": "Example Dental"}
FOUNDRY = {"id": 251, "identifier": "ExampleFoundry", "name": "Example Foundry"}


def company(number: int, name: str, **more: Any) -> Row:
    return {
        "id": number,
        "identifier": name.replace(" ", ""),
        "name": name,
        "status": {"id": 1, "name": "Active"},
        "types": [{"id": 1, "name": "Client"}],
        "city": "Sampletown",
        "deletedFlag": False,
        "_info": {"lastUpdated": "2025-06-02T14:11:09Z", "updatedBy": "member1"},
        **more,
    }


def item(number: int, identifier: str, price: float, cost: float, **more: Any) -> Row:
    return {
        "id": number,
        "identifier": identifier,
        "description": f"Managed {identifier}",
        "customerDescription": f"Managed {identifier} per unit",
        "productClass": "Agreement",
        "inactiveFlag": False,
        "price": price,
        "cost": cost,
        "unitOfMeasure": {"id": 1, "name": "Each"},
        **more,
    }


def agreement(number: int, customer: Row, kind: Row, **more: Any) -> Row:
    return {
        "id": number,
        "name": f"Agreement {number}",
        "type": kind,
        "company": customer,
        "startDate": "2025-01-01T00:00:00Z",
        "noEndingDateFlag": True,
        "cancelledFlag": False,
        "agreementStatus": "Active",
        "billingCycle": {"id": 2, "name": "Monthly"},
        "prorateFlag": False,
        "periodType": "Current",
        **more,
    }


def addition(number: int, parent: int, product: Row, quantity: float, **more: Any) -> Row:
    return {
        "id": number,
        "agreementId": parent,
        "product": {"id": product["id"], "identifier": product["identifier"], "serializedFlag": False},
        "quantity": quantity,
        "lessIncluded": 0.0,
        "unitPrice": product["price"],
        "unitCost": product["cost"],
        "billCustomer": "Billable",
        "effectiveDate": "2025-01-01T00:00:00Z",
        "description": product["description"],
        "sequenceNumber": 1.0,
        **more,
    }


EDR = item(812, "EDR-WS", 6.5, 2.1)
BACKUP = item(813, "BKP-SRV", 40.0, 17.25)
BUNDLE = item(814, "SUITE", 99.0, 50.0, productClass="Bundle")
MANAGED, BACKUPS = {"id": 1, "name": "Managed"}, {"id": 2, "name": "Backup"}

WORLD: dict[str, list[Row]] = {
    "companies": [
        company(250, "Example Dental"),
        company(251, "Example Foundry"),
        *(company(number, f"Customer {number}") for number in range(300, 357)),
        company(400, "Founded Too Early", yearEstablished=1),
    ],
    "catalog": [EDR, BACKUP, BUNDLE],
    "agreements": [
        agreement(871, DENTAL, MANAGED, prorateFlag=True),
        agreement(872, FOUNDRY, BACKUPS),
        agreement(873, DENTAL, MANAGED, cancelledFlag=True, agreementStatus="Cancelled"),
    ],
    "additions": [
        addition(3589, 871, EDR, 42.0, lessIncluded=2.0),
        addition(3590, 871, EDR, 5.0, cancelledDate="2025-05-31T00:00:00Z"),
        addition(3591, 872, BACKUP, 3.0),
    ],
    "invoices": [
        {
            "id": 9001,
            "invoiceNumber": "10422",
            "type": "Agreement",
            "status": {"id": 2, "name": "Sent"},
            "company": DENTAL,
            "applyToType": "Agreement",
            "applyToId": 871,
            "agreement": {"id": 871, "name": "Agreement 871"},
            "date": "2025-07-01T00:00:00Z",
            "total": 260.0,
        }
    ],
    "products": [
        {"id": 1, "description": "Switch", "invoice": {"id": 9001}},
        {"id": 2, "description": "Cable"},
    ],
    "components": [{"id": 1, "catalogId": 814, "catalogItem": {"id": 812}, "quantity": 1.0}],
    "payments": [{"id": 1, "invoiceId": 9001, "amount": 100.0}],
}


def main(arguments: list[str]) -> None:
    """Serve WORLD; arguments are an optional ledger path after --ledger and NAME=VALUE faults."""
    simulator = build(SimpleNamespace(connectwise=WORLD), {}, {})
    if arguments[:1] == ["--ledger"]:
        simulator.ledger = Ledger(Path(arguments[1]))
        arguments = arguments[2:]
    simulator.set_initial_faults(read_fault_arguments(arguments, simulator.faults.options))
    run(simulator, 0, lambda url: print(json.dumps({"url": url, **simulator.credentials}), flush=True))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
