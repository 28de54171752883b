"""Whose turn it is (F4): an organization works on few runs at once, and organizations take turns."""

from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from reconcile.tenancy.scope import org_scope
from sync.models import SyncRun

# The first half of the key of an advisory lock; the second is the organization.
PLACES_LOCK = 0x73796E63


def find_due(at: datetime) -> Iterator[tuple[int, int]]:
    """Give organization and id of each run that has a place and that nobody works on although it is due.

    One run of each organization comes first, then a second of each: who has many or slow sources waits for
    themselves. The moment is the database's.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT organizations_with_due_runs(%s)", [at])
        org_ids = [org_id for (org_id,) in cursor.fetchall()]
    queues = [[(org_id, run_id) for run_id in find_waiting(org_id, at)] for org_id in org_ids]
    for turn in zip_longest(*queues):
        yield from (waiting for waiting in turn if waiting is not None)


def find_waiting(org_id: int, at: datetime) -> list[int]:
    """Give the ids of the runs that are due at a moment and have a place: those not begun yet come first."""
    with org_scope(org_id):
        free = settings.SYNC_RUNS_PER_ORGANIZATION - _held().count()
        due = SyncRun.objects.filter(state__in=SyncRun.OPEN).exclude(lease_until__gte=at)
        due = due.exclude(not_before__gt=at).order_by(F("started_at").asc(nulls_first=True), "id")
        return list(due.values_list("id", flat=True)[: max(free, 0)])


def has_place(org_id: int, run_id: int) -> bool:
    """Say whether one more run of the organization may be worked on, and let no other ask until this commits.

    Needs the organization's scope.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PLACES_LOCK, org_id % 2_147_483_647])
    return bool(_held().exclude(pk=run_id).count() < settings.SYNC_RUNS_PER_ORGANIZATION)


def _held() -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(state=SyncRun.State.RUNNING, lease_until__gte=Now())
