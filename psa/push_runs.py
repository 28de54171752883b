"""The push protocol (RELIABILITY §1): look, decide, send once, look again. No transaction is open in any call."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from django.conf import settings

from psa.adapters.base import AddOrder, AddsLines, Applied, Finding, LineReading, LineRef, PsaAdapter, Way
from psa.connections import UnknownKind, build_adapter, note_failure, note_success, remote_host
from psa.models import Connection, Push
from psa.push_rules import (
    Standing,
    Verdict,
    conclude,
    decide,
    explain_conflict,
    is_repeatable,
    judge_reading,
    pause_seconds,
    show_units,
)
from psa.push_steps import CHUNK, Work, claim, finish, has_due, mark_sending, put_back, put_off
from psa.pushes import WakeUp, hash_request
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.secrets import SecretUnreadable
from reconcile.tenancy.scope import org_scope

log = logging.getLogger(__name__)
Result = TypeVar("Result")
State = Push.State

# A look older than this is repeated before the write, so that the gap stays small behind a slow PSA.
FRESH_SECONDS = 10.0
# After so many failures in a row the rest of a chunk is given back: the PSA is away.
FAILURES_UNTIL_REST = 3


def run(org_id: int, push_ids: Sequence[int] = ()) -> int:
    """Claim due pushes of one connection (these ids, or any) and bring each one step or to its end.

    Gives how many were claimed. Others are woken for what is left: at once when the claim was full, and at
    the end for pushes of agreements that were busy until then.
    """
    works = claim(org_id, push_ids)
    if len(works) == CHUNK:
        WakeUp(org_id)()
    if works:
        Chunk(works).execute()
        if has_due(org_id):
            WakeUp(org_id)()
    return len(works)


@dataclass(frozen=True)
class Sent:
    """A push that was sent, with the PSA's reply in one line, or the error that came instead."""

    work: Work
    reply: str = ""
    error: RemoteError | None = None


class Chunk:
    """Claimed pushes of one connection, brought through the protocol together, so that reads are batched."""

    def __init__(self, works: Sequence[Work]) -> None:
        self.works = list(works)
        self.connection: Connection = works[0].push.connection
        self.answered = False
        self.last_failure: TryLater | None = None
        self.failures_in_row = 0

    def execute(self) -> None:
        """Guard, read, decide, send and read back; every outcome is a row before this returns."""
        works = [work for work in self.works if not self._is_blocked(work)]
        adapter = self._open(works)
        if adapter is not None:
            sent = self._send_all(adapter, works)
            self._conclude_all(adapter, sent)
        self._tell_breaker()

    def _is_blocked(self, work: Work) -> bool:
        """Stop a push whose connection is no longer the one that it was approved for (step 3)."""
        push, now = work.push, self.connection
        if (push.epoch, push.remote_host, push.remote_account) != (
            now.epoch,
            remote_host(now),
            now.remote_account,
        ):
            self._block(work, "The connection's address or company has changed since this was approved.")
        elif push.request_hash != hash_request(push):
            self._block(work, "This push is not what was approved: its row was altered. Support must look.")
        else:
            return False
        return True

    def _block(self, work: Work, why: str) -> None:
        if work.doubtful:
            finish(work, State.PERSON, reason=f"{why} It may have been written before: look there.")
        else:
            finish(work, State.BLOCKED, reason=f"{why} Nothing was written. Sync, then approve again.")

    def _open(self, works: Sequence[Work]) -> PsaAdapter | None:
        """Build the adapter and ask who answers; None when no push may go on."""
        if not works:
            return None
        try:
            adapter = self._call(lambda: build_adapter(self.connection))
            identity = self._call(adapter.identify)
        except RemoteError as error:
            for work in works:
                self._no_look(work, error)
            return None
        if identity.remote_account != self.connection.remote_account:
            for work in works:
                self._block(work, "Another company's PSA answers at this address.")
            return None
        return adapter

    def _send_all(self, adapter: PsaAdapter, works: Sequence[Work]) -> list[Sent]:
        looks = self._look(adapter, works)
        looked_at = time.monotonic()
        sent: list[Sent] = []
        claims_end = looked_at + settings.PUSH_LEASE_SECONDS
        for number, work in enumerate(works):
            if self.failures_in_row >= FAILURES_UNTIL_REST or time.monotonic() > claims_end:
                put_back(works[number:])
                break
            look = looks[work.push.pk]
            if time.monotonic() - looked_at > FRESH_SECONDS:
                look = self._look(adapter, [work])[work.push.pk]
            if isinstance(look, RemoteError):
                self._no_look(work, look)
            elif self._may_send(adapter, work, look) and mark_sending(work):
                sent.append(self._send(adapter, work))
        return sent

    def _may_send(self, adapter: PsaAdapter, work: Work, finding: Finding) -> bool:
        """Decide what a look before the write means; everything but sending is done here (steps 4 and 8)."""
        verdict = decide(_standing(work), finding.applied)
        if verdict is not Verdict.SEND:
            self._act(adapter, work, verdict, finding)
        elif work.tries < settings.PUSH_MAX_ATTEMPTS:
            return True
        else:
            finish(work, State.FAILED, reason=f"Given up after {work.tries} tries. {work.push.reason}")
        return False

    def _send(self, adapter: PsaAdapter, work: Work) -> Sent:
        try:
            reply = self._call(lambda: _write(adapter, work))
        except RemoteError as error:
            return Sent(work, error=error)
        return Sent(work, reply=reply)

    def _conclude_all(self, adapter: PsaAdapter, sent: Sequence[Sent]) -> None:
        arrived: list[Sent] = []
        for one in sent:
            if isinstance(one.error, TryLater) and one.error.unsent:
                self._not_sent(one.work, one.error)
            else:
                arrived.append(one)
        looks = self._look(adapter, [one.work for one in arrived])
        for one in arrived:
            look = looks[one.work.push.pk]
            if isinstance(look, RemoteError):
                self._put_off(one.work, one.error or look, unsent=bool(one.error and one.error.unsent))
            else:
                verdict = _conclude(one, look)
                self._act(adapter, one.work, verdict, look, reply=one.reply, error=one.error)

    def _act(
        self,
        adapter: PsaAdapter,
        work: Work,
        verdict: Verdict,
        finding: Finding,
        *,
        reply: str = "",
        error: RemoteError | None = None,
    ) -> None:
        """Do what a verdict other than SEND says."""
        if verdict is Verdict.CONFIRM:
            self._confirm(adapter, work, finding, reply=reply)
        elif verdict is Verdict.CONFLICT:
            reason = explain_conflict(work.told, finding, doubtful=work.doubtful)
            finish(work, State.CONFLICT, reason=reason, readings=[finding.reading])
        elif verdict is Verdict.FAIL and error is not None:
            finish(work, State.FAILED, reason=error.sentence, reply=error.detail)
        elif verdict is Verdict.PERSON:
            finish(work, State.PERSON, reason=_ask_person(work, finding), reply=reply)
        else:
            self._put_off(work, error)

    def _confirm(self, adapter: PsaAdapter, work: Work, finding: Finding, *, reply: str) -> None:
        """Confirm from a read alone; of a split, both lines are read for the mirror."""
        written = finding.line_remote_id or work.push.line_remote_id
        readings: list[LineReading] = [finding.reading]
        if work.way is Way.SPLIT:
            own = work.order.ref
            new = LineRef(agreement_remote_id=own.agreement_remote_id, line_remote_id=written)
            refs = list(dict.fromkeys([own, new]))
            try:
                found = self._call(lambda: adapter.read_back(refs))
            except RemoteError as error:
                self._put_off(work, error)
                return
            readings = [found[ref] for ref in refs if ref in found]
        finish(work, State.CONFIRMED, reply=reply, readings=readings, written_line=written)

    def _no_look(self, work: Work, error: RemoteError) -> None:
        """Handle a push whose line could not be read before the write."""
        if work.doubtful:
            if work.tries < 2 * settings.PUSH_MAX_ATTEMPTS:
                self._put_off(work, error)
            else:
                reason = f"It was sent, but what arrived could not be read: {error.sentence}"
                finish(work, State.PERSON, reason=reason)
        else:
            self._not_sent(work, error)

    def _not_sent(self, work: Work, error: RemoteError) -> None:
        """Handle a push that surely did not reach the PSA in this attempt."""
        again = isinstance(error, TryLater) and work.tries + 1 < settings.PUSH_MAX_ATTEMPTS
        if again or work.doubtful:
            self._put_off(work, error, unsent=True)
        else:
            finish(work, State.FAILED, reason=error.sentence, reply=error.detail)

    def _put_off(self, work: Work, error: RemoteError | None, *, unsent: bool = False) -> None:
        """Let a push wait: after a failure longer each time, and until what was sent has settled.

        `unsent`: the write itself surely did not leave; a failed read says nothing about that.
        """
        told = error.retry_after if isinstance(error, TryLater) else None
        seconds = max(pause_seconds(work.tries + 1, told), float(settings.PUSH_SETTLE_SECONDS))
        reason = error.sentence if error else "It was sent, but the PSA does not show it yet."
        put_off(work, reason, seconds, unsent=unsent)

    def _look(self, adapter: PsaAdapter, works: Sequence[Work]) -> dict[int, Finding | RemoteError]:
        """Find what the PSA holds for each push; plain quantities of many lines in one batched read."""
        looks: dict[int, Finding | RemoteError] = {}
        plain = [work for work in works if is_repeatable(work.kind, work.way)]
        looks |= self._look_at_quantities(adapter, plain)
        for work in works:
            if work.push.pk not in looks:
                try:
                    looks[work.push.pk] = self._call(lambda work=work: _find(adapter, work))  # type: ignore[misc]
                except RemoteError as error:
                    looks[work.push.pk] = error
        return looks

    def _look_at_quantities(
        self, adapter: PsaAdapter, works: Sequence[Work]
    ) -> dict[int, Finding | RemoteError]:
        if not works:
            return {}
        try:
            readings = self._call(lambda: adapter.read_back([work.order.ref for work in works]))
        except RemoteError as error:
            if isinstance(error, TryLater) or len(works) == 1:
                return {work.push.pk: error for work in works}
            # One line that the PSA refuses to show must not stop the others.
            return {
                pk: look for work in works for pk, look in self._look_at_quantities(adapter, [work]).items()
            }
        return {work.push.pk: _judge(work, readings) for work in works}

    def _call(self, call: Callable[[], Result]) -> Result:
        """Make one call of the adapter; whatever else goes wrong in it is our bug, and stops no other push."""
        try:
            result = call()
        except RemoteError as error:
            if isinstance(error, TryLater):
                self.last_failure = error
                self.failures_in_row += 1
            raise
        except (UnknownKind, SecretUnreadable) as error:
            raise CustomerMustAct(
                "The credentials of this connection cannot be used here: enter them again.",
                detail=type(error).__name__,
                unsent=True,
            ) from None
        except Exception as error:
            log.exception("adapter of connection %s", self.connection.pk)
            raise OurBug(
                "Reconcile failed on this line. Support must look at it.", detail=type(error).__name__
            ) from error
        self.answered = True
        self.failures_in_row = 0
        return result

    def _tell_breaker(self) -> None:
        """Close or open the connection's circuit breaker by how this chunk went."""
        with org_scope(self.connection.org_id):
            if self.last_failure is not None and (self.failures_in_row or self.last_failure.status == 429):
                note_failure(self.connection, self.last_failure.retry_after)
            elif self.answered:
                note_success(self.connection)


def _find(adapter: PsaAdapter, work: Work) -> Finding:
    order = work.told
    if isinstance(order, AddOrder):
        return cast(AddsLines, adapter).find_added(order)
    return adapter.find(order)


def _write(adapter: PsaAdapter, work: Work) -> str:
    order = work.told
    if isinstance(order, AddOrder):
        return cast(AddsLines, adapter).add_line(order)
    return adapter.write(order)


def _standing(work: Work) -> Standing:
    return Standing(kind=work.kind, way=work.way, doubtful=work.doubtful, settled=work.settled)


def _conclude(one: Sent, finding: Finding) -> Verdict:
    """Decide by what the PSA holds now, whatever it replied (step 7)."""
    error = one.error
    if error is not None and error.unsent:
        # The adapter looked once more, and would not write: nothing has left in this attempt.
        verdict = decide(_standing(one.work), finding.applied)
        return verdict if verdict not in (Verdict.SEND, Verdict.WAIT) else Verdict.FAIL
    refused = isinstance(error, CustomerMustAct | OurBug) and 400 <= (error.status or 0) < 500
    return conclude(finding.applied, refused=refused)


def _judge(work: Work, readings: dict[LineRef, LineReading]) -> Finding | RemoteError:
    reading = readings.get(work.order.ref)
    if reading is None:
        return TryLater("The PSA gave no answer about this line. Reconcile tries again.")
    return judge_reading(work.order, reading)


def _ask_person(work: Work, finding: Finding) -> str:
    """Say what a person has to find out."""
    what = {
        Applied.HALF: "Only half of this change is in the PSA.",
        Applied.NOT: "The PSA does not show this change.",
    }.get(finding.applied, f"The line now says {show_units(finding.reading.quantity)}.")
    wanted = show_units(work.push.wanted)
    sentence = finding.sentence or what
    return (
        f"{sentence} Reconcile sent {wanted} and cannot tell what became of it: look at the line in the PSA."
    )
