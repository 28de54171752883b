"""The planter: puts rows into a plan and writes down, at that moment, what the dashboard has to say about each."""

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from demo.worlds.calendar import When
from demo.worlds.catalogue import Item
from demo.worlds.dice import Dice
from demo.worlds.plan import Agreement, Alarm, Company, Line, Plan, Reseller, Tenant, Truth

# How many months of a service one invoice of a cycle bills.
RECURRING = {"Monthly": 1, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}
Units = Decimal | int | str


def uid(kind: str, name: str) -> str:
    """Return an id of the console, the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{kind}.northgate.example"))


class Planter:
    """Numbers and keeps what is planted. Kinds and reasons are given by whoever plants, never worked out."""

    def __init__(self, items: Sequence[Item], seed: int) -> None:
        self.plan = Plan(items=tuple(items))
        self.dice = Dice(seed)

    def company(self, name: str, identifier: str = "", **fields: Any) -> Company:
        """Plant a customer of the PSA."""
        short = identifier or "".join(c for c in name.title() if c.isascii() and c.isalnum())[:25]
        company = Company(250 + len(self.plan.companies), name, short, **fields)
        self.plan.companies.append(company)
        return company

    def agreement(self, company: Company, kind: str, name: str = "", **fields: Any) -> Agreement:
        """Plant a contract of a type."""
        number = 871 + len(self.plan.agreements)
        agreement = Agreement(number, company, name or f"{kind}: {company.name}"[:100], kind, **fields)
        self.plan.agreements.append(agreement)
        return agreement

    def tenant(self, company: Company | None, name: str = "", **fields: Any) -> Tenant:
        """Plant a company of the console; without a customer it stays unmapped, unless it is excluded."""
        name = name or (company.name if company else "")
        key = f"{name}/{company.id if company else ''}/{len(self.plan.tenants)}"
        tenant = Tenant(uid("company", key), name, company, **fields)
        self.plan.tenants.append(tenant)
        return tenant

    def reseller(self, name: str) -> Reseller:
        """Plant a reseller of the console."""
        reseller = Reseller(uid("reseller", name), name)
        self.plan.resellers.append(reseller)
        return reseller

    def alarm(self, template: int, tenant: Tenant, status: str, place: str = "companyUid") -> None:
        """Plant an active alarm about a tenant."""
        self.plan.alarms.append(Alarm(template, tenant, status, place))

    def line(
        self,
        agreement: Agreement,
        item: Item,
        quantity: Units,
        kind: str,
        reason: str = "",
        *,
        vendor: Units | None = None,
        plant: str = "",
        **fields: Any,
    ) -> Line:
        """Plant a line and its truth: `vendor` is what the console says of it, None when that is unknown."""
        months = RECURRING.get(agreement.cycle or "", 1)
        fields = {"starts": agreement.starts, "price": item.price * months, **fields}
        number = 3500 + len(self.plan.lines)
        line = Line(number, agreement, item, Decimal(quantity), cost=item.cost * months, **fields)
        self.plan.lines.append(line)
        counted = None if vendor is None else Decimal(vendor)
        effect = None if counted is None else billed_difference(line, counted)
        place = (str(number), agreement.company.name, agreement.name, item.description)
        self._know(Truth(*place, line.quantity, counted, kind, reason, effect, plant))
        return line

    def match(
        self, agreement: Agreement, item: Item, quantity: Units, plant: str = "", **fields: Any
    ) -> Line:
        """Plant a line that bills exactly what the console counts."""
        return self.line(agreement, item, quantity, "match", vendor=quantity, plant=plant, **fields)

    def unbacked(self, agreement: Agreement, item: Item, quantity: Units) -> Line:
        """Plant a line for something that no vendor counts."""
        return self.line(agreement, item, quantity, "psa_only", "no_vendor_service")

    def hidden(
        self, agreement: Agreement, item: Item, quantity: Units, reason: str, plant: str, **fields: Any
    ) -> Line:
        """Plant a line that is not compared."""
        return self.line(agreement, item, quantity, "hidden", reason, plant=plant, **fields)

    def new(self, tenant: Tenant, item: Item, units: Units, plant: str) -> None:
        """Plant usage that no line bills."""
        tenant.use(item.counters[0], units)
        self.unbilled(tenant, item, units, plant)

    def unbilled(self, tenant: Tenant, item: Item, units: Units, plant: str) -> None:
        """Write down that usage planted elsewhere has no line."""
        company = tenant.company
        assert company is not None  # noqa: S101 - the plan would be wrong
        place = (f"{company.id}/{item.id}", company.name, "", item.description)
        effect = Decimal(units) * item.price
        self._know(Truth(*place, None, Decimal(units), "new", "", effect, plant))

    def stray(self, tenant: Tenant, item: Item, units: Units, plant: str) -> None:
        """Plant usage of a tenant that belongs to no customer, priced from the catalogue."""
        counter = item.counters[0]
        tenant.use(counter, units)
        place = (f"{tenant.uid}/{counter}", tenant.name, "", item.description)
        effect = Decimal(units) * item.price
        self._know(Truth(*place, None, Decimal(units), "unmapped_account", "", effect, plant))

    def unknown_counter(self, counter: str, usage: Sequence[tuple[Tenant, int]], plant: str) -> None:
        """Plant usage of a counter that no catalogue item stands for: listed once, without a price."""
        for tenant, units in usage:
            tenant.use(counter, units)
        total = Decimal(sum(units for _, units in usage))
        self._know(Truth(counter, "", "", counter, None, total, "unmapped_service", "", None, plant))

    def misname(self, tenant: Tenant, counter: str, listed: int) -> None:
        """Plant a list of names that disagrees with a count that is planted already."""
        tenant.listed[counter] = listed
        place = (f"{tenant.uid}/{counter}", tenant.name, "", counter)
        units, reason = tenant.counts[counter], f"{listed} named"
        self._know(Truth(*place, None, units, "names", reason, None, "names_disagree"))

    def _know(self, truth: Truth) -> None:
        self.plan.truth.append(truth)


def billed_difference(line: Line, counted: Decimal) -> Decimal:
    """Return what billing the counted units instead changes; units included free change nothing."""
    free = line.included
    return (max(counted - free, Decimal(0)) - max(line.quantity - free, Decimal(0))) * line.price


def past(months: int) -> When:
    """Return the first day of the month this many months ago."""
    return When(-months)
