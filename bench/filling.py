"""Writes a planned world straight into an organization's mirror and ledger, as its syncs would have left them."""

from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Organization, User
from demo.world import plan_of
from demo.worlds.plan import Plan
from psa.models import Account, Agreement, AgreementLine, Connection, Service
from reconcile.tenancy.scope import org_scope
from vendors.models import (
    AccountMapping,
    Integration,
    ServiceMapping,
    Snapshot,
    UsageCount,
    VendorAccount,
    VendorService,
)


def found(name: str, lines: int) -> tuple[Organization, User]:
    """Found an organization with so many lines, mapped and counted, but without cards; give it and its owner."""
    owner = User.objects.create_user(f"owner-{lines}@bench.example")
    org = Organization.found(name=name, owner=owner)
    plan, now = plan_of(f"scale:{lines}"), timezone.now()
    with org_scope(org.pk):
        psa = Connection.objects.create(
            org=org, kind="connectwise", name="PSA", base_url="https://psa.example", read_at=now,
            remote_account="bench", checked_at=now,
        )  # fmt: skip
        _Mirror(org, psa, plan)
        vendor = Integration.objects.create(
            org=org, kind="veeam_vspc", name="Vendor", base_url="https://vendor.example", counted_at=now
        )
        _count(org, vendor, plan)
    return org, owner


class _Mirror:
    """The PSA's rows, written in the order in which they name each other."""

    def __init__(self, org: Organization, psa: Connection, plan: Plan) -> None:
        self.common = {"org": org, "connection": psa, "changed_at": timezone.now()}
        accounts = self._write(Account, {c.id: {"name": c.name} for c in plan.companies})
        services = self._write(Service, {i.id: {"name": i.description, "price": i.price} for i in plan.items})
        agreements = self._write(
            Agreement, {a.id: {"account": accounts[a.company.id], "name": a.name} for a in plan.agreements}
        )
        self._write(
            AgreementLine,
            {
                line.id: {
                    "agreement": agreements[line.agreement.id],
                    "account": accounts[line.agreement.company.id],
                    "service": services[line.item.id],
                    "quantity": line.quantity,
                    "unit_price": line.price,
                }
                for line in plan.lines
            },
        )

    def _write(self, model: Any, rows: dict[int, dict[str, Any]]) -> dict[int, Any]:
        made = [model(**self.common, remote_id=str(key), **values) for key, values in rows.items()]
        return dict(zip(rows, model.objects.bulk_create(made, batch_size=2000), strict=True))


def _count(org: Organization, vendor: Integration, plan: Plan) -> None:
    accounts = {account.remote_id: account for account in Account.objects.all()}
    services = {service.remote_id: service for service in Service.objects.all()}
    source = {"org": org, "integration": vendor}
    tenants = VendorAccount.objects.bulk_create(
        VendorAccount(**source, external_id=tenant.uid, name=tenant.name) for tenant in plan.tenants
    )
    items = {counter: item for item in plan.items for counter in item.counters}
    counters = VendorService.objects.bulk_create(
        VendorService(**source, external_id=counter, name=counter) for counter in items
    )
    AccountMapping.objects.bulk_create(
        AccountMapping(org=org, vendor_account=row, account=accounts[str(tenant.company.id)])
        for row, tenant in zip(tenants, plan.tenants, strict=True)
        if tenant.company
    )
    ServiceMapping.objects.bulk_create(
        ServiceMapping(org=org, vendor_service=row, service=services[str(items[row.external_id].id)])
        for row in counters
    )
    snapshot = Snapshot.objects.create(**source, taken_at=timezone.now(), state=Snapshot.State.PUBLISHED)
    by_counter = {row.external_id: row for row in counters}
    UsageCount.objects.bulk_create(
        (
            UsageCount(
                **source, vendor_account=row, vendor_service=by_counter[counter], snapshot=snapshot,
                quantity=Decimal(units), counted_at=snapshot.taken_at,
            )
            for row, tenant in zip(tenants, plan.tenants, strict=True)
            for counter, units in tenant.counts.items()
        ),
        batch_size=2000,
    )  # fmt: skip
