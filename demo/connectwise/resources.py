"""Which lists there are and what right they need: fact sheet psa/connectwise.md, sections 5 and 9."""

from dataclasses import dataclass

from demo.connectwise import roles, schema
from demo.connectwise.schema import PLAIN, Schema

_ALL = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Resource:
    """One list with its records.

    Any one of `rights` lets a member read; the first one decides about the writes in `verbs`.
    `parent` is the table of the record whose id stands in the path. `info` are the fields of the reduced list
    at `info_path`, which every member may read.
    """

    path: str
    table: str
    rights: tuple[str, ...] = ()
    schema: Schema = PLAIN
    verbs: tuple[str, ...] = ()
    parent: str | None = None
    info: tuple[str, ...] = ()
    info_path: str = ""


def _setup(table: str) -> str:
    return f"{roles.SETUP}: {table}"


COMPANIES = Resource(
    "/company/companies",
    "companies",
    (roles.COMPANIES,),
    schema.COMPANY,
    _ALL,
    info=("id", "identifier", "name"),
    info_path="/company/companies/info",
)
CATALOG = Resource(
    "/procurement/catalog",
    "catalog",
    (roles.CATALOG,),
    schema.CATALOG,
    _ALL,
    info=("id", "identifier", "description"),
    info_path="/procurement/catalog/info",
)
AGREEMENTS = Resource("/finance/agreements", "agreements", (roles.AGREEMENTS,), schema.AGREEMENT, _ALL)
ADDITIONS = Resource(
    "/finance/agreements/{parent:int}/additions",
    "additions",
    (roles.AGREEMENTS,),
    schema.ADDITION,
    _ALL,
    "agreements",
)
INVOICES = Resource("/finance/invoices", "invoices", (roles.INVOICING,), schema.INVOICE, _ALL)
TICKETS = Resource("/service/tickets", "tickets", (roles.TICKETS,), schema.TICKET, _ALL)
NOTES = Resource(
    "/service/tickets/{parent:int}/notes", "ticket_notes", (roles.TICKETS,), schema.NOTE, _ALL, "tickets"
)
PRODUCTS = Resource("/procurement/products", "products", (roles.PRODUCTS,))

_TYPE_ASSOCIATIONS = Resource(
    "/company/companies/{parent:int}/typeAssociations",
    "type_associations",
    (roles.COMPANIES,),
    schema.TYPE_ASSOCIATION,
    ("POST", "DELETE"),
    "companies",
)
_SETUP_TABLES = (
    Resource(
        "/company/companies/statuses",
        "company_statuses",
        (_setup("Company / Company Status"), roles.COMPANIES),
        schema.SETUP,
        _ALL,
    ),
    Resource(
        "/company/companies/types",
        "company_types",
        (_setup("Company / Company Type"), roles.COMPANIES),
        schema.SETUP,
        _ALL,
        info=("id", "name"),
        info_path="/company/companies/info/types",
    ),
    Resource(
        "/finance/agreements/types",
        "agreement_types",
        (_setup("Agreements / Agreement Type"),),
        schema.SETUP,
        _ALL,
        info=("id", "name"),
        info_path="/finance/agreements/types/info",
    ),
    Resource(
        "/finance/billingCycles",
        "billing_cycles",
        (_setup("Invoicing / Billing Cycle"),),
        schema.BILLING_CYCLE,
        _ALL,
        info=("id", "identifier", "name"),
        info_path="/finance/billingCycles/info",
    ),
    Resource(
        "/finance/billingStatuses",
        "billing_statuses",
        (_setup("Invoicing / Billing Status"), roles.INVOICING),
        schema.SETUP,
        _ALL,
    ),
    Resource(
        "/service/boards",
        "boards",
        (_setup("Service / Service Board"),),
        info=("id", "name"),
        info_path="/service/info/boards",
    ),
    Resource(
        "/service/boards/{parent:int}/statuses",
        "board_statuses",
        (_setup("Service / Service Board"), roles.TICKETS),
        parent="boards",
        info=("id", "name", "boardId"),
        info_path="/service/boards/{parent:int}/statuses/info",
    ),
    Resource("/service/priorities", "priorities", (_setup("Service / Priority"), roles.TICKETS)),
    Resource(
        "/service/sources",
        "sources",
        (_setup("Service / Source"), roles.TICKETS),
        info=("id", "name"),
        info_path="/service/sources/info",
    ),
    Resource("/system/locations", "locations", (roles.MY_COMPANY, roles.SETUP, roles.COMPANIES)),
)
RESOURCES = (
    *_SETUP_TABLES,
    COMPANIES,
    _TYPE_ASSOCIATIONS,
    Resource(
        "/company/companyTypeAssociations", "type_associations", (roles.COMPANIES,), schema.TYPE_ASSOCIATION
    ),
    CATALOG,
    Resource(
        "/procurement/catalog/{parent:int}/components", "components", (roles.CATALOG,), parent="catalog"
    ),
    PRODUCTS,
    AGREEMENTS,
    ADDITIONS,
    INVOICES,
    Resource("/finance/invoices/{parent:int}/payments", "payments", (roles.INVOICING,), parent="invoices"),
    TICKETS,
    NOTES,
)
# Tables whose records other records are made of: one that is used cannot be deleted.
SHARED = frozenset(
    [
        *("catalog", "company_statuses", "company_types"),
        *("agreement_types", "billing_cycles", "billing_statuses"),
    ]
)
ADDRESSES = {resource.table: resource.path for resource in RESOURCES if resource.parent is None}
