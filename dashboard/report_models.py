"""Closed months (E13): the lines carried over as exceptions, the locked reports, and the reopenings."""

import hashlib
import json
import zlib
from datetime import UTC, date, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from psa.models import Account, AgreementLine, Service
from reconcile.period import next_month
from reconcile.tenancy.constraints import RowPolicy, TenantKey, tenant_rows
from reconcile.tenancy.fields import TenantReference, UnitsField
from reconcile.tenancy.models import TenantRow


class CarryOver(TenantRow):
    """A difference that a month may be closed with, and why; it stands while its numbers are those that were seen."""

    line = TenantReference(AgreementLine, null=True, blank=True)
    account = TenantReference(Account)
    service = TenantReference(Service, null=True, blank=True)
    period = models.DateField()
    psa_units = UnitsField(null=True, blank=True, help_text="PSA units the person saw")
    vendor_units = UnitsField(null=True, blank=True, help_text="Vendor units the person saw")
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "dashboard_carryover", line="psa_agreementline", account="psa_account", service="psa_service"
            ),
            models.UniqueConstraint(
                fields=["org", "period", "line"],
                condition=Q(undone_at__isnull=True, line__isnull=False),
                name="dashboard_carryover_one_per_line",
            ),
            models.UniqueConstraint(
                fields=["org", "period", "account", "service"],
                condition=Q(undone_at__isnull=True, line__isnull=True),
                name="dashboard_carryover_one_without_line",
            ),
        ]

    def __str__(self) -> str:
        return f"Carried over from {self.period}: {self.reason}"


class MonthReport(TenantRow):
    """A closed month as it was signed. Never updated, never deleted; closing again after a reopening adds a version.

    `content` is canonical JSON, compressed; `digest` is the SHA-256 of that JSON, which the audit trail keeps, too.
    """

    period = models.DateField()
    version = models.PositiveSmallIntegerField()
    closed_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False
    )
    closed_by_label = models.CharField(max_length=254)
    lines = models.PositiveIntegerField()
    exceptions = models.PositiveIntegerField()
    content = models.BinaryField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            RowPolicy(name="dashboard_monthreport_tenant", read_only_after_insert=True),
            models.UniqueConstraint(fields=["org", "id"], name="dashboard_monthreport_org_id"),
            models.UniqueConstraint(
                fields=["org", "period", "version"], name="dashboard_monthreport_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period:%B %Y}, version {self.version}"

    @property
    def last_day(self) -> date:
        return next_month(self.period) - timedelta(days=1)

    @property
    def is_late(self) -> bool:
        """Say whether it was signed after its month: then its numbers are those of the last day."""
        return self.closed_at.astimezone(UTC).date() > self.last_day

    def seal(self, content: dict[str, Any]) -> None:
        """Take the content; whoever changes a byte of it later no longer fits the digest."""
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        self.content, self.digest = zlib.compress(text, 9), hashlib.sha256(text).hexdigest()

    def open_content(self) -> dict[str, Any]:
        """Give the content as it was sealed; raise ValueError when it is not what was signed."""
        text = zlib.decompress(bytes(self.content))
        if hashlib.sha256(text).hexdigest() != self.digest:
            raise ValueError(f"Report {self.pk} is not as it was signed")
        content: dict[str, Any] = json.loads(text)
        return content


class MonthReopening(TenantRow):
    """Who opened a closed month again, and why. Never updated, never deleted."""

    report = TenantReference(MonthReport, related_name="reopenings")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    reason = models.CharField(max_length=300)

    class Meta:
        constraints = [
            RowPolicy(name="dashboard_monthreopening_tenant", read_only_after_insert=True),
            models.UniqueConstraint(fields=["org", "id"], name="dashboard_monthreopening_org_id"),
            models.UniqueConstraint(fields=["org", "report"], name="dashboard_monthreopening_once"),
            TenantKey(name="dashboard_monthreopening_report_org", field="report", to="dashboard_monthreport"),
        ]

    def __str__(self) -> str:
        return f"Reopened {self.report_id}: {self.reason}"
