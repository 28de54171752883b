"""Counting rules, the named units behind counts, and the shapes of a mapping that are more than one to one."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from psa.models import Account, Agreement, Service
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import TenantReference, UnitsField
from reconcile.tenancy.models import TenantRow
from vendors import counting


class Months(models.Model):
    """What stands from one month until before another, both first days; None: from ever, for ever."""

    from_month = models.DateField(null=True, blank=True)
    until_month = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True

    @staticmethod
    def standing(month: object) -> Q:
        """Narrow rows to those that stand in a month (its first day)."""
        return (Q(from_month=None) | Q(from_month__lte=month)) & (
            Q(until_month=None) | Q(until_month__gt=month)
        )


def month_checks(table: str) -> list[models.CheckConstraint]:
    """Give the constraints of `Months`: first days of months, the end after the beginning."""
    return [
        models.CheckConstraint(
            condition=(Q(from_month=None) | Q(from_month__day=1))
            & (Q(until_month=None) | Q(until_month__day=1)),
            name=f"{table}_first_days",
        ),
        models.CheckConstraint(
            condition=Q(from_month=None) | Q(until_month=None) | Q(until_month__gt=F("from_month")),
            name=f"{table}_months_in_order",
        ),
    ]


class CountingRule(TenantRow, Months):
    """How counts of a service become billable units, in every account or in one, or on the lines of one agreement.

    Of several that stand in a month the narrower counts, then the one that began later. `filters` and `steps` are
    lists of `counting.Filter` and `counting.Step` as they write themselves. A row never changes but for its end.
    """

    class Combine(models.TextChoices):
        SUM = counting.Combine.SUM.value, "Sum of all"
        LARGEST_SOURCE = counting.Combine.LARGEST_SOURCE.value, "Larger of the sources"
        SMALLEST_SOURCE = counting.Combine.SMALLEST_SOURCE.value, "Smaller of the sources"
        LARGEST_SERVICE = counting.Combine.LARGEST_SERVICE.value, "Bundle: as many as its largest part"
        SMALLEST_SERVICE = counting.Combine.SMALLEST_SERVICE.value, "Bundle: complete sets only"
        DISTINCT = counting.Combine.DISTINCT.value, "Each user or device once"

    service = TenantReference(Service)
    account = TenantReference(Account, null=True, blank=True)
    agreement = TenantReference(Agreement, null=True, blank=True)
    combine = models.CharField(max_length=20, choices=Combine.choices, default=Combine.SUM)
    filters = models.JSONField(default=list, blank=True)
    steps = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "vendors_countingrule",
                service="psa_service",
                account="psa_account",
                agreement="psa_agreement",
            ),
            *month_checks("vendors_countingrule"),
            # The count belongs to the account: an agreement's rule only steps on from what its lines take of it.
            models.CheckConstraint(
                condition=Q(agreement=None) | Q(combine=counting.Combine.SUM.value, filters=[]),
                name="vendors_countingrule_agreement_steps",
            ),
        ]
        indexes = [models.Index(fields=["org", "service"], name="vendors_countingrule_service")]

    def __str__(self) -> str:
        return f"Rule {self.pk} of service {self.service_id}"

    @property
    def plain(self) -> counting.Rule:
        """The rule as the calculation takes it."""
        return counting.Rule(
            combine=counting.Combine(self.combine),
            filters=tuple(counting.Filter.read(one) for one in self.filters),
            steps=tuple(counting.Step.read(one) for one in self.steps),
        )


class NamedUnit(TenantRow):
    """A user or device behind a count, from the snapshot that first named it until the one that no longer did.

    `key` tells one person or device from another across vendors; `traits` are folded, for filters
    (`counting.FIELDS`). What does not `counts` is named, and is no part of the count.
    """

    integration = TenantReference("vendors.Integration")
    vendor_account = TenantReference("vendors.VendorAccount")
    vendor_service = TenantReference("vendors.VendorService")
    external_id = models.CharField(max_length=200)
    key = models.CharField(max_length=300)
    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, blank=True)
    quantity = UnitsField(default=1)
    traits = models.JSONField(default=dict, blank=True)
    counts = models.BooleanField(default=True)
    reason = models.CharField(max_length=200, blank=True, help_text="Why it does not count")
    named_at = models.DateTimeField(help_text="As-of time of the snapshot that first named it")
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "vendors_namedunit",
                integration="vendors_integration",
                vendor_account="vendors_vendoraccount",
                vendor_service="vendors_vendorservice",
            ),
            models.UniqueConstraint(
                fields=["org", "vendor_account", "vendor_service", "external_id"],
                condition=Q(gone_at__isnull=True),
                name="vendors_namedunit_one_current",
            ),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="vendors_namedunit_not_negative"),
            models.CheckConstraint(condition=~Q(key=""), name="vendors_namedunit_has_key"),
            models.CheckConstraint(
                condition=Q(gone_at=None) | Q(gone_at__gte=F("named_at")), name="vendors_namedunit_in_order"
            ),
        ]
        indexes = [
            models.Index(
                fields=["org", "vendor_account", "vendor_service", "named_at"],
                name="vendors_namedunit_history",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def plain(self) -> counting.Named:
        """The unit as the calculation takes it."""
        return counting.Named(
            key=self.key, name=self.name, quantity=self.quantity, traits=self.traits, id=self.pk or 0
        )


class AccountSplit(TenantRow, Months):
    """Those named units of a vendor account that match belong to another account than the rest.

    A unit goes to the first split that it matches, by id; what matches none stays with the account mapping.
    """

    vendor_account = TenantReference("vendors.VendorAccount", related_name="splits")
    account = TenantReference(Account, related_name="splits")
    field = models.CharField(max_length=20)
    pattern = models.CharField(max_length=300)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows(
                "vendors_accountsplit", vendor_account="vendors_vendoraccount", account="psa_account"
            ),
            *month_checks("vendors_accountsplit"),
            models.CheckConstraint(
                condition=Q(field__in=counting.FIELDS), name="vendors_accountsplit_known_field"
            ),
            models.UniqueConstraint(
                fields=["org", "vendor_account", "field", "pattern"],
                condition=Q(until_month=None),
                name="vendors_accountsplit_once",
            ),
        ]
        indexes = [models.Index(fields=["org", "account"], name="vendors_accountsplit_account")]

    def __str__(self) -> str:
        return f"{self.field} {self.pattern}"


class AlsoCounts(TenantRow, Months):
    """A vendor service counts towards another service too, such as a bundle, besides the one that it is mapped to.

    It is compared with the lines of both; it is new revenue only where no line of either bills it.
    """

    vendor_service = TenantReference("vendors.VendorService", related_name="also")
    service = TenantReference(Service, related_name="also")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows("vendors_alsocounts", vendor_service="vendors_vendorservice", service="psa_service"),
            *month_checks("vendors_alsocounts"),
            models.UniqueConstraint(
                fields=["org", "vendor_service", "service"],
                condition=Q(until_month=None),
                name="vendors_alsocounts_once",
            ),
        ]
        indexes = [models.Index(fields=["org", "service"], name="vendors_alsocounts_service")]

    def __str__(self) -> str:
        return f"{self.vendor_service_id} counts to {self.service_id} too"


class MappingSpan(TenantRow, Months):
    """What a vendor account or service was mapped to in earlier months, or will be from a later one (None: nothing).

    In all months that no span covers, today's mapping stands.
    """

    vendor_account = TenantReference("vendors.VendorAccount", null=True, related_name="spans")
    account = TenantReference(Account, null=True)
    vendor_service = TenantReference("vendors.VendorService", null=True, related_name="spans")
    service = TenantReference(Service, null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows(
                "vendors_mappingspan",
                vendor_account="vendors_vendoraccount",
                account="psa_account",
                vendor_service="vendors_vendorservice",
                service="psa_service",
            ),
            *month_checks("vendors_mappingspan"),
            models.CheckConstraint(
                condition=Q(vendor_account__isnull=False, vendor_service=None, service=None)
                | Q(vendor_service__isnull=False, vendor_account=None, account=None),
                name="vendors_mappingspan_one_side",
            ),
            models.CheckConstraint(
                condition=Q(from_month__isnull=False) | Q(until_month__isnull=False),
                name="vendors_mappingspan_is_dated",
            ),
        ]
        indexes = [
            models.Index(fields=["org", "vendor_account"], name="vendors_mappingspan_account"),
            models.Index(fields=["org", "vendor_service"], name="vendors_mappingspan_service"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id or self.service_id} from {self.from_month} until {self.until_month}"

    @classmethod
    def due(cls, org_id: int, month: object) -> models.QuerySet[Self]:
        """Give what was planned for a month that has come (its first day), and is not yet today's mapping."""
        return cls.objects.filter(org_id=org_id, from_month__lte=month, until_month=None)
