"""What one person alone would send (E10): collected pushes that they approved themselves count as one act when sent."""

from collections.abc import Sequence

from accounts import audit
from accounts.models import ReconcileSettings, User
from dashboard.decisions import label
from dashboard.models import Card
from dashboard.thresholds import price_push, who_needs_second
from psa.models import Push
from psa.push_notices import tell_waiting

TOGETHER = (
    "You approved it yourself, and together these reach the amount from which a second approver must agree. "
    "It waits for one."
)


def find_alone(org_id: int, cards: Sequence[Card], by: User) -> list[Card]:
    """Give those of collected lines that a second person must look at before this person may send them: two queries.

    What somebody else approved is seen by two people when this one sends it; what a standing rule approved has a limit
    of its own.
    """
    own = {card.push.pk: card for card in cards if _is_by_one(card.push, by)}
    if not own:
        return []
    pushes = Push.objects.filter(org_id=org_id, pk__in=own).order_by("pk")
    found = list(pushes.select_related("line__agreement", "agreement", "connection"))
    limits = ReconcileSettings.objects.get(org_id=org_id)
    needed = who_needs_second(limits, [price_push(push) for push in found])
    return [own[push.pk] for push, needs in zip(found, needed, strict=True) if needs]


def ask_second(org_id: int, cards: Sequence[Card], *, by: User) -> list[Card]:
    """Let those wait for a second person, and give them; needs the trail held and the lines that are to be sent."""
    alone = find_alone(org_id, cards, by)
    if alone:
        Push.objects.filter(org_id=org_id, pk__in=[card.push_id for card in alone]).update(needs_second=True)
        notes = [
            audit.Note(f"push:{card.push_id}", label(card), new={"second_approver": "needed"})
            for card in alone
        ]
        audit.record_all(org_id, actor=by, verb="push needs a second approver", notes=notes)
        tell_waiting(org_id)
    return alone


def _is_by_one(push: Push, by: User) -> bool:
    return push.requested_by_id == by.pk and push.second_by_id is None
