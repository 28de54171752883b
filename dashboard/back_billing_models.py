"""What people did about months that were billed too low or too high (E12)."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from psa.models import AgreementLine
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import MoneyField, TenantReference, UnitsField
from reconcile.tenancy.models import TenantRow


class Settlement(TenantRow):
    """Says that a line's missed months up to an invoice day are dealt with; nothing is written to the PSA by it.

    `units` are unit-months; `amount` is in `currency`, NULL where the line had no price.
    """

    class How(models.TextChoices):
        BILLED = "billed", "Billed or credited in the PSA"
        WAIVED = "waived", "Waived"

    line = TenantReference(AgreementLine)
    through = models.DateField(help_text="The last invoice day that is dealt with")
    how = models.CharField(max_length=10, choices=How.choices)
    units = UnitsField()
    amount = MoneyField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("dashboard_settlement", line="psa_agreementline"),
            # Two people who settle the same months at once: one of them is told.
            models.UniqueConstraint(
                fields=["org", "line", "through"],
                condition=models.Q(undone_at__isnull=True),
                name="dashboard_settlement_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.how} through {self.through}"
