"""C7: people come and go in a console, over HTTP: gone on the next sync, and still there in the past."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db.models import F, Q, Sum
from pytest_django import Settings

from accounts.models import Organization
from demo.veeam_vspc.sample import NORTHWIND, SampleWorld, sheet_world, usage_row
from demo.veeam_vspc.simulator import build
from reconcile.tenancy.scope import org_scope
from sync.models import SyncRun, SyncStep
from tests.sync.conftest import Sync
from tests.vendors.simulated import Simulated, serving
from vendors import integrations
from vendors.models import Integration, NamedUnit, UsageCount, VendorService

TODAY = datetime.now(UTC).date()
YESTERDAY, BEFORE = TODAY - timedelta(days=1), TODAY - timedelta(days=2)
ANA, BO, CY = "ana@northwind.example", "bo@northwind.example", "cy@northwind.example"
PLACE = "9d0a1c9e-2222-4c1b-9f43-111111111111"


def world() -> SampleWorld:
    """A console whose newest usage is of the day before yesterday."""
    people = [
        {"id": f"u{number}", "name": name, "protectedDataType": "User", "organizationUid": NORTHWIND,
         "consumesLicense": True, "isEducationalUser": False}
        for number, name in enumerate((ANA, BO))
    ]  # fmt: skip
    usage = [usage_row(NORTHWIND, PLACE, BEFORE, Vb365ProtectedUsers=2, CloudTotalUsage=2**40)]
    return SampleWorld(dict(sheet_world().veeam) | {"usage": usage, "vb365_objects": people})


@pytest.fixture
def console(settings: Settings) -> Iterator[Simulated]:
    with serving(build, world()) as simulated:
        settings.OUTBOUND_PLAIN_ORIGINS = [simulated.url]
        settings.VEEAM_REQUESTS_PER_MINUTE = 1_000_000
        settings.OUTBOUND_READ_TRIES = settings.SYNC_MAX_ATTEMPTS = 1
        yield simulated


@pytest.fixture
def vspc(org: Organization, console: Simulated) -> Integration:
    with org_scope(org.pk):
        row = Integration.objects.create(org=org, kind="veeam_vspc", name="Veeam", base_url=console.url)
        integrations.store_secret(row, "api_key", console.credentials["api_key"])
    return row


def midnight(day: object) -> datetime:
    return datetime.combine(day, time(), UTC)  # type: ignore[arg-type]


def named_at(org: Organization, moment: datetime) -> list[str]:
    """Give who was behind the count at a moment."""
    with org_scope(org.pk):
        there = NamedUnit.objects.filter(Q(gone_at=None) | Q(gone_at__gt=moment), named_at__lte=moment)
        return sorted(there.values_list("name", flat=True))


def test_c7_who_leaves_is_gone_on_the_next_sync_and_present_in_the_past(
    org: Organization, vspc: Integration, console: Simulated, sync: Sync
) -> None:
    assert sync(vspc).state == SyncRun.State.DONE
    console.control(
        "POST", "names", {"company": NORTHWIND, "list": "vb365_objects", "gone": [ANA], "come": [CY]}
    )
    moved = {"company": NORTHWIND, "type": "Vb365ProtectedUsers", "value": 2, "since": str(YESTERDAY)}
    console.control("POST", "usage", moved)
    run = sync(vspc)
    assert (run.state, run.changed) == (SyncRun.State.DONE, 0), "as many as before, and not the same people"
    assert named_at(org, midnight(BEFORE)) == [ANA, BO]
    assert named_at(org, midnight(YESTERDAY)) == [BO, CY]
    with org_scope(org.pk):
        step = SyncStep.objects.get(run=run, name="names")
        assert (step.read, step.added, step.vanished) == (2, 1, 1)


@pytest.mark.parametrize("failure", [{"status": 403}, {"status": 404}, {"form": "500"}])
def test_c7_nobody_is_gone_because_a_list_cannot_be_read(
    org: Organization, vspc: Integration, console: Simulated, sync: Sync, failure: dict[str, object]
) -> None:
    sync(vspc)
    console.fail("GET /protectedWorkloads", **failure)
    moved = {"company": NORTHWIND, "type": "Vb365ProtectedUsers", "value": 3, "since": str(YESTERDAY)}
    console.control("POST", "usage", moved)
    run = sync(vspc)
    assert (run.state, run.changed) == (SyncRun.State.DONE, 1)
    assert len(run.warnings) == 1
    assert "the names behind Vb365ProtectedUsers could not be read" in run.warnings[0]
    assert named_at(org, midnight(YESTERDAY)) == [ANA, BO]
    with org_scope(org.pk):
        users = VendorService.objects.get(external_id="Vb365ProtectedUsers")
        assert users.names_gap
        assert UsageCount.objects.get(vendor_service=users, superseded_at=None).quantity == 3


def disagreeing(org: Organization) -> dict[str, Decimal]:
    """Give the counts that their names do not add up to, of services that are named."""
    with org_scope(org.pk):
        current = UsageCount.objects.filter(superseded_at=None).exclude(vendor_service__named_from=None)
        counts = current.filter(vendor_account__gap_reason="").values_list(
            F("vendor_account__external_id"), F("vendor_service__external_id"), "quantity"
        )
        names = (
            NamedUnit.objects.filter(gone_at=None, counts=True)
            .values_list("vendor_account__external_id", "vendor_service__external_id")
            .annotate(sum=Sum("quantity"))
        )
        sums = {(account, service): total for account, service, total in names}
        return {
            f"{account}/{service}": sums.get((account, service), Decimal(0))
            for account, service, units in counts
            if sums.get((account, service), Decimal(0)) != units
        }
