"""Two small data sets for trying the console: the sheet's own sample, and one company of every sort."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from demo.veeam_vspc.rows import (
    LOST_BACKUP_SERVER,
    completed_company,
    completed_templates,
    lost_connection,
    uid_of,
)
from demo.veeam_vspc.usage import seven_digits

NORTHWIND = "b4cc6d5e-5b53-4a2e-8f0f-8a1fb3a0f001"
SHEET_DAY = date(2025, 1, 31)
GIB = 1024**3

Row = dict[str, Any]


@dataclass(frozen=True)
class SampleWorld:
    """A data set of rows in the API's own shapes."""

    veeam: Mapping[str, list[Row]]


def sheet_world() -> SampleWorld:
    """Return the rows of the sheet's section 15, without its licence row."""
    company = {
        "instanceUid": NORTHWIND,
        "name": "Northwind Dental",
        "_embedded": {
            "organization": {
                "instanceUid": NORTHWIND,
                "name": "Northwind Dental",
                "type": "Company",
                "companyId": "PSA-1042",
            }
        },
    }
    places = ("9d0a1c9e-2222-4c1b-9f43-111111111111", "9d0a1c9e-2222-4c1b-9f43-222222222222")
    usage = [
        usage_row(
            NORTHWIND, places[0], SHEET_DAY, ManagedWorkstationAgents=12, CloudTotalUsage=5497558138880
        ),
        usage_row(NORTHWIND, places[1], SHEET_DAY, ManagedWorkstationAgents=3, Vb365ProtectedUsers=41),
    ]
    return SampleWorld({"companies": [company], "usage": usage})


def sheet_licence_row() -> Row:
    """Return the licence row of the sheet's section 15."""
    workload = workload_row("Workstation agents", 15, 4.5)
    return licence_row(NORTHWIND, "Company", ("VSPC", [workload]))


def every_sort(today: date) -> SampleWorld:
    """Return a company of each sort that an adapter must tell apart, with usage up to yesterday."""
    yesterday, before = today - timedelta(days=1), today - timedelta(days=2)
    plain, sold, quiet, gone, late, silent = (
        uid_of(name) for name in ("plain", "sold", "quiet", "gone", "late", "silent")
    )
    reseller, provider = uid_of("reseller"), uid_of("provider")
    companies = [
        company_row(plain, "Alder Clinic", companyId="PSA-7"),
        company_row(sold, "Birch Legal", reseller=reseller),
        company_row(quiet, "Cedar Foods", status="Disabled"),
        company_row(gone, "Dogwood Yard", status="Deleted"),
        company_row(late, "Elm Motors"),
        company_row(silent, "Fir Studio"),
    ]
    usage = [
        usage_row(plain, uid_of("plain", 1), yesterday, ManagedVms=4, Vb365ProtectedUsers=20),
        usage_row(plain, uid_of("plain", 2), yesterday, ManagedVms=5, Vb365BackupSize=3 * GIB + 1),
        usage_row(plain, uid_of("plain", 1), before, ManagedVms=40, Vb365ProtectedUsers=19),
        usage_row(plain, uid_of("plain", 2), before, ManagedVms=50),
        usage_row(plain, uid_of("plain", 1), today, ManagedVms=1),
        usage_row(sold, uid_of("sold", 1), yesterday, ManagedServerAgents=0, NewestThing=8),
        usage_row(late, uid_of("late", 1), before, ManagedVms=7),
        usage_row(silent, uid_of("silent", 1), yesterday, ManagedVms=6),
    ]
    licensing = [
        licence_row(
            plain,
            "Company",
            ("VSPC", [workload_row("Workstation agents", 15, 4.5)]),
            ("BackupAndReplication", [workload_row("Workstation agents", 2, 0.75)]),
        ),
        licence_row(reseller, "Reseller", ("VSPC", [workload_row("Workstation agents", 17, 5.25)])),
        licence_row(provider, "Provider", ("VSPC", [workload_row("Server agents", 3, 33.0)])),
    ]
    templates = {row["internalId"]: row for row in completed_templates([])}
    template = templates[LOST_BACKUP_SERVER]
    alarm = lost_connection(
        template["instanceUid"], completed_company(companies[-1]), "Warning", f"{before}T06:00:00+00:00"
    )
    alarm["object"] |= {"companyUid": None, "organizationUid": silent}
    return SampleWorld(
        {
            "companies": companies,
            "resellers": [company_row(reseller, "Grove Partners")],
            "usage": usage,
            "licensing": licensing,
            "alarm_templates": [template],
            "active_alarms": [alarm],
            **_named_units(plain),
        }
    )


def many(companies: int, day: date) -> SampleWorld:
    """Return many companies with one usage row each, to read over several pages."""
    uids = [uid_of("many", number) for number in range(companies)]
    return SampleWorld(
        {
            "companies": [company_row(uid, f"Customer {number}") for number, uid in enumerate(uids)],
            "usage": [usage_row(uid, uid_of(uid), day, ManagedVms=number) for number, uid in enumerate(uids)],
        }
    )


def company_row(
    uid: str,
    name: str,
    *,
    status: str = "Active",
    reseller: str | None = None,
    companyId: str = "",  # noqa: N803
) -> Row:
    """Return a company; what is left out the console fills in."""
    organization = {"companyId": companyId or None}
    return {
        "instanceUid": uid,
        "name": name,
        "status": status,
        "resellerUid": reseller,
        "_embedded": {"organization": organization},
    }


def usage_row(company: str, location: str, day: date, **counters: int) -> Row:
    """Return one company's counters at one location on one day."""
    return {
        "companyUid": company,
        "resellerUid": None,
        "locationUid": location,
        "date": seven_digits(day),
        "counters": [{"type": kind, "value": value} for kind, value in counters.items()],
    }


def workload_row(description: str, count: int, points: float) -> Row:
    """Return a licence workload; points are floats, as the API sends them."""
    return {
        "id": uid_of("workload", description),
        "description": description,
        "unitType": "Points",
        "rentalUnits": points,
        "newUnits": 0.0,
        "usedUnits": points,
        "rentalCount": count,
        "newCount": 0,
        "usedCount": count,
        "workloadsByPlatform": [],
    }


def licence_row(organization: str, kind: str, *servers: tuple[str, list[Row]]) -> Row:
    """Return an organisation's licence usage; each server is its type and its workloads."""
    return {
        "organizationUid": organization,
        "organizationType": kind,
        "providerUid": None,
        "servers": [
            {
                "serverUid": uid_of("server", organization, server),
                "serverType": server,
                "workloads": workloads,
            }
            for server, workloads in servers
        ],
    }


def _named_units(company: str) -> dict[str, list[Row]]:
    point = "2025-01-30T21:04:05.1234567+00:00"
    return {
        "computers": [
            {
                "backupAgentUid": uid_of("agent", number),
                "organizationUid": company,
                "name": f"PC-{number}",
                "numberOfJobs": 1,
                "operationMode": mode,
                "latestRestorePointDate": point,
            }
            for number, mode in enumerate(("Workstation", "Workstation", "Server"))
        ],
        "vb365_objects": [
            {
                "id": f"user-{number}",
                "name": f"mailbox-{number}@alder.example",
                "protectedDataType": "User",
                "organizationUid": company,
                "consumesLicense": consumes,
                "isEducationalUser": False,
                "latestRestorePointDate": point,
            }
            for number, consumes in enumerate((True, False))
        ],
    }
