"""Organizations, people, their roles, and the settings of an organization."""

from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import connection, models
from django.utils import timezone
from django.utils.text import slugify

from accounts.audit_models import AuditEntry, AuditHead
from accounts.display_models import DisplaySettings, ExchangeRate
from accounts.erasure_models import Erasure
from accounts.invitation_models import Invitation
from accounts.mfa import has_mfa
from accounts.notice_models import AnnouncedAddresses, Feedback, Letter, Notice, NoticeChoice, NoticeMark
from accounts.roles import Role
from accounts.schedule_models import SyncSchedule
from reconcile.clock import read_clock
from reconcile.tenancy.constraints import MEMBER_POLICY, ORGANIZATION_POLICY, RowPolicy, tenant_rows
from reconcile.tenancy.fields import MoneyField
from reconcile.tenancy.models import TenantRow
from reconcile.tenancy.scope import org_scope


class UserManager(BaseUserManager):  # type: ignore[type-arg]
    """Makes people, who are known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """Make a person; the address is kept in lower case, so that it is one person however typed."""
        user: User = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; what they may do is said by their memberships."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    single_keys = models.BooleanField(default=True, help_text="Single-letter keys on lists")

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    objects = UserManager()

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """Give the name for people to read."""
        return str(self)


class Organization(models.Model):
    """An MSP: the tenant. The day it joined is kept for its weekly sync (A1)."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    joined_on = models.DateField()
    require_mfa = models.BooleanField(default=False)
    closing_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Since when it is closed, to be erased after a time (accounts.deletion)",
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [RowPolicy(name="accounts_organization_tenant", using=ORGANIZATION_POLICY)]

    def __str__(self) -> str:
        return self.name

    @property
    def erased_from(self) -> datetime | None:
        """The moment from which a closed organization may be erased; None while it is open."""
        return self.closing_since and self.closing_since + timedelta(days=settings.ORGANIZATION_GRACE_DAYS)

    @classmethod
    def found(cls, *, name: str, owner: User) -> Self:
        """Make an organization with its settings and its owner, in one transaction; the slug is made unique."""
        from accounts import audit

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval('accounts_organization_id_seq'), organization_slug(%s)", [slugify(name)[:50]]
            )
            org_id, slug = cursor.fetchone()
        with org_scope(org_id):
            org = cls.objects.create(id=org_id, name=name, slug=slug, joined_on=timezone.now().date())
            Membership.objects.create(org=org, user=owner, role=Role.OWNER)
            ReconcileSettings.objects.create(org=org)
            SyncSchedule.begin(org_id, org.joined_on, read_clock())
            DisplaySettings.objects.create(org=org)
            AuditHead.objects.create(org=org)
            audit.record(
                org_id, actor=owner, verb="founded organization", subject=f"organization:{org_id}", label=name
            )
            return org


class Membership(TenantRow):
    """A person's role in an organization."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.IntegerField(choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            RowPolicy(name="accounts_membership_tenant", using=MEMBER_POLICY),
            models.UniqueConstraint(fields=["org", "id"], name="accounts_membership_org_id"),
            models.UniqueConstraint(fields=["org", "user"], name="accounts_membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"

    @property
    def lacks_mfa(self) -> bool:
        """Say whether the organization asks for a second step that this person has not set up yet (A2)."""
        return self.org.require_mfa and not has_mfa(self.user)

    def may(self, role: Role) -> bool:
        """Say whether this member may do what `role` may."""
        return self.role >= role


class ReconcileSettings(TenantRow):
    """How an organization reconciles: guard limits (E9), which lines lists show (E5), how approvals reach the PSA."""

    class Pushing(models.TextChoices):
        AT_ONCE = "at_once", "Push as soon as a line is approved"
        COLLECT = "collect", "Collect, then push together"

    class ContractView(models.TextChoices):
        ALL = "all", "Show all contracts"
        MAPPED = "mapped", "Show only mapped and integrated contracts"

    guard_percent = models.PositiveSmallIntegerField(default=20)
    guard_units = models.PositiveSmallIntegerField(default=5)
    jump_percent = models.PositiveSmallIntegerField(default=100)
    jump_units = models.PositiveSmallIntegerField(default=20)
    vanish_percent = models.PositiveSmallIntegerField(default=10)
    stale_hours = models.PositiveSmallIntegerField(default=192)
    pushing = models.CharField(max_length=10, choices=Pushing.choices, default=Pushing.AT_ONCE)
    second_from = MoneyField(
        null=True, blank=True, help_text="From this amount on a second approver must agree; none: never"
    )
    second_currency = models.CharField(max_length=3, default="USD")
    contract_view = models.CharField(max_length=10, choices=ContractView.choices, default=ContractView.MAPPED)

    class Meta:
        constraints = [
            *tenant_rows("accounts_reconcilesettings"),
            models.UniqueConstraint(fields=["org"], name="accounts_reconcilesettings_one"),
            models.CheckConstraint(
                condition=models.Q(guard_percent__lte=100), name="guard_percent_at_most_100"
            ),
        ]

    def __str__(self) -> str:
        return f"Settings of {self.org_id}"


__all__ = [
    "AnnouncedAddresses",
    "AuditEntry",
    "AuditHead",
    "DisplaySettings",
    "Erasure",
    "ExchangeRate",
    "Feedback",
    "Invitation",
    "Letter",
    "Membership",
    "Notice",
    "NoticeChoice",
    "NoticeMark",
    "Organization",
    "ReconcileSettings",
    "SyncSchedule",
    "User",
]
