"""Switches for tests beside the API: let usage move, people come and go, raise or clear an alarm, forget all tokens.

`POST /_sim/usage {"company", "type", "value", "since"?}` sets a company's counter, summed over its locations
(`value` null takes it away); with `"workload"` in place of `"type"` it sets the used count of a licence.
`POST /_sim/names {"company", "list", "gone"?, "come"?}` takes rows away from a list of named units (`vb365_objects`,
`computers`, `virtual_machines`) by their names, and adds rows that are like the company's first. Counts stay.
`POST /_sim/alarms {"company", "internalId"?, "status"?, "clear"?}` raises a lost-connection alarm or clears it.
`POST /_sim/tokens {"refresh"?}` forgets every access token, and the refresh tokens if told.
A company is named by its uid or its name.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from demo.server import Request, Response, Route
from demo.veeam_vspc import licensing
from demo.veeam_vspc.rows import LOST_BACKUP_SERVER, lost_connection, uid_of
from demo.veeam_vspc.usage import day_of

if TYPE_CHECKING:
    from demo.veeam_vspc.simulator import VeeamSimulator

Row = dict[str, Any]


def control_routes(sim: "VeeamSimulator") -> list[Route]:
    """Return the routes below /_sim."""

    def usage(request: Request) -> Response:
        return _guarded(lambda wanted: _move_usage(sim, wanted), request)

    def names(request: Request) -> Response:
        return _guarded(lambda wanted: _move_names(sim, wanted), request)

    def alarms(request: Request) -> Response:
        return _guarded(lambda wanted: _move_alarm(sim, wanted), request)

    def tokens(request: Request) -> Response:
        return _guarded(lambda wanted: _forget_tokens(sim, wanted), request)

    return [
        Route("POST", "/_sim/usage", usage),
        Route("POST", "/_sim/names", names),
        Route("POST", "/_sim/alarms", alarms),
        Route("POST", "/_sim/tokens", tokens),
    ]


def _guarded(move: Callable[[Row], Row], request: Request) -> Response:
    try:
        return Response(200, move(request.json()))
    except (KeyError, ValueError, TypeError, StopIteration) as error:
        return Response(400, {"message": f"{type(error).__name__}: {error}"})


def _company(sim: "VeeamSimulator", name: str) -> Row:
    for row in [*sim.console.companies, sim.console.provider]:
        if name in (row["instanceUid"], row["name"]):
            return row
    raise ValueError(f"no company {name!r}")


def _move_usage(sim: "VeeamSimulator", wanted: Row) -> Row:
    value = wanted["value"]
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError("value is a whole number or null")
    with sim.lock:
        uid = _company(sim, wanted["company"])["instanceUid"]
        if "workload" in wanted:
            changed = licensing.set_workload(sim.console.licences, uid, wanted["workload"], value)
        else:
            since = day_of(wanted["since"]) if wanted.get("since") else None
            changed = sim.console.usage.set_counter(uid, wanted["type"], value, since)
    return {"company": uid, "rows_changed": changed}


def _move_names(sim: "VeeamSimulator", wanted: Row) -> Row:
    id_field = {"vb365_objects": "id", "computers": "backupAgentUid", "virtual_machines": "instanceUid"}[
        wanted["list"]
    ]
    with sim.lock:
        uid = _company(sim, wanted["company"])["instanceUid"]
        rows = sim.console.data.setdefault(wanted["list"], [])
        like = next(row for row in rows if row["organizationUid"] == uid)
        gone = set(wanted.get("gone", []))
        rows[:] = [row for row in rows if row["organizationUid"] != uid or row["name"] not in gone]
        rows += [
            like | {id_field: uid_of(wanted["list"], uid, name), "name": name}
            for name in wanted.get("come", [])
        ]
        return {"company": uid, "names": sum(row["organizationUid"] == uid for row in rows)}


def _move_alarm(sim: "VeeamSimulator", wanted: Row) -> Row:
    number = wanted.get("internalId", LOST_BACKUP_SERVER)
    at = datetime.now(UTC).isoformat()
    with sim.lock:
        console = sim.console
        template = next(row["instanceUid"] for row in console.templates if row["internalId"] == number)
        alarm = lost_connection(template, _company(sim, wanted["company"]), wanted.get("status", "Error"), at)
        console.alarms[:] = [row for row in console.alarms if not _concerns(row, alarm)]
        if not wanted.get("clear"):
            console.alarms.append(alarm)
    return {"active": len(console.alarms)}


def _forget_tokens(sim: "VeeamSimulator", wanted: Row) -> Row:
    sim.tokens.revoke_all(refresh=bool(wanted.get("refresh")))
    return {}


def _concerns(row: Row, alarm: Row) -> bool:
    """Whether a row is of the same template and company, however the data set filled its two uid fields."""
    place = row["object"]
    owner = alarm["object"]["companyUid"]
    return row["alarmTemplateUid"] == alarm["alarmTemplateUid"] and owner in (
        place.get("companyUid"),
        place.get("organizationUid"),
    )
