"""Licence usage, the calls of older servers, and the monthly reports (sheet §8, §9)."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from demo.veeam_vspc.query import Query, first

Row = dict[str, Any]

# Which servers each of the older calls reports on, and the prefix of its counter types.
OLDER_CALLS = {
    "sites": ("CloudConnect", "CC"),
    "backupServers": ("BackupAndReplication", "VBR"),
    "console": ("VSPC", "VAC"),
    "voneServers": ("VONE", "VONE"),
    "vbm365Servers": ("VB365", "VB365"),
}
OLDER_WORDS = {
    ("CC", "workstation agents"): "CC_Workstation_Backup",
    ("CC", "server agents"): "CC_Server_Backup",
    ("CC", "virtual machines"): "CC_VM_Backup",
    ("CC", "cloud server backups"): "CC_Server_Backup",
    ("VBR", "virtual machines"): "VBR_vSphere_VM",
    ("VBR", "workstation agents"): "VBR_Workstation_Agent",
    ("VBR", "server agents"): "VBR_Server_Agent",
    ("VAC", "workstation agents"): "VAC_Workstation_Agent",
    ("VAC", "server agents"): "VAC_Server_Agent",
    ("VB365", "protected users"): "VB365_User",
}
COUNTS = ("rentalCount", "newCount", "usedCount")


def matching(rows: Iterable[Row], query: Query) -> list[Row]:
    """Return the licence rows that the call's parameters ask for; server parameters also cut the servers."""
    server = {name: first(query, name) for name in ("serverUid", "serverType") if first(query, name)}
    owner = {
        name: first(query, name)
        for name in ("organizationType", "organizationUid", "providerUid")
        if first(query, name)
    }
    found = []
    for row in rows:
        servers = [one for one in row["servers"] if _fits(one, server)]
        if _fits(row, owner) and (servers or not server):
            found.append(row | {"servers": servers})
    return found


def older_rows(rows: Iterable[Row], call: str) -> list[Row]:
    """Return what one of the five older calls gives: counters per company, no decimals, no points."""
    server_type, prefix = OLDER_CALLS[call]
    found = []
    for row in rows:
        if row["organizationType"] != "Company":
            continue
        sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
        for workload in _workloads(row, server_type):
            for name in COUNTS:
                sums[_older_type(prefix, workload["description"])][name] += workload.get(name, 0)
        if sums:
            counters = [{"type": kind, **counts} for kind, counts in sums.items()]
            found.append({"companyUid": row["organizationUid"], "counters": counters})
    return found


def set_workload(rows: Iterable[Row], organization: str, description: str, used: int | None) -> int:
    """Make an organisation's used count of a workload `used` (None: 0) on its first server; returns how many."""
    mine = [
        workload
        for row in rows
        if row["organizationUid"] == organization
        for workload in _workloads(row, "")
        if workload["description"] == description
    ]
    for number, workload in enumerate(mine):
        workload["usedCount"] = 0 if number else used or 0
    return len(mine)


def latest_reports(rows: Sequence[Row]) -> list[Row]:
    """Return the reports of the newest interval."""
    newest = max((_interval_end(row) for row in rows), default="")
    return [row for row in rows if _interval_end(row) == newest]


def reports_of_day(rows: Sequence[Row], day: str) -> list[Row]:
    """Return the reports whose interval holds the day (YYYY-MM-DD), or that were made on it."""
    found = []
    for row in rows:
        made, interval = (
            row["reportParameters"].get("generationDate", ""),
            row["reportParameters"]["reportInterval"],
        )
        holds = interval["startOfInterval"][:10] <= day <= interval["endOfInterval"][:10]
        if holds or made[:10] == day:
            found.append(row)
    return found


def report_csv(row: Row) -> bytes:
    """Return a report's points per organisation as CSV."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["organizationName", "organizationUid", "organizationType", "usedPoints"])
    for used in row.get("organizationsUsage", []):
        names = ("organizationName", "organizationUid", "organizationType", "usedPoints")
        writer.writerow([used.get(name) for name in names])
    return text.getvalue().encode()


def _fits(row: Row, wanted: dict[str, str]) -> bool:
    return all(str(row.get(name) or "").lower() == value.lower() for name, value in wanted.items())


def _workloads(row: Row, server_type: str) -> list[Row]:
    servers = [one for one in row["servers"] if server_type in ("", one["serverType"])]
    return [workload for server in servers for workload in server["workloads"]]


def _older_type(prefix: str, description: str) -> str:
    known = OLDER_WORDS.get((prefix, description.lower()))
    return known or f"{prefix}_{'_'.join(description.split())}"


def _interval_end(row: Row) -> str:
    return str(row["reportParameters"]["reportInterval"]["endOfInterval"])
