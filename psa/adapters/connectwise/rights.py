"""What the API member's security role must allow, row by row: fact sheet psa/connectwise.md, section 9.1."""

import re
from dataclasses import dataclass

VERBS = ("add", "edit", "delete", "inquire")


@dataclass(frozen=True, kw_only=True)
class Right:
    """One row of the table. `verbs` are needed at level All; `probes` are (path, name of the part) to try."""

    need: str
    module: str
    function: str
    verbs: tuple[str, ...]
    why: str
    probes: tuple[tuple[str, str], ...] = ()
    covers: str = ""
    optional: bool = False

    @property
    def where(self) -> str:
        """Name module and function as ConnectWise does."""
        return f"{self.module} > {self.function}"

    @property
    def level(self) -> str:
        """Say the levels in words: "Add, Edit, Inquire: All"."""
        return ", ".join(verb.capitalize() for verb in self.verbs) + ": All"


COMPANIES = Right(
    need="Companies",
    module="Companies",
    function="Company Maintenance",
    verbs=("inquire",),
    why="To read your customers. With level My some of them would be missing in silence.",
    probes=(("company/companies", "companies"),),
    covers=r"company/",
)
TABLES = Right(
    need="Set-up tables",
    module="System",
    function="Table Setup",
    verbs=("inquire",),
    why="To know prospects, billing cycles and boards. In Customize, allow the tables Company / Company Status, "
    "Company / Company Type, Invoicing / Billing Cycle and Service / Service Board.",
    probes=(
        ("company/companies/statuses", "Company / Company Status"),
        ("company/companies/types", "Company / Company Type"),
        ("finance/billingCycles", "Invoicing / Billing Cycle"),
        ("service/boards", "Service / Service Board"),
    ),
    covers=r"company/companies/(statuses|types)|finance/billing|finance/agreements/types|service/boards",
)
AGREEMENTS = Right(
    need="Agreements and their lines",
    module="Finance",
    function="Agreements",
    verbs=("add", "edit", "inquire"),
    why="To read agreements and additions, to write the approved quantity (Edit), and to add a line for usage that "
    "none bills or that follows another from a day on (Add). In Customize, allow every agreement type that Reconcile "
    "is to see.",
    probes=(("finance/agreements", "agreements"),),
    covers=r"finance/agreements",
)
SALES = Right(
    need="Agreement sales",
    module="Finance",
    function="Agreement Sales",
    verbs=("inquire",),
    why="To read the amounts of agreements.",
)
INVOICING = Right(
    need="Invoices",
    module="Finance",
    function="Invoicing",
    verbs=("inquire",),
    why="To show what has been invoiced.",
    probes=(("finance/invoices", "invoices"),),
    covers=r"finance/invoices",
)
CATALOG = Right(
    need="Services",
    module="Procurement",
    function="Product Catalog",
    verbs=("inquire",),
    why="To read the names, prices and costs of services.",
    probes=(("procurement/catalog", "catalogue"),),
    covers=r"procurement/catalog",
)
PRODUCTS = Right(
    need="Products",
    module="Procurement",
    function="Products",
    verbs=("inquire",),
    why="To read products in use.",
    probes=(("procurement/products", "products"),),
    covers=r"procurement/products",
)
TICKETS = Right(
    need="Tickets",
    module="Service Desk",
    function="Service Tickets",
    verbs=("add", "edit", "inquire"),
    why="To create a ticket from a card, and never a second one.",
    probes=(("service/tickets", "tickets"),),
    covers=r"service/",
)
CLOSING = Right(
    need="Closing tickets",
    module="Service Desk",
    function="Close Service Tickets",
    verbs=("add", "edit", "inquire"),
    why="To follow a ticket to its end.",
)
SELF_CHECK = tuple(
    Right(
        need="Checking this list",
        module="System",
        function=function,
        verbs=("inquire",),
        why="Optional: lets Reconcile verify the levels on this page.",
        covers=covers,
        optional=True,
    )
    for function, covers in (
        ("Security Roles", r"system/securityRoles"),
        ("Member Maintenance", r"system/apiMembers"),
        ("My Company", r"system/"),
    )
)
RIGHTS = (
    COMPANIES, TABLES, AGREEMENTS, SALES, INVOICING, CATALOG, PRODUCTS, TICKETS, CLOSING, *SELF_CHECK,
)  # fmt: skip
# The narrower row first: the first that covers a path is the one to name.
_BY_PATH = (TABLES, COMPANIES, AGREEMENTS, INVOICING, CATALOG, PRODUCTS, TICKETS, *SELF_CHECK)


def right_for(url: str) -> Right | None:
    """Give the row of the table that a call to this URL needs."""
    path = url.partition("/apis/3.0/")[2]
    return next(
        (right for right in _BY_PATH if right.covers and re.match(right.covers, path, re.IGNORECASE)), None
    )
