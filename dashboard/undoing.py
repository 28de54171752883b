"""Undo of decisions, of one line or of a whole act; what was written is written back, checked and read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from accounts import audit
from accounts.models import ReconcileSettings, User
from dashboard.decisions import Refused, find_many, label
from dashboard.models import Card, Decision
from dashboard.seconds import stand_again
from dashboard.thresholds import ZERO, Change, change_of, who_needs_second
from psa import push_undo
from psa.models import Push
from reconcile.signals import figures_changed


@dataclass(frozen=True)
class Undone:
    """A line whose decision was taken back; `push` says what became of its push, when it had one."""

    card: Card
    push: Push | None = None

    @property
    def is_written_back(self) -> bool:
        """Say whether the old quantity is on its way back to the PSA."""
        return self.push is not None and self.push.is_open


def undo(card: Card, *, by: User) -> Push | None:
    """Take back the decision that stands on a card; gives the opposite push when the PSA must be written again."""
    done, refused = undo_many(card.org_id, [card], by=by)
    if refused:
        raise Refused(refused[0][1])
    return done[0].push


def count_pushes(org_id: int, act: UUID) -> int:
    """Count the lines that undoing an act may write back to the PSA."""
    standing = Decision.objects.filter(org_id=org_id, act=act, undone_at__isnull=True)
    return standing.filter(push__isnull=False).count()


def undo_act(
    org_id: int, act: UUID, *, by: User, may_push: bool
) -> tuple[list[Undone], list[tuple[Card, str]]]:
    """Take back all that one act decided and that still stands; lines that cannot be are reported.

    `may_push`: whether this person may write to the PSA, which the undo of a push may need.
    """
    audit.hold(org_id)
    ids = Card.objects.filter(org_id=org_id, decision__act=act).values_list("pk", flat=True)
    found = find_many(org_id, list(ids))
    allowed = [card for card in found if may_push or not card.decision.push_id]
    done, refused = undo_many(org_id, allowed, by=by)
    sentence = "Undoing a push writes to the PSA: that needs the approver role."
    return done, refused + [(card, sentence) for card in found if card not in allowed]


def undo_many(
    org_id: int, chosen: Sequence[Card], *, by: User
) -> tuple[list[Undone], list[tuple[Card, str]]]:
    """Take back what stands on these cards (from `find_many`), each by its own checks; the cards follow once."""
    refused: list[tuple[Card, str]] = []
    aside = [card for card in chosen if _stands(card) and not card.decision.push_id]
    pushed = [card for card in chosen if _pushed(card)]
    refused += [
        (card, "There is nothing to undo on this line.")
        for card in chosen
        if not _stands(card) and not _pushed(card)
    ]
    with figures_changed.together(org_id):
        done = [Undone(card) for card in aside]
        second = _who_needs_second(org_id, pushed)
        results = push_undo.undo_many([_push_of(card) for card in pushed], by, second=second)
        for card, result in zip(pushed, results, strict=True):
            if isinstance(result, Push):
                done.append(Undone(card, result))
                if result.state == Push.State.CANCELLED and result.undoes_id:
                    stand_again(result)
            else:
                refused.append((card, result.sentence))
        _close(org_id, [one.card for one in done])
        _note(org_id, aside, by)
    return done, refused


def _stands(card: Card) -> bool:
    return card.decision is not None and card.decision.undone_at is None


def _pushed(card: Card) -> bool:
    """Say whether what stands on a card has a push; an undo that still waits has no decision any more."""
    if _stands(card):
        return bool(card.decision.push_id)
    return card.push is not None and card.push.state == Push.State.WAITING


def _push_of(card: Card) -> Push:
    push: Push = card.decision.push if _stands(card) else card.push
    return push


def _who_needs_second(org_id: int, pushed: Sequence[Card]) -> list[int]:
    """Give the pushes whose undo, too, moves so much money that a second person must agree."""
    if not pushed:
        return []
    limits = ReconcileSettings.objects.get(org_id=org_id)
    pushes = [_push_of(card) for card in pushed]
    changes = [
        # A line that is still being added is only taken back: nothing is written that could be large.
        change_of(card.line, push.wanted, push.seen, card.currency)
        if card.line
        else Change(ZERO, limits.second_currency)
        for card, push in zip(pushed, pushes, strict=True)
    ]
    return [push.pk for push, needed in zip(pushes, who_needs_second(limits, changes), strict=True) if needed]


def _close(org_id: int, undone: Sequence[Card]) -> None:
    if undone:
        ids = [card.decision_id for card in undone if card.decision_id]
        standing = Decision.objects.filter(org_id=org_id, pk__in=ids)
        standing.update(undone_at=timezone.now())
        accounts = sorted({card.account_id for card in undone})
        figures_changed.send(Decision, org_id=org_id, account_ids=accounts)


def _note(org_id: int, aside: Sequence[Card], by: User) -> None:
    """Write what was taken back into the trail; pushes tell of themselves."""
    for verb, words in (
        (Decision.Verb.DISMISS, "undid dismissal"),
        (Decision.Verb.SNOOZE, "undid snooze"),
    ):
        notes = [
            audit.Note(f"card:{card.pk}", label(card), old={"reason": card.decision.reason})
            for card in aside
            if card.decision.verb == verb
        ]
        if notes:
            audit.record_all(org_id, actor=by, verb=words, notes=notes)
