"""Integrations, vendor accounts and services, their mappings, and the usage ledger."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from psa.models import Account, Service
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import TenantReference, UnitsField
from reconcile.tenancy.models import TenantRow
from vendors.counting_models import AccountSplit, AlsoCounts, CountingRule, MappingSpan, NamedUnit
from vendors.history_models import GapHistory


class Integration(TenantRow):
    """One connected vendor instance, with a name of its own; several of one vendor may coexist."""

    kind = models.CharField(max_length=30)
    name = models.CharField(max_length=120)
    base_url = models.URLField(max_length=300)
    epoch = models.PositiveIntegerField(default=1)
    fields = models.JSONField(default=dict, blank=True, help_text="What is not secret, by field name")
    secrets = models.JSONField(default=dict, blank=True, help_text="Sealed, base64, by field name")
    credentials_expire_on = models.DateField(
        null=True, blank=True, help_text="The last day of its key, as an admin noted it"
    )
    verify_tls = models.BooleanField(default=True)
    external_id = models.CharField(max_length=120, blank=True)
    remote_version = models.CharField(max_length=60, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    counted_at = models.DateTimeField(
        null=True, blank=True, help_text="As-of time of the last published snapshot"
    )
    held = models.BooleanField(default=False, help_text="The newest snapshot waits for a person")
    reads_names = models.BooleanField(
        default=True, db_default=True, help_text="Syncs read the names behind its counts too"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows("vendors_integration"),
            models.UniqueConstraint(fields=["org", "name"], name="vendors_integration_name"),
        ]

    def __str__(self) -> str:
        return self.name


class VendorRow(TenantRow):
    """What vendor accounts and services share: keyed by the vendor's immutable id, never by name."""

    integration = TenantReference(Integration)
    external_id = models.CharField(max_length=200)
    name = models.CharField(max_length=500)
    excluded_at = models.DateTimeField(null=True, blank=True)
    vanished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class VendorAccount(VendorRow):
    """The vendor's customer. While `gap_reason` is set, its counts are unknown since `gap_since`."""

    parent_external_id = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20, default="customer")
    status = models.CharField(max_length=60, blank=True)
    crm_ref = models.CharField(max_length=200, blank=True)
    gap_reason = models.CharField(max_length=300, blank=True)
    gap_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("vendors_vendoraccount", integration="vendors_integration"),
            models.UniqueConstraint(
                fields=["org", "integration", "external_id"], name="vendors_vendoraccount_external"
            ),
        ]
        indexes = [models.Index(fields=["org", "name"], name="vendors_vendoraccount_name")]


class VendorService(VendorRow):
    """The vendor's product; `unit` is what one unit of its counts is.

    Its names are known since `named_from` (None: never); while `names_gap` is set, since `names_gap_since`, those kept
    are the last known.
    """

    unit = models.CharField(max_length=40, blank=True)
    category = models.CharField(max_length=60, blank=True)
    named_from = models.DateTimeField(null=True, blank=True)
    names_gap = models.CharField(max_length=300, blank=True, db_default="")
    names_gap_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("vendors_vendorservice", integration="vendors_integration"),
            models.UniqueConstraint(
                fields=["org", "integration", "external_id"], name="vendors_vendorservice_external"
            ),
        ]
        indexes = [models.Index(fields=["org", "name"], name="vendors_vendorservice_name")]


class AccountMapping(TenantRow):
    """Vendor account → account. A vendor account without one is unmapped, unless it is excluded."""

    vendor_account = TenantReference(VendorAccount, related_name="mappings")
    account = TenantReference(Account, related_name="mappings")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows(
                "vendors_accountmapping", vendor_account="vendors_vendoraccount", account="psa_account"
            ),
            models.UniqueConstraint(
                fields=["org", "vendor_account", "account"], name="vendors_accountmapping_once"
            ),
            # Until a tenant can be split by a filter, a count must not land on two accounts.
            models.UniqueConstraint(
                fields=["org", "vendor_account"], name="vendors_accountmapping_one_account"
            ),
        ]
        indexes = [models.Index(fields=["org", "account"], name="vendors_accountmapping_account")]

    def __str__(self) -> str:
        return f"{self.vendor_account_id} is {self.account_id}"


class ServiceMapping(TenantRow):
    """Vendor service → service; several vendor services may count towards one service."""

    vendor_service = TenantReference(VendorService, related_name="mappings")
    service = TenantReference(Service, related_name="mappings")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows(
                "vendors_servicemapping", vendor_service="vendors_vendorservice", service="psa_service"
            ),
            models.UniqueConstraint(
                fields=["org", "vendor_service", "service"], name="vendors_servicemapping_once"
            ),
            models.UniqueConstraint(
                fields=["org", "vendor_service"], name="vendors_servicemapping_one_service"
            ),
        ]
        indexes = [models.Index(fields=["org", "service"], name="vendors_servicemapping_service")]

    def __str__(self) -> str:
        return f"{self.vendor_service_id} is {self.service_id}"


class Snapshot(TenantRow):
    """One pull of one integration. Only a complete one is published; a held one waits for a person."""

    class State(models.TextChoices):
        PARTIAL = "partial", "Partial"
        HELD = "held", "Held"
        PUBLISHED = "published", "Published"
        REFUSED = "refused", "Refused by a person"

    integration = TenantReference(Integration)
    taken_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices)
    counts = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    vanished = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    warnings = models.JSONField(default=list, blank=True)
    pulled = models.JSONField(default=dict, blank=True, help_text="What a held pull would publish")

    class Meta:
        constraints = tenant_rows("vendors_snapshot", integration="vendors_integration")
        indexes = [models.Index(fields=["org", "integration", "-taken_at"], name="vendors_snapshot_taken")]

    def __str__(self) -> str:
        return f"Snapshot {self.pk}, {self.state}"


class UsageCount(TenantRow):
    """The ledger: a quantity that held from one snapshot until a later one said otherwise. Quantities never change.

    An unchanged count writes nothing; `superseded_at` closes a row when its successor opens.
    `absent` marks a zero that follows from absence in a complete snapshot.
    """

    integration = TenantReference(Integration)
    vendor_account = TenantReference(VendorAccount)
    vendor_service = TenantReference(VendorService)
    snapshot = TenantReference(Snapshot)
    quantity = UnitsField()
    metric = models.CharField(max_length=20, default="used")
    absent = models.BooleanField(default=False)
    counted_at = models.DateTimeField(help_text="As-of time of the snapshot that first said so")
    superseded_at = models.DateTimeField(null=True, blank=True)
    source_refs = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "vendors_usagecount",
                integration="vendors_integration",
                vendor_account="vendors_vendoraccount",
                vendor_service="vendors_vendorservice",
                snapshot="vendors_snapshot",
            ),
            models.UniqueConstraint(
                fields=["org", "vendor_account", "vendor_service", "metric"],
                condition=Q(superseded_at__isnull=True),
                name="vendors_usagecount_one_current",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="vendors_usagecount_not_negative"),
            models.CheckConstraint(
                condition=Q(superseded_at__isnull=True) | Q(superseded_at__gte=F("counted_at")),
                name="vendors_usagecount_in_order",
            ),
        ]
        indexes = [
            models.Index(
                fields=["org", "vendor_account", "vendor_service", "-counted_at"],
                name="vendors_usage_history",
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} at {self.counted_at:%Y-%m-%d}"


class MappingRefusal(TenantRow):
    """A mapping that a person took back, or changed for another: it is not suggested as sure again (D4)."""

    vendor_account = TenantReference(VendorAccount, null=True)
    account = TenantReference(Account, null=True)
    vendor_service = TenantReference(VendorService, null=True)
    service = TenantReference(Service, null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows(
                "vendors_mappingrefusal",
                vendor_account="vendors_vendoraccount",
                account="psa_account",
                vendor_service="vendors_vendorservice",
                service="psa_service",
            ),
            models.UniqueConstraint(
                fields=["org", "vendor_account", "account"], name="vendors_mappingrefusal_account_once"
            ),
            models.UniqueConstraint(
                fields=["org", "vendor_service", "service"], name="vendors_mappingrefusal_service_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    vendor_account__isnull=False, account__isnull=False, vendor_service=None, service=None
                )
                | Q(vendor_service__isnull=False, service__isnull=False, vendor_account=None, account=None),
                name="vendors_mappingrefusal_one_side",
            ),
        ]

    def __str__(self) -> str:
        return f"not {self.account_id or self.service_id}"


__all__ = [
    "AccountMapping",
    "AccountSplit",
    "AlsoCounts",
    "CountingRule",
    "GapHistory",
    "Integration",
    "MappingRefusal",
    "MappingSpan",
    "NamedUnit",
    "ServiceMapping",
    "Snapshot",
    "UsageCount",
    "VendorAccount",
    "VendorService",
]
