"""The Veeam adapter: identity, accounts, usage and named units of one console."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from vendors.adapters.base import (
    AccountKind,
    CountRecord,
    Item,
    NamedItems,
    Outcome,
    Progress,
    UsagePull,
    VendorAccountRecord,
    VendorCredentials,
    VendorIdentity,
)
from vendors.adapters.veeam_vspc import freshness, items, usage
from vendors.adapters.veeam_vspc.console import ConsoleClient, Heard
from vendors.adapters.veeam_vspc.counters import service_of
from vendors.adapters.veeam_vspc.licences import read_licences
from vendors.adapters.veeam_vspc.organizations import read_accounts
from vendors.adapters.veeam_vspc.outcomes import Findings

CHUNK = 500
# How far back a company's last row is looked for when the latest day has none.
LOOK_BACK = timedelta(days=3)
# A company in one of these has no rows because it is gone: what it had is really zero.
GONE = frozenset({"deleted", "deleting"})

Tell = Callable[[Progress], None]


class VeeamAdapter:
    """One console. Raises only RemoteError; nothing here writes or keeps a credential."""

    key = "veeam_vspc"

    def __init__(self, credentials: VendorCredentials) -> None:
        self._console = ConsoleClient(credentials)

    def identify(self) -> VendorIdentity:
        """Prove address and credentials, and that companies may be read."""
        about = self._console.read_one("about")
        companies = self._console.count_of("organizations/companies")
        return VendorIdentity(
            name=f"Veeam Service Provider Console at {self._console.host}",
            external_id=str(about.get("installationId") or ""),
            version=str(about.get("serverVersion") or ""),
            warnings=() if companies else ("The console shows this user no company.",),
        )

    def read_accounts(self) -> Iterator[Sequence[VendorAccountRecord]]:
        """Yield the provider, the resellers and the companies, once all of them have been read."""
        accounts = read_accounts(self._console)
        for start in range(0, len(accounts), CHUNK):
            yield accounts[start : start + CHUNK]

    def read_usage(self, day: date, tell: Tell) -> UsagePull:
        """Read the counts of `day` (UTC), or of the latest day before it that is over and was reported.

        Licences are given by the console for now only, whatever the day.
        """
        taken_at, findings = datetime.now(UTC), Findings()
        accounts = read_accounts(self._console, _telling(tell, "companies"))
        counts = self._read_daily(accounts, min(day, taken_at.date()), taken_at.date(), findings, tell)
        services = [service_of(name) for name in usage.services_in(counts)]
        licences = read_licences(self._console, findings, _telling(tell, "licence rows"))
        warnings = self._note_freshness(accounts, findings)
        counts += licences.counts(taken_at)
        return UsagePull(
            taken_at=taken_at,
            counts=counts,
            services=[*services, *licences.services.values()],
            complete=True,
            outcomes=findings.outcomes(),
            warnings=[*warnings, *_strangers(counts, accounts)],
        )

    def read_items(self, account_external_id: str, service_external_id: str) -> list[Item]:
        """Read the named machines, users or objects behind a count."""
        return items.read_items(self._console, account_external_id, service_external_id)

    def read_names(self, usage: UsagePull, tell: Tell) -> NamedItems:
        """Read the named machines, users and objects behind all counts: four lists, each once."""
        return items.read_names(self._console, usage, tell)

    def _read_daily(
        self,
        accounts: Sequence[VendorAccountRecord],
        day: date,
        today: date,
        findings: Findings,
        tell: Tell,
    ) -> list[CountRecord]:
        dates = {"fromDate": (day - LOOK_BACK).isoformat(), "toDate": day.isoformat()}
        rows = self._console.read_list(
            "organizations/companies/usage", usage.row_key, dates, _telling(tell, "usage rows")
        )
        expected = [
            account.external_id
            for account in accounts
            if account.kind is AccountKind.CUSTOMER and account.status not in GONE
        ]
        return usage.counts_of(rows, expected, usage.last_finished_day(rows, day, today), findings)

    def _note_freshness(self, accounts: Sequence[VendorAccountRecord], findings: Findings) -> list[str]:
        """Note resellers and lost connections; returns warnings."""
        for account in accounts:
            if account.kind is AccountKind.RESELLER:
                findings.add(account.external_id, Outcome.SKIPPED, "It is counted through its companies.")
        lost, warnings = freshness.read_lost_connections(self._console)
        counted = [account for account in accounts if account.kind is not AccountKind.RESELLER]
        stale, unclear = freshness.stale_accounts(lost, counted)
        findings.add_all(Outcome.STALE, stale)
        return [*warnings, *unclear, *freshness.report_warnings(self._console)]


def _telling(tell: Tell, what: str) -> Heard:
    return lambda done, total: tell(Progress(done=done, total=total, what=what))


def _strangers(counts: Sequence[CountRecord], accounts: Sequence[VendorAccountRecord]) -> list[str]:
    """Warn of counts of accounts that the console does not list: nothing of them is dropped."""
    known = {account.external_id for account in accounts}
    unknown = sorted({count.account_external_id for count in counts} - known)
    return [f"The console counts for {uid}, which it does not list." for uid in unknown]
