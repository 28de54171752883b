"""Checking the API member's rights row by row, by whichever way the tenant answers (fact sheet §9.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from psa.adapters.base import Permission
from psa.adapters.connectwise.client import Client
from psa.adapters.connectwise.rights import RIGHTS, VERBS, Right
from psa.adapters.connectwise.values import Row, flag, reference_id, text
from reconcile.http.errors import RemoteError

OK, MISSING, TOO_WIDE, UNKNOWN = "ok", "missing", "too_wide", "unknown"
_CANNOT = "Cannot verify: "


@dataclass(frozen=True)
class Role:
    """What could be learned about the role: levels by function, and the member's own record."""

    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    member: Row | None = None

    def levels_of(self, right: Right) -> Mapping[str, str] | None:
        """Give the levels of a row's function; None when they are not known."""
        return self.levels.get(_name(right.module, right.function))


def check(client: Client) -> list[Permission]:
    """Check every row; a check that is not available is reported as such and fails nothing."""
    role = _read_role(client)
    rows = [_judge(right, role.levels_of(right), _probe(client, right)) for right in RIGHTS]
    return [*rows, _agreement_types(client), _visible_figures(role)]


def _read_role(client: Client) -> Role:
    """Learn the levels from the member's own security (4), else through its role (3), else not at all."""
    own = _try(client, "system/mySecurity")
    members = _try(client, "system/apiMembers")
    member_id = reference_id(own[0], "member") if own else ""
    if member_id:
        found = [row for row in members if str(row.get("id")) == member_id]
    else:
        found = members if len(members) == 1 else []
    member = found[0] if found else None
    if own or member is None:
        return Role(_levels(own), member)
    role_id = reference_id(member, "securityRole")
    return Role(_levels(_try(client, f"system/securityRoles/{role_id}/settings") if role_id else []), member)


def _try(client: Client, path: str) -> list[Row]:
    try:
        return client.listed(path, key=lambda row: (row.get("id"), text(row, "moduleFunctionIdentifier")))
    except RemoteError:
        return []


def _levels(rows: list[Row]) -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for row in rows:
        levels = {verb: text(row, f"{verb}Level") or "None" for verb in VERBS}
        for form in ("Name", "Description", "Identifier"):
            found[_name(text(row, f"module{form}"), text(row, f"moduleFunction{form}"))] = levels
    return found


def _name(module: str, function: str) -> str:
    """Compare names by their letters alone: "Service Desk" and "ServiceDesk" are one."""
    return "".join(sign for sign in f"{module}>{function}".casefold() if sign.isalnum() or sign == ">")


def _probe(client: Client, right: Right) -> dict[str, bool | None]:
    """Try one row of each list: True it can be read, False the role lacks it, None it cannot be told."""
    return {name: _readable(client, path) for path, name in right.probes}


def _readable(client: Client, path: str) -> bool | None:
    try:
        client.get(path, {"pageSize": 1, "fields": "id"})
    except RemoteError as error:
        return False if error.status == 403 else None
    return True


def _judge(right: Right, levels: Mapping[str, str] | None, probed: dict[str, bool | None]) -> Permission:
    refused = [name for name, readable in probed.items() if readable is False]
    if refused:
        return _row(right, MISSING, f"ConnectWise refuses to show: {', '.join(refused)}.")
    if levels is None:
        return _row(right, UNKNOWN, _CANNOT + _unverified(right, probed))
    lacking = [
        f"{verb.capitalize()} is {levels[verb]}" for verb in right.verbs if levels[verb].lower() != "all"
    ]
    if lacking and right.optional:
        return _row(right, UNKNOWN, "Not given. It is optional.")
    if lacking:
        silent = " With Inquire at My, records are missing in silence." if levels["inquire"] == "My" else ""
        return _row(right, MISSING, f"{'; '.join(lacking)}; needed is All.{silent}")
    wide = [f"{verb.capitalize()} is {levels[verb]}" for verb in VERBS if _exceeds(right, levels, verb)]
    if wide:
        return _row(right, TOO_WIDE, f"{'; '.join(wide)}: Reconcile does not need it.")
    return _row(right, OK, "")


def _exceeds(right: Right, levels: Mapping[str, str], verb: str) -> bool:
    return verb not in right.verbs and levels[verb].lower() != "none"


def _unverified(right: Right, probed: dict[str, bool | None]) -> str:
    if not probed:
        return "ConnectWise does not tell this API member its own rights."
    if not all(probed.values()):
        return "the list could not be read just now."
    writes = " and whether it may write" if "edit" in right.verbs else ""
    return f"it can be read; whether at level All{writes} ConnectWise does not tell this API member."


def _row(right: Right, state: str, detail: str) -> Permission:
    return Permission(
        need=right.need, where=right.where, level=right.level, why=right.why, state=state, detail=detail
    )


def _agreement_types(client: Client) -> Permission:
    """Name the visible agreement types: one that is missing points at Customize, and only a person knows it."""
    try:
        rows = client.first_allowed("finance/agreements/types", "finance/agreements/types/info")
    except RemoteError as error:
        state, detail = (MISSING if error.status == 403 else UNKNOWN), error.sentence
    else:
        names = ", ".join(sorted(text(row, "name") for row in rows))
        state = UNKNOWN if rows else MISSING
        detail = f"Visible: {names or 'none'}. If one is missing here, allow it in Customize."
    return Permission(
        need="Agreement types",
        where="Finance > Agreements > Customize",
        level="Allow every wanted type",
        why="ConnectWise hides agreements of other types as if they did not exist.",
        state=state,
        detail=detail,
    )


def _visible_figures(role: Role) -> Permission:
    """Look at the flags that hide prices, costs and boards from the API member (§9.1)."""
    state, detail = UNKNOWN, _CANNOT + "the API member's own record cannot be read."
    if role.member is not None:
        names = {"blockPriceFlag": "prices", "blockCostFlag": "costs"}
        hidden = [name for key, name in names.items() if flag(role.member, key)]
        hidden += ["some service boards"] if role.member.get("excludedServiceBoardIds") else []
        state = MISSING if hidden else OK
        detail = f"Hidden from it: {', '.join(hidden)}." if hidden else ""
    return Permission(
        need="Prices, costs and boards",
        where="System > Members > API Members",
        level="Nothing blocked",
        why="Amounts cannot be shown, and dated lines cannot take over their price, when these are hidden.",
        state=state,
        detail=detail,
    )
