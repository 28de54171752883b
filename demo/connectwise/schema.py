"""What each kind of record holds and demands: fact sheet psa/connectwise.md, section 6."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

_BILLABLE = ("Billable", "DoNotBill", "NoCharge", "NoDefault")
_STATUSES = ("Active", "Cancelled", "Expired", "Inactive")
_CYCLES = ("ContractYear", "CalendarYear")
_GRADES = ("Low", "Medium", "High")
_OPTIONS = (
    *("Monthly", "Quarterly", "SemiAnnual", "Yearly", "Weekly", "BiWeekly", "BiMonthly"),
    "NotRecurring",
)


@dataclass(frozen=True)
class Schema:
    """The rules of one kind of record.

    `required_2025` counts on POST and PUT with the 2025.1 model, `required_on_put` on PUT alone.
    `references` maps a field to the table it points at (None: not simulated).
    `optional` are the fields that an unset value may be shown for; of them `dates` may be empty strings too.
    """

    noun: str
    required: tuple[str, ...] = ()
    required_2025: tuple[str, ...] = ()
    required_on_put: tuple[str, ...] = ()
    enums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lengths: Mapping[str, int] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    references: Mapping[str, str | None] = field(default_factory=dict)
    read_only: tuple[str, ...] = ()
    write_only: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @cached_property
    def writable(self) -> frozenset[str]:
        """Every name a PATCH may carry."""
        demanded = {*self.required, *self.required_2025, *self.required_on_put}
        typed = {*self.enums, *self.lengths, *self.numbers, *self.flags, *self.dates, *self.references}
        return frozenset(demanded | typed | {*self.others, "customFields"}) - {
            *self.read_only,
            *self.write_only,
        }

    @cached_property
    def doubles(self) -> frozenset[str]:
        """The numbers that the API keeps, and shows, with a decimal point."""
        return frozenset(self.numbers) - {"yearEstablished"}

    @cached_property
    def ignored(self) -> frozenset[str]:
        """Names that may be sent and change nothing."""
        return frozenset((*self.read_only, "id", "_info"))

    @cached_property
    def optional(self) -> tuple[str, ...]:
        """Fields shown as missing, null or empty when unset."""
        return tuple(dict.fromkeys((*self.dates, *self.references, *self.lengths)))


PLAIN = Schema("record", required=("name",), lengths={"name": 50})

# A row of a set-up table; the flags are those that any of these tables has.
SETUP = Schema(
    "record",
    required=("name",),
    lengths={"name": 50},
    flags=("defaultFlag", "inactiveFlag", "vendorFlag", "closedFlag", "sentFlag"),
)

BILLING_CYCLE = Schema(
    "billingCycle",
    required=("identifier", "name"),
    enums={"billingOptions": _OPTIONS},
    lengths={"identifier": 5, "name": 50},
    flags=("defaultFlag",),
)

COMPANY = Schema(
    "company",
    required=("identifier", "name"),
    lengths={
        "identifier": 30,
        "name": 50,
        **dict.fromkeys(("addressLine1", "addressLine2", "city", "state"), 50),
        "zip": 12,
        "phoneNumber": 30,
        "website": 255,
    },
    numbers=("yearEstablished",),
    flags=("leadFlag", "isVendorFlag"),
    dates=("dateDeleted",),
    references={
        "status": "company_statuses",
        "country": None,
        "territory": "locations",
        "defaultContact": None,
        "parentCompany": "companies",
        "currency": None,
        "billingTerms": None,
        "taxCode": None,
        "billToCompany": "companies",
        "site": None,
    },
    # Types are writable on POST only, later through type associations.
    read_only=("types", "deletedFlag", "dateDeleted", "deletedBy"),
    others=("accountNumber", "integratorTags"),
)

CATALOG = Schema(
    "catalogItem",
    required=("identifier", "description", "customerDescription"),
    required_2025=("subcategory", "type"),
    enums={
        "productClass": ("Agreement", "Bundle", "Inventory", "NonInventory", "Service"),
        "recurringCycleType": _CYCLES,
    },
    lengths={
        "identifier": 75,
        "description": 60,
        "customerDescription": 6000,
        "vendorSku": 50,
        "manufacturerPartNumber": 50,
        "integrationXRef": 50,
    },
    numbers=("price", "cost", "recurringRevenue", "recurringCost", "markupPercentage"),
    flags=(
        "inactiveFlag",
        "taxableFlag",
        "serializedFlag",
        "recurringFlag",
        "recurringOneTimeFlag",
        "markupFlag",
    ),
    references={
        "subcategory": None,
        "type": None,
        "category": None,
        "unitOfMeasure": None,
        "vendor": None,
        "manufacturer": None,
        "recurringBillCycle": "billing_cycles",
        "agreementType": "agreement_types",
    },
    others=("billableOption", "connectWiseID"),
)

AGREEMENT = Schema(
    "agreement",
    required=("name", "type", "company"),
    required_2025=("contact",),
    required_on_put=("invoicingCycle", "billTime", "billExpenses", "billProducts", "employeeCompRate"),
    enums={
        "agreementStatus": _STATUSES,
        "invoicingCycle": _CYCLES,
        "periodType": ("Current", "Future", "Both", "Undefined"),
        "applicationUnits": ("Amount", "Hours", "Incidents"),
        **dict.fromkeys(("billTime", "billExpenses", "billProducts"), _BILLABLE),
    },
    lengths={"name": 100, "reasonCancelled": 100, "customerPO": 50},
    numbers=("billAmount", "prorateFirstBill"),
    flags=(
        "noEndingDateFlag",
        "cancelledFlag",
        "billOneTimeFlag",
        "oneTimeFlag",
        "prorateFlag",
        "invoiceProratedAdditionsFlag",
        "taxable",
    ),
    dates=("startDate", "endDate", "dateCancelled", "billStartDate"),
    references={
        "type": "agreement_types",
        "company": "companies",
        "contact": None,
        "site": None,
        "parentAgreement": "agreements",
        "billToCompany": "companies",
        "taxCode": None,
        "currency": None,
        "billingCycle": "billing_cycles",
    },
    others=("nextInvoiceDate",),
)

ADDITION = Schema(
    "addition",
    required=("product", "billCustomer"),
    enums={"billCustomer": _BILLABLE[:3]},
    lengths={"invoiceDescription": 6000, "serialNumber": 50},
    numbers=("quantity", "lessIncluded", "unitPrice", "unitCost", "sequenceNumber"),
    flags=("taxableFlag", "purchaseItemFlag", "specialOrderFlag", "prorateCurrentPeriodFlag"),
    dates=("effectiveDate", "cancelledDate"),
    references={"product": "catalog", "opportunity": None, "invoiceGrouping": None},
    read_only=(
        *("agreementId", "billedQuantity", "extPrice", "extCost", "margin", "agreementStatus"),
        *("additionStatus", "prorateCost", "proratePrice", "extendedProrateCost", "extendedProratePrice"),
    ),
    others=("description", "uom"),
)

INVOICE = Schema(
    "invoice",
    enums={
        "type": ("Agreement", "CreditMemo", "DownPayment", "Miscellaneous", "Progress", "Standard"),
        "applyToType": ("All", "Agreement", "Project", "ProjectPhase", "SalesOrder", "Ticket"),
    },
    lengths={"invoiceNumber": 15, "reference": 50, "customerPO": 50},
    numbers=(
        *("subtotal", "total", "salesTax", "serviceTotal", "expenseTotal", "productTotal"),
        *("agreementAmount", "payments", "credits", "balance"),
    ),
    dates=("date", "dueDate"),
    references={
        "status": "billing_statuses",
        "company": "companies",
        "billToCompany": "companies",
        "agreement": "agreements",
        "currency": None,
    },
    others=("applyToId",),
)

TICKET = Schema(
    "ticket",
    required=("summary", "company"),
    required_on_put=("severity", "impact"),
    enums={
        "severity": _GRADES,
        "impact": _GRADES,
        "recordType": ("ServiceTicket", "ProjectTicket", "ProjectIssue"),
    },
    lengths={"summary": 100, "externalXRef": 100},
    flags=("skipCallback", "processNotifications"),
    references={
        "board": "boards",
        "status": "board_statuses",
        "priority": "priorities",
        "source": "sources",
        "company": "companies",
        "agreement": "agreements",
        "type": None,
        "contact": None,
        "site": None,
    },
    read_only=("closedFlag",),
    write_only=("initialDescription", "initialInternalAnalysis"),
)

NOTE = Schema(
    "ticketNote",
    required=("text",),
    flags=("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag"),
    read_only=("ticketId", "createdBy", "dateCreated"),
    references={"contact": None, "member": None},
)

TYPE_ASSOCIATION = Schema(
    "companyTypeAssociation",
    required=("type",),
    references={"type": "company_types", "company": "companies"},
    read_only=("company",),
)
