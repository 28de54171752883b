"""A connected PSA: where it is, how we sign in, which customer of it we are."""

from django.db import models
from django.utils import timezone

from psa.adapters.base import CHANGES, Way
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.models import TenantRow


class Connection(TenantRow):
    """One connected PSA. Changing its address clears the secrets and raises the epoch, which blocks waiting pushes."""

    kind = models.CharField(max_length=30)
    name = models.CharField(max_length=120)
    base_url = models.URLField(max_length=300)
    epoch = models.PositiveIntegerField(default=1)
    fields = models.JSONField(default=dict, blank=True, help_text="What is not secret, by field name")
    secrets = models.JSONField(default=dict, blank=True, help_text="Sealed, base64, by field name")
    remote_account = models.CharField(max_length=120, blank=True)
    remote_version = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    way = models.CharField(max_length=10, choices=[(w.value, w.value) for w in CHANGES], default=Way.IN_PLACE)
    ends_inclusive = models.BooleanField(default=True, help_text="The last billed day is itself billed")
    credentials_expire_on = models.DateField(
        null=True, blank=True, help_text="The last day of its key, as an admin noted it"
    )
    permissions = models.JSONField(default=list, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True, help_text="Start of the last complete read")
    full_read_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    paused_until = models.DateTimeField(
        null=True, blank=True, help_text="The circuit breaker is open until then"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows("psa_connection"),
            models.UniqueConstraint(fields=["org", "name"], name="psa_connection_name"),
        ]

    def __str__(self) -> str:
        return self.name
