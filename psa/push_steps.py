"""The changes of state of a push under way, each its own short transaction, fenced by the attempt number."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Organization
from psa.adapters.base import AddOrder, LineReading, LineRef, Way, WriteKind, WriteOrder
from psa.models import Connection, Push, PushAttempt
from psa.push_mirror import keep_readings
from psa.push_notices import tell_stopped
from psa.push_rules import show_units
from psa.pushes import label
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope

log = logging.getLogger(__name__)

# Pushes that share one batched read: few reads for many pushes, yet each is confirmed within seconds.
CHUNK = 25
State = Push.State


@dataclass
class Work:
    """A claimed push; `tries` is how often it was put off, `doubtful` that it may have been sent before.

    `settled`: what was sent before has arrived by now if it ever will. `sent`: this worker has marked it
    as sending.
    """

    push: Push
    tries: int
    doubtful: bool
    settled: bool
    sent: bool = False

    @property
    def kind(self) -> WriteKind:
        """What a second arrival of this write would do."""
        return WriteKind(self.push.write_kind)

    @property
    def way(self) -> Way:
        """How the quantity is written."""
        return Way(self.push.way)

    @property
    def told(self) -> WriteOrder | AddOrder:
        """What is to be written, in the adapters' words."""
        return as_added(self.push) if self.push.adds else self.order

    @property
    def order(self) -> WriteOrder:
        """The change of a line as adapters take it; the same for every attempt."""
        push = self.push
        return WriteOrder(
            ref=LineRef(agreement_remote_id=push.agreement_remote_id, line_remote_id=push.line_remote_id),
            service_remote_id=push.service_remote_id,
            way=self.way,
            seen=Decimal(show_units(push.seen)),
            wanted=Decimal(show_units(push.wanted)),
            effective_on=push.effective_on,
            key=str(push.key),
        )


def as_added(push: Push) -> AddOrder:
    """Give the line to be added as adapters take it."""
    return AddOrder(
        account_remote_id=push.for_account.remote_id,
        agreement_remote_id=push.agreement_remote_id,
        service_remote_id=push.service_remote_id,
        wanted=Decimal(show_units(push.wanted)),
        unit_price=None if push.unit_price is None else Decimal(show_units(push.unit_price)),
        effective_on=push.effective_on,
        key=str(push.key),
    )


def find_organizations() -> list[int]:
    """List the organizations that have pushes due now: ids and nothing else. Needs no scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organizations_with_due_pushes(statement_timestamp())")
        return [org_id for (org_id,) in cursor.fetchall()]


def has_due(org_id: int) -> bool:
    """Say whether the organization has pushes that nobody holds and that may go on now."""
    with org_scope(org_id):
        return _due(()).exists()


def claim(org_id: int, push_ids: Sequence[int] = ()) -> list[Work]:
    """Take up to CHUNK due pushes of one connection under a lease, with a new fencing number each.

    The connection's row is locked meanwhile, so that no two workers ever write the same agreement.
    """
    with org_scope(org_id):
        due = _due(push_ids)
        first = due.order_by("id").values_list("connection_id", flat=True).first()
        if first is None:
            return []
        Connection.objects.select_for_update(no_key=True).get(pk=first)
        rows = _due(push_ids).filter(connection_id=first).exclude(agreement_remote_id__in=_busy(first))
        ids = [
            push.pk
            for push in rows.select_for_update(skip_locked=True).order_by("agreement_remote_id", "id")[:CHUNK]
        ]
        lease = {"attempt": F("attempt") + 1, "lease_until": _lease(), "not_before": None}
        taken = Push.objects.filter(pk__in=ids)
        count = taken.filter(state__in=[State.SENDING, State.UNKNOWN]).update(state=State.UNKNOWN, **lease)
        count += taken.filter(state__in=[State.STAGED, State.CLAIMED]).update(state=State.CLAIMED, **lease)
        return _load(ids) if count else []


def mark_sending(work: Work) -> bool:
    """Write down, durably, that the next thing is to send; False when this worker may not (step 5).

    Another worker has the push, the lease has run out, the connection has moved since, or the organization was closed.
    """
    push = work.push
    epoch = Connection.objects.filter(pk=OuterRef("connection_id")).values("epoch")
    closed = Organization.objects.filter(pk=OuterRef("org_id"), closing_since__isnull=False)
    with org_scope(push.org_id):
        marked = (
            _owned(push)
            .exclude(Exists(closed))
            .filter(state__in=[State.CLAIMED, State.UNKNOWN], lease_until__gt=Now(), epoch=Subquery(epoch))
            .update(state=State.SENDING, sent_count=F("sent_count") + 1, lease_until=_lease())
        )
        if marked:
            note(push, "send", quantity=push.wanted)
    work.sent = bool(marked)
    return work.sent


def put_back(works: Sequence[Work]) -> None:
    """Give claimed pushes back untouched: something else kept this worker from them."""
    for work in works:
        with org_scope(work.push.org_id):
            _owned(work.push).update(state=State.UNKNOWN if work.doubtful else State.STAGED, lease_until=None)


def put_off(work: Work, reason: str, seconds: float, *, unsent: bool = False) -> None:
    """Let a push wait; `unsent` takes back that it was sent. The reason is for people."""
    push = work.push
    taken_back = work.sent and unsent
    doubtful = work.doubtful or (work.sent and not unsent)
    with org_scope(push.org_id):
        put = _owned(push).update(
            state=State.UNKNOWN if doubtful else State.STAGED,
            sent_count=F("sent_count") - int(taken_back),
            lease_until=None,
            not_before=Now() + timedelta(seconds=seconds),
            reason=reason,
        )
        if put:
            note(push, "later", detail=reason)


def finish(
    work: Work,
    state: Push.State,
    *,
    reason: str = "",
    reply: str = "",
    readings: Sequence[LineReading] = (),
    written_line: str = "",
) -> None:
    """Bring a push to its end: row, mirror, cards and audit trail in one transaction.

    `readings` are what the PSA holds now; the first is that of the push's own line.
    """
    push = work.push
    read_back = next((r.quantity for r in readings if r.ref.line_remote_id == written_line), None)
    with org_scope(push.org_id):
        audit.hold(push.org_id)
        finished = _owned(push).update(
            state=state,
            reason=reason,
            reply=reply,
            read_back=read_back,
            result_line_remote_id=written_line if state == State.CONFIRMED else "",
            lease_until=None,
            finished_at=Now(),
        )
        if not finished:
            log.warning("push %s: somebody else has taken it over", push.pk)
            return
        note(push, state.value, quantity=read_back, detail=reason)
        keep_readings(push, readings)
        figures_changed.send(Push, org_id=push.org_id, account_ids=[push.for_account.pk])
        audit.record(
            push.org_id,
            actor=None,
            verb=f"push {state.value}",
            subject=f"push:{push.pk}",
            label=label(push),
            old={"quantity": push.seen},
            new={"quantity": push.wanted, "read_back": read_back, "reason": reason},
            reply=reply,
        )
        tell_stopped(push, state, reason)


def note(
    push: Push, step: str, *, quantity: Decimal | None = None, detail: str = "", request_id: str = ""
) -> None:
    """Append one step of the present attempt. Needs the organization's scope."""
    PushAttempt.objects.create(
        org_id=push.org_id,
        push=push,
        attempt=push.attempt,
        step=step,
        at=Now(),
        quantity=quantity,
        detail=detail,
        request_id=request_id,
    )


def _due(push_ids: Sequence[int]) -> QuerySet[Push]:
    resting = Connection.objects.filter(paused_until__gt=Now()).values("pk")
    due = Push.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=Now()),
        Q(not_before=None) | Q(not_before__lte=Now()),
        state__in=Push.RUNNING,
    ).exclude(connection_id__in=resting)
    return due.filter(pk__in=push_ids) if push_ids else due


def _busy(connection_id: int) -> QuerySet[Push, str]:
    """Agreements that another worker writes to right now."""
    held = Push.objects.filter(connection_id=connection_id, lease_until__gt=Now(), state__in=Push.RUNNING)
    return held.values_list("agreement_remote_id", flat=True)


def _load(ids: Sequence[int]) -> list[Work]:
    pushes = Push.objects.filter(pk__in=ids).select_related(
        "connection", "line__account", "line__service", "line__agreement", "account", "agreement", "service"
    )
    history = _read_history(ids)
    works = []
    for push in pushes.order_by("agreement_remote_id", "id"):
        note(push, "claim", detail=push.state)
        doubtful = push.state == State.UNKNOWN or push.sent_count > 0
        tries, settled = history.get(push.pk, (0, True))
        works.append(Work(push, tries, doubtful, settled))
    return works


def _read_history(ids: Sequence[int]) -> dict[int, tuple[int, bool]]:
    """How often each push was put off, and whether it was never sent, or so long ago that it has settled."""
    settle = timedelta(seconds=settings.PUSH_SETTLE_SECONDS)
    rows = (
        PushAttempt.objects.filter(push_id__in=ids)
        .values("push_id")
        .annotate(
            tries=Count("id", filter=Q(step="later")),
            just_sent=Count("id", filter=Q(step="send", at__gt=Now() - settle)),
        )
    )
    return {row["push_id"]: (row["tries"], row["just_sent"] == 0) for row in rows}


def _owned(push: Push) -> QuerySet[Push]:
    """The push's row, as long as this worker's fencing number is still the last one."""
    return Push.objects.filter(
        pk=push.pk, attempt=push.attempt, state__in=[State.CLAIMED, State.SENDING, State.UNKNOWN]
    )


def _lease() -> Any:
    """Until when a claim holds, by the database's clock, which all workers share."""
    return Now() + timedelta(seconds=settings.PUSH_LEASE_SECONDS)
