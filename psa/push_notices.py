"""What people are told of pushes (A7): that one has stopped, and that some wait for an approver."""

from accounts.notice_models import Kind
from accounts.notices import Place, query, reword, settle, tell
from psa.models import Push

STOPPED = (Push.State.FAILED, Push.State.BLOCKED, Push.State.CONFLICT, Push.State.PERSON)
WAITING = "pushes waiting"
WAITS = "Nothing is written until an approver looks at them and pushes."


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


def note_waiting(org_id: int, *, more: bool, staged: bool) -> None:
    """Tell approvers how many approved lines wait to be pushed when there are `more`; else keep the number right.

    Pushes that were `staged` to be sent at once change nothing of that.
    """
    if staged and not more:
        return
    count = Push.objects.filter(state=Push.State.WAITING).count()
    if not count:
        settle(WAITING)
    elif staged:
        place = Place("dashboard", query=query(tab="ready"))
        tell(org_id, Kind.APPROVAL, key=WAITING, title=_waiting(count), body=WAITS, place=place)
    else:
        reword(WAITING, _waiting(count))


def _waiting(count: int) -> str:
    return f"{count:,} approved {'line waits' if count == 1 else 'lines wait'} to be pushed"
