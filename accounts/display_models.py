"""How an organization reads (G1): the currency that amounts are shown in, its time zone, and dated exchange rates."""

from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.exchange import ECB, MANUAL, Rate
from reconcile import zones
from reconcile.tenancy.constraints import tenant_rows
from reconcile.tenancy.models import TenantRow


class DisplaySettings(TenantRow):
    """What an organization's screens are written in. It changes how things look, never what a PSA holds."""

    currency = models.CharField(max_length=3, default="USD")
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        constraints = [
            *tenant_rows("accounts_displaysettings"),
            models.UniqueConstraint(fields=["org"], name="accounts_displaysettings_one"),
        ]

    def __str__(self) -> str:
        return f"{self.currency}, {self.time_zone}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def place(self) -> str:
        return zones.place(self.time_zone)


class ExchangeRate(TenantRow):
    """A dated rate that somebody entered or imported: 1 `base` was `rate` `quote`. A removed one can come back."""

    class Source(models.TextChoices):
        MANUAL = MANUAL, "entered by hand"
        ECB = ECB, "ECB"

    base = models.CharField(max_length=3)
    quote = models.CharField(max_length=3)
    rate = models.DecimalField(max_digits=24, decimal_places=12)
    on = models.DateField()
    source = models.CharField(max_length=6, choices=Source.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("accounts_exchangerate"),
            # A person's rate stands beside the bank's of the same day, and goes before it.
            models.UniqueConstraint(
                fields=["org", "base", "quote", "source", "on"],
                condition=Q(removed_at__isnull=True),
                name="accounts_exchangerate_once",
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="accounts_exchangerate_above_zero"),
            models.CheckConstraint(
                condition=~Q(base=F("quote")), name="accounts_exchangerate_two_currencies"
            ),
        ]

    def __str__(self) -> str:
        return self.dated.words

    @property
    def dated(self) -> Rate:
        """This row for the arithmetic."""
        return Rate(self.base, self.quote, self.rate, self.on, self.source)
