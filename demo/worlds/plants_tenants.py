"""Planted cases of the console: silent, unmapped, excluded, disabled, doubled and oddly named companies."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from demo.worlds import catalogue as c
from demo.worlds import names
from demo.worlds.names import customer_name
from demo.worlds.ordinary import backup_agreement, counted, managed, size
from demo.worlds.plan import Agreement, Company, Reseller, Tenant
from demo.worlds.planter import Planter

LOST_BACKUP_SERVER = 17
LOST_CLOUD_CONNECT = 41
OTHER_ALARM = 103


def plant_tenants(planter: Planter, resellers: Sequence[Reseller]) -> None:
    """Plant one customer per case."""
    silent_sources(planter)
    unmapped_tenants(planter, resellers)
    unknown_services(planter)
    several_locations(planter)
    several_tenants(planter)
    several_counters(planter)
    statuses(planter)
    excluded_tenants(planter)
    same_names(planter, resellers)
    odd_names(planter)


def _customer(planter: Planter, number: int, **fields: Any) -> tuple[Agreement, Tenant]:
    return _named(planter, planter.company(customer_name(number)), **fields)


def _named(planter: Planter, company: Company, **fields: Any) -> tuple[Agreement, Tenant]:
    managed(planter, company, size(planter.dice))
    return backup_agreement(planter, company), planter.tenant(company, **fields)


def silent_sources(planter: Planter) -> None:
    """Lost connections make counts unknown; an ended alarm and one of another kind do not."""
    for number, template, status, place in (
        (77, LOST_BACKUP_SERVER, "Error", "companyUid"),
        (78, LOST_CLOUD_CONNECT, "Warning", "organizationUid"),
    ):
        agreement, tenant = _customer(planter, number)
        planter.alarm(template, tenant, status, place)
        for item, billed, last in ((c.SERVER, 4, 4), (c.MAILBOX, 44, 12), (c.STORAGE, 900, 0)):
            planter.line(agreement, item, billed, "waiting", "source_silent", plant=f"silent_{template}")
            tenant.use(item.counters[0], last)
    agreement, tenant = _customer(planter, 79)
    planter.alarm(LOST_BACKUP_SERVER, tenant, "Resolved")
    planter.alarm(OTHER_ALARM, tenant, "Error")
    planter.match(agreement, c.SERVER, 5, "alarm_resolved")
    planter.line(agreement, c.WORKSTATION, 33, "adjust", vendor=35, plant="other_alarm")
    tenant.use(c.SERVER.counters[0], 5)
    tenant.use(c.WORKSTATION.counters[0], 35)


def unmapped_tenants(planter: Planter, resellers: Sequence[Reseller]) -> None:
    """Companies of the console that nobody has mapped: on no invoice, priced from the catalogue."""
    for name, reseller, usage in (
        (f"{customer_name(47)} (new site)", None, ((c.WORKSTATION, 14), (c.SERVER, 2))),
        (customer_name(48), None, ((c.MAILBOX, 27), (c.STORAGE, 380))),
        (customer_name(81), resellers[0], ((c.MACHINE, 3),)),
        ("Unsorted tenant 4", None, ((c.OFFSITE_SERVER, 2), (c.REPLICA, 1))),
    ):
        tenant = planter.tenant(None, name, reseller=reseller)
        for item, units in usage:
            planter.stray(tenant, item, units, "unmapped_account")
    idle = planter.tenant(None, "Unsorted tenant 5")
    idle.use(c.WORKSTATION.counters[0], 0)


def unknown_services(planter: Planter) -> None:
    """A counter type that the console has learned since: kept, shown, and mapped to nothing."""
    usage = []
    for number, units in ((83, 3), (84, 9)):
        agreement, tenant = _customer(planter, number)
        counted(planter, agreement, tenant, c.MACHINE, units + 2)
        usage.append((tenant, units))
    planter.unknown_counter(c.UNKNOWN_COUNTER, usage, "unknown_counter")


def several_locations(planter: Planter) -> None:
    """Counts spread over locations of one company: their sum is what counts."""
    agreement, tenant = _customer(planter, 85, locations=(5, 3, 2))
    planter.match(agreement, c.WORKSTATION, 40, "several_locations")
    tenant.use(c.WORKSTATION.counters[0], 40)
    planter.line(agreement, c.MAILBOX, 25, "adjust", vendor=50, plant="several_locations_one_billed")
    tenant.use(c.MAILBOX.counters[0], 50)
    planter.misname(tenant, c.MAILBOX.counters[0], 48)


def several_tenants(planter: Planter) -> None:
    """A customer with two companies in the console: both count; when one is silent, the sum is unknown."""
    agreement, first = _customer(planter, 86)
    second = planter.tenant(first.company, f"{first.name} Annexe")
    planter.match(agreement, c.WORKSTATION, 30, "two_tenants")
    planter.line(agreement, c.SERVER, 3, "adjust", vendor=5, plant="two_tenants")
    for tenant, stations, servers in ((first, 18, 3), (second, 12, 2)):
        tenant.use(c.WORKSTATION.counters[0], stations)
        tenant.use(c.SERVER.counters[0], servers)
    agreement, first = _customer(planter, 87)
    second = planter.tenant(first.company, f"{first.name} Annexe")
    planter.alarm(LOST_BACKUP_SERVER, second, "Error")
    planter.line(agreement, c.SERVER, 6, "waiting", "source_silent", plant="one_of_two_silent")
    first.use(c.SERVER.counters[0], 4)
    second.use(c.SERVER.counters[0], 2)


def several_counters(planter: Planter) -> None:
    """Two vendor services behind one catalogue item: their sum is billed."""
    agreement, tenant = _customer(planter, 88)
    for item, billed, kind, counts in (
        (c.OFFSITE_SERVER, 7, "match", (4, 3)),
        (c.TEAM_SITE, 14, "adjust", (14, 5)),
    ):
        planter.line(agreement, item, billed, kind, vendor=sum(counts), plant=f"two_counters_{kind}")
        for counter, units in zip(item.counters, counts, strict=True):
            tenant.use(counter, units)
    planter.misname(tenant, c.OFFSITE_SERVER.counters[0], 5)


def statuses(planter: Planter) -> None:
    """A disabled company holds billable data; a deleted one stays listed and uses nothing."""
    agreement, tenant = _customer(planter, 89, status="Disabled")
    planter.line(agreement, c.STORAGE, 800, "adjust", vendor=860, plant="disabled_but_billable")
    tenant.use(c.STORAGE.counters[0], 860)
    agreement, tenant = _customer(planter, 90, status="Expired")
    planter.match(agreement, c.MAILBOX, 16, "expired_but_billable")
    tenant.use(c.MAILBOX.counters[0], 16)
    agreement, tenant = _customer(planter, 91, status="Deleted", silent_days=12)
    for item, units in ((c.SERVER, 2), (c.WORKSTATION, 11)):
        planter.line(agreement, item, units, "held", "zero", vendor=0, plant="deleted_tenant")
        tenant.before[item.counters[0]] = Decimal(units)


def excluded_tenants(planter: Planter) -> None:
    """The MSP's own laboratory, and a customer whose company is excluded: its lines have no vendor behind."""
    lab = planter.tenant(None, "Northgate IT Laboratory", excluded=True)
    lab.use(c.MACHINE.counters[0], 22)
    lab.use(c.STORAGE.counters[0], 3000)
    company = planter.company(customer_name(92))
    managed(planter, company, size(planter.dice))
    agreement = backup_agreement(planter, company)
    demo = planter.tenant(None, company.name, excluded=True)
    demo.use(c.SERVER.counters[0], 3)
    planter.line(agreement, c.SERVER, 2, "psa_only", "no_vendor_account", plant="excluded_account")


def same_names(planter: Planter, resellers: Sequence[Reseller]) -> None:
    """Two customers of one name, told apart by reseller and PSA key, and two of one family."""
    for number, (billed, used) in enumerate(((15, 15), (9, 13))):
        company = planter.company(customer_name(93), f"SameName{number + 1}")
        agreement, tenant = _named(planter, company, reseller=resellers[number], crm_ref=str(company.id))
        kind = "match" if billed == used else "adjust"
        planter.line(agreement, c.WORKSTATION, billed, kind, vendor=used, plant="same_name")
        tenant.use(c.WORKSTATION.counters[0], used)
    for name, units in ((customer_name(94), 8), (f"{customer_name(94)} Foundation", 5)):
        agreement, tenant = _named(planter, planter.company(name))
        planter.match(agreement, c.MAILBOX, units, "sibling_name")
        tenant.use(c.MAILBOX.counters[0], units)


def odd_names(planter: Planter) -> None:
    """Mark-up, accents, white space and more letters than fit."""
    for name, shown, billed, used in (
        (names.HTML_NAME, names.HTML_NAME, 13, 16),
        (names.ACCENTED_NAME, f"  {names.ACCENTED_NAME} ", 20, 19),
        (names.LONG_NAME, names.LONGER_NAME, 31, 31),
    ):
        company = planter.company(name)
        agreement, tenant = _named(planter, company)
        tenant.name, tenant.crm_ref = shown, str(company.id)
        kind = "match" if billed == used else "adjust"
        planter.line(agreement, c.WORKSTATION, billed, kind, vendor=used, plant="odd_name")
        tenant.use(c.WORKSTATION.counters[0], used)
