"""The audit trail's rows (A6): append-only, one hash chain per organization."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from reconcile.tenancy.constraints import RowPolicy, tenant_rows
from reconcile.tenancy.models import TenantRow


class AuditHead(TenantRow):
    """The end of an organization's chain; its row lock puts writers of one chain in line."""

    last_seq = models.BigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, default="", blank=True)

    class Meta:
        constraints = [
            *tenant_rows("accounts_audithead"),
            models.UniqueConstraint(fields=["org"], name="accounts_audithead_one"),
        ]

    def __str__(self) -> str:
        return f"Audit chain of {self.org_id}, {self.last_seq} entries"


class AuditEntry(TenantRow):
    """Who did what, when, from which value to which, and what the PSA answered. Never updated, never deleted."""

    seq = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    actor_label = models.CharField(max_length=254)
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=60, help_text="Kind and id, such as push:12")
    label = models.CharField(max_length=300, blank=True)
    old = models.JSONField(default=dict, blank=True)
    new = models.JSONField(default=dict, blank=True)
    reply = models.TextField(blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            RowPolicy(name="accounts_auditentry_tenant", read_only_after_insert=True),
            models.UniqueConstraint(fields=["org", "id"], name="accounts_auditentry_org_id"),
            models.UniqueConstraint(fields=["org", "seq"], name="accounts_auditentry_seq"),
        ]
        indexes = [
            models.Index(fields=["org", "subject"], name="auditentry_subject"),
            models.Index(fields=["org", "-at"], name="auditentry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.verb} {self.subject}"
