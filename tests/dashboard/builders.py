"""Builds a small organization's mirror and ledger in few lines; call inside the organization's scope."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import Organization
from dashboard import cards
from dashboard.models import Card
from psa.models import Account, Agreement, AgreementLine, AgreementType, Connection, Service
from vendors.counting import Filter, Step, fold
from vendors.models import (
    AccountMapping,
    CountingRule,
    Integration,
    NamedUnit,
    ServiceMapping,
    Snapshot,
    UsageCount,
    VendorAccount,
    VendorService,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class Books:
    """One connection and one integration of an organization, and verbs that add rows to them."""

    org: Organization
    now: datetime = NOW
    ids: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.psa = Connection.objects.create(
            org=self.org,
            kind="connectwise",
            name="ConnectWise PSA",
            base_url="https://psa.example",
            read_at=self.now,
        )
        self.veeam = self.integration("Veeam")
        self.type = AgreementType.objects.create(**self._row(name="Managed"))

    def _row(self, **values: Any) -> dict[str, Any]:
        return {
            "org": self.org, "connection": self.psa, "remote_id": str(next(self.ids)), "changed_at": timezone.now()
        } | values  # fmt: skip

    def integration(self, name: str, **values: Any) -> Integration:
        return Integration.objects.create(
            **{
                "org": self.org, "kind": "veeam_vspc", "name": name, "base_url": "https://vendor.example",
                "counted_at": self.now,
            }
            | values
        )  # fmt: skip

    def account(self, name: str = "Harbor Dental", **values: Any) -> Account:
        return Account.objects.create(**self._row(name=name, **values))

    def service(self, name: str = "Workstation backup", price: str | None = "4.50", **values: Any) -> Service:
        return Service.objects.create(**self._row(name=name, price=price and Decimal(price), **values))

    def agreement(self, account: Account, name: str = "Managed Services", **values: Any) -> Agreement:
        values = {"agreement_type": self.type} | values
        return Agreement.objects.create(**self._row(account=account, name=name, **values))

    def line(self, agreement: Agreement, service: Service, quantity: str, **values: Any) -> AgreementLine:
        return AgreementLine.objects.create(
            **self._row(
                agreement=agreement, account_id=agreement.account_id, service=service, quantity=Decimal(quantity),
                **({"unit_price": service.price} | values),
            )
        )  # fmt: skip

    def vendor_account(
        self, account: Account | None = None, name: str = "Harbor Dental", **values: Any
    ) -> VendorAccount:
        values = {"integration": self.veeam} | values
        row = VendorAccount.objects.create(
            org=self.org, external_id=f"va-{next(self.ids)}", name=name, **values
        )
        if account:
            AccountMapping.objects.create(org=self.org, vendor_account=row, account=account)
        return row

    def vendor_service(
        self, service: Service | None = None, name: str = "ManagedWorkstationAgents", **values: Any
    ) -> VendorService:
        values = {"integration": self.veeam} | values
        row = VendorService.objects.create(
            org=self.org, external_id=f"vs-{next(self.ids)}", name=name, **values
        )
        if service:
            ServiceMapping.objects.create(org=self.org, vendor_service=row, service=service)
        return row

    def usage(self, account: VendorAccount, service: VendorService, quantity: str) -> UsageCount:
        snapshot = Snapshot.objects.create(
            org=self.org, integration_id=account.integration_id, taken_at=self.now, state="published"
        )
        return UsageCount.objects.create(
            org=self.org, integration_id=account.integration_id, vendor_account=account, vendor_service=service,
            snapshot=snapshot, quantity=Decimal(quantity), counted_at=self.now,
        )  # fmt: skip

    def names(
        self, account: VendorAccount, service: VendorService, *people: str, **traits: str
    ) -> UsageCount:
        """Count so many users as there are `people`, and name them; `traits` are the same for all."""
        row = self.usage(account, service, str(len(people)))
        NamedUnit.objects.bulk_create(
            NamedUnit(
                org=self.org, integration_id=account.integration_id, vendor_account=account, vendor_service=service,
                external_id=name, key=fold(name), name=name, traits={"name": fold(name), **traits}, named_at=self.now,
            )
            for name in people
        )  # fmt: skip
        return row

    def rule(
        self, service: Service, *steps: Step, filters: Sequence[Filter] = (), **values: Any
    ) -> CountingRule:
        return CountingRule.objects.create(
            org=self.org, service=service, steps=[one.write() for one in steps],
            filters=[one.write() for one in filters], **values,
        )  # fmt: skip

    def pair(self, psa: str, vendor: str | None, **line: Any) -> AgreementLine:
        """Make an account with one line of `psa` units and a vendor count of `vendor` units (None: no row)."""
        account, service = self.account(), self.service()
        va, vs = self.vendor_account(account), self.vendor_service(service)
        if vendor is not None:
            self.usage(va, vs, vendor)
        return self.line(self.agreement(account), service, psa, **line)

    def refresh(self) -> int:
        return cards.refresh(self.org.pk, None, self.now)

    def card(self, line: AgreementLine) -> Card:
        return Card.objects.get(line=line)
