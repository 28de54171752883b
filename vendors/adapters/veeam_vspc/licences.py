"""Licence usage as it stands now: workloads per organisation, summed over its servers (sheet §8, §12)."""

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from reconcile.http.errors import CustomerMustAct
from vendors.adapters.base import CountRecord, Outcome, VendorServiceRecord
from vendors.adapters.veeam_vspc.console import ConsoleClient, Heard, nobody
from vendors.adapters.veeam_vspc.errors import unknown_shape
from vendors.adapters.veeam_vspc.outcomes import Findings
from vendors.adapters.veeam_vspc.usage import is_count

CATEGORY = "Licences"
# API 3.4 and earlier has five calls in place of the one.
OLDER_CALLS = ("sites", "backupServers", "console", "voneServers", "vbm365Servers")

Row = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """One number of one organisation's workload on one server."""

    organization: str
    service: VendorServiceRecord
    value: Any
    ref: str


@dataclass
class Licences:
    """The sums by organisation and service, and the services that occur."""

    services: dict[str, VendorServiceRecord] = field(default_factory=dict)
    sums: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    refs: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    failed: set[str] = field(default_factory=set)

    def add(self, one: Workload, findings: Findings) -> None:
        """Add one workload; a number that is none fails its organisation."""
        if not is_count(one.value):
            self.failed.add(one.organization)
            reason = f"The console reported the licences of {one.service.name} as {str(one.value)[:40]!r}."
            findings.add(one.organization, Outcome.FAILED, reason)
            return
        key = (one.organization, one.service.external_id)
        self.services[one.service.external_id] = one.service
        self.sums[key] += Decimal(one.value)
        self.refs[key].append(one.ref)

    def counts(self, as_of: datetime) -> list[CountRecord]:
        """Return the sums; the console gives them for now only."""
        return [
            CountRecord(
                account_external_id=organization,
                service_external_id=service,
                quantity=quantity,
                as_of=as_of,
                source_refs=tuple(self.refs[organization, service]),
            )
            for (organization, service), quantity in self.sums.items()
            if organization not in self.failed
        ]


def read_licences(console: ConsoleClient, findings: Findings, heard: Heard = nobody) -> Licences:
    """Read the licence usage of companies and of the provider itself.

    A reseller's row is the sum of its companies' and is left out.
    """
    try:
        rows = console.read_list("licensing/usage/organizations", _key, heard=heard)
    except CustomerMustAct as error:
        if error.status != 404:
            raise
        workloads = list(_read_older(console))
    else:
        workloads = [
            one for row in rows if row.get("organizationType") != "Reseller" for one in _workloads(row)
        ]
    licences = Licences()
    for one in workloads:
        licences.add(one, findings)
    return licences


def _workloads(row: Row) -> Iterator[Workload]:
    organization = str(row["organizationUid"])
    for server in row.get("servers") or []:
        for workload in server.get("workloads") or []:
            description = str(workload.get("description") or "").strip()
            if not description:
                raise unknown_shape("a licence workload without description")
            ref = f"licence server {server.get('serverUid')} workload {workload.get('id')}"
            yield Workload(organization, _objects(description), workload.get("usedCount"), ref)
            if workload.get("usedUnits") is not None:
                units = _units(description, str(workload.get("unitType")))
                yield Workload(organization, units, workload["usedUnits"], ref)


def _objects(description: str) -> VendorServiceRecord:
    return VendorServiceRecord(
        external_id=f"licence:{description}", name=description, unit="licence", category=CATEGORY
    )


def _units(description: str, unit_type: str) -> VendorServiceRecord:
    """Return the service that counts the same workload in Veeam's fractional points or instances."""
    unit = {"Points": "point", "Instances": "instance"}.get(unit_type, "unit")
    return VendorServiceRecord(
        external_id=f"licence-units:{description}",
        name=f"{description} ({unit}s)",
        unit=unit,
        category="Licence units",
    )


def _read_older(console: ConsoleClient) -> Iterator[Workload]:
    for call in OLDER_CALLS:
        for row in console.read_list(f"licensing/{call}/usage/companies", _older_key):
            for counter in row.get("counters") or []:
                service = _objects(str(counter.get("type")))
                yield Workload(str(row["companyUid"]), service, counter.get("usedCount"), f"licence {call}")


def _key(row: Row) -> Hashable:
    if not row.get("organizationUid"):
        raise unknown_shape("a licence row without organizationUid")
    return str(row["organizationUid"]), str(row.get("organizationType")), str(row.get("providerUid"))


def _older_key(row: Row) -> Hashable:
    if not row.get("companyUid"):
        raise unknown_shape("a licence row without companyUid")
    return str(row["companyUid"])
