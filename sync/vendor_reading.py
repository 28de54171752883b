"""Pulling a vendor: accounts, counts and the names behind them. It cannot be taken up midway, so it stays in memory."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from reconcile.tenancy.scope import org_scope
from sync.claims import Claim
from sync.failures import incomplete
from sync.models import SyncStep
from sync.name_rules import warn
from sync.pulls import Pull
from vendors.adapters.base import Progress, UsagePull, VendorAccountRecord, VendorAdapter

ACCOUNTS, COUNTS, NAMES = "accounts", "counts", "names"
# Progress is for people: more often than this nobody looks.
SECONDS_BETWEEN_NOTES = 1.0


def prepare(claim: Claim) -> None:
    """Make the rows of the steps that do not exist yet, and begin all anew. Needs the organization's scope."""
    SyncStep.objects.bulk_create(
        [
            SyncStep(org_id=claim.org_id, run_id=claim.run_id, position=position, name=name)
            for position, name in enumerate((ACCOUNTS, COUNTS, NAMES))
        ],
        ignore_conflicts=True,
    )
    SyncStep.objects.filter(run_id=claim.run_id).update(read=0, total=None, state="queued", finished_at=None)


def read(claim: Claim, vendor: VendorAdapter, *, with_names: bool) -> Pull:
    """Read accounts and counts as of today, and the names behind them if wanted; raises RemoteError or Interruption."""
    accounts = _read_accounts(claim, vendor)
    usage = vendor.read_usage(datetime.now(UTC).date(), Teller(claim, COUNTS))
    _note(claim, COUNTS, len(usage.counts), len(usage.counts), is_done=True)
    if with_names and usage.complete:
        usage = _with_names(claim, vendor, usage)
    named = sum(len(group.items) for group in usage.items.groups)
    _note(claim, NAMES, named, named, is_done=True)
    return Pull(tuple(accounts), usage)


def _with_names(claim: Claim, vendor: VendorAdapter, usage: UsagePull) -> UsagePull:
    items = vendor.read_names(usage, Teller(claim, NAMES))
    counted = {count.service_external_id for count in usage.counts}
    return replace(usage, items=items, warnings=[*usage.warnings, *warn(items, counted)])


class Teller:
    """Hears how far a step is, and notes it from time to time; raises StopAsked out of the pull."""

    def __init__(self, claim: Claim, step: str) -> None:
        self._claim = claim
        self._step = step
        self._next = 0.0

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS_BETWEEN_NOTES
            _note(self._claim, self._step, progress.done, progress.total)


def _read_accounts(claim: Claim, vendor: VendorAdapter) -> list[VendorAccountRecord]:
    accounts: dict[str, VendorAccountRecord] = {}
    for chunk in vendor.read_accounts():
        before = len(accounts)
        accounts |= {account.external_id: account for account in chunk}
        if len(accounts) < before + len(chunk):
            raise incomplete("The list of accounts gave the same account twice while it was read.")
        _note(claim, ACCOUNTS, len(accounts), None)
    _note(claim, ACCOUNTS, len(accounts), len(accounts), is_done=True)
    return list(accounts.values())


def _note(claim: Claim, step: str, done: int, total: int | None, *, is_done: bool = False) -> None:
    with org_scope(claim.org_id):
        claim.prove()
        SyncStep.objects.filter(run_id=claim.run_id, name=step).update(
            read=done,
            total=total,
            state="done" if is_done else "running",
            finished_at=datetime.now(UTC) if is_done else None,
        )
