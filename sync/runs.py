"""Sync runs: asked for, claimed, worked on and ended. The row is the record; a task only brings it forward."""

import logging
from datetime import timedelta
from functools import partial

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import User
from psa.models import Connection
from reconcile.celery import wake
from reconcile.clock import read_clock
from reconcile.http.errors import OurBug, RemoteError, TryLater
from reconcile.tenancy.scope import org_scope
from sync import sources
from sync.claims import Claim, Interruption, SliceOver, StopAsked, heartbeat, take
from sync.failures import Failure, explain, explain_wait
from sync.ledger import NothingHeld
from sync.models import StagedRecord, SyncRun
from sync.psa_publishing import HeldBack
from sync.run_notices import tell_ended
from sync.turns import find_waiting
from vendors.models import Integration

log = logging.getLogger(__name__)

RUN = "sync.tasks.run_sync"
FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=15)


def request(
    org_id: int,
    *,
    connection: Connection | None = None,
    integration: Integration | None = None,
    mode: SyncRun.Mode,
    by: User | None,
) -> SyncRun:
    """Ask for a sync of one source and wake a worker; while one is open, give that one.

    The first sync of a PSA is a full one whatever was asked for, and one that has not begun becomes a full
    one when that is asked for. Needs no scope of its own; inside one it joins it.
    """
    if connection is not None and connection.full_read_at is None:
        mode = SyncRun.Mode.FULL
    source = connection or integration
    if source is None:
        raise ValueError("a sync is of a connection or of an integration")
    with org_scope(org_id):
        audit.hold(org_id)
        run, is_new = _open_run(org_id, connection, integration, mode, source.epoch, by)
        if not is_new and mode == SyncRun.Mode.FULL:
            waiting = SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.QUEUED, attempt=0)
            run.mode = mode if waiting.update(mode=mode) else run.mode
        if is_new:
            _record(run, by, f"started {run.get_mode_display().lower()}", label=source.name)
        transaction.on_commit(partial(wake, RUN, org_id, run.pk))
    return run


def stop(org_id: int, run_id: int, by: User) -> bool:
    """Stop an open run: at once while nobody works on it, else at the end of its page. Nothing is published.

    False when there was nothing to stop: it had ended, or was asked to stop before.
    """
    with org_scope(org_id):
        audit.hold(org_id)
        idle = SyncRun.objects.filter(pk=run_id, state=SyncRun.State.QUEUED)
        stopped = idle.update(state=SyncRun.State.STOPPED, finished_at=Now(), cause="", cure="", who="")
        if stopped:
            StagedRecord.objects.filter(run_id=run_id).delete()
        else:
            busy = SyncRun.objects.filter(pk=run_id, state=SyncRun.State.RUNNING, stop_asked=False)
            stopped = busy.update(stop_asked=True)
        if stopped:
            run = SyncRun.objects.select_related("connection", "integration").get(pk=run_id)
            _record(run, by, "stopped sync", label=str(run.connection or run.integration))
    return bool(stopped)


def accept(run_id: int, by: User) -> None:
    """Let a held read of a PSA be published because a person believes it; raises NothingHeld. Needs a scope."""
    held = _take_held(run_id)
    held.state, held.accepted, held.tries = SyncRun.State.QUEUED, True, 0
    held.finished_at = None
    held.save()
    _record(held, by, "accepted held sync", label=held.cause, state=SyncRun.State.HELD.value)
    transaction.on_commit(partial(wake, RUN, held.org_id, held.pk))


def refuse(run_id: int, by: User) -> None:
    """Drop a held read of a PSA; the mirror stays as it is. Raises NothingHeld. Needs a scope."""
    held = _take_held(run_id)
    _record(held, by, "refused held sync", label=held.cause, state=SyncRun.State.HELD.value)
    held.cause = f"Refused by {by}: {held.cause}"
    held.state = SyncRun.State.STOPPED
    held.save()
    tell_ended(held.pk)
    StagedRecord.objects.filter(run=held).delete()


def run(org_id: int, run_id: int) -> None:
    """Bring a due run to its end, or as far as it goes now; does nothing when another worker has it."""
    claim = take(org_id, run_id)
    if claim is None:
        return
    _work(claim)
    # Its place is free now, for the organization's next one or for the rest of this one.
    for waiting_id in find_waiting(org_id, read_clock()):
        wake(RUN, org_id, waiting_id)


def _work(claim: Claim) -> None:
    try:
        with heartbeat(claim):
            sources.work(claim)
    except Interruption as interruption:
        _interrupt(claim, interruption)
    except HeldBack as held:
        claim.leave(SyncRun.State.HELD, cause=str(held), cure="", who="admin")
    except SoftTimeLimitExceeded:
        _put_off_or_fail(claim, TryLater("The source did not answer completely within 15 minutes."))
    except RemoteError as error:
        _put_off_or_fail(claim, error)
    except (OperationalError, InterfaceError):
        raise  # without a database nothing can be noted; the lease ends, and the run goes on then
    except Exception as error:
        log.exception("run %s of organization %s failed", claim.run_id, claim.org_id)
        _fail(claim, OurBug("Reconcile met something unforeseen.", detail=type(error).__name__))


def _open_run(
    org_id: int,
    psa: Connection | None,
    vendor: Integration | None,
    mode: SyncRun.Mode,
    epoch: int,
    by: User | None,
) -> tuple[SyncRun, bool]:
    """Find or make the source's one open run; two that try at once get the same one."""
    of_source = SyncRun.objects.filter(connection=psa, integration=vendor)
    while True:
        found = of_source.filter(state__in=SyncRun.OPEN).first()
        if found is not None:
            return found, False
        try:
            with transaction.atomic():
                made = SyncRun.objects.create(
                    org_id=org_id,
                    connection=psa,
                    integration=vendor,
                    mode=mode,
                    epoch=epoch,
                    requested_by=by,
                )
        except IntegrityError:
            continue
        if psa is not None:
            _drop_held(of_source)
        return made, True


def _drop_held(of_source: QuerySet[SyncRun]) -> None:
    """A newer sync reads everything again: what waited for a person no longer matters."""
    held = of_source.filter(state=SyncRun.State.HELD)
    StagedRecord.objects.filter(run__in=held).delete()
    held.update(state=SyncRun.State.STOPPED, cause="A newer sync took its place.")


def _take_held(run_id: int) -> SyncRun:
    found = SyncRun.objects.filter(pk=run_id, connection__isnull=False).first()
    if found is None:
        raise NothingHeld
    audit.hold(found.org_id)
    held = SyncRun.objects.select_for_update(of=["self"]).filter(pk=run_id, state=SyncRun.State.HELD).first()
    if held is None:
        raise NothingHeld
    return held


def _record(run: SyncRun, by: User | None, verb: str, *, label: str, **old: str) -> None:
    audit.record(run.org_id, actor=by, verb=verb, subject=f"run:{run.pk}", label=label, old=old)


def _interrupt(claim: Claim, interruption: Interruption) -> None:
    if isinstance(interruption, StopAsked):
        claim.leave(SyncRun.State.STOPPED, cause="", cure="", who="")
    elif isinstance(interruption, SliceOver):
        claim.leave(SyncRun.State.QUEUED, tries=0)
    else:
        log.info("run %s went to another worker", claim.run_id)


def _put_off_or_fail(claim: Claim, error: RemoteError) -> None:
    with org_scope(claim.org_id):
        tries = SyncRun.objects.values_list("tries", flat=True).get(pk=claim.run_id)
    if not isinstance(error, TryLater) or tries >= settings.SYNC_MAX_ATTEMPTS:
        _fail(claim, error)
        return
    pause = min(FIRST_PAUSE * 2 ** max(tries - 1, 0), LONGEST_PAUSE)
    told = timedelta(seconds=min(error.retry_after or 0, 86_400))
    waiting = explain_wait(error)
    claim.leave(
        SyncRun.State.QUEUED,
        not_before=Now() + max(pause, told),
        **_words(waiting),
    )


def _fail(claim: Claim, error: RemoteError) -> None:
    reference = f"R{claim.run_id}-{claim.attempt}" + (f" {error.request_id}" if error.request_id else "")
    log.warning("run %s failed (%s): %s %s", claim.run_id, reference, error.sentence, error.detail)
    claim.leave(SyncRun.State.FAILED, reference=reference[:120], **_words(explain(error)))


def _words(failure: Failure) -> dict[str, str]:
    return {"cause": failure.cause, "cure": failure.cure, "who": failure.who}
