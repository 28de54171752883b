"""Renders a plan as rows of the ConnectWise API (facts/psa/connectwise §6) for a day."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from demo.worlds.calendar import When, next_invoice
from demo.worlds.catalogue import Item
from demo.worlds.connectwise_setup import (
    AGREEMENT_TYPES,
    COMPANY_STATUSES,
    COMPANY_TYPES,
    CURRENCY,
    cycle_ref,
    setup,
)
from demo.worlds.names import domain
from demo.worlds.plan import Agreement, Company, Line, Plan
from demo.worlds.planter import RECURRING

Row = dict[str, Any]


def connectwise(plan: Plan, today: date) -> dict[str, list[Row]]:
    """Return every list of the PSA as it stands on `today`."""
    rows = setup()
    rows["companies"] = [company_row(company) for company in plan.companies]
    rows["catalog"] = [item_row(item) for item in plan.items]
    rows["agreements"] = [agreement_row(agreement, today) for agreement in plan.agreements]
    rows["additions"] = [addition_row(line, today) for line in plan.lines]
    rows["invoices"] = invoice_rows(plan, today)
    return rows


def company_ref(company: Company) -> Row:
    """Return the reference that other rows carry."""
    return {"id": company.id, "identifier": company.identifier, "name": company.name}


def company_row(company: Company) -> Row:
    """Return a customer (§6.1)."""
    row: Row = {
        "id": company.id,
        "identifier": company.identifier,
        "name": company.name,
        "status": {"id": COMPANY_STATUSES[company.status], "name": company.status},
        "types": [{"id": COMPANY_TYPES[company.kind], "name": company.kind}],
        "addressLine1": f"{company.id % 90 + 1} Invented Road",
        "city": "Sampletown",
        "zip": f"{10_000 + company.id}",
        "website": f"https://{domain(company.name)}",
        "territory": {"id": 2, "name": "Main"},
        "currency": CURRENCY,
        "leadFlag": company.kind == "Prospect",
        "isVendorFlag": False,
        "deletedFlag": company.deleted,
        "integratorTags": [],
        "customFields": [],
    }
    if company.year_established is not None:
        row["yearEstablished"] = company.year_established
    return row


def item_row(item: Item) -> Row:
    """Return a catalogue item (§6.2)."""
    return {
        "id": item.id,
        "identifier": item.identifier,
        "description": item.description,
        "customerDescription": item.description,
        "category": {"id": 1, "name": "Backup" if item.counters else "Managed"},
        "subcategory": {"id": 1, "name": "Recurring"},
        "type": {"id": 1, "name": "Service"},
        "unitOfMeasure": {"id": 2, "name": "GB"} if item.unit == "GB" else {"id": 1, "name": "Each"},
        "productClass": item.product_class,
        "inactiveFlag": item.inactive,
        "taxableFlag": False,
        "serializedFlag": False,
        "price": float(item.price),
        "cost": float(item.cost),
        "recurringFlag": True,
        "recurringOneTimeFlag": False,
        "recurringRevenue": float(item.price),
        "recurringCost": float(item.cost),
        "recurringBillCycle": cycle_ref("Monthly"),
        "recurringCycleType": "CalendarYear",
        "customFields": [],
    }


def agreement_row(agreement: Agreement, today: date) -> Row:
    """Return a contract (§6.3); an unset billing cycle is missing or null."""
    row: Row = {
        "id": agreement.id,
        "name": agreement.name,
        "type": {"id": AGREEMENT_TYPES[agreement.kind], "name": agreement.kind},
        "company": company_ref(agreement.company),
        "startDate": stamp(agreement.starts, today),
        "billStartDate": stamp(agreement.starts, today),
        "noEndingDateFlag": agreement.ends is None,
        "cancelledFlag": agreement.status == "Cancelled",
        "agreementStatus": agreement.status,
        "billOneTimeFlag": False,
        "oneTimeFlag": False,
        "invoicingCycle": "CalendarYear",
        "billAmount": 0.0,
        "periodType": "Current",
        "prorateFlag": agreement.prorate,
        "invoiceProratedAdditionsFlag": False,
        "taxable": False,
        "customerPO": "",
        "applicationUnits": "Hours",
        "billTime": "Billable",
        "billExpenses": "Billable",
        "billProducts": "Billable",
        "employeeCompRate": "Actual",
        "currency": CURRENCY,
        "customFields": [],
    }
    if agreement.cycle is not None:
        row["billingCycle"] = cycle_ref(agreement.cycle)
    if agreement.cycle in RECURRING and agreement.status == "Active":
        row["nextInvoiceDate"] = next_invoice(RECURRING[agreement.cycle], today).isoformat()
    set_or_unset(row, "endDate", agreement.ends, today, agreement.id)
    set_or_unset(row, "dateCancelled", agreement.cancelled, today, agreement.id + 1)
    return row


def addition_row(line: Line, today: date) -> Row:
    """Return a recurring line (§6.4) without the fields that the API works out."""
    row: Row = {
        "id": line.id,
        "agreementId": line.agreement.id,
        "product": {"id": line.item.id, "identifier": line.item.identifier, "serializedFlag": False},
        "quantity": float(line.quantity),
        "unitPrice": float(line.price),
        "unitCost": float(line.cost),
        "billCustomer": line.bill,
        "effectiveDate": stamp(line.starts, today),
        "taxableFlag": False,
        "purchaseItemFlag": False,
        "specialOrderFlag": False,
        "prorateCurrentPeriodFlag": False,
        "description": line.item.description,
        "invoiceDescription": line.item.description,
        "uom": line.item.unit,
        "sequenceNumber": float(line.sequence),
        "agreementStatus": line.agreement.status,
        "customFields": [],
    }
    if line.included or line.id % 3:
        row["lessIncluded"] = float(line.included) if line.included or line.id % 3 == 1 else None
    set_or_unset(row, "cancelledDate", line.ends, today, line.id)
    return row


def stamp(when: When, today: date) -> str:
    """Return a day the way the API writes it."""
    return f"{when.on(today).isoformat()}T00:00:00Z"


def set_or_unset(row: Row, name: str, when: When | None, today: date, turn: int) -> None:
    """Write a date, or one of the three forms of an unset one: missing, null and "" (§2.1)."""
    if when is not None:
        row[name] = stamp(when, today)
    elif turn % 3:
        row[name] = None if turn % 3 == 1 else ""


def invoice_rows(plan: Plan, today: date) -> list[Row]:
    """Return the invoices of the last two months for the monthly contracts in force."""
    totals: dict[int, Decimal] = defaultdict(Decimal)
    for line in plan.lines:
        if line.bill == "Billable" and line.starts <= When(-1):
            totals[line.agreement.id] += max(line.quantity - line.included, Decimal(0)) * line.price
    monthly = [a for a in plan.agreements if a.cycle == "Monthly" and a.status == "Active" and totals[a.id]]
    return [
        _invoice(number, agreement, totals[agreement.id], When(month).on(today))
        for number, (month, agreement) in enumerate((m, a) for m in (-1, 0) for a in monthly)
    ]


def _invoice(number: int, agreement: Agreement, total: Decimal, day: date) -> Row:
    amount = float(round(total, 2))
    return {
        "id": 9001 + number,
        "invoiceNumber": str(10_422 + number),
        "type": "Agreement",
        "status": {"id": 2, "name": "Sent"},
        "company": company_ref(agreement.company),
        "billToCompany": company_ref(agreement.company),
        "applyToType": "Agreement",
        "applyToId": agreement.id,
        "agreement": {"id": agreement.id, "name": agreement.name},
        "date": f"{day.isoformat()}T00:00:00Z",
        "dueDate": f"{(day + timedelta(days=30)).isoformat()}T00:00:00Z",
        "subtotal": amount,
        "agreementAmount": amount,
        "salesTax": 0.0,
        "total": amount,
        "payments": 0.0,
        "credits": 0.0,
        "balance": amount,
        "currency": CURRENCY,
    }
