"""Renders a plan as rows of the Veeam console's API (facts/vendors/veeam_vspc §6 to §11) for a day."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from demo.worlds.names import domain
from demo.worlds.plan import Alarm, Plan, Reseller, Tenant
from demo.worlds.planter import uid
from demo.worlds.veeam_items import item_rows
from demo.worlds.veeam_licences import billing_rows, licence_rows, report_rows

Row = dict[str, Any]

SETTLED_DAYS = 6
GIB = 1024**3
ALARM_NAMES = {
    17: "Lost connection to a managed backup server",
    41: "Lost connection to the cloud connect server",
    103: "Backup job has not run",
}
EMPTY = (
    "companies", "resellers", "usage", "licensing", "active_alarms", "subscription_plans", "invoices", "computers",
    "virtual_machines", "vb365_objects", "reports",
)  # fmt: skip


def nothing() -> dict[str, list[Row]]:
    """Return every list of the console, empty but for the predefined alarms."""
    return {name: [] for name in EMPTY} | {"alarm_templates": alarm_templates()}


def veeam(plan: Plan, today: date) -> dict[str, list[Row]]:
    """Return every list of the console as it stands on `today`."""
    rows = nothing()
    rows["companies"] = [company_row(tenant) for tenant in plan.tenants]
    rows["resellers"] = [reseller_row(reseller) for reseller in plan.resellers]
    rows["usage"] = usage_rows(plan, today)
    rows["active_alarms"] = [alarm_row(alarm, today) for alarm in plan.alarms]
    if plan.named_units:
        rows |= {"licensing": licence_rows(plan), "reports": report_rows(plan, today)}
        rows |= billing_rows(plan, today) | item_rows(plan, today)
    return rows


def company_row(tenant: Tenant) -> Row:
    """Return a company with its organisation embedded (§6)."""
    return _organisation(
        tenant.uid,
        tenant.name,
        "Company",
        tenant.status,
        tenant.reseller.uid if tenant.reseller else None,
        tenant.crm_ref,
    )


def reseller_row(reseller: Reseller) -> Row:
    """Return a reseller: the same shape."""
    return _organisation(reseller.uid, reseller.name, "Reseller", "Active", None, None)


def _organisation(
    number: str, name: str, kind: str, status: str, reseller: str | None, crm_ref: str | None
) -> Row:
    return {
        "instanceUid": number,
        "name": name,
        "status": status,
        "resellerUid": reseller,
        "subscriptionPlanUid": uid("plan", "standard"),
        "ownerCredentials": {"userName": f"{domain(name).removesuffix('.example')}\\owner", "password": None},
        "isRestAccessEnabled": False,
        "isAlarmDetectEnabled": True,
        "companyServices": {"hostedServices": {}, "remoteServices": {}},
        "loginUrl": None,
        "_embedded": {
            "organization": {
                "instanceUid": number,
                "name": name,
                "alias": None,
                "type": kind,
                "email": f"office@{domain(name)}",
                "website": f"https://{domain(name)}",
                "countryName": None,
                "notes": None,
                "veeamTenantId": None,
                "companyId": crm_ref,
            }
        },
    }


def usage_rows(plan: Plan, today: date) -> list[Row]:
    """Return one row per company, location and day; days with the same counts share their counters."""
    histories = [(tenant, list(_locations(tenant, plan.usage_days))) for tenant in plan.tenants]
    return [
        {
            "companyUid": tenant.uid,
            "resellerUid": tenant.reseller.uid if tenant.reseller else None,
            "locationUid": location,
            "date": f"{(today - timedelta(days=ago)).isoformat()}T00:00:00.0000000+00:00",
            "counters": periods[_period(ago)],
        }
        for ago in reversed(range(plan.usage_days))
        for tenant, locations in histories
        if ago >= tenant.silent_days
        for location, periods in locations
    ]


def _period(days_ago: int) -> int:
    """Return 0 for the last days, in which nothing moves, else how many weeks ago that was, from 1."""
    return 0 if days_ago < SETTLED_DAYS else 1 + (days_ago - SETTLED_DAYS) // 7


def _locations(tenant: Tenant, days: int) -> Iterator[tuple[str, list[list[Row]]]]:
    last = _period(days - 1)
    for place in range(len(tenant.locations)):
        periods = [
            [
                {"type": counter, "value": _share(tenant.locations, place, value)}
                for counter, value in _values(tenant, period)
            ]
            for period in range(last + 1)
        ]
        yield uid("location", f"{tenant.uid}.{place}"), periods


def _values(tenant: Tenant, period: int) -> Iterator[tuple[str, int]]:
    """Yield the counters of a period in the API's whole numbers; earlier weeks grow towards now."""
    counters = tenant.counts if period == 0 else tenant.counts | tenant.before
    for counter, units in counters.items():
        grown = units * (100 - 2 * period) / 100 if counter not in tenant.before else units
        yield counter, raw(counter, grown)


def raw(counter: str, units: Decimal) -> int:
    """Return units as the API counts them: bytes for sizes, whole objects for the rest."""
    is_size = counter.endswith(("Size", "Usage", "TransferIn", "TransferOut"))
    return int(units * GIB) if is_size else int(units)


def _share(weights: tuple[int, ...], place: int, value: int) -> int:
    parts = [value * weight // sum(weights) for weight in weights]
    return parts[place] + (value - sum(parts) if place == 0 else 0)


def alarm_templates() -> list[Row]:
    """Return the predefined alarms (§11)."""
    return [
        {"instanceUid": uid("alarm", str(number)), "internalId": number, "name": name, "isPredefined": True}
        for number, name in ALARM_NAMES.items()
    ]


def alarm_row(alarm: Alarm, today: date) -> Row:
    """Return an active alarm; the company stands under one of two fields, the other is null (§11)."""
    named = {"companyUid": None, "organizationUid": None, alarm.place: alarm.tenant.uid}
    name = f"{alarm.template}.{alarm.tenant.uid}"
    return {
        "instanceUid": uid("active-alarm", name),
        "alarmTemplateUid": uid("alarm", str(alarm.template)),
        "repeatCount": 3,
        "area": "vspc",
        "object": {
            "instanceUid": uid("server", name),
            "type": "BackupServer",
            **named,
            "locationUid": None,
            "managementAgentUid": None,
            "computerName": "BACKUP-01",
            "objectUid": uid("server", name),
            "objectName": "BACKUP-01",
        },
        "lastActivation": {
            "instanceUid": uid("activation", name),
            "time": f"{(today - timedelta(days=2)).isoformat()}T04:10:00.0000000+00:00",
            "status": alarm.status,
            "message": ALARM_NAMES[alarm.template],
            "remark": "",
        },
    }
