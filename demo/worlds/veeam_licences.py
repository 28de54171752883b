"""Licences, the monthly report, the price book and invoices of the console (facts/vendors/veeam_vspc §8 to §10)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from demo.worlds.calendar import END_OF_LAST_MONTH, When
from demo.worlds.plan import Plan, Tenant
from demo.worlds.planter import uid

Row = dict[str, Any]

PROVIDER = uid("provider", "northgate")
# Counter, kind of server, the workload's description, points per object.
WORKLOADS = (
    ("ManagedWorkstationAgents", "VSPC", "Workstation agents", Decimal("2.75")),
    ("ManagedServerAgents", "VSPC", "Server agents", Decimal("8.5")),
    ("BackupedVms", "BackupAndReplication", "Virtual machines", Decimal("11")),
    ("Vb365ProtectedUsers", "VB365", "Protected users", Decimal("1.5")),
    ("ServerCloudBackups", "CloudConnect", "Cloud server backups", Decimal("7")),
)


def licence_rows(plan: Plan) -> list[Row]:
    """Return the licences in use now: one row per company, and the MSP's own use."""
    companies = [_licences(tenant.uid, "Company", _workloads(tenant)) for tenant in plan.tenants]
    own = [("VSPC", "Server agents", 6, Decimal("8.5")), ("VSPC", "Workstation agents", 11, Decimal("2.75"))]
    return [*(row for row in companies if row["servers"]), _licences(PROVIDER, "Provider", own)]


def _workloads(tenant: Tenant) -> list[tuple[str, str, int, Decimal]]:
    return [
        (server, description, int(tenant.counts[counter]), weight)
        for counter, server, description, weight in WORKLOADS
        if tenant.counts.get(counter)
    ]


def _licences(owner: str, kind: str, workloads: list[tuple[str, str, int, Decimal]]) -> Row:
    servers = sorted({server for server, *_ in workloads})
    return {
        "organizationUid": owner,
        "organizationType": kind,
        "providerUid": None if kind == "Provider" else PROVIDER,
        "servers": [
            {
                "serverUid": uid("server", f"{owner}.{server}"),
                "serverType": server,
                "workloads": [
                    _workload(owner, description, count, weight)
                    for where, description, count, weight in workloads
                    if where == server
                ],
            }
            for server in servers
        ],
    }


def _workload(owner: str, description: str, count: int, weight: Decimal) -> Row:
    return {
        "id": uid("workload", f"{owner}.{description}"),
        "description": description,
        "unitType": "Points",
        "rentalUnits": float(count * weight),
        "newUnits": 0.0,
        "usedUnits": float(count * weight),
        "rentalCount": count,
        "newCount": 0,
        "usedCount": count,
        "workloadsByPlatform": [],
    }


def report_rows(plan: Plan, today: date) -> list[Row]:
    """Return last month's report to the vendor, complete and approved (§9)."""
    points = [
        (tenant, sum((count * weight for _, _, count, weight in _workloads(tenant)), Decimal(0)))
        for tenant in plan.tenants
    ]
    usage = [
        {
            "organizationType": "Company",
            "organizationName": tenant.name,
            "organizationUid": tenant.uid,
            "usedPoints": float(used),
        }
        for tenant, used in points
        if used
    ]
    return [
        {
            "reportStatus": "Approved",
            "reportParameters": {
                "reportId": 1,
                "organizationName": "Northgate IT",
                "organizationUid": PROVIDER,
                "licenseCompanyName": "Northgate IT",
                "generationDate": _stamp(When(0).on(today)),
                "reportInterval": {
                    "startOfInterval": _stamp(When(-1).on(today)),
                    "endOfInterval": _stamp(END_OF_LAST_MONTH.on(today)),
                },
            },
            "reportSummary": {"totalPoints": sum(row["usedPoints"] for row in usage), "productsUsage": []},
            "organizationsUsage": usage,
            "usageDetails": [],
            "notCollectedCloudServers": [],
            "clonedCloudServers": [],
            "unsupportedCloudServers": [],
        }
    ]


def billing_rows(plan: Plan, today: date) -> dict[str, list[Row]]:
    """Return the console's own price book and a few invoices made from it (§10)."""
    book = uid("plan", "standard")
    return {
        "subscription_plans": [
            {
                "instanceUid": book,
                "name": "Northgate standard",
                "currency": "USD",
                "taxType": "SalesTax",
                "taxPercent": 0.0,
                "discountPercent": 0.0,
                "type": "Provider",
                "managedBackup": {},
                "cloudBackup": {},
                "vb365": {},
                "licenses": {},
                "externalPlugins": [],
            }
        ],
        "invoices": [_invoice(tenant, book, today) for tenant in plan.tenants[:12]],
    }


def _invoice(tenant: Tenant, book: str, today: date) -> Row:
    created, until = When(0).on(today), END_OF_LAST_MONTH.on(today)
    machines = int(tenant.counts.get("ManagedServerAgents", 0))
    net = machines * 10.0
    return {
        "instanceUid": uid("invoice", tenant.uid),
        "name": f"Invoice for {tenant.name}",
        "organizationUid": tenant.uid,
        "amount": net,
        "currencyCode": "USD",
        "subscriptionPlanUid": book,
        "creationDate": _stamp(created),
        "paidDate": None,
        "dueDate": _stamp(created + timedelta(days=30)),
        "status": "Unpaid",
        "type": "Invoice",
        "data": {
            "period": {"fromDate": _stamp(When(-1).on(today)), "toDate": _stamp(until)},
            "charges": [
                {
                    "category": "Managed backup",
                    "measure": "Units",
                    "quantity": machines,
                    "net": net,
                    "gross": net,
                    "discount": 0.0,
                    "tax": 0.0,
                }
            ],
            "totalNet": net,
            "totalGross": net,
            "totalDiscount": 0.0,
            "totalTax": 0.0,
        },
    }


def _stamp(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.0000000+00:00"
