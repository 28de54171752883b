"""The schedule engine (F4): finds who is due by the database's clock, and starts each slot of each exactly once."""

import os
import socket
from collections.abc import Container
from datetime import datetime, timedelta

from django.db import connection

from accounts import audit
from accounts.models import SyncSchedule
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from sync import runs
from sync.models import AutomaticRun, AutomaticSync, SyncRun
from vendors.models import Integration

START = "sync.tasks.start_automatic_sync"
FULL_AFTER = timedelta(days=28)


def find_due(at: datetime) -> list[int]:
    """Give the organizations whose next sync is due at a moment of the database's clock, longest due first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organizations_with_due_schedules(%s)", [at])
        return [org_id for (org_id,) in cursor.fetchall()]


def start(org_id: int, at: datetime) -> AutomaticSync | None:
    """Start the organization's newest due slot, once; None when nothing is due or another was faster.

    What was missed before that slot is not made up for: one sync reads all that changed. The claim, the row
    that proves it and the runs are one transaction, so that a slot is started whole or stays due.
    """
    with org_scope(org_id):
        audit.hold(org_id)
        schedule = SyncSchedule.objects.get()
        slot = schedule.find_due_slot(at)
        if slot is None or not _claim(schedule, slot, at):
            return None
        sync, is_new = AutomaticSync.objects.get_or_create(
            org_id=org_id, slot=slot, defaults={"started_at": at, "started_by": _name_worker()}
        )
        if not is_new:
            return None  # the schedule was changed back to a day that has had its sync
        audit.record(
            org_id,
            actor=None,
            verb="started automatic sync",
            subject=f"automatic:{sync.pk}",
            label=f"{slot:%Y-%m-%d}",
        )
        _ask_all(sync, at)
        return sync


def choose_mode(source: Connection | Integration, at: datetime) -> tuple[SyncRun.Mode, str]:
    """Give the mode of an automatic sync, and why it is a full one.

    A vendor is always read whole. A PSA tells a quick sync what was changed, but not what was deleted.
    """
    if not isinstance(source, Connection):
        return SyncRun.Mode.QUICK, ""
    if source.full_read_at is None:
        return SyncRun.Mode.FULL, "It was never read completely."
    if at - source.full_read_at >= FULL_AFTER:
        days = (at - source.full_read_at).days
        return (
            SyncRun.Mode.FULL,
            f"The last full sync is {days} days old, and only a full one finds what is gone.",
        )
    return SyncRun.Mode.QUICK, ""


def _claim(schedule: SyncSchedule, slot: datetime, at: datetime) -> bool:
    """Move the schedule on to its next slot, unless somebody else has."""
    due_next = schedule.find_due_after(max(slot, at - schedule.spread))
    mine = SyncSchedule.objects.filter(pk=schedule.pk, next_sync_at=schedule.next_sync_at)
    return bool(mine.update(next_sync_at=due_next))


def _ask_all(sync: AutomaticSync, at: datetime) -> None:
    """Ask for a run of every source; one that is under way stands for its own."""
    opened = set(SyncRun.objects.filter(state__in=SyncRun.OPEN).values_list("id", flat=True))
    sources: list[Connection | Integration] = [*Connection.objects.order_by("pk")]
    sources += Integration.objects.order_by("pk")
    AutomaticRun.objects.bulk_create([_ask(sync, source, at, opened) for source in sources])


def _ask(
    sync: AutomaticSync, source: Connection | Integration, at: datetime, opened: Container[int]
) -> AutomaticRun:
    mode, why_full = choose_mode(source, at)
    if isinstance(source, Connection):
        run = runs.request(sync.org_id, connection=source, mode=mode, by=None)
    else:
        run = runs.request(sync.org_id, integration=source, mode=mode, by=None)
    return AutomaticRun(org_id=sync.org_id, sync=sync, run=run, joined=run.pk in opened, why_full=why_full)


def _name_worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"[:200]
