"""What people do with pushes: stage one, release collected ones, look again. Rows only, never a call."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypedDict

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from accounts import audit
from accounts.models import User
from psa.adapters.base import Way
from psa.connections import find_kind, remote_host
from psa.models import AgreementLine, Push
from psa.push_notices import tell_waiting
from psa.push_rules import refuse_units, show_units
from reconcile.celery import wake
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope

ON_ITS_WAY = "A push of this line is on its way already. Wait until it is confirmed."

BEING_ADDED = "A line for this usage is being added already. Wait until it is confirmed."

# After these, fewer pushes may wait than before.
LEAVES_WAITING = ("released", "cancelled", "agreed to by a second approver")


class PushRefused(Exception):
    """This push may not be staged; `sentence` tells a person why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class StaleView(PushRefused):
    """What the person saw is no longer what the mirror holds."""


class AlreadyOpen(PushRefused):
    """Another push of this line, or another undo of this push, is on its way."""


class NotWritable(PushRefused):
    """The line, the connection or the quantity does not allow this write."""


class _Terms(TypedDict):
    seen: Decimal
    wanted: Decimal
    effective_on: date
    way: Way


@dataclass(frozen=True)
class Intent:
    """One write that a person wants: the quantity on their screen, the one to write, from which day and how.

    It waits for the day `release_on` before it is sent, when there is one, and with `needs_second` for a second
    person who agrees.
    """

    line: AgreementLine
    seen: Decimal
    wanted: Decimal
    effective_on: date
    way: Way
    release_on: date | None = None
    needs_second: bool = False

    @property
    def waits(self) -> bool:
        """Say whether this is not to be sent at once."""
        return self.needs_second or self.release_on is not None


@dataclass(frozen=True)
class WakeUp:
    """Tells a worker that an organization has pushes to send; a lost call is found by the next tick."""

    org_id: int

    def __call__(self) -> None:
        wake("psa.tasks.send_pushes", self.org_id)


def stage(
    line: AgreementLine,
    *,
    seen: Decimal,
    wanted: Decimal,
    effective_on: date,
    way: Way,
    by: User,
    waiting: bool = False,
) -> Push:
    """Record one intended write with its audit entry, and wake a worker once the transaction commits.

    `seen` is the quantity on the person's screen. With `waiting` the push is collected until `release`.
    Needs no scope of its own but may run inside one. Raises StaleView, AlreadyOpen or NotWritable;
    nothing is recorded then.
    """
    with org_scope(line.org_id):
        audit.hold(line.org_id)
        line = AgreementLine.objects.select_related("connection", "agreement", "account", "service").get(
            pk=line.pk
        )
        check_writable(line, seen=seen, wanted=wanted, effective_on=effective_on, way=way)
        push = build(line, seen=seen, wanted=wanted, effective_on=effective_on, way=way)
        push.requested_by = by
        push.state = Push.State.WAITING if waiting else Push.State.STAGED
        insert(push)
        announce([push], "staged", by, dated=True)
    return push


def stage_many(
    intents: Sequence[Intent], *, by: User | None, waiting: bool = False
) -> list[Push | PushRefused]:
    """Record many intended writes of one organization; gives, in their order, each push or why there is none.

    The same as `stage` of each, in a number of queries that does not grow with them. `by` nobody: a rule.
    """
    if not intents:
        return []
    org_id = intents[0].line.org_id
    with org_scope(org_id):
        # Whoever stages waits here, so that what is open now stays all that is open.
        audit.hold(org_id)
        ids = [intent.line.pk for intent in intents]
        lines = AgreementLine.objects.select_related("connection", "agreement", "account", "service").in_bulk(
            ids
        )
        busy = set(Push.objects.filter(line__in=ids, state__in=Push.OPEN).values_list("line_id", flat=True))
        state = Push.State.WAITING if waiting else Push.State.STAGED
        results = [_attempt(lines[intent.line.pk], intent, busy, by, state) for intent in intents]
        staged = [result for result in results if isinstance(result, Push)]
        Push.objects.bulk_create(staged, batch_size=500)
        announce(staged, "staged", by, dated=True)
    return results


def _attempt(
    line: AgreementLine, intent: Intent, busy: set[int], by: User | None, state: Push.State
) -> Push | PushRefused:
    """Build one of many pushes, or give why it may not be staged; `busy` lines have an open push."""
    terms = _Terms(seen=intent.seen, wanted=intent.wanted, effective_on=intent.effective_on, way=intent.way)
    try:
        check_writable(line, **terms)
    except PushRefused as refused:
        return refused
    if line.pk in busy:
        return AlreadyOpen(ON_ITS_WAY)
    busy.add(line.pk)
    push = build(line, **terms)
    push.requested_by, push.state = by, Push.State.WAITING if intent.waits else state
    push.release_on, push.needs_second = intent.release_on, intent.needs_second
    return push


def check_writable(
    line: AgreementLine, *, seen: Decimal, wanted: Decimal, effective_on: date, way: Way
) -> None:
    """Raise StaleView or NotWritable when this line may not be given this quantity."""
    if line.quantity != seen:
        raise StaleView(
            f"The line now says {show_units(line.quantity)}, not {show_units(seen)} as on your screen. "
            "Look at it again."
        )
    if refusal := refuse_units(wanted, seen):
        raise NotWritable(refusal)
    if line.vanished_at is not None:
        raise NotWritable("This line is no longer in the PSA. Nothing can be written to it.")
    if line.service is None:
        raise NotWritable(
            "This line names no service, so its quantity cannot be checked. Correct it in the PSA."
        )
    if not line.connection.remote_account:
        raise NotWritable(f"The connection {line.connection.name} has not been checked. Test it first.")
    if way is Way.SPLIT and line.starts_on is not None and effective_on <= line.starts_on:
        raise NotWritable(f"The line starts on {line.starts_on}. A new quantity must begin on a later day.")
    if way is Way.SPLIT and line.ends_on is not None and effective_on > line.ends_on:
        raise NotWritable(f"The line ends on {line.ends_on}. A new quantity cannot begin after that.")


def release(pushes: Iterable[Push], by: User | None = None) -> list[Push]:
    """Queue collected pushes of one organization; gives those that were still waiting."""
    every = list(pushes)
    if not every:
        return []
    with org_scope(every[0].org_id):
        audit.hold(every[0].org_id)
        rows = Push.objects.select_for_update(no_key=True, of=("self",)).filter(
            pk__in=[push.pk for push in every]
        )
        # Where a second person must agree, nobody else's wish sends it; the database refuses it, too.
        agreed = rows.filter(state=Push.State.WAITING).exclude(needs_second=True, second_by=None)
        released = list(
            agreed.select_related("line__account", "line__service", "account", "service").order_by("pk")
        )
        Push.objects.filter(pk__in=[push.pk for push in released]).update(state=Push.State.STAGED)
        for push in released:
            push.state = Push.State.STAGED
        announce(released, "released", by)
    return released


def look_again(push: Push, by: User) -> None:
    """Have a push that waits for a person checked once more. Raises NotWritable or AlreadyOpen."""
    with org_scope(push.org_id):
        audit.hold(push.org_id)
        try:
            with transaction.atomic():
                found = Push.objects.filter(pk=push.pk, state=Push.State.PERSON).update(
                    state=Push.State.UNKNOWN, attempt=F("attempt") + 1, finished_at=None, not_before=None
                )
        except IntegrityError:
            raise AlreadyOpen("Another push of this line is on its way. Wait until it is checked.") from None
        push.refresh_from_db()
        if not found:
            raise NotWritable("This push does not wait for a person.")
        announce([push], "looked at again", by)


def distrust(org_id: int) -> int:
    """Make every open push unknown, as after the restore of a backup: each is looked for before it is sent."""
    with org_scope(org_id):
        audit.hold(org_id)
        count = Push.objects.filter(state__in=Push.RUNNING).update(
            state=Push.State.UNKNOWN, attempt=F("attempt") + 1, lease_until=None, not_before=None
        )
        audit.record(
            org_id, actor=None, verb="pushes distrusted", subject="pushes", new={"open pushes": count}
        )
    return count


def label(push: Push) -> str:
    """Name what a push is about, for the audit trail."""
    service = push.for_service
    return f"{push.for_account.name}: {service.name if service else push.line.description}"


def hash_request(push: Push) -> str:
    """Hash what would be written where, so that a row altered later is noticed."""
    parts = [
        push.remote_host,
        push.remote_account,
        push.agreement_remote_id,
        push.line_remote_id,
        push.service_remote_id,
        push.way,
        show_units(push.seen),
        show_units(push.wanted),
        push.effective_on.isoformat(),
        str(push.key),
    ]
    if push.adds:
        parts.append("" if push.unit_price is None else show_units(push.unit_price))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def build(line: AgreementLine, *, seen: Decimal, wanted: Decimal, effective_on: date, way: Way) -> Push:
    """Make the row of one intended write, not yet saved."""
    service = line.service
    push = Push(
        org_id=line.org_id,
        connection=line.connection,
        epoch=line.connection.epoch,
        remote_host=remote_host(line.connection),
        remote_account=line.connection.remote_account,
        line=line,
        agreement_remote_id=line.agreement.remote_id,
        line_remote_id=line.remote_id,
        service_remote_id=service.remote_id if service else "",
        write_kind=find_kind(line.connection).write_kind,
        way=way,
        seen=seen,
        seen_version=line.remote_version,
        wanted=wanted,
        effective_on=effective_on,
        key=uuid.uuid4(),
    )
    push.request_hash = hash_request(push)
    return push


def insert(push: Push) -> None:
    """Insert the row; the database's own indexes settle a race of two clicks."""
    try:
        with transaction.atomic():
            push.save(force_insert=True)
    except IntegrityError as error:
        if "psa_push_one_open_per_line" in str(error):
            raise AlreadyOpen(ON_ITS_WAY) from None
        if "psa_push_one_open_addition" in str(error):
            raise AlreadyOpen(BEING_ADDED) from None
        raise


def announce(pushes: list[Push], verb: str, by: User | None, *, dated: bool = False) -> None:
    """Tell the dashboard, the audit trail and, after the commit, a worker of pushes that changed state.

    The entries of `dated` ones say from which day, and how.
    """
    if not pushes:
        return
    org_id = pushes[0].org_id
    accounts = sorted({push.for_account.pk for push in pushes})
    figures_changed.send(Push, org_id=org_id, account_ids=accounts)
    notes = [
        audit.Note(
            f"push:{push.pk}",
            label(push),
            old={"quantity": push.seen},
            new={"quantity": push.wanted} | (_terms(push) if dated else {}),
        )
        for push in pushes
    ]
    audit.record_all(org_id, actor=by, verb=f"push {verb}", notes=notes)
    if verb in LEAVES_WAITING or any(push.state == Push.State.WAITING for push in pushes):
        tell_waiting(org_id)
    if any(push.state in Push.RUNNING for push in pushes):
        wake_after_commit(org_id)


def _terms(push: Push) -> dict[str, Any]:
    """Say from which day, how, and what it waits for."""
    terms: dict[str, Any] = {"effective_on": push.effective_on, "way": str(push.way)}
    if push.release_on:
        terms["sent_on"] = push.release_on
    if push.needs_second:
        terms["second_approver"] = "needed"
    return terms


def wake_after_commit(org_id: int) -> None:
    """Wake a worker once when the open transaction commits, however many pushes it stages."""
    call = WakeUp(org_id)
    if not any(entry[1] == call for entry in connection.run_on_commit):
        transaction.on_commit(call, robust=True)
