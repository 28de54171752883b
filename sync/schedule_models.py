"""What the schedule engine has done (F4): one row per organization and slot, and the runs that it asked for."""

from django.db import models

from reconcile.tenancy.constraints import TenantKey, tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow


class AutomaticSync(TenantRow):
    """One automatic sync. That it is the only one of its slot is a constraint, not a hope."""

    slot = models.DateTimeField(help_text="07:00 UTC of the day that it is for")
    started_at = models.DateTimeField(help_text="By the database's clock")
    started_by = models.CharField(max_length=200, help_text="The worker that started it")

    class Meta:
        constraints = [
            *tenant_rows("sync_automaticsync"),
            models.UniqueConstraint(fields=["org", "slot"], name="sync_automaticsync_once"),
        ]

    def __str__(self) -> str:
        return f"Automatic sync of {self.slot:%Y-%m-%d}"


class AutomaticRun(TenantRow):
    """One run of an automatic sync: asked for by it, or already under way when it started."""

    sync = TenantReference(AutomaticSync, related_name="asked")
    run = TenantReference("sync.SyncRun", related_name="automatic")
    joined = models.BooleanField(default=False, help_text="It was under way already")
    why_full = models.CharField(max_length=200, blank=True, help_text="Why a quick sync was not enough")

    class Meta:
        constraints = [
            *tenant_rows("sync_automaticrun", sync="sync_automaticsync"),
            TenantKey(name="sync_automaticrun_run_org", field="run", to="sync_syncrun", on_delete="CASCADE"),
            models.UniqueConstraint(fields=["org", "sync", "run"], name="sync_automaticrun_once"),
        ]

    def __str__(self) -> str:
        return f"Run {self.run_id} of automatic sync {self.sync_id}"
