"""Companies, resellers and organisations in the shapes the API sends (sheet §6, §10, §11)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from demo.veeam_vspc.versions import spelled_status

LOST_BACKUP_SERVER = 17
LOST_CLOUD_CONNECT = 41
TEMPLATE_NAMES = {
    LOST_BACKUP_SERVER: "Lost connection to a managed Backup & Replication server",
    LOST_CLOUD_CONNECT: "Lost connection to Cloud Connect",
}

Row = dict[str, Any]


def uid_of(*parts: object) -> str:
    """Return an invented but lasting uuid for what the data names no uid for."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "veeam-vspc:" + ":".join(map(str, parts))))


def completed_company(row: Mapping[str, Any], kind: str = "Company") -> Row:
    """Fill in what every company (or reseller) object carries; `ownerCredentials` always, its password never."""
    uid = row["instanceUid"]
    owner = dict(row.get("ownerCredentials") or {"userName": f"{row['name'][:12]}\\owner"})
    defaults: Row = {
        "status": "Active",
        "resellerUid": None,
        "subscriptionPlanUid": None,
        "isRestAccessEnabled": False,
        "isAlarmDetectEnabled": False,
        "companyServices": {"hostedServices": {}, "remoteServices": {}},
        "loginUrl": None,
    }
    given = (row.get("_embedded") or {}).get("organization") or {}
    organization = {"instanceUid": uid, "name": row["name"], "type": kind, "companyId": None} | given
    return (
        defaults
        | dict(row)
        | {"ownerCredentials": owner | {"password": None}, "_embedded": {"organization": organization}}
    )


def shown_company(row: Row, version: str, expand: str) -> Row:
    """Return a company as one call shows it: status by version, the organisation only when expanded."""
    shown = row | {"status": spelled_status(row["status"], version)}
    if "organization" not in expand.lower().split(","):
        del shown["_embedded"]
    return shown


def provider_of(licensing: Iterable[Row], given: Sequence[Row]) -> Row:
    """Return the provider's own organisation: as given, else the one that the licence rows name."""
    if given:
        return dict(given[0])
    uids = (row["organizationUid"] for row in licensing if row.get("organizationType") == "Provider")
    uid = next(uids, uid_of("provider"))
    return {"instanceUid": uid, "name": "Provider", "type": "Provider", "companyId": None}


def completed_templates(rows: Sequence[Row]) -> list[Row]:
    """Return the alarm templates, the two predefined lost-connection ones among them."""
    known = {row.get("internalId") for row in rows}
    missing = [
        {"instanceUid": uid_of("template", number), "internalId": number, "name": name}
        for number, name in TEMPLATE_NAMES.items()
        if number not in known
    ]
    return [dict(row) for row in rows] + missing


def lost_connection(template_uid: str, company: Row, status: str, at: str) -> Row:
    """Return an active alarm of a company in the API's shape; `at` is a UTC time as text."""
    server = f"bck-{company['instanceUid'][:4]}"
    return {
        "instanceUid": uid_of("alarm", template_uid, company["instanceUid"]),
        "alarmTemplateUid": template_uid,
        "repeatCount": 1,
        "area": "vspc",
        "object": {
            "instanceUid": uid_of("server", company["instanceUid"]),
            "type": "BackupServer",
            "organizationUid": company["instanceUid"],
            "companyUid": company["instanceUid"],
            "locationUid": None,
            "managementAgentUid": None,
            "computerName": server,
            "objectUid": None,
            "objectName": server,
        },
        "lastActivation": {
            "instanceUid": uid_of("activation", template_uid, company["instanceUid"], at),
            "time": at,
            "status": status,
            "message": "The server has not answered.",
            "remark": "",
        },
    }
