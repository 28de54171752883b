"""Takes back waiting pushes whose card is gone: nobody could send or undo them, and nothing is left to write."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.notice_models import Kind
from accounts.notices import Place, tell
from dashboard.models import Card, Decision
from dashboard.seconds import stand_again
from psa import push_undo
from psa.models import Push
from psa.pushes import label
from reconcile.signals import figures_changed

VANISHED = "Its line is no longer in {connection}. Nothing was written."
BILLED = "A line in {connection} bills this usage by now. Nothing was written."
UNUSED = "The vendor counts nothing of it any more, or it is no longer mapped. Nothing was written."


def withdraw(org_id: int) -> list[Push]:
    """Cancel the waiting pushes whose card is gone, each with its reason, and tell approvers; gives them.

    A card goes inside a sync's transaction, which holds the cards' lock already: there it would be too late to take the
    audit head's (docs/decisions/011). Whoever is woken by it, sends what waits, or closes the month, calls this.
    """
    audit.hold(org_id)
    reasons = {push.pk: _why(push) for push in _find(org_id)}
    if not reasons:
        return []
    with figures_changed.together(org_id):
        gone = push_undo.withdraw(org_id, reasons)
        standing = Decision.objects.filter(org_id=org_id, push__in=gone, undone_at__isnull=True)
        standing.update(undone_at=timezone.now())
        for push in gone:
            if push.undoes_id:
                stand_again(push)
    _tell(org_id, gone)
    return gone


def _find(org_id: int) -> QuerySet[Push]:
    """Give the waiting pushes that no card shows, each with whether a line bills its usage now."""
    shown = Card.objects.filter(org_id=org_id, push=OuterRef("pk"))
    lines = Card.objects.filter(
        org_id=org_id, account=OuterRef("account"), service=OuterRef("service"), line__isnull=False
    )
    waiting = Push.objects.filter(org_id=org_id, state=Push.State.WAITING)
    lost = waiting.exclude(Exists(shown)).annotate(billed=Exists(lines))
    return lost.select_related("connection").order_by("pk")


def _why(push: Push) -> str:
    if push.line_id is not None:
        return VANISHED.format(connection=push.connection)
    return BILLED.format(connection=push.connection) if push.billed else UNUSED  # type: ignore[attr-defined]


def _tell(org_id: int, gone: Sequence[Push]) -> None:
    first, more = gone[0], len(gone) - 1
    rest = f" {more:,} more {'is' if more == 1 else 'are'} in Activity." if more else ""
    tell(
        org_id,
        Kind.PUSH_STOPPED,
        key="pushes withdrawn",
        title="1 approved change was withdrawn"
        if not more
        else f"{more + 1:,} approved changes were withdrawn",
        body=f"{label(first)}: {first.reason}{rest}",
        place=Place("activity"),
    )
