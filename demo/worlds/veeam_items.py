"""The named devices, machines and Microsoft 365 objects behind the console's counts (facts/vendors/veeam_vspc §13)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from demo.worlds.names import address, device, domain, place
from demo.worlds.plan import Plan, Tenant
from demo.worlds.planter import uid

Row = dict[str, Any]
GIB = 1024**3
USERS, EDUCATIONAL = "Vb365ProtectedUsers", "Vb365ProtectedEducationalUsers"
# Counter, mode, what stands in the names, and whether a backup server manages them. Agents and cloud backups of one
# machine have its one name, so it stands behind two counters.
COMPUTERS = (
    ("ManagedWorkstationAgents", "Workstation", "PC", False),
    ("ManagedServerAgents", "Server", "SRV", False),
    ("WorkstationCloudBackups", "Workstation", "PC", True),
    ("ServerCloudBackups", "Server", "SRV", True),
)
OBJECTS = (
    ("Vb365ProtectedSites", "Site"),
    ("Vb365ProtectedTeams", "Teams"),
    ("Vb365ProtectedGroups", "Group"),
)
# So many of a school's learners work there too: one address, two objects.
BOTH = 3
# Of so many users one more is protected that takes no licence, as a shared mailbox does.
SHARED_EVERY = 20


def item_rows(plan: Plan, today: date) -> dict[str, list[Row]]:
    """Return one row per counted computer, virtual machine and Microsoft 365 object, and those planted beside them."""
    return {
        "computers": [row for tenant in plan.tenants for row in _computers(tenant, today)],
        "virtual_machines": [row for tenant in plan.tenants for row in _machines(tenant, today)],
        "vb365_objects": [row for tenant in plan.tenants for row in _objects(tenant, today)],
    }


def listed(tenant: Tenant, counter: str) -> int:
    """Return how many names the console lists behind a counter: as many as it counts, unless it is planted."""
    return tenant.listed.get(counter, int(tenant.counts.get(counter, 0)))


def _computers(tenant: Tenant, today: date) -> Iterator[Row]:
    for counter, mode, letters, by_server in COMPUTERS:
        for number in range(listed(tenant, counter)):
            name = device(tenant.name, letters, number)
            row = {
                "backupAgentUid": uid("agent", f"{tenant.uid}.{counter}.{name}"),
                "organizationUid": tenant.uid,
                "name": name,
                "numberOfJobs": 1,
                "operationMode": mode,
                "latestRestorePointDate": _restored(today),
            }
            server = {"backupServerUid": uid("server", f"{tenant.uid}.CloudConnect")} if by_server else {}
            yield row | server


def _machines(tenant: Tenant, today: date) -> Iterator[Row]:
    for number in range(listed(tenant, "BackupedVms")):
        name, size = device(tenant.name, "VM", number), (40 + number % 7 * 20) * GIB
        yield {
            "instanceUid": uid("machine", f"{tenant.uid}.{name}"),
            "backupServerUid": uid("server", f"{tenant.uid}.BackupAndReplication"),
            "organizationUid": tenant.uid,
            "name": name,
            "hierarchyRef": f"vm-{number + 1}",
            "provisionedSourceSize": size * 2,
            "usedSourceSize": size,
            "totalRestorePointSize": size * 3,
            "latestRestorePointSize": size // 4,
            "restorePoints": 14,
            "latestRestorePointDate": _restored(today),
        }


def _objects(tenant: Tenant, today: date) -> Iterator[Row]:
    users, learners = listed(tenant, USERS), listed(tenant, EDUCATIONAL)
    for number in range(users):
        yield _object(tenant, today, "User", address(tenant.name, number))
    for number in range(users // SHARED_EVERY):
        name = f"shared{number + 1}@{domain(tenant.name)}"
        yield _object(tenant, today, "User", name, consumesLicense=False)
    first = max(users - BOTH, 0)
    for number in range(first, first + learners):
        yield _object(tenant, today, "User", address(tenant.name, number), isEducationalUser=True)
    for counter, kind in OBJECTS:
        for number in range(listed(tenant, counter)):
            yield _object(tenant, today, kind, place(number))


def _object(tenant: Tenant, today: date, kind: str, name: str, **facts: bool) -> Row:
    learner = ".learner" if facts.get("isEducationalUser") else ""
    return {
        "id": uid("object", f"{tenant.uid}.{kind}.{name}{learner}"),
        "name": name,
        "protectedDataType": kind,
        "organizationUid": tenant.uid,
        "organizationName": tenant.name,
        "vb365OrganizationName": domain(tenant.name),
        "locationUid": uid("location", f"{tenant.uid}.0"),
        "consumesLicense": True,
        "isEducationalUser": False,
        "latestRestorePointDate": _restored(today),
    } | facts


def _restored(today: date) -> str:
    return f"{(today - timedelta(days=1)).isoformat()}T22:15:00.0000000+00:00"
