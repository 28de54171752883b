"""A planned world: customers, agreements, lines and tenants of the console, each without a date of its own."""

from dataclasses import dataclass, field
from decimal import Decimal

from demo.worlds.calendar import LONG_AGO, When
from demo.worlds.catalogue import Item


@dataclass
class Company:
    """The MSP's customer in the PSA. `year_established` spoils a record that nobody wants to touch."""

    id: int
    name: str
    identifier: str
    status: str = "Active"
    kind: str = "Client"
    deleted: bool = False
    year_established: int | None = None


@dataclass
class Agreement:
    """A contract; `cycle` None is an unset billing cycle. `forms` turns how unset values are written."""

    id: int
    company: Company
    name: str
    kind: str
    cycle: str | None = "Monthly"
    prorate: bool = False
    status: str = "Active"
    starts: When = LONG_AGO
    ends: When | None = None
    cancelled: When | None = None


@dataclass
class Line:
    """A recurring line. Quantity and included are units, price and cost per unit and billing cycle."""

    id: int
    agreement: Agreement
    item: Item
    quantity: Decimal
    price: Decimal
    cost: Decimal
    included: Decimal = Decimal(0)
    bill: str = "Billable"
    starts: When = LONG_AGO
    ends: When | None = None
    sequence: int = 1


@dataclass
class Reseller:
    """Somebody in the console who has customers of its own."""

    uid: str
    name: str


@dataclass
class Tenant:
    """A company in the console, with the newest units of each counter (GiB for sizes).

    `locations` are the weights by which counts spread; `before` holds units that stood until a week ago;
    `silent_days` is how long ago its last usage row was written; `listed` how many names stand behind a counter where
    the console's lists disagree with its counts.
    """

    uid: str
    name: str
    company: Company | None = None
    excluded: bool = False
    status: str = "Active"
    reseller: Reseller | None = None
    crm_ref: str | None = None
    locations: tuple[int, ...] = (1,)
    counts: dict[str, Decimal] = field(default_factory=dict)
    before: dict[str, Decimal] = field(default_factory=dict)
    silent_days: int = 0
    listed: dict[str, int] = field(default_factory=dict)

    def use(self, counter: str, units: Decimal | int | str) -> None:
        """Add usage of a counter."""
        self.counts[counter] = self.counts.get(counter, Decimal(0)) + Decimal(units)


@dataclass(frozen=True)
class Alarm:
    """A raised alarm: `template` is the predefined internal id, `place` the field that names the company."""

    template: int
    tenant: Tenant
    status: str
    place: str = "companyUid"


@dataclass(frozen=True)
class PlannedRule:
    """How an item is counted: everywhere, for one company, or in one agreement.

    Steps are what, how much and why; filters a field, a pattern and whether it keeps. `first` and `until` are months
    from this one; None: without that bound.
    """

    item: Item
    company: Company | None = None
    agreement: Agreement | None = None
    combine: str = "sum"
    filters: tuple[tuple[str, str, bool], ...] = ()
    steps: tuple[tuple[str, str, str], ...] = ()
    first: int | None = None
    until: int | None = None
    note: str = ""


@dataclass(frozen=True)
class PlannedSplit:
    """Those named units of a tenant that match belong to another customer than the tenant's."""

    tenant: Tenant
    company: Company
    field: str
    pattern: str


@dataclass(frozen=True)
class Truth:
    """What the dashboard has to show for one line, for usage without a line, or for unmapped usage.

    Units None are unknown, an effect None is not known or not asked for; `plant` names the planted case.
    """

    key: str
    account: str
    agreement: str
    service: str
    psa_units: Decimal | None
    vendor_units: Decimal | None
    kind: str
    reason: str
    effect: Decimal | None
    plant: str


@dataclass
class Plan:
    """All of it, in the order in which it was planted; `named_units` says whether devices and users have
    rows, `usage_days` for how many days the console keeps usage.
    """

    items: tuple[Item, ...] = ()
    companies: list[Company] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    resellers: list[Reseller] = field(default_factory=list)
    tenants: list[Tenant] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)
    rules: list[PlannedRule] = field(default_factory=list)
    splits: list[PlannedSplit] = field(default_factory=list)
    also: list[tuple[str, Item]] = field(default_factory=list)
    named_units: bool = True
    usage_days: int = 35
