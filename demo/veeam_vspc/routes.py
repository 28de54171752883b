"""The console's calls: which path gives which rows."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from demo.server import Request, Response, Route
from demo.veeam_vspc import licensing
from demo.veeam_vspc.console import find
from demo.veeam_vspc.options import VeeamOptions
from demo.veeam_vspc.query import chosen, enveloped, enveloped_one

if TYPE_CHECKING:
    from demo.veeam_vspc.simulator import VeeamSimulator

Row = dict[str, Any]
Rows = Callable[[Request, VeeamOptions], list[Row]]
Handler = Callable[[Request], Response]


def api_routes(sim: "VeeamSimulator") -> list[Route]:
    """Return every call of the API; fixed paths come before those with an id in the same place."""
    routes = [Route("GET", path, _listing(sim, rows)) for path, rows in _lists(sim).items()]
    routes += [Route("GET", path, _single(sim, rows)) for path, rows in _singles(sim).items()]
    return routes + _plain_routes(sim) + _action_routes(sim)


def _lists(sim: "VeeamSimulator") -> dict[str, Rows]:
    console = sim.console
    older = {f"/licensing/{call}/usage/companies": _older(sim, call) for call in licensing.OLDER_CALLS}
    return older | {
        "/organizations": _always(console.organizations),
        "/organizations/companies": partial(console.shown, console.companies),
        "/organizations/companies/usage": console.company_usage,
        "/organizations/companies/billing/invoices": _always(lambda: console.plain("invoices")),
        "/organizations/companies/{uid}/usage": console.company_usage,
        "/organizations/companies/{uid}/billing/invoices": console.invoices_of_company,
        "/organizations/resellers": partial(console.shown, console.resellers),
        "/organizations/resellers/usage": console.reseller_usage,
        "/organizations/resellers/{uid}/usage": console.reseller_usage,
        "/organizations/resellers/{uid}/companies": console.companies_of_reseller,
        "/licensing/usage/organizations": console.licence_usage,
        "/licensing/reports": _always(lambda: console.reports),
        "/licensing/reports/latest": _always(lambda: licensing.latest_reports(console.reports)),
        "/licensing/reports/{day}": console.reports_of_day,
        "/subscriptionPlans": _always(lambda: console.plain("subscription_plans")),
        "/alarms/templates": _always(lambda: console.templates),
        "/alarms/active": _always(lambda: console.alarms),
        "/protectedWorkloads/computersManagedByConsole": _always(partial(console.computers, by_server=False)),
        "/protectedWorkloads/computersManagedByBackupServer": _always(
            partial(console.computers, by_server=True)
        ),
        "/protectedWorkloads/virtualMachines": _always(lambda: console.plain("virtual_machines")),
        "/protectedWorkloads/vb365ProtectedObjects": _always(lambda: console.plain("vb365_objects")),
        "/asyncActions": _always(sim.actions.listed),
    }


def _singles(sim: "VeeamSimulator") -> dict[str, Rows]:
    """Return the calls that answer with the one row whose uid the path names."""
    console = sim.console
    return {
        "/organizations/companies/{uid}": partial(console.shown, console.companies),
        "/organizations/resellers/{uid}": partial(console.shown, console.resellers),
        "/organizations/{uid}": _always(console.organizations),
    }


def _older(sim: "VeeamSimulator", call: str) -> Rows:
    return _always(lambda: licensing.older_rows(sim.console.licences, call))


def _always(rows: Callable[[], list[Row]]) -> Rows:
    """Wrap rows that depend neither on the call nor on the switches."""

    def give(_request: Request, _options: VeeamOptions) -> list[Row]:
        return rows()

    return give


def _listing(sim: "VeeamSimulator", rows: Rows) -> Handler:
    def handler(request: Request) -> Response:
        with sim.lock:
            found = chosen(rows(request, sim.now), request.query)
            return Response(200, enveloped(sim.moved(request, found), request.query))

    return handler


def _single(sim: "VeeamSimulator", rows: Rows) -> Handler:
    def handler(request: Request) -> Response:
        with sim.lock:
            row = find(rows(request, sim.now), request.params["uid"])
        return Response(200, enveloped_one(row)) if row else sim.failure(404)

    return handler


def _plain_routes(sim: "VeeamSimulator") -> list[Route]:
    console = sim.console

    def plan(request: Request) -> Response:
        found = console.plan_of_company(request.params["uid"])
        return Response(200, enveloped_one(found[0])) if found else sim.failure(404)

    def report_csv(request: Request) -> Response:
        number = request.params["number"]
        for row in console.reports:
            if str(row["reportParameters"]["reportId"]) == number:
                return Response(200, licensing.report_csv(row), {"Content-Type": "text/csv"})
        return sim.failure(404)

    return [
        Route("GET", "/about", lambda _: Response(200, enveloped_one(console.about()))),
        Route("GET", "/organizations/companies/{uid}/subscriptionPlan", plan),
        Route("GET", "/licensing/reports/{number}/csv", report_csv),
    ]


def _action_routes(sim: "VeeamSimulator") -> list[Route]:
    def show(request: Request) -> Response:
        action = sim.actions.asked(request.params["uid"])
        return Response(200, enveloped_one(action.shown())) if action else sim.failure(404)

    def result(request: Request) -> Response:
        action = sim.actions.find(request.params["uid"])
        done = action is not None and action.status == "succeed"
        return (
            Response(200, action.result.body, dict(action.result.headers))
            if action and done
            else sim.failure(404)
        )

    def gone(happened: bool) -> Response:
        return Response(204) if happened else sim.failure(404)

    return [
        Route("GET", "/asyncActions/{uid}", show),
        Route("GET", "/asyncActions/{uid}/result", result),
        Route(
            "DELETE", "/asyncActions/{uid}", lambda request: gone(sim.actions.cancel(request.params["uid"]))
        ),
        Route(
            "DELETE",
            "/asyncActions/{uid}/result",
            lambda request: gone(sim.actions.forget(request.params["uid"])),
        ),
    ]
