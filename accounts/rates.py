"""The exchange rates that an organization keeps: looked up, entered, imported, removed and put back (G1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.exchange import ECB, MANUAL, Exchange, Rate, newest
from accounts.models import DisplaySettings, ExchangeRate, User


def exchange_for(org_id: int, *, on: date | None = None, currency: str = "") -> Exchange:
    """Give the display currency and the rates of a day (today, in the zone at hand): two queries, inside the scope.

    `currency` stands for the display currency when the caller knows it; then it is one query.
    """
    day = on or timezone.localdate()
    target = currency or DisplaySettings.objects.values_list("currency", flat=True).get(org_id=org_id)
    rates = newest((row.dated for row in list_in_use(org_id, day)), day)
    return Exchange(target, day, settings.RATES_OLD_AFTER_DAYS, rates)


def list_in_use(org_id: int, day: date) -> QuerySet[ExchangeRate]:
    """List the newest rate of each pair and source on or before a day."""
    kept = ExchangeRate.objects.filter(org_id=org_id, removed_at__isnull=True, on__lte=day)
    return kept.order_by("base", "quote", "source", "-on").distinct("base", "quote", "source")


def enter(org_id: int, rate: Rate, *, by: User) -> bool:
    """Keep a rate that a person entered; one of the same pair and day is replaced. Says whether anything changed."""
    audit.hold(org_id)
    pair = {"org_id": org_id, "base": rate.base, "quote": rate.quote, "on": rate.on, "source": MANUAL}
    stored = ExchangeRate.objects.filter(**pair, removed_at__isnull=True).first()
    if stored and stored.rate == rate.rate:
        return False
    before = stored.rate if stored else None
    row = stored or ExchangeRate(**pair)
    row.rate, row.by, row.at = rate.rate, by, timezone.now()
    row.save()
    _record(row, by, "entered exchange rate", {"rate": before} if before else {}, {"rate": rate.rate})
    return True


def remove(org_id: int, rate_id: int, *, by: User) -> ExchangeRate | None:
    """Take a rate out of use; it stays, and can be put back. None when it is not in use."""
    audit.hold(org_id)
    row = ExchangeRate.objects.filter(org_id=org_id, pk=rate_id, removed_at__isnull=True).first()
    if row:
        row.removed_at = timezone.now()
        row.save(update_fields=["removed_at"])
        _record(row, by, "removed exchange rate", {"rate": row.rate}, {})
    return row


def put_back(org_id: int, rate_id: int, *, by: User) -> ExchangeRate | None:
    """Undo a removal. None when the rate is in use already, or another has taken its day."""
    audit.hold(org_id)
    row = ExchangeRate.objects.filter(org_id=org_id, pk=rate_id, removed_at__isnull=False).first()
    if row is None:
        return None
    same = ExchangeRate.objects.filter(
        org_id=org_id, base=row.base, quote=row.quote, source=row.source, on=row.on, removed_at__isnull=True
    )
    if same.exists():
        return None
    row.removed_at = None
    row.save(update_fields=["removed_at"])
    _record(row, by, "put back exchange rate", {}, {"rate": row.rate})
    return row


def _record(row: ExchangeRate, by: User, verb: str, old: dict[str, Decimal], new: dict[str, Decimal]) -> None:
    label = f"{row.base} to {row.quote}, {row.on}, {row.get_source_display()}"
    audit.record(
        row.org_id, actor=by, verb=verb, subject=f"exchange rate:{row.pk}", label=label, old=old, new=new
    )


@dataclass(frozen=True)
class Imported:
    """What an import did: rates added, replaced because the file says otherwise, the same, and too old to keep."""

    added: int = 0
    replaced: int = 0
    same: int = 0
    too_old: int = 0


def import_file(org_id: int, rates: Sequence[Rate], *, name: str, by: User) -> Imported:
    """Keep the bank's rates of a file; the same file twice changes nothing. What was entered by hand stays as it is."""
    audit.hold(org_id)
    oldest = timezone.localdate() - timedelta(days=settings.RATES_KEEP_DAYS)
    wanted = [rate for rate in rates if rate.on >= oldest]
    stored = {
        (row.base, row.quote, row.on): row
        for row in ExchangeRate.objects.filter(
            org_id=org_id, source=ECB, removed_at__isnull=True, on__gte=oldest
        )
    }
    pairs = [(stored.get((rate.base, rate.quote, rate.on)), rate) for rate in wanted]
    new = [rate for row, rate in pairs if row is None]
    differing = [(row, rate.rate) for row, rate in pairs if row is not None and row.rate != rate.rate]
    _write(org_id, new, differing, name=name, by=by)
    same = len(wanted) - len(new) - len(differing)
    return Imported(len(new), len(differing), same, len(rates) - len(wanted))


def _write(
    org_id: int, new: list[Rate], differing: list[tuple[ExchangeRate, Decimal]], *, name: str, by: User
) -> None:
    now = timezone.now()
    ExchangeRate.objects.bulk_create(
        (
            ExchangeRate(
                org_id=org_id, base=r.base, quote=r.quote, rate=r.rate, on=r.on, source=ECB, by=by, at=now
            )
            for r in new
        ),
        batch_size=1000,
    )
    before = {f"{row.quote} {row.on}": row.rate for row, _ in differing}
    for row, rate in differing:
        row.rate, row.by, row.at = rate, by, now
    ExchangeRate.objects.bulk_update([row for row, _ in differing], ["rate", "by", "at"], batch_size=500)
    if new or differing:
        after = {f"{row.quote} {row.on}": row.rate for row, _ in differing}
        audit.record(
            org_id, actor=by, verb="imported exchange rates", subject=f"exchange rates:{org_id}", label=name,
            old=before, new={"rates added": len(new)} | after,
        )  # fmt: skip
