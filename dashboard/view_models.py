"""Saved views (E6): an address of the lines under a name, and the one with which a person's dashboard opens."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow


class SavedView(TenantRow):
    """A view under a name: one person's own, or without an owner everybody's in the organization."""

    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, help_text="Query string of the dashboard")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, db_index=False
    )
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows("dashboard_savedview"),
            models.UniqueConstraint(
                "org",
                "owner",
                Lower("name"),
                condition=Q(owner__isnull=False),
                name="dashboard_savedview_own",
            ),
            models.UniqueConstraint(
                "org", Lower("name"), condition=Q(owner__isnull=True), name="dashboard_savedview_shared"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_shared(self) -> bool:
        return self.owner_id is None


class OpeningView(TenantRow):
    """The saved view that a person sees first."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    view = TenantReference(SavedView)

    class Meta:
        constraints = [
            *tenant_rows("dashboard_openingview", view="dashboard_savedview"),
            models.UniqueConstraint(fields=["org", "user"], name="dashboard_openingview_one"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} opens with {self.view_id}"
