"""Tags (D8): plain words of the customer's own on accounts and services, and so on the lines of both."""

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from psa.mirror_models import Account, Service
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow


class Tag(TenantRow):
    """A word; however it is typed, one that differs in capitals alone is the same."""

    name = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            *tenant_rows("psa_tag"),
            models.UniqueConstraint("org", Lower("name"), name="psa_tag_name"),
        ]

    def __str__(self) -> str:
        return self.name


class AccountTag(TenantRow):
    """An account wears a tag."""

    tag = TenantReference(Tag)
    account = TenantReference(Account)

    class Meta:
        constraints = [
            *tenant_rows("psa_accounttag", tag="psa_tag", account="psa_account"),
            models.UniqueConstraint(fields=["org", "tag", "account"], name="psa_accounttag_once"),
        ]
        indexes = [models.Index(fields=["org", "account"], name="psa_accounttag_account")]

    def __str__(self) -> str:
        return f"{self.tag_id} on account {self.account_id}"


class ServiceTag(TenantRow):
    """A service wears a tag."""

    tag = TenantReference(Tag)
    service = TenantReference(Service)

    class Meta:
        constraints = [
            *tenant_rows("psa_servicetag", tag="psa_tag", service="psa_service"),
            models.UniqueConstraint(fields=["org", "tag", "service"], name="psa_servicetag_once"),
        ]
        indexes = [models.Index(fields=["org", "service"], name="psa_servicetag_service")]

    def __str__(self) -> str:
        return f"{self.tag_id} on service {self.service_id}"
