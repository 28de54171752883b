"""What people are told of pushes (A7): that one has stopped, and that some wait for an approver."""

from accounts.notice_models import Kind
from accounts.notices import Place, query, settle, tell
from psa.models import Push

STOPPED = (Push.State.FAILED, Push.State.BLOCKED, Push.State.CONFLICT, Push.State.PERSON)
WAITING = "pushes waiting"


def tell_stopped(push: Push, state: str, reason: str) -> None:
    """Tell approvers that a push has stopped; many of one connection are one notice, until somebody reads it."""
    if state not in STOPPED:
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
    """Tell approvers how many approved lines wait to be pushed, or that none does any more."""
    count = Push.objects.filter(state=Push.State.WAITING).count()
    if not count:
        settle(WAITING)
        return
    tell(
        org_id,
        Kind.APPROVAL,
        key=WAITING,
        title=f"{count:,} approved {'line waits' if count == 1 else 'lines wait'} to be pushed",
        body="Nothing is written until an approver looks at them and pushes.",
        place=Place("dashboard", query=query(tab="ready")),
    )
