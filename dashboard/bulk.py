"""Decisions on many cards at once; called inside the organization's scope."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from accounts.models import User
from dashboard.decisions import Refused, Seen, choose, find_many, intend, list_choices, refuse_closed, write
from dashboard.models import Card, Decision
from dashboard.writes import write_of
from psa import pushes
from psa.adapters.base import Choice, Way


@dataclass(frozen=True)
class Timing:
    """From when the changes of one act count: as usual for each line, its next billing period, or sent on a day."""

    way: Way | None = None
    sent_on: date | None = None


USUAL = Timing()


def choose_for(card: Card, timing: Timing) -> Choice:
    """Give the honest choice of a line that comes closest to a wish for many; raise Refused when it offers none."""
    if timing.way is None:
        return choose(card)
    offered = [choice for choice in list_choices(card) if choice.way == timing.way]
    if not offered:
        raise Refused("This line's agreement offers no such date. Approve it by itself.")
    # The last one offered is the next billing period; one inside a period would prorate.
    return offered[-1]


@dataclass(frozen=True)
class Preview:
    """What an act on a selection would do: the cards that can be, and those left out with the reason."""

    cards: Sequence[Card]
    left_out: Sequence[tuple[Card, str]]

    @property
    def units(self) -> tuple[Decimal, Decimal]:
        """Add up the units that rise, and those that fall."""
        deltas = [delta for card in self.cards if (delta := write_of(card).delta) is not None]
        return sum((d for d in deltas if d > 0), Decimal(0)), sum((d for d in deltas if d < 0), Decimal(0))


def preview(org_id: int, card_ids: Sequence[int], why_not: Callable[[Card], str]) -> Preview:
    """Look at a selection; `why_not` gives the reason of a line that is left out, else nothing.

    Raises Refused while the month is closed: nothing that is previewed could be done.
    """
    refuse_closed(org_id)
    found = Card.objects.filter(org_id=org_id, pk__in=card_ids).select_related(
        "account", "service", "agreement", "connection", "line", "integration", "push", "decision"
    )
    fit: list[Card] = []
    left: list[tuple[Card, str]] = []
    for card in found.order_by("account__name", "service__name", "pk"):
        if reason := why_not(card):
            left.append((card, reason))
        else:
            fit.append(card)
    return Preview(fit, left)


def why_not_in_bulk(card: Card) -> str:
    """Say why a card needs a look of its own; empty when it can be approved together with others.

    Stale, held and uncompared lines are never pushed in bulk (RELIABILITY §2).
    """
    if card.kind in (Card.Kind.HELD, Card.Kind.WAITING):
        return "Held: open it and confirm it by itself"
    if card.kind != Card.Kind.ADJUST:
        return "Nothing to approve"
    if card.state == Card.State.SNOOZED:
        return "Snoozed: wake it first"
    if card.state != Card.State.TODO:
        return "Already decided, or its last push stopped"
    return ""


def approve_many(
    org_id: int, seen: Mapping[int, Seen], *, by: User, act: UUID | None = None, timing: Timing = USUAL
) -> tuple[list[Decision], list[tuple[Card, str]]]:
    """Approve a selection; a line that cannot be is reported, the others go on."""
    wanted: list[tuple[Card, pushes.Intent]] = []
    refused: list[tuple[Card, str]] = []
    for card in find_many(org_id, seen):
        try:
            if reason := why_not_in_bulk(card):
                raise Refused(reason)
            choice = choose_for(card, timing)
            wanted.append((card, intend(card, seen[card.pk], choice=choice, sent_on=timing.sent_on)))
        except Refused as error:
            refused.append((card, error.sentence))
    done: list[Decision] = []
    for (card, _), result in zip(wanted, write(org_id, wanted, by=by, act=act), strict=True):
        if isinstance(result, Refused):
            refused.append((card, result.sentence))
        else:
            done.append(result)
    return done, refused
