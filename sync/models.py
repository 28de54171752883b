"""Sync runs, their steps, and what they have staged: work items are rows, so that they can be seen and resumed."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from psa.models import Account, Connection, Service
from reconcile.tenancy.constraints import TenantKey, tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow
from sync.schedule_models import AutomaticRun, AutomaticSync
from vendors.models import Integration


class SyncRun(TenantRow):
    """One sync of one source: a PSA connection or an integration. One open run per source."""

    class Mode(models.TextChoices):
        QUICK = "quick", "Quick sync"
        FULL = "full", "Full sync"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        HELD = "held", "Held for a person"
        FAILED = "failed", "Failed"
        STOPPED = "stopped", "Stopped"

    OPEN = (State.QUEUED, State.RUNNING)
    FINAL = (State.DONE, State.FAILED, State.STOPPED)

    connection = TenantReference(Connection, null=True, blank=True)
    integration = TenantReference(Integration, null=True, blank=True)
    mode = models.CharField(max_length=5, choices=Mode.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveIntegerField(
        default=0, help_text="Fencing number: every update is conditional on it"
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="Claims since it last got further")
    epoch = models.PositiveIntegerField(default=1, help_text="The source's epoch when this was asked for")
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    stop_asked = models.BooleanField(default=False)
    accepted = models.BooleanField(default=False, help_text="A person let it publish although much is gone")
    cause = models.TextField(blank=True)
    cure = models.TextField(blank=True)
    who = models.CharField(max_length=10, blank=True, help_text="admin, clock or us: who must act")
    reference = models.CharField(max_length=120, blank=True)
    changed = models.PositiveIntegerField(default=0)
    warnings = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("sync_syncrun", connection="psa_connection", integration="vendors_integration"),
            models.CheckConstraint(
                condition=Q(connection__isnull=True) ^ Q(integration__isnull=True),
                name="sync_syncrun_one_source",
            ),
            models.UniqueConstraint(
                fields=["org", "connection"],
                condition=Q(state__in=["queued", "running"]),
                name="sync_one_open_psa",
            ),
            models.UniqueConstraint(
                fields=["org", "integration"],
                condition=Q(state__in=["queued", "running"]),
                name="sync_one_open_vendor",
            ),
        ]
        indexes = [models.Index(fields=["org", "state"], name="sync_syncrun_state")]

    def __str__(self) -> str:
        return f"Run {self.pk}, {self.mode}, {self.state}"


class SyncStep(TenantRow):
    """One list of one run: how far it is, where to go on, and what it changed."""

    run = TenantReference(SyncRun, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=30)
    state = models.CharField(max_length=10, default="queued")
    cursor = models.TextField(blank=True)
    read = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True, blank=True)
    added = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    vanished = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("sync_syncstep"),
            TenantKey(name="sync_syncstep_run_org", field="run", to="sync_syncrun", on_delete="CASCADE"),
            models.UniqueConstraint(fields=["org", "run", "name"], name="sync_syncstep_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.read}"


class StagedRecord(TenantRow):
    """A record read but not yet published; a run's records are merged in one statement and then deleted."""

    run = TenantReference(SyncRun)
    step = models.CharField(max_length=30)
    remote_id = models.CharField(max_length=420)
    data = models.JSONField()

    class Meta:
        constraints = [
            *tenant_rows("sync_stagedrecord"),
            TenantKey(name="sync_stagedrecord_run_org", field="run", to="sync_syncrun", on_delete="CASCADE"),
            # A record that comes twice shows that the list moved while it was read.
            models.UniqueConstraint(
                fields=["org", "run", "step", "remote_id"], name="sync_stagedrecord_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.remote_id}"


class LineChange(TenantRow):
    """What a run changed, for people: a quantity that moved. NULL before: it is new; NULL after: it is gone.

    The names are kept as they were; account and service lead to the card that shows what became of it.
    """

    run = TenantReference(SyncRun)
    what = models.CharField(max_length=20, help_text="line or count")
    account_name = models.CharField(max_length=500)
    service_name = models.CharField(max_length=500)
    account = TenantReference(Account, null=True, blank=True)
    service = TenantReference(Service, null=True, blank=True)
    before = models.DecimalField(max_digits=20, decimal_places=6, null=True)
    after = models.DecimalField(max_digits=20, decimal_places=6, null=True)

    class Meta:
        constraints = [
            *tenant_rows("sync_linechange", account="psa_account", service="psa_service"),
            TenantKey(name="sync_linechange_run_org", field="run", to="sync_syncrun", on_delete="CASCADE"),
        ]
        indexes = [models.Index(fields=["org", "run"], name="sync_linechange_run")]

    def __str__(self) -> str:
        return f"{self.account_name}, {self.service_name}: {self.before} to {self.after}"


__all__ = ["AutomaticRun", "AutomaticSync", "LineChange", "StagedRecord", "SyncRun", "SyncStep"]
