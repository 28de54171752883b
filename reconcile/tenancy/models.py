"""The abstract base of every tenant row."""

from django.db import models


class TenantRow(models.Model):
    """A row that belongs to one organization; its Meta.constraints begin with `tenant_rows(...)`."""

    org = models.ForeignKey("accounts.Organization", on_delete=models.DO_NOTHING, db_index=False)

    class Meta:
        abstract = True
