"""What people are told of pushes (A7): that one has stopped, and that some wait for an approver."""

from django.db.models import Count, Q

from accounts.notice_models import Kind
from accounts.notices import Place, query, settle, tell
from psa.models import Push

WAITING = "pushes waiting"


def tell_stopped(push: Push, state: str, reason: str) -> None:
    """Tell approvers that a push has stopped; many of one connection are one notice, until somebody reads it."""
    if state not in Push.STOPPED:
        return
    tell(
        push.org_id,
        Kind.PUSH_STOPPED,
        key=f"pushes stopped:{push.connection_id}",
        title=f"A push to {push.connection.name} has stopped",
        body=f"{push.for_account.name}: {reason}",
        place=Place("dashboard", query=query(tab="todo")),
    )


def tell_waiting(org_id: int) -> None:
    """Tell approvers how many approved lines wait for one of them, or that none does any more.

    What was agreed to and has a chosen day goes by itself: it is named, and waits for nobody.
    """
    waiting = Push.objects.filter(state=Push.State.WAITING)
    by_itself = Q(release_on__isnull=False) & (Q(needs_second=False) | Q(second_by__isnull=False))
    found = waiting.aggregate(all=Count("pk"), dated=Count("pk", filter=by_itself))
    dated, count = found["dated"], found["all"] - found["dated"]
    if not count:
        settle(WAITING)
        return
    also = f" {dated:,} more {'is' if dated == 1 else 'are'} sent without a click, on the chosen day."
    tell(
        org_id,
        Kind.APPROVAL,
        key=WAITING,
        title=f"{count:,} approved {'line waits' if count == 1 else 'lines wait'} to be pushed",
        body="Nothing of this is written until an approver looks and acts." + (also if dated else ""),
        place=Place("dashboard", query=query(tab="ready")),
    )
