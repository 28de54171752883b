"""Service cards and the decisions people take on them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from dashboard.back_billing_models import Settlement
from dashboard.note_models import Note
from dashboard.pairing_models import LinePairing
from dashboard.report_models import CarryOver, MonthReopening, MonthReport
from dashboard.rule_models import StandingRule
from dashboard.view_models import OpeningView, SavedView
from psa.models import Account, Agreement, AgreementLine, Connection, Push, Service
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import MoneyField, TenantReference, UnitsField
from reconcile.tenancy.models import TenantRow
from vendors.models import Integration


class Card(TenantRow):
    """An agreement line in the current period (or usage that has no line), with its counts and its state.

    Derived: `dashboard/cards.py` writes it, nobody else. NULL units are unknown, never zero.
    """

    class Kind(models.TextChoices):
        ADJUST = "adjust", "Adjust"
        MATCH = "match", "No change"
        NEW = "new", "New revenue"
        PSA_ONLY = "psa_only", "PSA only"
        WAITING = "waiting", "Waiting"
        HELD = "held", "Held"
        HIDDEN = "hidden", "Not compared"

    class State(models.TextChoices):
        TODO = "todo", "To do"
        HELD = "held", "Held"
        READY = "ready", "Ready to push"
        PUSHING = "pushing", "Pushing"
        FAILED = "failed", "Failed"
        DONE = "done", "Done"
        SNOOZED = "snoozed", "Snoozed"
        NONE = "none", "Nothing to do"

    connection = TenantReference(Connection)
    account = TenantReference(Account)
    service = TenantReference(Service, null=True, blank=True)
    agreement = TenantReference(Agreement, null=True, blank=True)
    line = TenantReference(AgreementLine, null=True, blank=True)
    integration = TenantReference(Integration, null=True, blank=True)
    period = models.DateField(help_text="First day of the month being reconciled")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    reason = models.CharField(max_length=30, blank=True)
    psa_units = UnitsField(null=True, blank=True)
    vendor_units = UnitsField(null=True, blank=True)
    last_units = UnitsField(
        null=True, blank=True, help_text="The last known count while vendor units are unknown"
    )
    delta = UnitsField(null=True, blank=True)
    price = MoneyField(null=True, blank=True)
    effect = MoneyField(null=True, blank=True, help_text="On the next invoice, in `currency`")
    currency = models.CharField(max_length=3, blank=True)
    # A fresh card is as old as its integration: repeating that time here would rewrite every card at each sync.
    unknown_since = models.DateTimeField(null=True, blank=True)
    # What people and pushes did, carried here so that lists need no joins.
    state = models.CharField(max_length=10, choices=State.choices)
    decision = TenantReference("dashboard.Decision", null=True, blank=True)
    push = TenantReference(Push, null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "dashboard_card",
                connection="psa_connection",
                account="psa_account",
                service="psa_service",
                agreement="psa_agreement",
                line="psa_agreementline",
                integration="vendors_integration",
                decision="dashboard_decision",
                push="psa_push",
            ),
            models.UniqueConstraint(
                fields=["org", "line"], condition=Q(line__isnull=False), name="dashboard_card_line"
            ),
            models.UniqueConstraint(
                fields=["org", "account", "service"],
                condition=Q(line__isnull=True),
                name="dashboard_card_no_line",
            ),
        ]
        indexes = [
            models.Index(fields=["org", "state", "service"], name="dashboard_card_state"),
            models.Index(fields=["org", "account"], name="dashboard_card_account"),
            models.Index(fields=["org", "service"], name="dashboard_card_service"),
        ]

    def __str__(self) -> str:
        return f"Card {self.pk}, {self.kind}"


class Decision(TenantRow):
    """What a person decided on a card; it stands until it is undone, its period ends, or the value changes.

    A snooze stands until its day instead, also beyond the end of its period.
    """

    class Verb(models.TextChoices):
        APPROVE = "approve", "Approved"
        DISMISS = "dismiss", "Dismissed"
        SNOOZE = "snooze", "Snoozed"

    line = TenantReference(AgreementLine, null=True, blank=True)
    account = TenantReference(Account)
    service = TenantReference(Service, null=True, blank=True)
    period = models.DateField()
    verb = models.CharField(max_length=10, choices=Verb.choices)
    units = UnitsField(null=True, blank=True, help_text="Reconciled units: what the person approved")
    psa_units = UnitsField(null=True, blank=True, help_text="PSA units the person saw")
    vendor_units = UnitsField(null=True, blank=True, help_text="Vendor units the person saw")
    reason = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)
    until = models.DateField(null=True, blank=True, help_text="The day on which a snoozed card comes back")
    act = models.UUIDField(
        null=True, blank=True, help_text="Names the one act that decided many cards together"
    )
    push = TenantReference(Push, null=True, blank=True)
    rule = TenantReference(StandingRule, null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows(
                "dashboard_decision",
                rule="dashboard_standingrule",
                line="psa_agreementline",
                account="psa_account",
                service="psa_service",
                push="psa_push",
            ),
            models.UniqueConstraint(
                fields=["org", "line"],
                condition=Q(undone_at__isnull=True, line__isnull=False),
                name="dashboard_decision_one_per_line",
            ),
            models.UniqueConstraint(
                fields=["org", "account", "service"],
                condition=Q(undone_at__isnull=True, line__isnull=True),
                name="dashboard_decision_one_without_line",
            ),
            models.CheckConstraint(
                condition=Q(verb="snooze", until__isnull=False) | (~Q(verb="snooze") & Q(until__isnull=True)),
                name="dashboard_decision_only_a_snooze_ends",
            ),
        ]
        indexes = [
            models.Index(fields=["org", "account"], name="dashboard_decision_account"),
            models.Index(
                fields=["org", "act"], condition=Q(act__isnull=False), name="dashboard_decision_act"
            ),
            models.Index(
                fields=["until"],
                condition=Q(verb="snooze", undone_at__isnull=True),
                name="dashboard_decision_until",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.units}"


__all__ = [
    "Card",
    "CarryOver",
    "Decision",
    "LinePairing",
    "MonthReopening",
    "MonthReport",
    "Note",
    "OpeningView",
    "SavedView",
    "Settlement",
    "StandingRule",
]
