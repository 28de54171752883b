"""What agreement lines have said in the past (E12): written by the database itself, so that no path forgets it."""

from django.db import models
from django.db.models import F, Q

from psa.mirror_models import AgreementLine
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.fields import MoneyField, TenantReference, UnitsField
from reconcile.tenancy.models import TenantRow


class LineHistory(TenantRow):
    """A quantity and a unit price that a line held from one moment until another; None: it still does.

    Triggers on the mirror's lines write it (migration 0003), also when a push or a merge of thousands changes
    them. A line that vanished has no open row. What the line said before the first sync is not known.
    """

    line = TenantReference(AgreementLine, related_name="history")
    quantity = UnitsField()
    unit_price = MoneyField(null=True, blank=True)
    held_from = models.DateTimeField()
    held_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("psa_linehistory", line="psa_agreementline"),
            models.UniqueConstraint(
                fields=["org", "line"],
                condition=Q(held_until__isnull=True),
                name="psa_linehistory_one_current",
            ),
            models.CheckConstraint(
                condition=Q(held_until__isnull=True) | Q(held_until__gte=F("held_from")),
                name="psa_linehistory_in_order",
            ),
        ]
        indexes = [models.Index(fields=["org", "line", "-held_from"], name="psa_linehistory_line")]

    def __str__(self) -> str:
        return f"{self.quantity} from {self.held_from:%Y-%m-%d}"
