"""Undo of decisions, of one line or of a whole act; what was written is written back, checked and read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from accounts import audit
from accounts.models import User
from dashboard.decisions import Refused, find_many, label
from dashboard.models import Card, Decision
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
    pushed = [card for card in chosen if _stands(card) and card.decision.push_id]
    refused += [(card, "There is nothing to undo on this line.") for card in chosen if not _stands(card)]
    with figures_changed.together(org_id):
        done = [Undone(card) for card in aside]
        results = push_undo.undo_many([card.decision.push for card in pushed], by)
        for card, result in zip(pushed, results, strict=True):
            if isinstance(result, Push):
                done.append(Undone(card, result))
            else:
                refused.append((card, result.sentence))
        _close(org_id, [one.card for one in done])
        _note(org_id, aside, by)
    return done, refused


def _stands(card: Card) -> bool:
    return card.decision is not None and card.decision.undone_at is None


def _close(org_id: int, undone: Sequence[Card]) -> None:
    if undone:
        standing = Decision.objects.filter(org_id=org_id, pk__in=[card.decision_id for card in undone])
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
