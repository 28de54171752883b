"""What the console knows: its data set, and the rows behind each call (sheet §6-§11, §13)."""

import copy
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol

from demo.server import Request
from demo.veeam_vspc import licensing
from demo.veeam_vspc.options import VeeamOptions
from demo.veeam_vspc.query import BadQuery, first
from demo.veeam_vspc.rows import completed_company, completed_templates, provider_of, shown_company, uid_of
from demo.veeam_vspc.usage import UsageBook, day_of
from demo.veeam_vspc.versions import with_counters_of

Row = dict[str, Any]


class HasVeeamRows(Protocol):
    """What the console needs of a data set: its rows by name."""

    @property
    def veeam(self) -> Mapping[str, list[Row]]:
        """Give the lists in the API's own shapes."""


def today() -> date:
    """The present day, UTC."""
    return datetime.now(UTC).date()


class Console:
    """The data of one console, completed with what the API always sends."""

    def __init__(self, world: HasVeeamRows) -> None:
        data = {name: copy.deepcopy(rows) for name, rows in world.veeam.items()}
        self.data = data
        self.companies = [completed_company(row) for row in data.get("companies", [])]
        self.resellers = [completed_company(row, "Reseller") for row in data.get("resellers", [])]
        self.licences = data.get("licensing", [])
        self.reports = data.get("reports", [])
        self.provider = provider_of(self.licences, data.get("organizations", []))
        self.usage = UsageBook(data.get("usage", []), today)
        self.templates = completed_templates(data.get("alarm_templates", []))
        self.alarms = data.get("active_alarms", [])

    def plain(self, name: str) -> list[Row]:
        """Return a list that is shown as the data set has it."""
        return self.data.get(name, [])

    def about(self) -> Row:
        """Return what `/about` says of the installation."""
        return {
            "installationId": uid_of("installation", self.provider["instanceUid"]),
            "installationDate": "2023-03-01T00:00:00.0000000+00:00",
            "serverVersion": "9.1.0.0",
            "actualVawVersion": "6.3.0.0",
            "actualValVersion": "6.3.0.0",
            "actualVamVersion": "2.3.0.0",
            "windowsManagementAgentVersion": "9.1.0.0",
            "linuxManagementAgentVersion": "9.1.0.0",
            "macManagementAgentVersion": "9.1.0.0",
        }

    def organizations(self) -> list[Row]:
        """Return the provider, the resellers and the companies as organisations."""
        return [self.provider] + [row["_embedded"]["organization"] for row in self.resellers + self.companies]

    def shown(self, rows: list[Row], request: Request, options: VeeamOptions) -> list[Row]:
        """Return companies or resellers as this call shows them."""
        expand = first(request.query, "expand")
        return [shown_company(row, options.api_version, expand) for row in rows]

    def companies_of_reseller(self, request: Request, options: VeeamOptions) -> list[Row]:
        """Return the companies below the reseller named in the path."""
        mine = [row for row in self.companies if _same(row["resellerUid"], request.params["uid"])]
        return self.shown(mine, request, options)

    def company_usage(self, request: Request, options: VeeamOptions) -> list[Row]:
        """Return the daily rows between the call's dates, of one company where the path names it."""
        rows = self.usage.company_rows(*_dates(request))
        uid = request.params.get("uid")
        kept = (row for row in rows if uid is None or _same(row["companyUid"], uid))
        return [with_counters_of(row, options.api_version, options.unknown_counters) for row in kept]

    def reseller_usage(self, request: Request, options: VeeamOptions) -> list[Row]:
        """Return the daily sums per reseller, of one reseller where the path names it."""
        owners = {row["instanceUid"]: row["resellerUid"] for row in self.companies}
        rows = self.usage.reseller_rows(*_dates(request), owners)
        uid = request.params.get("uid")
        kept = (row for row in rows if uid is None or _same(row["resellerUid"], uid))
        return [with_counters_of(row, options.api_version, options.unknown_counters) for row in kept]

    def licence_usage(self, request: Request, _options: VeeamOptions) -> list[Row]:
        """Return licence usage by organisation."""
        return licensing.matching(self.licences, request.query)

    def reports_of_day(self, request: Request, _options: VeeamOptions) -> list[Row]:
        """Return the monthly reports whose interval holds the day named in the path."""
        return licensing.reports_of_day(self.reports, request.params["day"])

    def invoices_of_company(self, request: Request, _options: VeeamOptions) -> list[Row]:
        """Return the invoices of the company named in the path."""
        uid = request.params["uid"]
        return [row for row in self.plain("invoices") if _same(row["organizationUid"], uid)]

    def plan_of_company(self, uid: str) -> list[Row]:
        """Return a company's subscription plan, as a list of none or one."""
        company = find(self.companies, uid) or {}
        plan = company.get("subscriptionPlanUid")
        return [row for row in self.plain("subscription_plans") if plan and _same(row["instanceUid"], plan)]

    def computers(self, *, by_server: bool) -> list[Row]:
        """Return the computers that a backup server manages, or those that the console manages itself."""
        return [row for row in self.plain("computers") if ("backupServerUid" in row) == by_server]


def find(rows: list[Row], uid: str) -> Row | None:
    """Return the row of this uid."""
    return next((row for row in rows if _same(row["instanceUid"], uid)), None)


def _same(mine: str | None, asked: str) -> bool:
    return mine is not None and mine.lower() == asked.lower()


def _dates(request: Request) -> tuple[date | None, date | None]:
    texts = [first(request.query, name) for name in ("fromDate", "toDate")]
    try:
        start, end = (day_of(text) if text else None for text in texts)
    except ValueError as error:
        raise BadQuery("fromDate and toDate are dates: YYYY-MM-DD.") from error
    return start, end
