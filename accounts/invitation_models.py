"""Invitations (A4): a place in an organization that waits for the holder of a mailbox."""

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.roles import Role
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.models import TenantRow


def hash_token(token: str) -> str:
    """Give what is kept of an invitation's token: whoever reads the database can't use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def next_expiry() -> datetime:
    """Say until when an invitation that is sent now may be used."""
    return timezone.now() + timedelta(days=settings.INVITATION_DAYS)


class Invitation(TenantRow):
    """An invitation by e-mail. It is used once, by whoever proves to hold the address; until then it may be revoked."""

    email = models.EmailField()
    role = models.IntegerField(choices=Role.choices)
    token_hash = models.CharField(max_length=64)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=next_expiry)
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("accounts_invitation"),
            models.UniqueConstraint(
                fields=["org", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="accounts_invitation_open_once",
            ),
            # Not by organization: whoever opens the link knows the token alone.
            models.UniqueConstraint(fields=["token_hash"], name="accounts_invitation_token"),
        ]

    def __str__(self) -> str:
        return f"{self.email}, {self.get_role_display()}"

    @property
    def is_open(self) -> bool:
        """Say whether it waits still: neither used nor revoked; it may be too old."""
        return self.accepted_at is None and self.revoked_at is None

    @property
    def is_usable(self) -> bool:
        """Say whether the link that was sent last leads in."""
        return self.is_open and self.expires_at > timezone.now()
