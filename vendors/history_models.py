"""When the counts of vendor accounts were unknown in the past: the ledger keeps numbers, not gaps."""

from django.db import models

from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow


class GapHistory(TenantRow):
    """A time in which a vendor account's counts were unknown, and which has ended. A trigger writes it."""

    vendor_account = TenantReference("vendors.VendorAccount", related_name="past_gaps")
    since = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        constraints = [
            *tenant_rows("vendors_gaphistory", vendor_account="vendors_vendoraccount"),
            models.CheckConstraint(
                condition=models.Q(until__gte=models.F("since")), name="vendors_gaphistory_in_order"
            ),
        ]
        indexes = [models.Index(fields=["org", "vendor_account", "since"], name="vendors_gaphistory_since")]

    def __str__(self) -> str:
        return f"Unknown from {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"
