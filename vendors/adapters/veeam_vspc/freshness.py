"""Lost connections and incomplete reports: which numbers stand still, and why (sheet §9, §11)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconcile.http.errors import RemoteError
from vendors.adapters.base import VendorAccountRecord
from vendors.adapters.veeam_vspc.console import ConsoleClient
from vendors.adapters.veeam_vspc.errors import unknown_shape

LOST_CONNECTIONS = {17: "a managed Backup & Replication server", 41: "Cloud Connect"}
RAISED = frozenset({"Error", "Warning"})

Row = dict[str, Any]


@dataclass(frozen=True)
class LostConnection:
    """One raised alarm: which organisations it names, and the reason in words."""

    owners: frozenset[str]
    reason: str


def read_lost_connections(console: ConsoleClient) -> tuple[list[LostConnection], list[str]]:
    """Read the raised lost-connection alarms, and a warning for each of the two the console does not have."""
    found: list[LostConnection] = []
    warnings: list[str] = []
    for number, what in LOST_CONNECTIONS.items():
        templates = [
            row
            for row in _filtered(console, "alarms/templates", "internalId", number)
            if row.get("internalId") == number
        ]
        if not templates:
            warnings.append(
                f"The console has no alarm {number}, so a lost connection to {what} stays unseen."
            )
        for template in templates:
            uid = _uid(template)
            rows = _filtered(console, "alarms/active", "alarmTemplateUid", uid)
            found += [_lost(row, what) for row in rows if row.get("alarmTemplateUid") == uid and _raised(row)]
    return found, warnings


def stale_accounts(
    lost: Iterable[LostConnection], accounts: Iterable[VendorAccountRecord]
) -> tuple[dict[str, str], list[str]]:
    """Return the reason by stale account, and a warning for each alarm that names no known account.

    An alarm that names a reseller concerns its companies.
    """
    accounts = list(accounts)
    stale: dict[str, str] = {}
    warnings: list[str] = []
    for one in lost:
        hit = [
            account.external_id
            for account in accounts
            if {account.external_id, account.parent_external_id} & one.owners
        ]
        stale.update(dict.fromkeys(hit, one.reason))
        if not hit:
            warnings.append(f"{one.reason} The console does not say whose it is.")
    return stale, warnings


def report_warnings(console: ConsoleClient) -> list[str]:
    """Warn when the latest monthly report lacks servers (sheet §9); no count depends on the report.

    The shape of the call is not sure and not every user may see it, so a failure is a warning too.
    """
    try:
        reports = console.read_list("licensing/reports/latest", _report_id)
    except RemoteError as error:
        return [] if error.status == 404 else [f"The monthly licence report was not read. {error.sentence}"]
    missing = sum(_not_collected(report) for report in reports)
    if not missing:
        return []
    return [f"Veeam's latest monthly licence report lacks {missing} servers that it could not reach."]


def _not_collected(report: Row) -> int:
    """Count the servers that a report names as not collected, the provider's own and the customers'."""
    details = report.get("usageDetails") or []
    return len(report.get("notCollectedCloudServers") or []) + sum(
        len(detail.get("notCollectedClientServers") or []) for detail in details
    )


def _report_id(report: Row) -> str:
    return str((report.get("reportParameters") or {}).get("reportId"))


def _filtered(console: ConsoleClient, path: str, name: str, value: object) -> list[Row]:
    rule = json.dumps([{"property": name, "operation": "equals", "value": value}])
    return console.read_list(path, _uid, {"filter": rule})


def _uid(row: Row) -> str:
    uid = row.get("instanceUid")
    if not isinstance(uid, str) or not uid:
        raise unknown_shape("an alarm without instanceUid")
    return uid


def _raised(row: Row) -> bool:
    return (row.get("lastActivation") or {}).get("status") in RAISED


def _lost(row: Row, what: str) -> LostConnection:
    place, activation = row.get("object") or {}, row.get("lastActivation") or {}
    owners = frozenset(str(place[name]) for name in ("companyUid", "organizationUid") if place.get(name))
    name = place.get("objectName") or place.get("computerName") or "unnamed"
    since = str(activation.get("time") or "")[:10] or "an unknown day"
    return LostConnection(
        owners,
        f"Veeam lost its connection to {what} ({name}) since {since}: restore it in the console.",
    )
