"""Publishing what a vendor reported: the ledger takes differences alone, and a suspicious pull waits for a person."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from accounts import audit
from accounts.models import ReconcileSettings, User
from reconcile.http.errors import OurBug
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from sync import ledger_rules, ledger_tables, name_rules, name_tables
from sync.claims import Claim
from sync.failures import CLOCK
from sync.ledger_rules import Change
from sync.models import SyncRun, SyncStep
from sync.name_rules import NameChanges
from sync.pulls import Pull, freeze, thaw
from sync.run_notices import tell_ended
from vendors.models import AccountMapping, AccountSplit, Integration, Snapshot, VendorAccount

PARTIAL_CURE = "Start the sync again. If it stays like this, look at the source itself."


class NothingHeld(Exception):
    """The snapshot no longer waits: somebody decided, or a newer one took its place."""


@dataclass(frozen=True)
class Verdict:
    """What publishing a pull would do."""

    gaps: dict[str, str]
    changes: list[Change]
    counted_at: datetime
    hold: str


def receive(claim: Claim, integration_id: int, pull: Pull) -> None:
    """Publish, hold or refuse a pull, and finish its run, in one transaction."""
    repeated = ledger_rules.find_repeated(pull.usage.counts)
    if repeated:
        raise OurBug("The source's counts came twice. Support must look at it.", detail=str(repeated[:3]))
    with org_scope(claim.org_id):
        claim.prove()
        run = SyncRun.objects.get(pk=claim.run_id)
        integration = _lock(integration_id)
        if not pull.usage.complete:
            _refuse_partial(claim, integration, pull)
            return
        _replace_held(integration)
        verdict = judge(integration, pull)
        if verdict.hold:
            _hold(claim, integration, pull, verdict)
        else:
            snapshot = _snapshot(integration, pull, Snapshot.State.PUBLISHED)
            claim.leave(
                SyncRun.State.DONE,
                changed=publish(snapshot, pull, verdict, run),
                warnings=snapshot.warnings,
                cause="",
                cure="",
                who="",
            )


def judge(integration: Integration, pull: Pull) -> Verdict:
    """Compare a complete pull with the ledger."""
    impossible = ledger_rules.find_impossible(pull.usage, settings.COUNT_LIMIT)
    gaps = ledger_rules.find_gaps(pull.accounts, pull.usage, impossible)
    standing = ledger_tables.read_standing(integration)
    changes = ledger_rules.compare(standing, pull.usage, gaps, impossible)
    hold = ledger_rules.reason_to_hold(
        standing,
        changes,
        known_accounts=VendorAccount.objects.filter(integration=integration, vanished_at=None).count(),
        accounts=len(pull.accounts),
        counts=len(pull.usage.counts),
        percent=ReconcileSettings.objects.get().vanish_percent,
    )
    return Verdict(gaps, changes, ledger_rules.as_of(pull.usage, gaps), hold)


def publish(snapshot: Snapshot, pull: Pull, verdict: Verdict, run: SyncRun | None) -> int:
    """Write accounts, services and the counts that differ, and tell the cards. Needs the integration's lock.

    Gives how many changes people are told of: none of a first pull, which has nothing to compare with.
    """
    integration, usage = snapshot.integration, pull.usage
    is_first = integration.counted_at is None
    accounts = ledger_tables.write_accounts(integration, pull.accounts, usage, verdict.gaps)
    ledger_tables.write_services(integration, usage)
    ledger_tables.write_counts(snapshot, verdict.changes, None if is_first or run is None else run.pk)
    ledger_tables.mark_vanished_services(integration, usage)
    names = _publish_names(integration, pull, verdict)
    snapshot.changed = len(verdict.changes)
    snapshot.vanished = sum(change.is_gone for change in verdict.changes)
    snapshot.save()
    integration.counted_at, integration.held = verdict.counted_at, False
    integration.save(update_fields=["counted_at", "held"])
    if run is not None:
        _note_steps(run, accounts, verdict, names)
    _tell_cards(integration)
    return 0 if is_first else sum(change.is_told for change in verdict.changes)


def _publish_names(integration: Integration, pull: Pull, verdict: Verdict) -> NameChanges:
    """Write who came and who went behind the counts; accounts and services are in place."""
    changes = name_rules.compare(
        name_tables.read_names(integration),
        name_tables.read_newest(integration),
        pull.usage,
        verdict.gaps,
        integration.pk,
    )
    name_tables.write_names(integration, changes, pull.usage.items)
    return changes


def accept(snapshot_id: int, by: User) -> None:
    """Publish a held snapshot because a person believes it; raises NothingHeld. Needs the organization's scope."""
    snapshot, run = _take_held(snapshot_id)
    pull = thaw(snapshot.pulled)
    verdict = judge(snapshot.integration, pull)
    snapshot.state, snapshot.pulled = Snapshot.State.PUBLISHED, {}
    told = publish(snapshot, pull, verdict, run)
    if run is not None:
        run.state, run.changed, run.cause, run.cure, run.who = (
            SyncRun.State.DONE,
            told,
            "",
            "",
            "",
        )
        run.save()
        tell_ended(run.pk)
    _record(snapshot, by, "accepted held counts")


def refuse(snapshot_id: int, by: User) -> None:
    """Drop a held snapshot; the counts stay as they are. Raises NothingHeld. Needs the organization's scope."""
    snapshot, run = _take_held(snapshot_id)
    snapshot.state, snapshot.pulled = Snapshot.State.REFUSED, {}
    snapshot.save()
    snapshot.integration.held = False
    snapshot.integration.save(update_fields=["held"])
    if run is not None:
        run.state, run.cause, run.cure = SyncRun.State.STOPPED, f"Refused by {by}: {snapshot.reason}", ""
        run.save()
        tell_ended(run.pk)
    _tell_cards(snapshot.integration)
    _record(snapshot, by, "refused held counts")


def _lock(integration_id: int) -> Integration:
    return Integration.objects.select_for_update(no_key=True).get(pk=integration_id)


def _take_held(snapshot_id: int) -> tuple[Snapshot, SyncRun | None]:
    found = Snapshot.objects.filter(pk=snapshot_id).first()
    if found is None:
        raise NothingHeld
    audit.hold(found.org_id)
    integration = _lock(found.integration_id)
    snapshot = Snapshot.objects.filter(pk=snapshot_id, state=Snapshot.State.HELD).first()
    if snapshot is None:
        raise NothingHeld
    snapshot.integration = integration
    held = SyncRun.objects.filter(integration=integration, state=SyncRun.State.HELD)
    return snapshot, held.order_by("-id").first()


def _replace_held(integration: Integration) -> None:
    """A newer pull is there: what waited for a person no longer matters."""
    held = Snapshot.objects.filter(integration=integration, state=Snapshot.State.HELD)
    held.update(state=Snapshot.State.REFUSED, reason="A newer sync took its place.", pulled={})
    runs = SyncRun.objects.filter(integration=integration, state=SyncRun.State.HELD)
    runs.update(state=SyncRun.State.STOPPED, cause="A newer sync took its place.", cure="")


def _refuse_partial(claim: Claim, integration: Integration, pull: Pull) -> None:
    snapshot = _snapshot(integration, pull, Snapshot.State.PARTIAL)
    snapshot.reason = " ".join(["The source could not be read completely.", *pull.usage.warnings])[:2000]
    snapshot.save()
    cause = f"{snapshot.reason} Nothing of it was used."
    claim.leave(
        SyncRun.State.FAILED,
        cause=cause,
        cure=PARTIAL_CURE,
        who=CLOCK,
        reference=f"R{claim.run_id}-{claim.attempt}",
    )


def _hold(claim: Claim, integration: Integration, pull: Pull, verdict: Verdict) -> None:
    snapshot = _snapshot(integration, pull, Snapshot.State.HELD)
    snapshot.reason, snapshot.pulled = verdict.hold, freeze(pull)
    snapshot.changed = len(verdict.changes)
    snapshot.vanished = sum(change.is_gone for change in verdict.changes)
    snapshot.save()
    integration.held = True
    integration.save(update_fields=["held"])
    claim.leave(SyncRun.State.HELD, cause=verdict.hold, cure="", who="admin")
    _tell_cards(integration)


def _snapshot(integration: Integration, pull: Pull, state: Snapshot.State) -> Snapshot:
    return Snapshot.objects.create(
        org_id=integration.org_id,
        integration=integration,
        taken_at=pull.usage.taken_at,
        state=state,
        counts=len(pull.usage.counts),
        warnings=list(pull.usage.warnings),
    )


def _note_steps(run: SyncRun, accounts: ledger_tables.Tally, verdict: Verdict, names: NameChanges) -> None:
    steps = SyncStep.objects.filter(run=run)
    steps.filter(name="accounts").update(**vars(accounts))
    steps.filter(name="names").update(added=len(names.came), vanished=len(names.gone))
    steps.filter(name="counts").update(
        added=sum(change.before is None for change in verdict.changes),
        updated=sum(change.before is not None and not change.absent for change in verdict.changes),
        vanished=sum(change.absent for change in verdict.changes),
        finished_at=timezone.now(),
        state="done",
    )


def _tell_cards(integration: Integration) -> None:
    """Bring the cards up to date of all accounts that it counts for, and of those that parts of its accounts go to."""
    mapped = AccountMapping.objects.filter(vendor_account__integration=integration).values_list("account_id")
    parted = AccountSplit.objects.filter(vendor_account__integration=integration).values_list("account_id")
    account_ids = sorted(account_id for (account_id,) in mapped.union(parted))
    figures_changed.send(sender=Snapshot, org_id=integration.org_id, account_ids=account_ids)


def _record(snapshot: Snapshot, by: User, verb: str) -> None:
    audit.record(
        snapshot.org_id,
        actor=by,
        verb=verb,
        subject=f"snapshot:{snapshot.pk}",
        label=f"{snapshot.integration.name}: {snapshot.reason}",
        old={"state": Snapshot.State.HELD.value},
        new={"state": str(snapshot.state), "changed": snapshot.changed, "vanished": snapshot.vanished},
    )
