"""The mirror: what the PSA holds, as last read completely. Written by sync and by read-backs of pushes alone."""

from django.db import models

from psa.adapters.base import AgreementRecord
from psa.connection_models import Connection
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import MoneyField, TenantReference, UnitsField
from reconcile.tenancy.models import TenantRow


def mirror_rows(table: str, **keys: str) -> list[models.BaseConstraint]:
    """Give the constraints of a mirror table: those of a tenant row, and one row per remote id."""
    return [
        *tenant_rows(table, connection="psa_connection", **keys),
        models.UniqueConstraint(fields=["org", "connection", "remote_id"], name=f"{table}_remote"),
    ]


class MirrorRow(TenantRow):
    """A row read from a PSA. `vanished_at` is set when a complete read no longer had it; nothing is deleted."""

    connection = TenantReference(Connection)
    remote_id = models.CharField(max_length=60)
    vanished_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(help_text="When a sync last wrote this row because something differed")

    class Meta:
        abstract = True


class Account(MirrorRow):
    """The MSP's customer."""

    name = models.CharField(max_length=300)
    identifier = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=60, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        constraints = mirror_rows("psa_account")
        indexes = [models.Index(fields=["org", "name"], name="psa_account_name")]

    def __str__(self) -> str:
        return self.name


class Service(MirrorRow):
    """A product of the PSA's catalogue, billed per unit."""

    name = models.CharField(max_length=300)
    identifier = models.CharField(max_length=120, blank=True)
    price = MoneyField(null=True, blank=True)
    cost = MoneyField(null=True, blank=True)
    unit = models.CharField(max_length=60, blank=True)
    part_number = models.CharField(max_length=120, blank=True)
    vendor_sku = models.CharField(max_length=120, blank=True)
    product_class = models.CharField(max_length=40, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        constraints = mirror_rows("psa_service")
        indexes = [models.Index(fields=["org", "name"], name="psa_service_name")]

    def __str__(self) -> str:
        return self.name


class AgreementType(MirrorRow):
    """A kind of agreement; `in_scope` says whether its agreements are compared (all by default)."""

    name = models.CharField(max_length=120)
    in_scope = models.BooleanField(default=True)

    class Meta:
        constraints = mirror_rows("psa_agreementtype")

    def __str__(self) -> str:
        return self.name


class Agreement(MirrorRow):
    """A contract that holds lines."""

    account = TenantReference(Account)
    agreement_type = TenantReference(AgreementType, null=True, blank=True)
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=40, blank=True)
    active = models.BooleanField(default=True)
    recurring = models.BooleanField(default=True)
    billing_cycle = models.CharField(max_length=60, blank=True)
    prorate = models.BooleanField(default=False)
    period_type = models.CharField(max_length=30, blank=True)
    next_invoice_on = models.DateField(null=True, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)

    class Meta:
        constraints = mirror_rows("psa_agreement", account="psa_account", agreement_type="psa_agreementtype")
        indexes = [models.Index(fields=["org", "account"], name="psa_agreement_account")]

    def __str__(self) -> str:
        return self.name

    def as_record(self) -> AgreementRecord:
        """Give what an adapter needs to say which effective dates are honest."""
        return AgreementRecord(
            remote_id=self.remote_id,
            account_remote_id="",
            name=self.name,
            active=self.active,
            recurring=self.recurring,
            billing_cycle=self.billing_cycle,
            prorate=self.prorate,
            period_type=self.period_type,
            next_invoice_on=self.next_invoice_on,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            currency=self.currency,
        )


class AgreementLine(MirrorRow):
    """A service in an agreement, with its quantity: the number that ends up on the invoice.

    `quantity` includes the units that are `included` free. `ends_on` is the last billed day.
    """

    agreement = TenantReference(Agreement)
    account = TenantReference(Account)
    service = TenantReference(Service, null=True, blank=True)
    quantity = UnitsField()
    included = UnitsField(default=0)
    unit_price = MoneyField(null=True, blank=True)
    unit_cost = MoneyField(null=True, blank=True)
    billable = models.BooleanField(default=True)
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    description = models.CharField(max_length=500, blank=True)
    remote_version = models.CharField(max_length=60, blank=True)
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="When a push last read this line back"
    )

    class Meta:
        constraints = mirror_rows(
            "psa_agreementline", agreement="psa_agreement", account="psa_account", service="psa_service"
        )
        indexes = [
            models.Index(fields=["org", "account", "service"], name="psa_line_account_service"),
            models.Index(fields=["org", "agreement"], name="psa_line_agreement"),
        ]

    def __str__(self) -> str:
        return f"{self.description or self.remote_id}: {self.quantity}"


class Invoice(MirrorRow):
    """The head of an invoice; the PSA itemises no agreement lines on it."""

    account = TenantReference(Account, null=True, blank=True)
    agreement = TenantReference(Agreement, null=True, blank=True)
    number = models.CharField(max_length=60)
    issued_on = models.DateField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    subtotal = MoneyField(null=True, blank=True)
    total = MoneyField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    status = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = mirror_rows("psa_invoice", account="psa_account", agreement="psa_agreement")

    def __str__(self) -> str:
        return self.number


class Board(MirrorRow):
    """A service board that tickets can be put on, with its statuses as [[id, name], …]."""

    name = models.CharField(max_length=200)
    statuses = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = mirror_rows("psa_board")

    def __str__(self) -> str:
        return self.name
