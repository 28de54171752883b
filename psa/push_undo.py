"""Undo of pushes (RELIABILITY §1): cancel what was surely not sent, stage the opposite of what was confirmed."""

from collections.abc import Collection, Mapping, Sequence

from django.db.models import F
from django.db.models.functions import Now

from accounts import audit
from accounts.models import User
from psa.adapters.base import Way
from psa.models import AgreementLine, Push
from psa.push_notices import tell_waiting
from psa.pushes import (
    ON_ITS_WAY,
    AlreadyOpen,
    NotWritable,
    PushRefused,
    announce,
    build,
    check_writable,
    label,
)
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope

NOT_SENT = (Push.State.WAITING, Push.State.STAGED, Push.State.CLAIMED)
WROTE_NOTHING = (Push.State.FAILED, Push.State.BLOCKED, Push.State.CONFLICT, Push.State.CANCELLED)


def undo(push: Push, by: User) -> Push:
    """Undo one push; gives the row that tells: the cancelled push, or the opposite one.

    Raises NotWritable while it is on its way, AlreadyOpen when it is being undone, StaleView when the line
    has changed since.
    """
    (result,) = undo_many([push], by)
    if isinstance(result, PushRefused):
        raise result
    if result.pk == push.pk:
        push.refresh_from_db()
        return push
    return result


def undo_many(pushes: Sequence[Push], by: User, *, second: Collection[int] = ()) -> list[Push | PushRefused]:
    """Undo pushes of one organization; gives, in their order, the row that tells of each, or why there is none.

    The opposites of those in `second` (ids) wait until a second person agrees.

    A dated split is undone by writing the old quantity in place on the line that the split made. The number of
    queries does not grow with the pushes.
    """
    if not pushes:
        return []
    org_id = pushes[0].org_id
    with org_scope(org_id):
        # Whoever stages waits here, so that what is open now stays all that is open.
        audit.hold(org_id)
        found = Push.objects.select_for_update(no_key=True, of=("self",)).filter(
            pk__in=[push.pk for push in pushes]
        )
        rows = {
            push.pk: push
            for push in found.select_related("line__account", "line__service", "account", "service")
        }
        cancelled = _cancel([push for push in rows.values() if _was_not_sent(push)], by)
        written = [push for push in rows.values() if push.pk not in cancelled]
        opposites = _stage_opposites(written, by, second)
    return [cancelled.get(push.pk) or opposites[push.pk] for push in pushes]


def withdraw(org_id: int, reasons: Mapping[int, str]) -> list[Push]:
    """Cancel waiting pushes (by id) for which nothing is left to write, by nobody; each keeps its reason."""
    with org_scope(org_id):
        audit.hold(org_id)
        found = Push.objects.select_for_update(no_key=True, of=("self",)).filter(
            pk__in=reasons, state=Push.State.WAITING
        )
        gone = list(
            found.select_related("line__account", "line__service", "account", "service").order_by("pk")
        )
        for push in gone:
            push.state, push.reason = Push.State.CANCELLED, reasons[push.pk]
        rows = Push.objects.filter(pk__in=[push.pk for push in gone])
        Push.objects.bulk_update(gone, ["state", "reason"], batch_size=500)
        rows.update(attempt=F("attempt") + 1, finished_at=Now())
        accounts = sorted({push.for_account.pk for push in gone})
        figures_changed.send(Push, org_id=org_id, account_ids=accounts)
        notes = [
            audit.Note(
                f"push:{push.pk}", label(push), old={"quantity": push.seen},
                new={"quantity": push.wanted, "reason": push.reason},
            )
            for push in gone
        ]  # fmt: skip
        audit.record_all(org_id, actor=None, verb="push withdrawn", notes=notes)
        tell_waiting(org_id)
    return gone


def _was_not_sent(push: Push) -> bool:
    return push.state in NOT_SENT and not push.sent_count


def _cancel(pushes: Sequence[Push], by: User) -> dict[int, Push]:
    """Take back pushes that surely were not sent; the raised fencing number stops a worker that holds one."""
    ids = [push.pk for push in pushes]
    Push.objects.filter(pk__in=ids).update(
        state=Push.State.CANCELLED, attempt=F("attempt") + 1, finished_at=Now(), lease_until=None
    )
    for push in pushes:
        push.state = Push.State.CANCELLED
    announce(list(pushes), "cancelled", by)
    return {push.pk: push for push in pushes}


def _stage_opposites(
    pushes: Sequence[Push], by: User, second: Collection[int]
) -> dict[int, Push | PushRefused]:
    lines = _written_lines(pushes)
    ids = [line.pk for line in lines.values()]
    busy = set(Push.objects.filter(line__in=ids, state__in=Push.OPEN).values_list("line_id", flat=True))
    undone = Push.objects.filter(undoes__in=[push.pk for push in pushes]).exclude(state__in=WROTE_NOTHING)
    undone_ids = set(undone.values_list("undoes_id", flat=True))
    results = {push.pk: _attempt(push, lines, busy, undone_ids, by) for push in pushes}
    staged = [result for result in results.values() if isinstance(result, Push)]
    for opposite in staged:
        if opposite.undoes_id in second:
            opposite.needs_second, opposite.state = True, Push.State.WAITING
    Push.objects.bulk_create(staged, batch_size=500)
    announce(staged, "undo staged", by, dated=True)
    return results


def _attempt(
    push: Push, lines: dict[tuple[int, str], AgreementLine], busy: set[int], undone: set[int], by: User
) -> Push | PushRefused:
    """Build the opposite of one push, or give why there is none; `busy` lines have an open push."""
    if push.state != Push.State.CONFIRMED:
        return NotWritable(_why_not_undone(push))
    if not push.sent_count:
        return NotWritable("The PSA already held this quantity: nothing was written that could be undone.")
    line = lines.get(_written_line(push))
    if line is None:
        return NotWritable("The line that this push wrote is not known here yet. Sync the PSA, then undo.")
    if push.pk in undone:
        return AlreadyOpen("This push has been undone already.")
    try:
        check_writable(
            line, seen=push.wanted, wanted=push.seen, effective_on=push.effective_on, way=Way.IN_PLACE
        )
    except PushRefused as refused:
        return refused
    if line.pk in busy:
        return AlreadyOpen(ON_ITS_WAY)
    busy.add(line.pk)
    opposite = build(
        line, seen=push.wanted, wanted=push.seen, effective_on=push.effective_on, way=Way.IN_PLACE
    )
    opposite.undoes, opposite.requested_by = push, by
    return opposite


def _why_not_undone(push: Push) -> str:
    if push.is_open:
        return "This push is on its way to the PSA. Undo it once it is confirmed."
    if push.state == Push.State.PERSON:
        return "Nobody knows whether this push has arrived. Look at the line in the PSA first."
    return "This push has written nothing, so there is nothing to undo."


def _written_line(push: Push) -> tuple[int, str]:
    """Name the line that carries what the push wrote: its own, or the one its split made."""
    return push.connection_id, push.result_line_remote_id or push.line_remote_id


def _written_lines(pushes: Sequence[Push]) -> dict[tuple[int, str], AgreementLine]:
    names = [_written_line(push) for push in pushes]
    lines = AgreementLine.objects.filter(
        connection_id__in={connection for connection, _ in names}, remote_id__in={name for _, name in names}
    ).select_related("connection", "agreement", "account", "service")
    return {(line.connection_id, line.remote_id): line for line in lines}
