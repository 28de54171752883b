"""ConnectWise rows as typed records: fact sheet psa/connectwise.md, section 6."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from psa.adapters.base import (
    AccountRecord,
    AgreementRecord,
    InvoiceRecord,
    LineRecord,
    ServiceRecord,
)
from psa.adapters.connectwise.values import (
    Row,
    day,
    flag,
    number,
    reference_id,
    reference_text,
    required_number,
    row_id,
    stamp,
    text,
)

# Statuses are named by each MSP; these two names mean "not a customer now" wherever they are kept (§10).
_INACTIVE_STATUSES = frozenset({"inactive", "not approved"})
_NO_CYCLE = frozenset({"", "none", "notrecurring", "not recurring"})


def account(row: Row) -> AccountRecord:
    """Read a company (§6.1). A prospect is a lead, or has no other type than Prospect."""
    types = row.get("types")
    names = {text(kind, "name").casefold() for kind in types} if isinstance(types, list) else set()
    status = reference_text(row, "status")
    deleted = flag(row, "deletedFlag")
    return AccountRecord(
        remote_id=row_id(row),
        name=text(row, "name"),
        identifier=text(row, "identifier"),
        status=status,
        active=not deleted and status.casefold() not in _INACTIVE_STATUSES,
        prospect=flag(row, "leadFlag") or names == {"prospect"},
        deleted=deleted,
        remote_version=stamp(row),
    )


def service(row: Row) -> ServiceRecord:
    """Read a catalogue item (§6.2); price and cost are None when the API member may not see them."""
    return ServiceRecord(
        remote_id=row_id(row),
        name=text(row, "description") or text(row, "identifier"),
        identifier=text(row, "identifier"),
        price=number(row, "price"),
        cost=number(row, "cost"),
        unit=reference_text(row, "unitOfMeasure"),
        part_number=text(row, "manufacturerPartNumber"),
        vendor_sku=text(row, "vendorSku"),
        product_class=text(row, "productClass"),
        active=not flag(row, "inactiveFlag"),
        remote_version=stamp(row),
    )


def agreement(row: Row, cycles: Mapping[str, str]) -> AgreementRecord:
    """Read an agreement (§6.3); `cycles` gives the billing option of each billing cycle by its id."""
    cycle = cycles.get(reference_id(row, "billingCycle")) or reference_text(row, "billingCycle")
    status = text(row, "agreementStatus")
    cancelled = flag(row, "cancelledFlag")
    ends = day(row, "dateCancelled") if cancelled else None
    if ends is None and not flag(row, "noEndingDateFlag"):
        ends = day(row, "endDate")
    return AgreementRecord(
        remote_id=row_id(row),
        account_remote_id=reference_id(row, "company"),
        name=text(row, "name"),
        type_remote_id=reference_id(row, "type"),
        type_name=reference_text(row, "type"),
        active=not cancelled and status in ("", "Active"),
        status=status,
        recurring=cycle.casefold() not in _NO_CYCLE,
        billing_cycle=cycle,
        prorate=flag(row, "prorateFlag"),
        period_type=text(row, "periodType"),
        next_invoice_on=day(row, "nextInvoiceDate"),
        starts_on=day(row, "startDate"),
        ends_on=ends,
        currency=_currency(row),
        remote_version=stamp(row),
    )


def line(row: Row, ends_inclusive: bool) -> LineRecord:
    """Read an addition (§6.4); `ends_inclusive` says what cancelledDate means here (switch S2)."""
    starts, ends = term(row, ends_inclusive)
    return LineRecord(
        remote_id=row_id(row),
        agreement_remote_id=text(row, "agreementId"),
        service_remote_id=reference_id(row, "product"),
        quantity=required_number(row, "quantity"),
        included=number(row, "lessIncluded") or Decimal(0),
        unit_price=number(row, "unitPrice"),
        unit_cost=number(row, "unitCost"),
        billable=text(row, "billCustomer") in ("", "Billable"),
        starts_on=starts,
        ends_on=ends,
        description=text(row, "description"),
        remote_version=stamp(row),
    )


def term(row: Row, ends_inclusive: bool) -> tuple[date | None, date | None]:
    """Give an addition's first and last billed day; None where there is none."""
    ends = day(row, "cancelledDate")
    if ends is not None and not ends_inclusive:
        ends -= timedelta(days=1)
    return day(row, "effectiveDate"), ends


def invoice(row: Row) -> InvoiceRecord:
    """Read an invoice's header (§6.5)."""
    applied_to = text(row, "applyToId") if text(row, "applyToType") == "Agreement" else ""
    return InvoiceRecord(
        remote_id=row_id(row),
        number=text(row, "invoiceNumber"),
        account_remote_id=reference_id(row, "company"),
        agreement_remote_id=reference_id(row, "agreement") or applied_to,
        issued_on=day(row, "date"),
        due_on=day(row, "dueDate"),
        subtotal=number(row, "subtotal"),
        total=number(row, "total"),
        currency=_currency(row),
        status=reference_text(row, "status"),
    )


def _currency(row: Row) -> str:
    """Give the ISO code if the reference shows one; a name such as "US Dollars" is none."""
    shown = (reference_text(row, "currency", part) for part in ("identifier", "name"))
    return next((code for code in shown if len(code) == 3 and code.isalpha() and code.isupper()), "")
