"""Adding a line to an agreement for usage that none bills: where it can go, from when, and the approval (E2, B4)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from accounts.models import ReconcileSettings, User
from dashboard import cards
from dashboard.decisions import Doubted, Refused, Seen, build, of_card
from dashboard.models import Card, Decision
from dashboard.pairing import check_open
from dashboard.rules import Guards, guard
from dashboard.thresholds import Change, who_needs_second
from psa import additions, pushes
from psa.adapters import ADAPTERS
from psa.adapters.base import Choice
from psa.models import Agreement
from reconcile.signals import figures_changed


@dataclass(frozen=True)
class Place:
    """An agreement that can hold the line, from one honest day on. `price` is per unit, None where the PSA sets it."""

    agreement: Agreement
    choice: Choice
    currency: str
    price: Decimal | None
    units: Decimal
    bills_from: date

    @property
    def value(self) -> str:
        """Name this place in a form."""
        return f"{self.agreement.pk}|{self.choice.effective_on:%Y-%m-%d}"

    @property
    def amount(self) -> Decimal | None:
        """Give what the vendor's count comes to on one invoice."""
        return None if self.price is None else self.price * self.units

    @property
    def is_on_next_invoice(self) -> bool:
        return self.choice.effective_on <= self.bills_from

    @property
    def is_inside_a_period(self) -> bool:
        """Say whether the line starts before the period of that invoice, so that some days more are billed."""
        return self.agreement.prorate and self.choice.effective_on < self.bills_from


def can_add(card: Card) -> bool:
    """Say whether this PSA lets Reconcile add lines."""
    return ADAPTERS[card.connection.kind].adding is not None


def list_places(card: Card) -> list[Place]:
    """Give the account's agreements that can hold a line of this service, each with its honest days; two queries."""
    offer = ADAPTERS[card.connection.kind].adding
    if offer is None:
        return []
    today, bills_from = timezone.now().date(), cards.bills_from()
    rows = Agreement.objects.filter(
        Q(agreement_type=None) | Q(agreement_type__in_scope=True),
        Q(ends_on=None) | Q(ends_on__gte=today),
        org_id=card.org_id, account_id=card.account_id, vanished_at=None, active=True, recurring=True,
    )  # fmt: skip
    places = []
    for agreement in rows.order_by("name", "pk"):
        currency = agreement.currency or card.connection.currency
        # The catalogue's price is in the connection's currency: in another one it would be a wrong number.
        price = card.service.price if currency == card.connection.currency else None
        places += [
            Place(agreement, choice, currency, price, card.vendor_units, bills_from)
            for choice in offer(agreement.as_record(), today)
        ]
    return places


def add(
    card: Card,
    seen: Seen,
    where: str,
    *,
    price: Decimal | None,
    units: Decimal,
    by: User,
    meant: Decimal | None = None,
) -> Decision:
    """Approve a line of so many units and stage its push; `price` is the one on the person's screen.

    A quantity beyond the guards asks that the person has said yes to that number: `meant`. Raises Refused, or Doubted;
    then nothing was written.
    """
    check_open(card, seen)
    place = next((place for place in list_places(card) if place.value == where), None)
    if place is None:
        raise Refused("Choose an agreement. If the one you saw is gone, it takes no new lines any more.")
    if price != place.price:
        raise Refused(
            "The price has changed since you opened the page. Nothing was written: look at it again."
        )
    if units != meant:
        _check_units(card, units)
    addition = additions.Addition(
        place.agreement, card.service, units, place.price, place.choice.effective_on
    )
    return _stage(card, addition, by)


def _stage(card: Card, addition: additions.Addition, by: User) -> Decision:
    limits = ReconcileSettings.objects.get(org_id=card.org_id)
    collect = limits.pushing == ReconcileSettings.Pushing.COLLECT
    amount = None if addition.unit_price is None else addition.wanted * addition.unit_price
    change = Change(amount, addition.agreement.currency or card.currency)
    (needs_second,) = who_needs_second(limits, [change])
    with figures_changed.together(card.org_id):
        try:
            push = additions.stage(addition, by=by, waiting=collect, needs_second=needs_second)
        except pushes.PushRefused as refused:
            raise Refused(refused.sentence) from refused
        of_card(card).filter(undone_at__isnull=True).update(undone_at=timezone.now())
        decision = build(card, Decision.Verb.APPROVE, by=by, units=push.wanted, push=push)
        decision.save(force_insert=True)
    return decision


def _check_units(card: Card, units: Decimal) -> None:
    """Hold a typed quantity to the guards, measured from what the vendor counts: nothing is billed yet."""
    guards = Guards.of(ReconcileSettings.objects.get(org_id=card.org_id))
    if units != card.vendor_units and guard(card.vendor_units, units, guards):
        sentence = (
            f"{units.normalize():f} is far from the {card.vendor_units.normalize():f} that the vendor counts, "
            "beyond your guards."
        )
        raise Doubted(sentence, card.vendor_units, units)
