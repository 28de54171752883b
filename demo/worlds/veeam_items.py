"""The named devices, machines and mailboxes behind the console's counts (facts/vendors/veeam_vspc §13)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from demo.worlds.names import domain
from demo.worlds.plan import Plan, Tenant
from demo.worlds.planter import uid

Row = dict[str, Any]
GIB = 1024**3


def item_rows(plan: Plan, today: date) -> dict[str, list[Row]]:
    """Return one row per counted computer, virtual machine and protected mailbox."""
    return {
        "computers": [row for tenant in plan.tenants for row in _computers(tenant, today)],
        "virtual_machines": [row for tenant in plan.tenants for row in _machines(tenant, today)],
        "vb365_objects": [row for tenant in plan.tenants for row in _mailboxes(tenant, today)],
    }


def _computers(tenant: Tenant, today: date) -> Iterator[Row]:
    for counter, mode, letters in (
        ("ManagedWorkstationAgents", "Workstation", "WS"),
        ("ManagedServerAgents", "Server", "SRV"),
    ):
        for name in _names(tenant, counter, letters):
            yield {
                "backupAgentUid": uid("agent", f"{tenant.uid}.{name}"),
                "organizationUid": tenant.uid,
                "name": name,
                "numberOfJobs": 1,
                "operationMode": mode,
                "latestRestorePointDate": _restored(today),
            }


def _machines(tenant: Tenant, today: date) -> Iterator[Row]:
    for number, name in enumerate(_names(tenant, "BackupedVms", "VM")):
        size = (40 + number % 7 * 20) * GIB
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


def _mailboxes(tenant: Tenant, today: date) -> Iterator[Row]:
    for number in range(int(tenant.counts.get("Vb365ProtectedUsers", 0))):
        name = f"mailbox{number + 1:03}@{domain(tenant.name)}"
        yield {
            "id": uid("mailbox", f"{tenant.uid}.{name}"),
            "name": name,
            "protectedDataType": "User",
            "organizationUid": tenant.uid,
            "organizationName": tenant.name,
            "vb365OrganizationName": domain(tenant.name),
            "locationUid": uid("location", f"{tenant.uid}.0"),
            "consumesLicense": True,
            "isEducationalUser": False,
            "latestRestorePointDate": _restored(today),
        }


def _names(tenant: Tenant, counter: str, letters: str) -> Iterator[str]:
    stem = domain(tenant.name)[:5].upper()
    for number in range(int(tenant.counts.get(counter, 0))):
        yield f"{stem}-{letters}-{number + 1:03}"


def _restored(today: date) -> str:
    return f"{(today - timedelta(days=1)).isoformat()}T22:15:00.0000000+00:00"
