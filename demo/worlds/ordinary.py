"""Ordinary customers: what they buy fits their size, and the console agrees unless a difference is planted."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from demo.worlds import catalogue as c
from demo.worlds.dice import Dice
from demo.worlds.differences import DIFFERENCES, Difference
from demo.worlds.names import customer_name
from demo.worlds.plan import Agreement, Company, Reseller, Tenant
from demo.worlds.planter import Planter, past

CUSTOMERS = 52
WITHOUT_TENANT = range(47, CUSTOMERS)
STEP = 5  # prime to 47, so that no customer is given two differences


def plant_ordinary(planter: Planter, resellers: Sequence[Reseller]) -> None:
    """Plant the customers, with one difference each until the differences run out."""
    given = {
        number * STEP % WITHOUT_TENANT.start: difference for number, difference in enumerate(DIFFERENCES)
    }
    for number in range(CUSTOMERS):
        company = planter.company(customer_name(number))
        seats = size(planter.dice)
        managed(planter, company, seats)
        if number in WITHOUT_TENANT:
            _without_tenant(planter, company, seats)
        else:
            reseller = resellers[number % 2] if number % 9 == 4 else None
            tenant = _tenant(planter, company, reseller)
            _backup(planter, company, tenant, seats, given.get(number))
        _extras(planter, company, seats)


def size(dice: Dice) -> int:
    """Return the seats of a customer: many small ones, some of middle size, few large ones."""
    return dice.pick((dice.between(6, 18), dice.between(6, 18), dice.between(19, 60), dice.between(61, 130)))


def managed(planter: Planter, company: Company, seats: int) -> Agreement:
    """Plant the contract for services that no vendor counts."""
    dice = planter.dice
    agreement = planter.agreement(
        company, "Managed Services", prorate=dice.chance(25), starts=past(dice.between(3, 40))
    )
    for item, quantity in _managed_mix(dice, seats):
        planter.unbacked(agreement, item, quantity)
    return agreement


def backup_agreement(planter: Planter, company: Company, name: str = "") -> Agreement:
    """Plant an empty contract for what the console counts."""
    dice = planter.dice
    return planter.agreement(
        company,
        "Backup and Recovery",
        name,
        prorate=dice.chance(40),
        cycle="Quarterly" if dice.chance(8) else "Monthly",
        starts=past(dice.between(3, 30)),
    )


def counted(planter: Planter, agreement: Agreement, tenant: Tenant, item: c.Item, units: int | str) -> None:
    """Plant a line that bills what the tenant uses of its first counter."""
    planter.match(agreement, item, units)
    tenant.use(item.counters[0], units)


def _tenant(planter: Planter, company: Company, reseller: Reseller | None) -> Tenant:
    dice = planter.dice
    places = (3, 2, 1)[: dice.pick((1, 1, 1, 2, 3))]
    key = str(company.id) if dice.chance(40) else None
    return planter.tenant(company, reseller=reseller, locations=places, crm_ref=key)


def _managed_mix(dice: Dice, seats: int) -> Iterator[tuple[c.Item, int]]:
    servers = max(1, seats // 12)
    stations = seats - seats // 10
    yield c.MANAGED_WORKSTATION, stations
    yield c.MANAGED_SERVER, servers
    yield c.DESK, seats
    yield c.ENDPOINT, stations + servers
    yield c.MAIL_SECURITY, seats
    yield c.MAIL_LICENCE, seats + seats // 8
    yield c.FIREWALL, 1 + seats // 60
    for item, quantity, percent in (
        (c.DNS, stations, 60),
        (c.AWARENESS, seats, 50),
        (c.VAULT, seats // 2, 40),
        (c.SWITCH, 1 + seats // 15, 50),
        (c.ACCESS_POINT, 1 + seats // 18, 40),
        (c.DOMAIN, dice.between(1, 4), 60),
        (c.SPARE, dice.between(1, 3), 15),
    ):
        if dice.chance(percent):
            yield item, quantity


def _backup_mix(dice: Dice, seats: int) -> Iterator[tuple[c.Item, int]]:
    servers = max(1, seats // 12)
    yield c.SERVER, servers
    yield c.STORAGE, servers * dice.between(6, 16) * 64
    for item, quantity, percent in (
        (c.WORKSTATION, max(2, seats * dice.between(3, 10) // 10), 60),
        (c.MAILBOX, seats, 70),
        (c.MAIL_STORAGE, seats * dice.between(8, 25), 30),
        (c.MACHINE, 1 + seats // 10, 45),
        (c.OFFSITE_SERVER, servers, 40),
        (c.OFFSITE_WORKSTATION, max(1, seats // 6), 20),
        (c.REPLICATION, 1 + seats // 30, 20),
        (c.REPLICA, 1 + seats // 40, 15),
        (c.FILE_SHARE, 1 + seats // 25, 25),
        (c.ARCHIVE, 256 * dice.between(1, 6), 15),
        (c.OBJECTS, 512 * dice.between(1, 8), 15),
        (c.DATABASE, 1 + seats // 50, 12),
        (c.TEAM_SITE, 2 + seats // 5, 30),
        (c.EDUCATION, seats * 6, 8),
    ):
        if dice.chance(percent):
            yield item, quantity


def _backup(
    planter: Planter, company: Company, tenant: Tenant, seats: int, difference: Difference | None
) -> None:
    agreement = backup_agreement(planter, company)
    for item, quantity in _backup_mix(planter.dice, seats):
        if difference is None or item is not difference.item:
            counted(planter, agreement, tenant, item, quantity)
    tenant.use(c.PART_OF_STORAGE, tenant.counts.get(c.STORAGE.counters[0], Decimal(0)) // 2)
    tenant.use(c.TRANSFER, planter.dice.between(1, 90))
    if difference is not None:
        _plant_difference(planter, agreement, tenant, difference)


def _plant_difference(planter: Planter, agreement: Agreement, tenant: Tenant, wanted: Difference) -> None:
    planter.line(
        agreement,
        wanted.item,
        wanted.billed,
        wanted.kind,
        wanted.reason,
        vendor=wanted.units,
        plant=wanted.plant,
        included=Decimal(wanted.included),
    )
    counter = wanted.item.counters[0]
    if wanted.reported:
        tenant.use(counter, wanted.units)
    tenant.before[counter] = Decimal(wanted.billed)


def _without_tenant(planter: Planter, company: Company, seats: int) -> None:
    agreement = backup_agreement(planter, company)
    for item, quantity in ((c.SERVER, 1 + seats // 20), (c.MAILBOX, seats)):
        planter.line(agreement, item, quantity, "psa_only", "no_vendor_account", plant="no_vendor_account")


def _extras(planter: Planter, company: Company, seats: int) -> None:
    dice = planter.dice
    if dice.chance(35):
        voice = planter.agreement(company, "Voice", prorate=True, starts=past(dice.between(2, 24)))
        planter.unbacked(voice, c.VOICE, seats)
    if dice.chance(25):
        advice = planter.agreement(company, "Advisory", cycle="Quarterly", starts=past(dice.between(4, 24)))
        planter.unbacked(advice, c.ADVISOR, 1)
    if dice.chance(15):
        care = planter.agreement(company, "Advisory", f"Yearly care: {company.name}", cycle="Yearly")
        planter.unbacked(care, c.DOMAIN, dice.between(2, 9))
