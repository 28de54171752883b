"""A large, dull world for measurements: any number of lines, and a difference on one in twenty."""

from collections.abc import Iterator
from decimal import Decimal

from demo.worlds.catalogue import Item
from demo.worlds.names import customer_name
from demo.worlds.plan import Agreement, Plan, Tenant
from demo.worlds.planter import Planter

SEED = 60
PER_AGREEMENT = 20
PER_COMPANY = 60
# One in ten of the lines that a vendor counts: half of all lines are.
PERCENT_DIFFERENT = 10
COUNTERS = (
    "ManagedVms", "BackupedVms", "ReplicatedVms", "ManagedCloudVms", "ManagedCdpVms",
    "ManagedWorkstationAgents", "ManagedServerAgents", "ManagedUsers", "VmCloudBackups", "ServerCloudBackups",
    "WorkstationCloudBackups", "VmCloudReplicas", "ProtectedFileShares", "ProtectedObjectStorages",
    "PublicCloudProtectedFileShares", "PublicCloudProtectedCloudDatabases", "ManagedAgentsWindowsDesktopOS",
    "ManagedAgentsWindowsServerOS", "ManagedAgentsLinuxOS", "ManagedAgentsMacOS", "Vb365ProtectedUsers",
    "Vb365ProtectedEducationalUsers", "Vb365ProtectedGroups", "Vb365ProtectedSites", "Vb365ProtectedTeams",
    "CloudTotalUsage", "VbrBackupSize", "Vb365BackupSize", "FileShareBackupSize", "ObjectStorageBackupSize",
)  # fmt: skip


def items() -> list[Item]:
    """Return 30 services that the console counts, each followed by one that nobody counts."""
    return [item for number, counter in enumerate(COUNTERS) for item in _pair(number, counter)]


def _pair(number: int, counter: str) -> Iterator[Item]:
    unit = "GB" if counter.endswith(("Size", "Usage")) else "Each"
    price = Decimal(2 + number) / 2
    yield Item(
        800 + number, f"S{number:02}", f"Counted service {number + 1}", price, price / 4, (counter,), unit
    )
    yield Item(700 + number, f"P{number:02}", f"Plain service {number + 1}", price, price / 4)


def plan(lines: int) -> Plan:
    """Plan `lines` lines, 20 to an agreement and 60 to a company, so that no company has a service twice."""
    planter = Planter(items(), SEED)
    planter.plan.named_units, planter.plan.usage_days = False, 5
    tenant, agreement = None, None
    for number in range(lines):
        if number % PER_COMPANY == 0:
            company = planter.company(customer_name(number // PER_COMPANY), f"C{number // PER_COMPANY:06}")
            tenant = planter.tenant(company, crm_ref=str(company.id))
        assert tenant is not None and tenant.company is not None  # noqa: S101, PT018 - the first line makes it
        if number % PER_AGREEMENT == 0:
            name = f"Agreement {number // PER_AGREEMENT + 1}"
            agreement = planter.agreement(tenant.company, "Managed Services", name)
        assert agreement is not None  # noqa: S101 - the first line makes it
        _line(planter, agreement, tenant, planter.plan.items[number % PER_COMPANY])
    return planter.plan


def _line(planter: Planter, agreement: Agreement, tenant: Tenant, item: Item) -> None:
    dice = planter.dice
    quantity = dice.between(5, 60)
    if not item.counters:
        planter.unbacked(agreement, item, quantity)
        return
    used = quantity
    if dice.chance(PERCENT_DIFFERENT):
        used += dice.pick((-3, -2, -1, 1, 2, 3))
        planter.line(agreement, item, quantity, "adjust", vendor=used, plant="scale")
    else:
        planter.match(agreement, item, quantity)
    tenant.use(item.counters[0], used)
