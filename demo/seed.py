"""Makes the demo organization: connects it to the simulators, syncs over HTTP, and applies the demo's mappings."""

import time
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Organization, User
from demo import counting, past
from demo.mappings import EXCLUDED, Mappings, load
from psa.connections import build_adapter, change_address, store_secret
from psa.models import Account, AgreementType, Connection, Service
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope, user_scope
from sync import runs
from sync.models import SyncRun
from vendors import integrations
from vendors.models import AccountMapping, Integration, ServiceMapping, VendorAccount, VendorService

NAME = "Northgate IT"
EMAIL = "demo@northgate.example"
PASSWORD = "northgate-demo"

WAIT_SECONDS = 120


class SeedFailed(RuntimeError):
    """The first sync of the demo did not finish; the message says what the run said."""


def seed(connectwise: dict[str, Any], veeam: dict[str, Any]) -> Organization:
    """Make the demo organization, or point an existing one at simulators that have moved.

    `connectwise` and `veeam` are what the simulators announced: addresses and credentials. The first
    time, both are synced over HTTP, the demo's mappings are applied, and the cards follow.
    """
    org = _find() or Organization.found(name=NAME, owner=_person())
    connection, integration = _connect(org, connectwise), _integrate(org, veeam)
    if connection.read_at is None or integration.counted_at is None:
        _sync(org, connection=connection)
        _sync(org, integration=integration)
        with org_scope(org.pk):
            apply_mappings(org, load("demo"), by=_person())
            past.invent(org)
    return org


def _person() -> User:
    with transaction.atomic():
        return User.objects.filter(email=EMAIL).first() or User.objects.create_user(
            EMAIL, PASSWORD, name="Demo"
        )


def _find() -> Organization | None:
    user = _person()
    with user_scope(user.pk):
        return Organization.objects.order_by("pk").first()


def _connect(org: Organization, remote: dict[str, Any]) -> Connection:
    plain = {name: remote[name] for name in ("company", "public_key", "client_id")}
    with org_scope(org.pk):
        row = Connection.objects.filter(name="ConnectWise PSA").first() or Connection.objects.create(
            org=org, kind="connectwise", name="ConnectWise PSA", base_url=remote["url"], fields=plain
        )
        if row.fields != plain:
            row.fields = plain
            row.save(update_fields=["fields"])
        change_address(row, remote["url"])
        store_secret(row, "private_key", remote["private_key"])
    adapter = build_adapter(row)
    identity, permissions = adapter.identify(), adapter.check_permissions()
    with org_scope(org.pk):
        row.remote_account, row.remote_version = identity.remote_account, identity.version
        row.permissions, row.checked_at = [asdict(one) for one in permissions], timezone.now()
        row.save()
    return row


def _integrate(org: Organization, remote: dict[str, Any]) -> Integration:
    with org_scope(org.pk):
        row = Integration.objects.filter(name="Veeam").first() or Integration.objects.create(
            org=org, kind="veeam_vspc", name="Veeam", base_url=remote["url"]
        )
        integrations.change_address(row, remote["url"])
        integrations.store_secret(row, "api_key", remote["api_key"])
        row.checked_at = timezone.now()
        row.save(update_fields=["checked_at"])
    return row


def _sync(org: Organization, **source: Any) -> None:
    run = runs.request(org.pk, mode=SyncRun.Mode.FULL, by=None, **source)
    runs.run(org.pk, run.pk)
    # A worker that was awake may have taken the run first.
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with org_scope(org.pk):
            run.refresh_from_db()
        if run.state not in SyncRun.OPEN:
            break
        time.sleep(0.2)
    if run.state != SyncRun.State.DONE:
        raise SeedFailed(f"The demo's first sync is {run.get_state_display()}: {run.cause} {run.cure}")


def apply_mappings(org: Organization, mappings: Mappings, *, by: User) -> None:
    """Map what the demo's admin would have mapped; call inside the organization's scope."""
    AgreementType.objects.filter(remote_id__in=mappings.agreement_types_out_of_scope).update(in_scope=False)
    _map(org, VendorAccount, AccountMapping, Account, "account", mappings.accounts)
    _map(org, VendorService, ServiceMapping, Service, "service", mappings.services)
    counting.apply(org, mappings, timezone.now(), by=by)
    figures_changed.send(sender=None, org_id=org.pk, account_ids=None)


def _map(
    org: Organization, vendor: Any, mapping: Any, target: Any, noun: str, wanted: dict[str, Any]
) -> None:
    targets = {row.remote_id: row for row in target.objects.all()}
    rows = {row.external_id: row for row in vendor.objects.filter(external_id__in=wanted)}
    excluded = [rows[key].pk for key, to in wanted.items() if to == EXCLUDED and key in rows]
    vendor.objects.filter(pk__in=excluded).update(excluded_at=timezone.now())
    mapping.objects.bulk_create(
        mapping(org=org, **{f"vendor_{noun}": rows[key], noun: targets[remote_id]})
        for key, to in wanted.items()
        if key in rows and to != EXCLUDED
        for remote_id in ([to] if isinstance(to, str) else to)
    )
