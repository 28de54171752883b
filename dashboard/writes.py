"""What is written to a line, before and after: a push that is open has its own numbers, whatever is counted since."""

from dataclasses import dataclass
from decimal import Decimal

from dashboard.models import Card, Decision
from dashboard.thresholds import ZERO, change_of
from psa.models import Push


@dataclass(frozen=True)
class Write:
    """A quantity now and after, and what that changes on the next invoice; None where nobody knows."""

    now: Decimal | None
    after: Decimal | None
    effect: Decimal | None
    currency: str

    @property
    def delta(self) -> Decimal | None:
        """Give the change in units; usage without a line is billed 0 now."""
        return None if self.after is None else self.after - (self.now or ZERO)


def decided_on(card: Card) -> Decision | None:
    """Give the approval by which a line is done although the vendor counts something else; None otherwise."""
    decision: Decision | None = card.decision
    approved = decision is not None and decision.verb == Decision.Verb.APPROVE
    if not approved or card.state != Card.State.DONE or card.kind == Card.Kind.MATCH:
        return None
    return decision


def open_effect(card: Card) -> Decimal | None:
    """Give what is still open on the next invoice: nothing where a quantity was approved that is not the count."""
    return ZERO if decided_on(card) else card.effect


def write_of(card: Card) -> Write:
    """Give what the open push of a card writes; without one, what approving the vendor's count would."""
    push: Push | None = card.push
    if push is None or not push.is_open:
        return Write(card.psa_units, card.vendor_units, open_effect(card), card.currency)
    return Write(push.seen, push.wanted, _effect_of(card, push), card.currency)


def _effect_of(card: Card, push: Push) -> Decimal | None:
    if card.line is not None:
        return change_of(card.line, push.seen, push.wanted, card.currency).amount
    # A line that is still to be added: its price is the one that was approved.
    return None if push.unit_price is None else (push.wanted - push.seen) * push.unit_price
