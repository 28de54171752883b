"""Two pairs of eyes (E10): a second person agrees to pushes that wait for one, or turns one down."""

from collections.abc import Sequence

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import User
from psa.models import Push
from psa.push_notices import tell_waiting
from psa.pushes import NotWritable, PushRefused, announce, label
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope

FIRST = "You approved this first. Another approver must agree."
NOT_WAITING = "This push does not wait for a second approver."


def agree(pushes: Sequence[Push], by: User, *, collect: bool = False) -> list[Push | PushRefused]:
    """Agree as the second person; gives, in their order, each push, or why this person may not agree to it.

    What now waits for nothing is queued. With `collect`, or before its chosen day, it waits on.
    """
    if not pushes:
        return []
    org_id = pushes[0].org_id
    with org_scope(org_id):
        rows = _hold(org_id, pushes)
        agreed = [push for push in rows.values() if not _why_not(push, by)]
        wait_on = [push.pk for push in agreed if collect or push.release_on]
        mine = Push.objects.filter(pk__in=[push.pk for push in agreed])
        mine.update(second_by=by, second_at=Now(), reason="")
        mine.exclude(pk__in=wait_on).update(state=Push.State.STAGED)
        for push in agreed:
            push.second_by, push.reason = by, ""
            push.state = Push.State.WAITING if push.pk in wait_on else Push.State.STAGED
        announce(agreed, "agreed to by a second approver", by)
        done = {push.pk for push in agreed}
        return [
            rows[push.pk] if push.pk in done else NotWritable(_why_not(rows[push.pk], by)) for push in pushes
        ]


def turn_down(push: Push, by: User, reason: str) -> Push:
    """Turn a push down as the second person: it is cancelled, and nothing is written. Raises NotWritable."""
    with org_scope(push.org_id):
        row = _hold(push.org_id, [push])[push.pk]
        if refusal := _why_not(row, by):
            raise NotWritable(refusal)
        row.state, row.reason = Push.State.CANCELLED, f"Turned down by {by}: {reason}"
        Push.objects.filter(pk=row.pk).update(
            state=row.state, reason=row.reason, attempt=F("attempt") + 1, finished_at=Now()
        )
        figures_changed.send(Push, org_id=row.org_id, account_ids=[row.for_account.pk])
        audit.record(
            row.org_id, actor=by, verb="push turned down", subject=f"push:{row.pk}", label=label(row),
            old={"quantity": row.seen}, new={"quantity": row.wanted, "reason": reason},
        )  # fmt: skip
        tell_waiting(row.org_id)
        return row


def let_go(org_id: int, by: User) -> int:
    """Ask nobody any more, since the organization asks for no second approver; gives how many waited for one.

    None of them is sent by this: those of a chosen day go on it, the others when somebody pushes what is ready.
    """
    with org_scope(org_id):
        audit.hold(org_id)
        asked = _asked(org_id)
        rows = list(
            asked.select_related("line__account", "line__service", "account", "service").order_by("pk")
        )
        # What a push says of a second person who had not agreed in time is no longer so.
        asked.update(needs_second=False, reason="")
        notes = [
            audit.Note(f"push:{row.pk}", label(row), new={"second_approver": "not needed"}) for row in rows
        ]
        audit.record_all(org_id, actor=by, verb="push needs no second approver any more", notes=notes)
        if rows:
            tell_waiting(org_id)
        return len(rows)


def count_asked(org_id: int) -> int:
    """Count the pushes that wait for a second approver."""
    return _asked(org_id).count()


def _asked(org_id: int) -> QuerySet[Push]:
    return Push.objects.filter(org_id=org_id, state=Push.State.WAITING, needs_second=True, second_by=None)


def _hold(org_id: int, pushes: Sequence[Push]) -> dict[int, Push]:
    """Lock the pushes, so that one is agreed to, turned down or undone by one person after the other."""
    audit.hold(org_id)
    found = Push.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=[p.pk for p in pushes])
    return {
        push.pk: push
        for push in found.select_related("line__account", "line__service", "account", "service").order_by(
            "pk"
        )
    }


def _why_not(push: Push, by: User) -> str:
    if not push.waits_for_second:
        return NOT_WAITING
    return FIRST if push.requested_by_id == by.pk else ""
