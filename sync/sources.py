"""What a run works on: a PSA connection or an integration, with the same guards before the first call."""

from collections.abc import Callable
from typing import TypeVar

from django.utils import timezone

from psa.adapters.base import PsaAdapter
from psa.connections import UnknownKind as UnknownPsa
from psa.connections import build_adapter as build_psa
from psa.models import Connection
from reconcile.http.errors import CustomerMustAct, OurBug
from reconcile.secrets import SecretUnreadable
from reconcile.tenancy.scope import org_scope
from sync import ledger, psa_publishing, psa_reading, vendor_reading
from sync.claims import Claim
from sync.models import SyncRun
from vendors.adapters.base import VendorAdapter
from vendors.integrations import UnknownKind as UnknownVendor
from vendors.integrations import build_adapter as build_vendor
from vendors.models import Integration

Adapter = TypeVar("Adapter")


def work(claim: Claim) -> None:
    """Read a run's source and publish what was read; raises RemoteError, HeldBack or Interruption."""
    with org_scope(claim.org_id):
        claim.prove()
        run = SyncRun.objects.select_related("connection", "integration").get(pk=claim.run_id)
        (psa_reading if run.connection else vendor_reading).prepare(claim)
    if run.connection is not None:
        _sync_psa(claim, run, run.connection)
    elif run.integration is not None:
        _sync_vendor(claim, run, run.integration)


def _sync_psa(claim: Claim, run: SyncRun, psa: Connection) -> None:
    _check_epoch(run, psa.epoch)
    adapter: PsaAdapter = _build(lambda: build_psa(psa))
    identity = adapter.identify()
    _check_identity(psa.remote_account, identity.remote_account, identity.name)
    with org_scope(claim.org_id):
        claim.prove()
        Connection.objects.filter(pk=psa.pk, epoch=psa.epoch).update(
            remote_account=identity.remote_account, remote_version=identity.version, checked_at=timezone.now()
        )
    psa_reading.read(claim, adapter, psa.read_at if run.mode == SyncRun.Mode.QUICK else None)
    with org_scope(claim.org_id):
        _check_epoch(run, Connection.objects.values_list("epoch", flat=True).get(pk=psa.pk))
    psa_publishing.publish(claim, psa.pk)


def _sync_vendor(claim: Claim, run: SyncRun, vendor: Integration) -> None:
    _check_epoch(run, vendor.epoch)
    adapter: VendorAdapter = _build(lambda: build_vendor(vendor))
    identity = adapter.identify()
    _check_identity(vendor.external_id, identity.external_id, identity.name)
    with org_scope(claim.org_id):
        claim.prove()
        Integration.objects.filter(pk=vendor.pk, epoch=vendor.epoch).update(
            # Who does not say which one they are must not make us forget whom we know.
            external_id=identity.external_id or vendor.external_id,
            remote_version=identity.version,
            checked_at=timezone.now(),
        )
    pull = vendor_reading.read(claim, adapter, with_names=vendor.reads_names)
    with org_scope(claim.org_id):
        _check_epoch(run, Integration.objects.values_list("epoch", flat=True).get(pk=vendor.pk))
    ledger.receive(claim, vendor.pk, pull)


def _build(build: Callable[[], Adapter]) -> Adapter:
    try:
        return build()
    except SecretUnreadable as error:
        raise CustomerMustAct(f"A stored key cannot be read. {error}") from error
    except (UnknownPsa, UnknownVendor) as error:
        raise OurBug(f"Reconcile has no adapter for {error}.") from error


def _check_epoch(run: SyncRun, epoch: int) -> None:
    if run.epoch != epoch:
        raise CustomerMustAct(
            "The connection was changed while its sync ran, so nothing was used. Start the sync again."
        )


def _check_identity(known: str, answered: str, name: str) -> None:
    """Refuse another customer's system: its figures would replace this one's."""
    if known and answered and known != answered:
        raise CustomerMustAct(
            f"Another system answers here now: {name}. Check address and keys; to move to it, connect it anew.",
            detail=f"{known} became {answered}",
        )
