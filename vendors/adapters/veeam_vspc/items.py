"""The named machines, users and objects behind a count (sheet §13)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vendors.adapters.base import Item
from vendors.adapters.veeam_vspc.console import ConsoleClient
from vendors.adapters.veeam_vspc.errors import unknown_shape

Row = dict[str, Any]


@dataclass(frozen=True)
class Drill:
    """Which list names the units of a counter, where their id stands, and which rows belong to it."""

    path: str
    id_field: str
    kind: str
    belongs: Callable[[Row], bool]


def _computers(mode: str, path: str = "computersManagedByConsole") -> Drill:
    return Drill(path, "backupAgentUid", "device", lambda row: row.get("operationMode") == mode)


def _objects(kind: str, item: str) -> Drill:
    return Drill("vb365ProtectedObjects", "id", item, lambda row: row.get("protectedDataType") == kind)


_MACHINES = Drill("virtualMachines", "instanceUid", "device", lambda _: True)
_BY_SERVER = "computersManagedByBackupServer"
DRILLS = {
    "ManagedWorkstationAgents": _computers("Workstation"),
    "ManagedServerAgents": _computers("Server"),
    "WorkstationCloudBackups": _computers("Workstation", _BY_SERVER),
    "ServerCloudBackups": _computers("Server", _BY_SERVER),
    "ManagedVms": _MACHINES,
    "BackedupVms": _MACHINES,
    "Vb365ProtectedUsers": _objects("User", "user"),
    "Vb365ProtectedEducationalUsers": Drill(
        "vb365ProtectedObjects",
        "id",
        "user",
        lambda row: row.get("protectedDataType") == "User" and bool(row.get("isEducationalUser")),
    ),
    "Vb365ProtectedGroups": _objects("Group", "group"),
    "Vb365ProtectedSites": _objects("Site", "site"),
    "Vb365ProtectedTeams": _objects("Teams", "team"),
}


def read_items(console: ConsoleClient, company: str, service: str) -> list[Item]:
    """Read the units behind a company's count; none for a counter that the console does not break down."""
    drill = DRILLS.get(service)
    if drill is None:
        return []
    rule = json.dumps([{"property": "organizationUid", "operation": "equals", "value": company}])
    rows = console.read_list(
        f"protectedWorkloads/{drill.path}", lambda row: _id(row, drill), {"filter": rule}
    )
    mine = (row for row in rows if str(row.get("organizationUid")).lower() == company.lower())
    return [_item(row, drill) for row in mine if drill.belongs(row)]


def _id(row: Row, drill: Drill) -> str:
    value = row.get(drill.id_field)
    if not value:
        raise unknown_shape(f"a row of {drill.path} without {drill.id_field}")
    return str(value)


def _item(row: Row, drill: Drill) -> Item:
    free = row.get("consumesLicense") is False
    return Item(
        external_id=_id(row, drill),
        name=str(row.get("name") or ""),
        kind=drill.kind,
        last_seen=_moment(row.get("latestRestorePointDate")),
        counts=not free,
        reason="It consumes no licence." if free else "",
    )


def _moment(text: Any) -> datetime | None:
    """Read a time as UTC; a restore point that was never made, or is unreadable, is unknown."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
