"""Tickets made from cards, each a row before it is a call, and where a connection's tickets go."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from psa.connection_models import Connection
from psa.mirror_models import Account, AgreementLine, Service
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow


class Ticket(TenantRow):
    """One ticket about one card: an agreement line, or usage without one, in one period. Never a second row.

    `key` names it in the PSA, so that a ticket whose answer was lost is found again and not made twice.
    A failed one is tried again in its own row, with the same key.
    """

    class State(models.TextChoices):
        STAGED = "staged", "Being created"
        SENDING = "sending", "Being created"
        CREATED = "created", "Created"
        FAILED = "failed", "Not created"

    OPEN = (State.STAGED, State.SENDING)

    connection = TenantReference(Connection)
    epoch = models.PositiveIntegerField()
    remote_host = models.CharField(max_length=300)
    remote_account = models.CharField(max_length=120)
    account = TenantReference(Account)
    line = TenantReference(AgreementLine, null=True, blank=True)
    service = TenantReference(Service, null=True, blank=True)
    period = models.DateField(help_text="First day of the month of its card")
    account_remote_id = models.CharField(max_length=60)
    agreement_remote_id = models.CharField(max_length=60, blank=True)
    board_remote_id = models.CharField(max_length=60, blank=True)
    status_remote_id = models.CharField(max_length=60, blank=True)
    priority_remote_id = models.CharField(max_length=60, blank=True)
    summary = models.CharField(max_length=100)
    body = models.TextField()
    key = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.STAGED)
    attempt = models.PositiveIntegerField(
        default=0, help_text="Fencing number: every update is conditional on it"
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="Claims since a person asked for it")
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, help_text="For people: the cause, and who must act")
    remote_id = models.CharField(max_length=60, blank=True, help_text="The ticket's number in the PSA")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "psa_ticket",
                connection="psa_connection",
                account="psa_account",
                line="psa_agreementline",
                service="psa_service",
            ),
            models.UniqueConstraint(
                fields=["org", "line", "period"],
                condition=Q(line__isnull=False),
                name="psa_ticket_one_per_line_and_period",
            ),
            models.UniqueConstraint(
                fields=["org", "account", "service", "period"],
                condition=Q(line__isnull=True),
                nulls_distinct=False,
                name="psa_ticket_one_without_line",
            ),
            models.UniqueConstraint(fields=["org", "key"], name="psa_ticket_key"),
        ]
        indexes = [
            models.Index(fields=["org", "account", "period"], name="psa_ticket_account"),
            models.Index(fields=["org", "state", "not_before"], name="psa_ticket_state"),
        ]

    def __str__(self) -> str:
        return f"Ticket {self.remote_id or self.pk}, {self.state}"


class TicketPlace(TenantRow):
    """Where a connection's tickets go, chosen once. Empty status or priority: as the board sets it."""

    connection = TenantReference(Connection)
    board_remote_id = models.CharField(max_length=60, blank=True)
    status_remote_id = models.CharField(max_length=60, blank=True)
    priority_remote_id = models.CharField(max_length=60, blank=True)
    priorities = models.JSONField(default=list, blank=True, help_text="[[id, name], …] as last read")
    priorities_read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("psa_ticketplace", connection="psa_connection"),
            models.UniqueConstraint(fields=["org", "connection"], name="psa_ticketplace_one"),
        ]

    def __str__(self) -> str:
        return f"Board {self.board_remote_id} of {self.connection_id}"
