"""Publishing a complete read of a PSA: one transaction that brings the mirror up to date, or changes nothing."""

from collections.abc import Mapping, Sequence

from django.db import connection
from django.utils import timezone

from accounts.models import ReconcileSettings
from psa.models import Connection
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from sync.claims import Claim
from sync.merge import (
    TABLES,
    Moved,
    Read,
    Table,
    count_unplaced,
    count_vanishing,
    gather,
    mark_vanished,
    merge,
)
from sync.models import SyncRun, SyncStep
from sync.psa_reading import LINES

# Lists that are read whole by a quick sync too.
ALWAYS_WHOLE = frozenset({"agreement types", "boards"})
# What must not go in numbers without a question, by step.
HOLDING = {"accounts": "accounts", "agreements": "agreements", LINES: "agreement lines"}
# Fewer than this may go.
FEW = 5
NOTE_CHANGES = """
INSERT INTO sync_linechange
    (org_id, run_id, what, account_name, service_name, account_id, service_id, before, after)
SELECT l.org_id, %s, 'line', a.name, COALESCE(v.name, l.description), a.id, v.id, d.before, d.after
FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) AS d(id, before, after)
JOIN psa_agreementline l ON l.org_id = %s AND l.id = d.id
JOIN psa_account a ON a.org_id = l.org_id AND a.id = l.account_id
LEFT JOIN psa_service v ON v.org_id = l.org_id AND v.id = l.service_id
"""


class HeldBack(Exception):
    """So much is gone from the PSA that a person must look before it is believed."""


def publish(claim: Claim, connection_id: int) -> None:
    """Merge all staged records and finish the run; raises HeldBack, and then nothing was changed."""
    with org_scope(claim.org_id):
        claim.prove()
        run = SyncRun.objects.get(pk=claim.run_id)
        psa = Connection.objects.select_for_update(no_key=True).get(pk=connection_id)
        read = Read(claim.org_id, run.pk, psa.pk, run.started_at or run.created_at, timezone.now())
        is_full = run.mode == SyncRun.Mode.FULL
        gather(read)
        if not run.accepted:
            _hold_if_much_is_gone(read, is_full=is_full)
        moved = {table.step: _publish_table(table, read, is_full=is_full) for table in TABLES}
        # A first read has nothing to compare with: all of it is new, and nothing has moved.
        noted = [one for one in moved[LINES] if one.moved] if psa.full_read_at is not None else []
        _note_changes(read, noted)
        _note_read(psa, read, is_full=is_full)
        claim.leave(
            SyncRun.State.DONE,
            changed=len(noted),
            warnings=_warnings(read),
            cause="",
            cure="",
            who="",
        )
        figures_changed.send(sender=SyncRun, org_id=claim.org_id, account_ids=_touched(moved))


def _publish_table(table: Table, read: Read, *, is_full: bool) -> list[Moved]:
    merged = merge(table, read)
    vanished: list[Moved] = []
    if is_full or table.step == LINES or table.step in ALWAYS_WHOLE:
        vanished = mark_vanished(table, read, whole=is_full or table.step in ALWAYS_WHOLE)
    came, changed = _count(table, merged)
    SyncStep.objects.filter(run_id=read.run_id, name=table.step).update(
        added=came, updated=changed, vanished=len(vanished)
    )
    return merged + vanished


def _count(table: Table, merged: Sequence[Moved]) -> tuple[int, int]:
    """Count what is new and what has changed: of lines the quantity, which is what a sync is watched for."""
    if table.step != LINES:
        new = sum(one.added for one in merged)
        return new, len(merged) - new
    return sum(one.before is None for one in merged), sum(
        one.moved and one.before is not None for one in merged
    )


def _hold_if_much_is_gone(read: Read, *, is_full: bool) -> None:
    """Hold a read that has lost many lines, or many accounts or agreements, whose lines would be hidden."""
    percent = ReconcileSettings.objects.get().vanish_percent
    for table in TABLES:
        # A quick read of accounts and agreements brings what changed: nothing can be missing from it.
        if table.step not in HOLDING or not (is_full or table.step == LINES):
            continue
        gone = count_vanishing(table, read, whole=is_full)
        known = table.model._default_manager.filter(
            connection_id=read.connection_id, vanished_at=None
        ).count()
        if gone >= FEW and gone * 100 > known * percent:
            raise HeldBack(
                f"{gone} of {known} {HOLDING[table.step]} are no longer shown by the PSA. They were deleted there, "
                "or the API member may no longer see them."
            )


def _note_changes(read: Read, changes: Sequence[Moved]) -> None:
    ids, befores, afters = (
        [one.row_id for one in changes],
        [one.before for one in changes],
        [one.after for one in changes],
    )
    with connection.cursor() as cursor:
        cursor.execute(NOTE_CHANGES, [read.run_id, ids, befores, afters, read.org_id])


def _note_read(psa: Connection, read: Read, *, is_full: bool) -> None:
    psa.read_at = read.began_at
    if is_full:
        psa.full_read_at = read.began_at
    psa.save(update_fields=["read_at", "full_read_at"])


def _warnings(read: Read) -> list[str]:
    """Name what was read but has no place: nothing disappears in silence."""
    found = {
        table.step: count_unplaced(table, read)
        for table in TABLES
        if any(r.required for r in table.references)
    }
    return [
        f"{number} {step} belong to accounts or agreements that the PSA did not show, so they are not compared. "
        "The API member may lack a permission."
        for step, number in found.items()
        if number
    ]


def _touched(moved: Mapping[str, Sequence[Moved]]) -> list[int] | None:
    """Give the accounts whose cards may change; None for all, because any of them may use a changed service."""
    if any(not one.added for one in moved["services"]):
        return None
    every = (one for rows in moved.values() for one in rows if not one.only_touched)
    return sorted({account for one in every for account in one.accounts})
