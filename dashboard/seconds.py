"""What a second approver says of changes that wait for one (E10): agree, or turn down."""

from collections.abc import Mapping

from django.utils import timezone

from accounts.models import Membership, ReconcileSettings, User
from accounts.roles import Role
from dashboard.decisions import Refused, find_many
from dashboard.models import Card, Decision
from psa import push_second
from psa.models import Push
from psa.pushes import PushRefused
from reconcile.signals import figures_changed

ANOTHER = "It is not the change that was on your screen any more. Nothing was done: look at the new numbers."
MOVED_ON = "The vendor's count has changed since it was approved. Undo it, and look again."


def why_not_agreed(card: Card, by: User) -> str:
    """Say why this person cannot be the second approver of a line; empty when they can."""
    if card.push is None or not card.push.waits_for_second:
        return push_second.NOT_WAITING
    if card.push.requested_by_id == by.pk:
        return push_second.FIRST
    return "" if is_as_approved(card) else MOVED_ON


def is_as_approved(card: Card) -> bool:
    """Say whether the count is still the approved one; an undo writes back what was, whatever is counted."""
    if card.push is not None and card.push.undoes_id:
        return True
    return card.decision is not None and card.decision.vendor_units == card.vendor_units


def agree(org_id: int, seen: Mapping[int, int], *, by: User) -> tuple[list[Push], list[tuple[Card, str]]]:
    """Agree to changes as the second person; those that cannot be are reported.

    `seen` names the push of each card that was on the person's screen: whoever agrees, agrees to that one alone.
    """
    collect = ReconcileSettings.objects.get(org_id=org_id).pushing == ReconcileSettings.Pushing.COLLECT
    fit: list[Card] = []
    left: list[tuple[Card, str]] = []
    for card in find_many(org_id, seen):
        if reason := why_not_agreed(card, by) or _why_another(card, seen[card.pk]):
            left.append((card, reason))
        else:
            fit.append(card)
    agreed: list[Push] = []
    with figures_changed.together(org_id):
        results = push_second.agree([card.push for card in fit], by, collect=collect)
    for card, result in zip(fit, results, strict=True):
        if isinstance(result, PushRefused):
            left.append((card, result.sentence))
        else:
            agreed.append(result)
    return agreed, left


def _why_another(card: Card, seen: int) -> str:
    return "" if card.push_id == seen else ANOTHER


def turn_down(card: Card, seen: int, reason: str, *, by: User) -> None:
    """Turn down the push on the person's screen: nothing is written, and the line is to do again. Raises Refused."""
    if card.push is None:
        raise Refused(push_second.NOT_WAITING)
    if refusal := _why_another(card, seen):
        raise Refused(refusal)
    with figures_changed.together(card.org_id):
        try:
            push = push_second.turn_down(card.push, by, reason)
        except PushRefused as refused:
            raise Refused(refused.sentence) from refused
        if card.decision is not None:
            Decision.objects.filter(card=card).update(undone_at=timezone.now())
        if push.undoes_id:
            stand_again(push)
        figures_changed.send(Decision, org_id=card.org_id, account_ids=[card.account_id])


def stand_again(undo: Push) -> None:
    """Let the approval that a withdrawn undo was about stand again, unless somebody decided anew since."""
    decided = Decision.objects.filter(org_id=undo.org_id, push__undone_by=undo)
    if not Decision.objects.filter(line_id__in=decided.values("line_id"), undone_at__isnull=True).exists():
        decided.update(undone_at=None)


def has_another_approver(org_id: int, user: User) -> bool:
    """Say whether anybody else of the organization may agree."""
    others = Membership.objects.filter(org_id=org_id, role__gte=Role.APPROVER, user__is_active=True)
    return others.exclude(user=user).exists()
