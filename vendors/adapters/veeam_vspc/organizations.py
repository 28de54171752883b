"""Companies, resellers and the provider itself as vendor accounts (sheet §6, §12)."""

import json
from typing import Any

from vendors.adapters.base import AccountKind, VendorAccountRecord
from vendors.adapters.veeam_vspc.console import ConsoleClient, Heard, nobody
from vendors.adapters.veeam_vspc.errors import unknown_shape

Row = dict[str, Any]


def read_accounts(console: ConsoleClient, heard: Heard = nobody) -> list[VendorAccountRecord]:
    """Read every account the console lists, parents first."""
    expand = {"expand": "Organization"}
    resellers = console.read_list("organizations/resellers", uid_of, expand)
    companies = console.read_list("organizations/companies", uid_of, expand, heard)
    return [
        *(account_of(row, AccountKind.PROVIDER) for row in read_providers(console)),
        *(account_of(row, AccountKind.RESELLER) for row in resellers),
        *(account_of(row, AccountKind.CUSTOMER) for row in companies),
    ]


def read_providers(console: ConsoleClient) -> list[Row]:
    """Read the service provider's own organisation: its usage is the MSP's internal use."""
    only = json.dumps([{"property": "type", "operation": "equals", "value": "Provider"}])
    rows = console.read_list("organizations", uid_of, {"filter": only})
    return [row for row in rows if row.get("type") == "Provider"]


def account_of(row: Row, kind: AccountKind) -> VendorAccountRecord:
    """Take what an account needs from a company, reseller or organisation; never `ownerCredentials`."""
    organization = (row.get("_embedded") or {}).get("organization") or row
    return VendorAccountRecord(
        external_id=str(row["instanceUid"]),
        name=str(row.get("name") or organization.get("name") or row["instanceUid"]),
        parent_external_id=str(row.get("resellerUid") or ""),
        kind=kind,
        status=status_word(str(row.get("status") or "Active")),
        crm_ref=str(organization.get("companyId") or "").strip(),
    )


def status_word(status: str) -> str:
    """Return a status in lower case; 3.6 and 3.6.1 write `REMOVED_Deleted` for what others call `Deleted`."""
    return status.removeprefix("REMOVED_").lower()


def uid_of(row: Row) -> str:
    """Tell organisations apart; raises OurBug for one without its id."""
    uid = row.get("instanceUid")
    if not isinstance(uid, str) or not uid:
        raise unknown_shape("an organisation without instanceUid")
    return uid
