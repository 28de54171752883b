"""Notes: what people write down about a line for each other."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from psa.models import Account, AgreementLine, Service
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow


class Note(TenantRow):
    """Plain text about a line or, where there is none, about a service of an account. It outlasts the period.

    One that was taken away keeps its row: the audit trail names it.
    """

    line = TenantReference(AgreementLine, null=True, blank=True)
    account = TenantReference(Account)
    service = TenantReference(Service, null=True, blank=True)
    text = models.CharField(max_length=1000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = tenant_rows(
            "dashboard_note", line="psa_agreementline", account="psa_account", service="psa_service"
        )
        indexes = [
            models.Index(
                fields=["org", "account"], condition=Q(deleted_at=None), name="dashboard_note_account"
            )
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_long(self) -> bool:
        """Say whether it would push what stands below it out of sight."""
        return len(self.text) > 280 or self.text.count("\n") > 5
