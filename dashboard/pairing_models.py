"""Pairings: a person's word that usage without a line of its own is billed by a line of another service (E2)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from psa.models import Account, AgreementLine, Service
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow


class LinePairing(TenantRow):
    """The usage of a service of an account counts to a line; it stands until it is undone.

    It works while the line is compared and no line of the service itself explains the usage. A sync never touches it.
    """

    account = TenantReference(Account)
    service = TenantReference(Service)
    line = TenantReference(AgreementLine)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "dashboard_linepairing",
                account="psa_account",
                service="psa_service",
                line="psa_agreementline",
            ),
            models.UniqueConstraint(
                fields=["org", "account", "service"],
                condition=Q(undone_at__isnull=True),
                name="dashboard_linepairing_one_line",
            ),
        ]
        indexes = [
            models.Index(
                fields=["org", "line"], condition=Q(undone_at__isnull=True), name="dashboard_linepairing_line"
            )
        ]

    def __str__(self) -> str:
        return f"{self.service_id} counts to line {self.line_id}"
