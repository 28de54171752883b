"""What the tests of syncs share: an organization with a PSA and a vendor in memory, and a way to sync them."""

from collections.abc import Callable, Iterator

import pytest

from accounts.models import Organization
from psa.adapters import ADAPTERS as PSA_ADAPTERS
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from sync import runs
from sync.models import SyncRun
from tests.sync.pocket import (
    PocketPsa,
    PocketPsaAdapter,
    PocketVendor,
    PocketVendorAdapter,
    psa_kind,
    vendor_kind,
)
from vendors.adapters import ADAPTERS as VENDOR_ADAPTERS
from vendors.models import Integration

Sync = Callable[..., SyncRun]


@pytest.fixture
def pocket(monkeypatch: pytest.MonkeyPatch) -> PocketPsa:
    """Give a PSA in memory that holds two accounts with five lines each."""
    psa = PocketPsa()
    psa.fill()
    monkeypatch.setitem(PSA_ADAPTERS, PocketPsaAdapter.key, psa_kind(psa))
    return psa


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> PocketVendor:
    """Give a vendor in memory that counts ten devices each for ten accounts."""
    vendor = PocketVendor()
    for number in range(10):
        vendor.count(f"customer {number}", "agents", "10")
    monkeypatch.setitem(VENDOR_ADAPTERS, PocketVendorAdapter.key, vendor_kind(vendor))
    return vendor


@pytest.fixture
def connection(org: Organization, pocket: PocketPsa) -> Connection:
    """Connect the organization to the PSA."""
    with org_scope(org.pk):
        return Connection.objects.create(
            org=org, kind=PocketPsaAdapter.key, name="PSA", base_url="https://psa.example"
        )


@pytest.fixture
def integration(org: Organization, console: PocketVendor) -> Integration:
    """Connect the organization to the vendor."""
    with org_scope(org.pk):
        return Integration.objects.create(
            org=org, kind=PocketVendorAdapter.key, name="Vendor", base_url="https://vendor.example"
        )


@pytest.fixture
def sync(org: Organization) -> Sync:
    """Sync a connection or an integration to the end of one task, and give the run as it stands."""

    def do(source: Connection | Integration, mode: SyncRun.Mode = SyncRun.Mode.FULL) -> SyncRun:
        with org_scope(org.pk):
            source.refresh_from_db()
        if isinstance(source, Connection):
            run = runs.request(org.pk, connection=source, mode=mode, by=None)
        else:
            run = runs.request(org.pk, integration=source, mode=mode, by=None)
        runs.run(org.pk, run.pk)
        with org_scope(org.pk):
            run.refresh_from_db()
        return run

    return do


@pytest.fixture
def inside(org: Organization) -> Iterator[None]:
    """Run the test inside the organization's scope."""
    with org_scope(org.pk):
        yield
