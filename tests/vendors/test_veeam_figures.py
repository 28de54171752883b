"""What the Veeam adapter makes of a console's rows: accounts, counts, outcomes and named units."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import Settings

from demo.veeam_vspc.rows import uid_of
from demo.veeam_vspc.sample import (
    NORTHWIND,
    SHEET_DAY,
    SampleWorld,
    company_row,
    every_sort,
    sheet_licence_row,
    sheet_world,
    usage_row,
)
from demo.veeam_vspc.simulator import build
from tests.vendors.adapter_contract import accounts_of, figures, pull
from tests.vendors.simulated import Simulated, serving
from vendors.adapters import ADAPTERS
from vendors.adapters.base import AccountKind, Metric, Outcome, UsagePull, VendorAdapter, VendorCredentials

TODAY = datetime.now(UTC).date()
YESTERDAY, BEFORE = TODAY - timedelta(days=1), TODAY - timedelta(days=2)


@pytest.fixture(autouse=True)
def _calm(settings: Settings) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.OUTBOUND_READ_TRIES = 2


@pytest.fixture(scope="module")
def every() -> Iterator[Simulated]:
    """One console with a company of every sort."""
    with serving(build, every_sort(TODAY)) as simulated:
        yield simulated


def adapter_on(simulated: Simulated) -> VendorAdapter:
    fields = {"api_key": simulated.credentials["api_key"]}
    return ADAPTERS["veeam_vspc"].build(
        VendorCredentials(org_id=1, integration_id=1, base_url=simulated.url, fields=fields)
    )


def of_company(usage: UsagePull, company: str) -> dict[str, str]:
    return {service: number for (account, service), number in figures(usage).items() if account == company}


def outcomes(usage: UsagePull) -> dict[str, Outcome]:
    return {one.account_external_id: one.outcome for one in usage.outcomes}


def test_the_sheets_sample_gives_its_table() -> None:
    with serving(build, sheet_world()) as simulated:
        usage = pull(adapter_on(simulated), SHEET_DAY)
        (account,) = [one for one in accounts_of(adapter_on(simulated)) if one.kind is AccountKind.CUSTOMER]
    units = {service.external_id: service.unit for service in usage.services}
    table = [
        (one.account_external_id, one.service_external_id, one.quantity, units[one.service_external_id])
        for one in usage.counts
    ]
    assert table == [
        (NORTHWIND, "ManagedWorkstationAgents", Decimal(15), "device"),
        (NORTHWIND, "CloudTotalUsage", Decimal(5120), "GB"),
        (NORTHWIND, "Vb365ProtectedUsers", Decimal(41), "user"),
    ]
    assert account.crm_ref == "PSA-1042"
    assert {one.as_of for one in usage.counts} == {datetime(2025, 1, 31, tzinfo=UTC)}
    assert {one.metric for one in usage.counts} == {Metric.USED}
    assert usage.complete
    assert usage.outcomes == ()


def test_the_sheets_licence_row_keeps_its_fraction() -> None:
    rows = dict(sheet_world().veeam) | {"licensing": [sheet_licence_row()]}
    with serving(build, SampleWorld(rows)) as simulated:
        usage = pull(adapter_on(simulated), SHEET_DAY)
    licences = {name: one for name, one in of_company(usage, NORTHWIND).items() if name.startswith("licence")}
    assert licences == {"licence:Workstation agents": "15", "licence-units:Workstation agents": "4.5"}
    assert {one.external_id: one.unit for one in usage.services if one.external_id in licences} == {
        "licence:Workstation agents": "licence",
        "licence-units:Workstation agents": "point",
    }


def test_locations_are_summed_and_days_are_not(every: Simulated) -> None:
    plain = of_company(pull(adapter_on(every), TODAY), uid_of("plain"))
    assert plain["ManagedVms"] == "9"
    assert plain["Vb365ProtectedUsers"] == "20"


def test_bytes_become_gigabytes_without_loss(every: Simulated) -> None:
    plain = of_company(pull(adapter_on(every), TODAY), uid_of("plain"))
    assert Decimal(plain["Vb365BackupSize"]) * 1024**3 == 3 * 1024**3 + 1


def test_the_same_workload_is_summed_over_servers(every: Simulated) -> None:
    plain = of_company(pull(adapter_on(every), TODAY), uid_of("plain"))
    assert plain["licence:Workstation agents"] == "17"
    assert Decimal(plain["licence-units:Workstation agents"]) == Decimal("5.25")


def test_zero_is_said_and_a_new_counter_is_kept(every: Simulated) -> None:
    usage = pull(adapter_on(every), TODAY)
    assert of_company(usage, uid_of("sold")) == {"ManagedServerAgents": "0", "NewestThing": "8"}
    (newest,) = [one for one in usage.services if one.external_id == "NewestThing"]
    assert (newest.name, newest.unit, newest.category) == ("NewestThing", "unit", "New counter")


def test_the_provider_counts_and_a_reseller_does_not(every: Simulated) -> None:
    usage = pull(adapter_on(every), TODAY)
    assert of_company(usage, uid_of("provider"))["licence:Server agents"] == "3"
    assert of_company(usage, uid_of("reseller")) == {}
    assert outcomes(usage)[uid_of("reseller")] is Outcome.SKIPPED


def test_only_what_is_sure_may_become_zero(every: Simulated) -> None:
    usage = pull(adapter_on(every), TODAY)
    assert usage.complete
    assert outcomes(usage) == {
        uid_of("reseller"): Outcome.SKIPPED,
        uid_of("quiet"): Outcome.SKIPPED,
        uid_of("late"): Outcome.STALE,
        uid_of("silent"): Outcome.STALE,
    }
    late = next(one for one in usage.counts if one.account_external_id == uid_of("late"))
    assert late.as_of == datetime.combine(BEFORE, time(), UTC)


@pytest.mark.parametrize("number", [17, 41])
def test_a_raised_alarm_makes_stale_until_it_is_resolved(every: Simulated, number: int) -> None:
    adapter, plain = adapter_on(every), uid_of("plain")
    for status, outcome in (("Error", Outcome.STALE), ("Warning", Outcome.STALE), ("Resolved", None)):
        every.control("POST", "alarms", {"company": plain, "internalId": number, "status": status})
        found = {one.account_external_id: one for one in pull(adapter, TODAY).outcomes}.get(plain)
        assert (found and found.outcome) == outcome
        assert found is None or "lost its connection" in found.reason
    every.control("POST", "alarms", {"company": plain, "internalId": number, "clear": True})


def test_an_incomplete_report_is_a_warning_and_a_refused_one_too(every: Simulated) -> None:
    parameters = {
        "reportId": 4,
        "reportInterval": {"startOfInterval": "2025-01-01", "endOfInterval": "2025-01-31"},
    }
    report = {
        "reportParameters": parameters,
        "notCollectedCloudServers": ["cc-1"],
        "usageDetails": [{"organizationUid": NORTHWIND, "notCollectedClientServers": ["vbr-1", "vbr-2"]}],
    }
    with serving(build, SampleWorld(dict(sheet_world().veeam) | {"reports": [report]})) as simulated:
        usage = pull(adapter_on(simulated), SHEET_DAY)
        assert any("lacks 3 servers" in warning for warning in usage.warnings)
        simulated.fail("GET /licensing/reports", status=403)
        refused = pull(adapter_on(simulated), SHEET_DAY)
    assert any("was not read" in warning for warning in refused.warnings)
    assert figures(refused) == figures(usage)


def test_accounts_have_kind_parent_status_and_psa_key(every: Simulated) -> None:
    accounts = {one.external_id: one for one in accounts_of(adapter_on(every))}
    assert accounts[uid_of("plain")].crm_ref == "PSA-7"
    assert accounts[uid_of("sold")].parent_external_id == uid_of("reseller")
    assert accounts[uid_of("quiet")].status == "disabled"
    assert accounts[uid_of("gone")].status == "deleted"
    assert accounts[uid_of("reseller")].kind is AccountKind.RESELLER
    assert accounts[uid_of("provider")].kind is AccountKind.PROVIDER
    assert "owner" not in repr(accounts).lower()


@pytest.mark.parametrize("version", ["3.5.1", "3.6", "3.6.1", "3.6.2", "3.7"])
def test_a_status_is_the_same_in_every_version(every: Simulated, version: str) -> None:
    every.faults(options={"api_version": version})
    accounts = {one.external_id: one for one in accounts_of(adapter_on(every))}
    every.reset()
    assert accounts[uid_of("gone")].status == "deleted"


def test_named_units_stand_behind_a_count(every: Simulated) -> None:
    adapter, plain = adapter_on(every), uid_of("plain")
    assert [one.name for one in adapter.read_items(plain, "ManagedWorkstationAgents")] == ["PC-0", "PC-1"]
    assert [one.name for one in adapter.read_items(plain, "ManagedServerAgents")] == ["PC-2"]
    users = adapter.read_items(plain, "Vb365ProtectedUsers")
    assert [one.counts for one in users] == [True, False]
    assert users[1].reason
    assert users[0].last_seen == datetime(2025, 1, 30, 21, 4, 5, 123456, tzinfo=UTC)
    assert adapter.read_items(uid_of("sold"), "ManagedWorkstationAgents") == []
    assert adapter.read_items(plain, "CloudTotalUsage") == []


def world_of(*usage: dict[str, Any]) -> SampleWorld:
    companies = [company_row(uid, uid) for uid in ("first", "second")]
    return SampleWorld({"companies": companies, "usage": list(usage)})


@pytest.mark.parametrize("value", [-1, "12", True, None, 10**30, [1], -0.5])
def test_a_value_that_is_no_count_spoils_its_company_alone(value: Any) -> None:
    bad = usage_row("first", "a", YESTERDAY, ManagedVms=3)
    bad["counters"].append({"type": "CloudTotalUsage", "value": value})
    with serving(build, world_of(bad, usage_row("second", "b", YESTERDAY, ManagedVms=4))) as simulated:
        usage = pull(adapter_on(simulated), TODAY)
    assert outcomes(usage) == {"first": Outcome.FAILED}
    assert figures(usage) == {("second", "ManagedVms"): "4"}


@pytest.mark.parametrize(
    ("rows", "number", "day", "outcome"),
    [
        pytest.param([("a", TODAY, 5)], "5", TODAY, None, id="nothing but today"),
        pytest.param([("a", TODAY, 1), ("a", YESTERDAY, 5)], "5", YESTERDAY, None, id="today still grows"),
        pytest.param(
            [("a", YESTERDAY, 1), ("a", BEFORE, 2), ("b", BEFORE, 3)],
            "5",
            BEFORE,
            Outcome.STALE,
            id="a location is late",
        ),
        pytest.param(
            [("a", YESTERDAY, 2), ("b", YESTERDAY, 3), ("a", BEFORE, 9)], "5", YESTERDAY, None, id="new"
        ),
    ],
)
def test_the_latest_complete_day_is_taken(
    rows: list[tuple[str, date, int]], number: str, day: date, outcome: Outcome | None
) -> None:
    usage_rows = [usage_row("first", place, when, ManagedVms=count) for place, when, count in rows]
    with serving(build, world_of(*usage_rows)) as simulated:
        usage = pull(adapter_on(simulated), TODAY)
    assert figures(usage) == {("first", "ManagedVms"): number}
    assert {one.as_of.date() for one in usage.counts} == {day}
    assert outcomes(usage).get("first") == outcome
    assert outcomes(usage)["second"] is Outcome.SKIPPED


def test_two_consoles_with_the_same_ids_stay_apart() -> None:
    one = world_of(usage_row("first", "a", YESTERDAY, ManagedVms=1))
    other = world_of(usage_row("first", "a", YESTERDAY, ManagedVms=2))
    with serving(build, one) as left, serving(build, other) as right:
        adapters = [adapter_on(left), adapter_on(right)]
        found = [figures(pull(adapter, TODAY))["first", "ManagedVms"] for adapter in adapters]
    assert found == ["1", "2"]


def test_usage_that_moves_is_seen_at_the_next_pull(every: Simulated) -> None:
    adapter, sold = adapter_on(every), uid_of("sold")
    set_to: Callable[[int | None], Any] = lambda value: every.control(  # noqa: E731
        "POST", "usage", {"company": "Birch Legal", "type": "NewestThing", "value": value}
    )
    set_to(11)
    assert of_company(pull(adapter, TODAY), sold)["NewestThing"] == "11"
    set_to(None)
    assert "NewestThing" not in of_company(pull(adapter, TODAY), sold)
    set_to(8)
