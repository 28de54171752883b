"""Standing rules (E15): what may be approved without a person, in versions that never change."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from reconcile.tenancy.constraints import RowPolicy
from reconcile.tenancy.fields import MoneyField, UnitsField
from reconcile.tenancy.models import TenantRow


class StandingRule(TenantRow):
    """One version of an organization's standing rule; the newest counts, and the trail names it."""

    class Direction(models.TextChoices):
        BOTH = "both", "Under-billed and over-billed"
        UNDER = "under", "Only under-billed"
        OVER = "over", "Only over-billed"

    version = models.PositiveIntegerField()
    active = models.BooleanField(default=False)
    max_units = UnitsField(default=2)
    max_money = MoneyField(default=25)
    currency = models.CharField(max_length=3, default="USD")
    direction = models.CharField(max_length=10, choices=Direction.choices, default=Direction.BOTH)
    services = models.JSONField(default=list, blank=True, help_text="Ids of services; none: all")
    accounts = models.JSONField(default=list, blank=True, help_text="Ids of accounts; none: all")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            RowPolicy(name="dashboard_standingrule_tenant", read_only_after_insert=True),
            models.UniqueConstraint(fields=["org", "id"], name="dashboard_standingrule_org_id"),
            models.UniqueConstraint(fields=["org", "version"], name="dashboard_standingrule_version"),
            models.CheckConstraint(
                condition=Q(max_units__gt=0) & Q(max_money__gt=0), name="dashboard_standingrule_limits"
            ),
        ]

    def __str__(self) -> str:
        return f"Standing rule, version {self.version}"
