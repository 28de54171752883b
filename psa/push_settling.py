"""An addition that nobody could tell of is settled by a person's word, which a read of the PSA must bear out (B5)."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar, cast

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import User
from psa.adapters.base import AddsLines, LineReading, LineRef, PsaAdapter, Way
from psa.connections import UnknownKind, build_adapter, remote_host
from psa.models import AgreementLine, Push, PushAttempt
from psa.push_mirror import keep_readings
from psa.push_rules import show_units
from psa.push_steps import as_added, note
from psa.pushes import PushRefused, hash_request, label
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError
from reconcile.secrets import SecretUnreadable
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope

log = logging.getLogger(__name__)
Result = TypeVar("Result")
State = Push.State

LONGEST_ID = 60
MEANWHILE = "This added line waits for nobody any more. Reload the page to see what became of it."
NOTHING = "Nothing was changed and nothing was sent."


class NotSettled(PushRefused):
    """What the person says is not what the PSA shows, or could not be looked up; nothing was changed."""


def say_there(org_id: int, push_id: int, line_id: str, *, by: User) -> Push:
    """Confirm an addition about the line that a person names by its id in the PSA, once a read shows that line.

    Call it outside of any scope: it asks the PSA. Raises NotSettled.
    """
    push = _take_up(org_id, push_id)
    ref = LineRef(agreement_remote_id=push.agreement_remote_id, line_remote_id=line_id)
    if not line_id or len(line_id) > LONGEST_ID:
        raise NotSettled(f"Enter the id that the line has in {push.connection}. {NOTHING}")
    reading = _ask(push, lambda adapter: adapter.read_back([ref])[ref])
    if refusal := why_not_line(push, reading):
        raise NotSettled(f"{refusal} {NOTHING}")
    return _end(push, by, State.CONFIRMED, "there", reading=reading)


def say_absent(org_id: int, push_id: int, *, by: User) -> Push:
    """End an addition as failed because a person says that its line is not there, once the PSA's list shows none.

    Nothing is sent. Call it outside of any scope: it asks the PSA. Raises NotSettled.
    """
    push = _take_up(org_id, push_id)
    finding = _ask(push, lambda adapter: cast(AddsLines, adapter).find_added(as_added(push)))
    if not finding.reading.missing:
        raise NotSettled(
            f"{finding.sentence} One such line may be the one that was added, so it cannot be ended as missing. If "
            f"line {finding.reading.ref.line_remote_id} is it, say so; if it must not be billed, end it in "
            f"{push.connection} first. {NOTHING}"
        )
    reason = (
        f"{by} looked in {push.connection}: the line is not there, and its list shows none. It was not sent again. "
        "Add it again if it is still wanted."
    )
    return _end(push, by, State.FAILED, "not there", reason=reason)


def why_not_line(push: Push, reading: LineReading) -> str:
    """Say why a line that was read is not the one that this push has added; empty when it may be."""
    name, psa = f"Line {reading.ref.line_remote_id}", push.connection
    if reading.missing:
        return f"{psa} holds no line {reading.ref.line_remote_id} in {push.agreement}. Look its id up there."
    if reading.account_remote_id not in ("", push.account.remote_id):
        return f"{push.agreement} belongs to another account than {push.account} in {psa} by now. Sync first."
    if reading.service_remote_id != push.service_remote_id:
        return f"{name} bills another service than {push.service}. Look up the id of the line that was added."
    if reading.ends_on is not None and reading.ends_on < push.effective_on:
        return f"{name} ends before {push.effective_on:%-d %b %Y}, when the added line was to begin."
    if reading.quantity != push.wanted:
        return (
            f"{name} bills {show_units(reading.quantity)}, and {show_units(push.wanted)} were sent. If it is the one, "
            f"set it to {show_units(push.wanted)} first, here or in {psa}; then settle this."
        )
    return ""


def list_candidates(push: Push) -> QuerySet[AgreementLine]:
    """Give the lines of the agreement and the service that the mirror holds and that this push may have added."""
    lines = AgreementLine.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=push.effective_on),
        agreement=push.agreement_id,
        service=push.service_id,
        vanished_at=None,
    )
    return lines.exclude(remote_id__in=_known(push)).order_by("starts_on", "remote_id")


def _known(push: Push) -> dict[str, int]:
    """Give the lines of the agreement that are surely another push's, with that push: made by it, or there before ours.

    A line that came with this push may have been changed since, also by a push: that does not make it another's.
    """
    others = Push.objects.filter(
        org_id=push.org_id, connection=push.connection_id, agreement_remote_id=push.agreement_remote_id
    ).exclude(pk=push.pk)
    made = others.filter(way__in=[Way.ADD, Way.SPLIT], state=State.CONFIRMED, sent_count__gt=0)
    known = dict(made.values_list("result_line_remote_id", "pk"))
    before = others.filter(pk__lt=push.pk, line__isnull=False)
    return known | dict(before.values_list("line__remote_id", "pk"))


def _take_up(org_id: int, push_id: int) -> Push:
    """Give the push as it waits for a person, on the connection for which it was approved."""
    with org_scope(org_id):
        waiting = Push.objects.filter(pk=push_id, way=Way.ADD, state=State.PERSON)
        push = waiting.select_related("connection", "account", "agreement", "service").first()
        if push is None:
            raise NotSettled(MEANWHILE)
        now = push.connection
        if (push.epoch, push.remote_host, push.remote_account) != (
            now.epoch,
            remote_host(now),
            now.remote_account,
        ):
            raise NotSettled(
                f"The address or company of {now} has changed since this was approved, so it cannot be checked there. "
                f"Open a ticket with support, reference {push.reference}. {NOTHING}"
            )
        if push.request_hash != hash_request(push):
            raise NotSettled(
                f"This push is not what was approved: its row was altered. Support must look. {NOTHING}"
            )
        settle = Now() - timedelta(seconds=settings.PUSH_SETTLE_SECONDS)
        if PushAttempt.objects.filter(push=push, step="send", at__gt=settle).exists():
            raise NotSettled(
                f"It was sent only a moment ago and may still arrive. Try again in a minute. {NOTHING}"
            )
    return push


def _ask(push: Push, call: Callable[[PsaAdapter], Result]) -> Result:
    """Make one look at the PSA; every failure becomes a sentence that says who must act."""
    try:
        adapter = build_adapter(push.connection)
        if adapter.identify().remote_account != push.remote_account:
            raise CustomerMustAct("Another company's PSA answers at this address.")
        return call(adapter)
    except CustomerMustAct as error:
        raise NotSettled(f"{error.sentence} An admin must act; then settle this. {NOTHING}") from error
    except (UnknownKind, SecretUnreadable) as error:
        sentence = f"The credentials of {push.connection} cannot be used: an admin must enter them again."
        raise NotSettled(f"{sentence} {NOTHING}") from error
    except OurBug as error:
        raise NotSettled(f"{error.sentence} {NOTHING}") from error
    except RemoteError as error:
        raise NotSettled(f"{error.sentence} Try again in a few minutes. {NOTHING}") from error
    except Exception as error:
        log.exception("settling push %s", push.pk)
        raise NotSettled(
            f"Reconcile failed on this line, which is our fault: open a ticket, reference {push.reference}. {NOTHING}"
        ) from error


def _end(
    push: Push,
    by: User,
    state: Push.State,
    said: str,
    *,
    reason: str = "",
    reading: LineReading | None = None,
) -> Push:
    """Bring the push to its end, unless somebody else has meanwhile: row, mirror, cards and trail together."""
    line = reading.ref.line_remote_id if reading else ""
    with org_scope(push.org_id):
        audit.hold(push.org_id)
        if line and (other := _known(push).get(line)):
            raise NotSettled(f"Line {line} belongs to another push already, P{other}. {NOTHING}")
        waits = Push.objects.filter(pk=push.pk, state=State.PERSON, attempt=push.attempt)
        ended = waits.update(
            state=state, attempt=F("attempt") + 1, reason=reason, result_line_remote_id=line,
            read_back=reading.quantity if reading else None, finished_at=Now(),
        )  # fmt: skip
        if not ended:
            raise NotSettled(MEANWHILE)
        push.refresh_from_db(fields=["attempt", "state", "reason"])
        note(
            push,
            state.value,
            quantity=reading.quantity if reading else None,
            detail=f"settled by hand: {said}",
        )
        keep_readings(push, [reading] if reading else [])
        figures_changed.send(Push, org_id=push.org_id, account_ids=[push.for_account.pk])
        audit.record(
            push.org_id, actor=by, verb=f"push settled by hand: {said}", subject=f"push:{push.pk}", label=label(push),
            old={"quantity": push.seen}, new={"quantity": push.wanted, "line": line, "reason": reason},
        )  # fmt: skip
    return push
