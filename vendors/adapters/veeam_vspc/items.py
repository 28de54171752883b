"""The named machines, users and objects behind a count (sheet §13)."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from reconcile.http.errors import RemoteError
from vendors.adapters.base import CountedItems, CountRecord, Item, NamedItems, Progress, UsagePull
from vendors.adapters.veeam_vspc.console import ConsoleClient, Heard, nobody
from vendors.adapters.veeam_vspc.errors import unknown_shape

Row = dict[str, Any]
Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class Listing:
    """One list of the console: its path below `protectedWorkloads`, where a row's id stands, and what it lists."""

    path: str
    id_field: str
    what: str

    def id_of(self, row: Row) -> str:
        """Tell rows apart; raises OurBug for one without its id."""
        value = row.get(self.id_field)
        if not value:
            raise unknown_shape(f"a row of {self.path} without {self.id_field}")
        return str(value)


@dataclass(frozen=True)
class Drill:
    """Which list names the units of a counter, and which of its rows belong to it.

    `narrower` are those that belong where the sheet leaves it open and only they add up to the count.
    """

    listing: Listing
    kind: str
    belongs: Callable[[Row], bool]
    narrower: Callable[[Row], bool] | None = None


BY_CONSOLE = Listing("computersManagedByConsole", "backupAgentUid", "computers")
BY_SERVER = Listing("computersManagedByBackupServer", "backupAgentUid", "computers of backup servers")
MACHINES = Listing("virtualMachines", "instanceUid", "virtual machines")
OBJECTS = Listing("vb365ProtectedObjects", "id", "Microsoft 365 objects")


def _computers(mode: str, listing: Listing = BY_CONSOLE) -> Drill:
    return Drill(listing, "device", lambda row: row.get("operationMode") == mode)


def _objects(kind: str, item: str) -> Drill:
    return Drill(OBJECTS, item, lambda row: row.get("protectedDataType") == kind)


_MACHINES = Drill(MACHINES, "device", lambda _: True)
DRILLS = {
    "ManagedWorkstationAgents": _computers("Workstation"),
    "ManagedServerAgents": _computers("Server"),
    "WorkstationCloudBackups": _computers("Workstation", BY_SERVER),
    "ServerCloudBackups": _computers("Server", BY_SERVER),
    "ManagedVms": _MACHINES,
    "BackedupVms": _MACHINES,
    # Whether the users include the educational ones, the console does not say: its count does.
    "Vb365ProtectedUsers": replace(
        _objects("User", "user"), narrower=lambda row: not row.get("isEducationalUser")
    ),
    "Vb365ProtectedEducationalUsers": Drill(
        OBJECTS,
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
    rows = _read(console, drill.listing, {"filter": rule})
    mine = (row for row in rows if str(row.get("organizationUid")).lower() == company.lower())
    return [_item(row, drill) for row in mine if drill.belongs(row)]


def read_names(console: ConsoleClient, usage: UsagePull, tell: Tell) -> NamedItems:
    """Read each list once, whole, for all companies and counters; one that cannot be read costs the others nothing."""
    lists: dict[Listing, list[str]] = defaultdict(list)
    for service, drill in DRILLS.items():
        lists[drill.listing].append(service)
    counted = {(one.account_external_id.lower(), one.service_external_id): one for one in usage.counts}
    groups: list[CountedItems] = []
    whole: set[str] = set()
    unread: dict[str, str] = {}
    done = 0
    for listing, services in lists.items():
        try:
            rows = _read(console, listing, {}, _telling(tell, listing.what, done))
        except RemoteError as error:
            unread |= dict.fromkeys(services, _why(error, listing))
            continue
        done += len(rows)
        whole |= set(services)
        groups += [one for service in services for one in _grouped(rows, service, counted)]
    return NamedItems(groups=tuple(groups), whole=frozenset(whole), unread=unread)


def _read(
    console: ConsoleClient, listing: Listing, params: Mapping[str, Any], heard: Heard = nobody
) -> list[Row]:
    return console.read_list(f"protectedWorkloads/{listing.path}", listing.id_of, params, heard)


def _telling(tell: Tell, what: str, before: int) -> Heard:
    return lambda done, total: tell(Progress(done=before + done, total=before + total, what=what))


def _grouped(
    rows: Iterable[Row], service: str, counted: Mapping[tuple[str, str], CountRecord]
) -> Iterator[CountedItems]:
    """Yield the units of a counter by company; a list may hold more than what the console counts."""
    drill, found = DRILLS[service], defaultdict[str, list[Row]](list)
    for row in rows:
        company = str(row.get("organizationUid")).lower()
        if (company, service) in counted and drill.belongs(row):
            found[company].append(row)
    for company, mine in found.items():
        count = counted[company, service]
        yield CountedItems(
            account_external_id=count.account_external_id,
            service_external_id=service,
            items=tuple(_item(row, drill) for row in _fitting(mine, drill, count.quantity)),
        )


def _fitting(rows: list[Row], drill: Drill, units: Decimal) -> list[Row]:
    """Give the rows that the count counts: all of them, unless only the narrower choice adds up."""
    if drill.narrower is None or _counting(rows) == units:
        return rows
    narrower = [row for row in rows if drill.narrower(row)]
    return narrower if _counting(narrower) == units else rows


def _counting(rows: Iterable[Row]) -> int:
    return sum(row.get("consumesLicense") is not False for row in rows)


def _why(error: RemoteError, listing: Listing) -> str:
    if error.status == 403:
        return f"The Veeam console does not show its {listing.what} to the user that Reconcile uses."
    if error.status in (404, 405):
        return f"This version of the Veeam console does not list its {listing.what}."
    return error.sentence


def _item(row: Row, drill: Drill) -> Item:
    free = row.get("consumesLicense") is False
    name = str(row.get("name") or "")
    email = name if drill.kind == "user" and _is_address(name) else ""
    return Item(
        external_id=drill.listing.id_of(row),
        name=name,
        kind=drill.kind,
        identity=name if drill.kind == "device" else email,
        email=email,
        last_seen=_moment(row.get("latestRestorePointDate")),
        counts=not free,
        reason="It consumes no licence." if free else "",
    )


def _is_address(name: str) -> bool:
    """Whether a name is an e-mail address, and not one for show, which two people may share."""
    user, at, domain = name.strip().partition("@")
    return bool(user and at and domain) and not any(
        letter.isspace() or letter == "@" for letter in user + domain
    )


def _moment(text: Any) -> datetime | None:
    """Read a time as UTC; a restore point that was never made, or is unreadable, is unknown."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
