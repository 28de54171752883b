"""Holding a run: one worker at a time, with a lease that expires and a fencing number that outlives it."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from reconcile.tenancy.scope import org_scope
from sync.models import StagedRecord, SyncRun
from sync.run_notices import tell_ended
from sync.turns import has_place

log = logging.getLogger(__name__)

# A task is killed after 15 minutes; a longer run is handed on at a page's end before that.
SLICE_SECONDS = 600.0


class Interruption(Exception):
    """The work on a run ends here, without a failure."""


class Lost(Interruption):
    """Another worker holds the run now: nothing more may be written for it."""


class StopAsked(Interruption):
    """A person stopped the run."""


class SliceOver(Interruption):
    """The run goes on in a new task."""


@dataclass(frozen=True)
class Claim:
    """A run held by this worker; each write for the run must be made in a transaction that called `prove`."""

    org_id: int
    run_id: int
    attempt: int
    began: float = field(default_factory=time.monotonic)

    def prove(self) -> None:
        """Extend the lease and lock the run until the transaction ends; raises Lost or StopAsked."""
        if not self._held().update(lease_until=_lease()):
            raise Lost
        if self._held().filter(stop_asked=True).exists():
            raise StopAsked

    def got_further(self) -> None:
        """Note that the run made progress: what fails from here on is tried for the first time."""
        self._held().update(tries=1)

    def check_slice(self) -> None:
        """Raise SliceOver when this task has worked long enough."""
        if time.monotonic() - self.began > SLICE_SECONDS:
            raise SliceOver

    def leave(self, state: SyncRun.State, **values: Any) -> bool:
        """Give the run up in a state; False when it was lost before. What is final keeps nothing staged."""
        with org_scope(self.org_id):
            if state not in SyncRun.OPEN:
                values["finished_at"] = Now()
            left = self._held().update(state=state, lease_until=None, **values)
            if left and state in SyncRun.FINAL:
                StagedRecord.objects.filter(run_id=self.run_id).delete()
            if left and state not in SyncRun.OPEN:
                tell_ended(self.run_id)
            return bool(left)

    def _held(self) -> Any:
        return SyncRun.objects.filter(pk=self.run_id, attempt=self.attempt, state=SyncRun.State.RUNNING)


def take(org_id: int, run_id: int) -> Claim | None:
    """Claim a run that is due; None when it is finished, not due yet, held by another worker, or has no place."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=Now())
    due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
    with org_scope(org_id):
        if not has_place(org_id, run_id):
            return None
        claimed = SyncRun.objects.filter(free, due, pk=run_id, state__in=SyncRun.OPEN).update(
            state=SyncRun.State.RUNNING,
            attempt=F("attempt") + 1,
            tries=F("tries") + 1,
            lease_until=_lease(),
            # A push that is confirmed after this moment wins over what the run reads.
            started_at=Coalesce("started_at", Now()),
            not_before=None,
        )
        if not claimed:
            return None
        # The row is ours until the commit, so this is the number that the update has given.
        attempt = SyncRun.objects.values_list("attempt", flat=True).get(pk=run_id)
    return Claim(org_id, run_id, attempt)


def _lease() -> Any:
    """Until when a claim holds, by the database's clock: those of the workers may differ by minutes."""
    return Now() + timedelta(seconds=settings.SYNC_LEASE_SECONDS)


@contextmanager
def heartbeat(claim: Claim) -> Iterator[None]:
    """Extend the lease from a thread of its own while a slow answer keeps the worker waiting."""
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(claim, done), name=f"run-{claim.run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(claim: Claim, done: threading.Event) -> None:
    while not done.wait(settings.SYNC_LEASE_SECONDS / 3):
        try:
            with org_scope(claim.org_id):
                claim.prove()
        except Interruption:
            return  # the worker finds out at its next page
        except DatabaseError:
            log.warning("run %s: the lease could not be extended", claim.run_id, exc_info=True)
        finally:
            connection.close()
