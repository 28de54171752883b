"""Pushes: each one intended write to the PSA, a row before it is a call (RELIABILITY §1)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from psa.adapters.base import Way, WriteKind
from psa.connection_models import Connection
from psa.mirror_models import Account, Agreement, AgreementLine, Service
from reconcile.tenancy.constraints import RowPolicy, TenantKey, tenant_rows
from reconcile.tenancy.fields import MoneyField, TenantReference, UnitsField
from reconcile.tenancy.models import TenantRow


class Push(TenantRow):
    """One intended write: who, what, from, to, effective date, and the value last read."""

    class State(models.TextChoices):
        WAITING = "waiting", "Ready to push"  # collected: for a chosen moment or a second approver
        STAGED = "staged", "Queued"
        CLAIMED = "claimed", "Checking"
        SENDING = "sending", "Pushing"
        UNKNOWN = "unknown", "Checking what arrived"
        CONFIRMED = "confirmed", "Confirmed"
        CONFLICT = "conflict", "The PSA has moved"
        BLOCKED = "blocked", "Blocked"
        FAILED = "failed", "Failed"
        PERSON = "person", "A person must decide"
        CANCELLED = "cancelled", "Undone before sending"

    OPEN = (State.WAITING, State.STAGED, State.CLAIMED, State.SENDING, State.UNKNOWN)
    RUNNING = (State.STAGED, State.CLAIMED, State.SENDING, State.UNKNOWN)
    # Ended without its effect, or without anybody knowing: a person looks.
    STOPPED = (State.FAILED, State.BLOCKED, State.CONFLICT, State.PERSON)

    connection = TenantReference(Connection)
    epoch = models.PositiveIntegerField()
    remote_host = models.CharField(max_length=300)
    remote_account = models.CharField(max_length=120)
    line = TenantReference(AgreementLine, null=True, blank=True)
    # Of a line to be added: where, and of what; `line` is set when it has been read back.
    account = TenantReference(Account, null=True, blank=True)
    agreement = TenantReference(Agreement, null=True, blank=True)
    service = TenantReference(Service, null=True, blank=True)
    unit_price = MoneyField(null=True, blank=True, help_text="Of a line to be added; none: the PSA's own")
    agreement_remote_id = models.CharField(max_length=60)
    line_remote_id = models.CharField(max_length=60, blank=True)
    service_remote_id = models.CharField(max_length=60)
    write_kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in WriteKind])
    way = models.CharField(max_length=10, choices=[(w.value, w.value) for w in Way])
    seen = UnitsField(help_text="The quantity that the person saw")
    seen_version = models.CharField(max_length=60, blank=True)
    wanted = UnitsField()
    effective_on = models.DateField()
    key = models.UUIDField(
        help_text="Names the push in every attempt; our marker where the PSA can carry one"
    )
    request_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.STAGED)
    attempt = models.PositiveIntegerField(
        default=0, help_text="Fencing number: every update is conditional on it"
    )
    sent_count = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text="For people: the cause, and who must act")
    read_back = UnitsField(null=True, blank=True)
    result_line_remote_id = models.CharField(max_length=60, blank=True)
    reply = models.TextField(blank=True)
    undoes = TenantReference("self", null=True, blank=True, related_name="undone_by")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False
    )
    release_on = models.DateField(
        null=True, blank=True, help_text="The chosen day on which a waiting push is sent"
    )
    needs_second = models.BooleanField(default=False, help_text="Is sent only when a second person agrees")
    second_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        db_index=False,
        related_name="+",
    )
    second_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "psa_push",
                connection="psa_connection",
                line="psa_agreementline",
                account="psa_account",
                agreement="psa_agreement",
                service="psa_service",
                undoes="psa_push",
            ),
            models.UniqueConstraint(
                fields=["org", "line"],
                condition=Q(state__in=["waiting", "staged", "claimed", "sending", "unknown"]),
                name="psa_push_one_open_per_line",
            ),
            models.UniqueConstraint(
                fields=["org", "account", "service"],
                condition=Q(way="add", state__in=["waiting", "staged", "claimed", "sending", "unknown"]),
                name="psa_push_one_open_addition",
            ),
            models.UniqueConstraint(fields=["org", "key"], name="psa_push_key"),
            models.UniqueConstraint(
                fields=["org", "undoes"],
                condition=Q(undoes__isnull=False)
                & ~Q(state__in=["failed", "blocked", "conflict", "cancelled"]),
                name="psa_push_undone_once",
            ),
            models.CheckConstraint(condition=Q(wanted__gte=0), name="psa_push_wanted_not_negative"),
            models.CheckConstraint(
                condition=Q(line__isnull=False)
                | Q(way="add", account__isnull=False, agreement__isnull=False, service__isnull=False),
                name="psa_push_about_something",
            ),
            # Two pairs of eyes (E10), whatever the code says: a second person, and not sent before they agreed.
            models.CheckConstraint(
                condition=Q(second_by__isnull=True) | ~Q(second_by=F("requested_by")),
                name="psa_push_two_people",
            ),
            models.CheckConstraint(
                condition=Q(needs_second=False)
                | Q(second_by__isnull=False)
                | Q(state__in=["waiting", "cancelled"]),
                name="psa_push_second_before_sending",
            ),
        ]
        indexes = [
            models.Index(fields=["org", "state", "not_before"], name="psa_push_state"),
            models.Index(fields=["org", "line", "-id"], name="psa_push_line"),
            models.Index(
                fields=["org", "account", "service", "-id"], condition=Q(way="add"), name="psa_push_addition"
            ),
            models.Index(
                fields=["release_on"],
                condition=Q(state="waiting", release_on__isnull=False),
                name="psa_push_release",
            ),
        ]

    def __str__(self) -> str:
        return f"Push {self.pk}: {self.seen} to {self.wanted}, {self.state}"

    @property
    def reference(self) -> str:
        """Name the push to support: by its id alone, which means nothing to anybody else."""
        return f"P{self.pk}"

    @property
    def adds(self) -> bool:
        """Say whether this push adds a line, rather than change the quantity of one."""
        return self.way == Way.ADD

    @property
    def for_account(self) -> Account:
        """Give the account whose invoice this changes."""
        account: Account = self.line.account if self.account is None else self.account
        return account

    @property
    def for_service(self) -> Service | None:
        """Give the service that it bills."""
        service: Service | None = self.line.service if self.service is None else self.service
        return service

    @property
    def for_agreement(self) -> Agreement:
        """Give the agreement that bills it."""
        agreement: Agreement = self.line.agreement if self.line is not None else self.agreement
        return agreement

    @property
    def waits_for_second(self) -> bool:
        """Say whether a second person must agree before this push is sent."""
        return self.state == self.State.WAITING and self.needs_second and self.second_by_id is None

    @property
    def is_open(self) -> bool:
        """Say whether this push may still write."""
        return self.state in self.OPEN


class PushAttempt(TenantRow):
    """One step of one attempt, appended before and after each call; never changed."""

    push = TenantReference(Push, related_name="attempts")
    attempt = models.PositiveIntegerField()
    step = models.CharField(max_length=20)
    at = models.DateTimeField(default=timezone.now)
    quantity = UnitsField(null=True, blank=True)
    detail = models.TextField(blank=True)
    request_id = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            RowPolicy(name="psa_pushattempt_tenant", read_only_after_insert=True),
            models.UniqueConstraint(fields=["org", "id"], name="psa_pushattempt_org_id"),
            TenantKey(name="psa_pushattempt_push_org", field="push", to="psa_push"),
        ]
        indexes = [models.Index(fields=["org", "push", "id"], name="psa_pushattempt_push")]

    def __str__(self) -> str:
        return f"{self.push_id}/{self.attempt} {self.step}"
