"""Planted cases of contracts and customers that are not billed any more, not yet, or not at all."""

from typing import Any

from demo.worlds import catalogue as c
from demo.worlds.calendar import COMPARE_DAY, END_OF_LAST_MONTH, END_OF_MONTH, When
from demo.worlds.names import customer_name
from demo.worlds.ordinary import managed, size
from demo.worlds.plan import Company
from demo.worlds.planter import Planter, past

KIND = "Backup and Recovery"
ENDED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cancelled", {"status": "Cancelled", "cancelled": past(1)}),
    ("expired", {"status": "Expired", "ends": END_OF_LAST_MONTH}),
    ("inactive", {"status": "Inactive"}),
    ("ends_this_month", {"ends": END_OF_MONTH}),
    ("starts_later", {"starts": When(2)}),
)


def plant_agreements(planter: Planter) -> None:
    """Plant one customer per case."""
    for number, (name, fields) in enumerate(ENDED, start=64):
        still_used(planter, number, f"agreement_{name}", fields)
    renewed(planter, 69)
    not_recurring(planter, 70)
    out_of_scope(planter, 71)
    inactive_customers(planter)
    yearly(planter, 76)


def _customer(planter: Planter, number: int, **fields: Any) -> Company:
    company = planter.company(customer_name(number), **fields)
    managed(planter, company, size(planter.dice))
    return company


def still_used(planter: Planter, number: int, plant: str, fields: dict[str, Any]) -> None:
    """Nobody bills the contract at the next invoice, and its services are in use: new revenue."""
    company = _customer(planter, number)
    tenant = planter.tenant(company, crm_ref=str(company.id))
    agreement = planter.agreement(company, KIND, **fields)
    planter.hidden(agreement, c.SERVER, 2, "agreement_inactive", plant)
    planter.new(tenant, c.SERVER, 2, plant)
    planter.hidden(agreement, c.STORAGE, 640, "agreement_inactive", plant)
    planter.new(tenant, c.STORAGE, 704, plant)
    planter.hidden(agreement, c.REPLICA, 1, "agreement_inactive", f"{plant}_unused")


def renewed(planter: Planter, number: int) -> None:
    """The old contract ends with the month and the new one starts on the compare day."""
    company = _customer(planter, number)
    tenant = planter.tenant(company)
    old = planter.agreement(company, KIND, "Backup, first term", ends=END_OF_MONTH, starts=past(24))
    new = planter.agreement(company, KIND, "Backup, second term", starts=COMPARE_DAY)
    for item, units, used, kind in ((c.WORKSTATION, 26, 26, "match"), (c.MAILBOX, 30, 33, "adjust")):
        planter.hidden(old, item, units, "agreement_inactive", "renewed")
        planter.line(new, item, units, kind, vendor=used, plant="renewed")
        tenant.use(item.counters[0], used)


def not_recurring(planter: Planter, number: int) -> None:
    """A cycle that does not recur, and one that is not set; their usage is no new revenue."""
    company = _customer(planter, number)
    tenant = planter.tenant(company)
    once = planter.agreement(company, KIND, "Migration, billed once", cycle="NotRecurring")
    unset = planter.agreement(company, KIND, "Backup without a cycle", cycle=None)
    ended = planter.agreement(company, KIND, "Old migration", cycle="NotRecurring", status="Cancelled")
    planter.hidden(once, c.MACHINE, 5, "not_recurring", "not_recurring")
    planter.hidden(unset, c.SERVER, 3, "not_recurring", "cycle_unset")
    planter.hidden(ended, c.WORKSTATION, 9, "agreement_inactive", "first_reason")
    tenant.use(c.MACHINE.counters[0], 5)
    tenant.use(c.SERVER.counters[0], 4)


def out_of_scope(planter: Planter, number: int) -> None:
    """Contracts of a type that is not synced keep their usage from being new, also when cancelled."""
    company = _customer(planter, number)
    tenant = planter.tenant(company)
    block = planter.agreement(company, "Block Hours")
    old = planter.agreement(company, "Block Hours", "Block Hours, old", status="Cancelled")
    planter.hidden(block, c.HOURS, 20, "agreement_out_of_scope", "out_of_scope")
    planter.hidden(block, c.SERVER, 2, "agreement_out_of_scope", "out_of_scope")
    planter.hidden(old, c.WORKSTATION, 6, "agreement_out_of_scope", "first_reason")
    tenant.use(c.SERVER.counters[0], 2)


def inactive_customers(planter: Planter) -> None:
    """Deleted, not approved, inactive and prospective customers; one of them still uses what it had."""
    gone = planter.company(customer_name(72), deleted=True)
    agreement = planter.agreement(gone, KIND)
    tenant = planter.tenant(gone, crm_ref=str(gone.id))
    planter.hidden(agreement, c.SERVER, 2, "account_inactive", "deleted_company")
    planter.new(tenant, c.SERVER, 2, "deleted_company_still_used")
    cancelled = planter.agreement(gone, KIND, "Backup, old", status="Cancelled")
    planter.hidden(cancelled, c.MAILBOX, 12, "account_inactive", "first_reason")
    for number, plant, fields in (
        (73, "prospect", {"kind": "Prospect"}),
        (74, "not_approved", {"status": "Not Approved"}),
        (75, "inactive_company", {"status": "Inactive"}),
    ):
        company = planter.company(customer_name(number), **fields)
        trial = planter.agreement(company, KIND, f"Trial: {company.name}")
        planter.hidden(trial, c.WORKSTATION, 5, "account_inactive", plant)
        planter.hidden(trial, c.DESK, 5, "account_inactive", plant)


def yearly(planter: Planter, number: int) -> None:
    """Billed once a year: a unit's price is that of twelve months. Its company has a spoiled field."""
    company = _customer(planter, number, year_established=20)
    tenant = planter.tenant(company)
    agreement = planter.agreement(company, KIND, cycle="Yearly", starts=past(15))
    planter.line(agreement, c.SERVER, 3, "adjust", vendor=4, plant="yearly_cycle")
    planter.match(agreement, c.MAILBOX, 18)
    tenant.use(c.SERVER.counters[0], 4)
    tenant.use(c.MAILBOX.counters[0], 18)
