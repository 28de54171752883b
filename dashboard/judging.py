"""What the reconciliation settings mean for this month's lines, before they are saved (E9, E10)."""

from decimal import Decimal

from django.db.models import Count, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Greatest

from accounts.models import ReconcileSettings
from accounts.rates import exchange_for
from dashboard.models import Card
from dashboard.thresholds import limit_in
from reconcile.tenancy.fields import UnitsField

JUDGED = (Card.Kind.ADJUST, Card.Kind.HELD)


def count_by_settings(limits: ReconcileSettings) -> dict[str, int]:
    """Count an organization's lines as these limits would judge them, by the rules of `rules.guard` and `thresholds`.

    One query; with a second approver two more, for the rates.
    """
    differs = Q(kind__in=JUDGED)
    held = differs & (Q(reason="shared") | _beyond(limits))
    asks = _asks_second(limits)
    open_ones = differs & Q(state__in=[Card.State.TODO, Card.State.HELD, Card.State.READY])
    lines = Card.objects.filter(org_id=limits.org_id, line__isnull=False)
    return lines.aggregate(
        compared=Count("pk", filter=differs | Q(kind=Card.Kind.MATCH)),
        alike=Count("pk", filter=Q(kind=Card.Kind.MATCH)),
        held=Count("pk", filter=held),
        second=Count("pk", filter=open_ones & ~held & asks),
        missing=Count("pk", filter=Q(kind=Card.Kind.WAITING)),
    )


def _beyond(limits: ReconcileSettings) -> Q:
    """Say that a change is beyond the guards: to zero, or further than percent and units allow."""
    drop = F("psa_units") - _reach(limits.guard_percent, limits.guard_units)
    jump = F("psa_units") + _reach(limits.jump_percent, limits.jump_units)
    return Q(vendor_units=0) | Q(vendor_units__lt=drop) | Q(vendor_units__gt=jump)


def _reach(percent: int, units: int) -> Greatest:
    share = ExpressionWrapper(F("psa_units") * Decimal(percent) / Decimal(100), output_field=UnitsField())
    return Greatest(share, Value(Decimal(units), output_field=UnitsField()))


def _asks_second(limits: ReconcileSettings) -> Q:
    if limits.second_from is None:
        return Q(pk__in=[])
    currencies = Card.objects.filter(org_id=limits.org_id).order_by("currency").distinct("currency")
    exchange = exchange_for(limits.org_id, currency=limits.second_currency)
    amounts = limit_in(
        exchange, limits.second_from, exchange.currency, currencies.values_list("currency", flat=True)
    )
    asks = Q(effect__isnull=True) | ~Q(currency__in=amounts)
    for code, amount in amounts.items():
        asks |= Q(currency=code) & (Q(effect__gte=amount) | Q(effect__lte=-amount))
    return asks
