"""Syncing a PSA: what is published, what is left untouched, and what is never published."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from accounts.models import Organization
from psa.adapters.base import Page
from psa.models import Account, Agreement, AgreementLine, AgreementType, Board, Connection, Service
from reconcile.http.errors import TryLater
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from sync.models import LineChange, StagedRecord, SyncRun, SyncStep
from tests.sync.conftest import Sync
from tests.sync.pocket import KilledError, PocketPsa, as_it_is, nothing

QUICK, FULL = SyncRun.Mode.QUICK, SyncRun.Mode.FULL
State = SyncRun.State
MIRROR = (Account, Service, AgreementType, Agreement, AgreementLine, Board)


def versions(org: Organization) -> dict[tuple[str, int], Any]:
    """Give the transaction that wrote each mirror row: it moves when a row is rewritten."""
    found: dict[tuple[str, int], Any] = {}
    with org_scope(org.pk), database.cursor() as cursor:
        for model in MIRROR:
            cursor.execute(f"SELECT id, xmin::text::bigint, ctid::text FROM {model._meta.db_table}")
            found |= {(model.__name__, row[0]): row[1:] for row in cursor.fetchall()}
    return found


def quantities(org: Organization) -> dict[str, Decimal]:
    with org_scope(org.pk):
        lines = AgreementLine.objects.filter(vanished_at=None)
        return dict(lines.values_list("remote_id", "quantity"))


def changes(org: Organization) -> set[tuple[str, str, Decimal | None, Decimal | None]]:
    with org_scope(org.pk):
        return set(LineChange.objects.values_list("account_name", "service_name", "before", "after"))


@contextmanager
def hearing() -> Iterator[list[Any]]:
    """Collect which accounts' figures changed."""
    heard: list[Any] = []

    def listen(sender: Any, account_ids: list[int] | None, **kwargs: Any) -> None:
        heard.append(account_ids)

    figures_changed.connect(listen)
    try:
        yield heard
    finally:
        figures_changed.disconnect(listen)


def test_a_first_sync_publishes_everything(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    run = sync(connection, QUICK)
    assert (run.mode, run.state) == (FULL, State.DONE), "the first sync is always a full one"
    with org_scope(org.pk):
        line = AgreementLine.objects.select_related("account", "service", "agreement").get(remote_id="l2.3")
        assert (line.account.name, line.service.name, line.quantity) == ("Account 2", "Backup", Decimal(3))
        assert line.unit_price == Decimal("4.5")
        assert line.agreement.agreement_type.name == "Managed"
        assert Board.objects.get().statuses == [["1", "New"], ["2", "Done"]]
        steps = dict(SyncStep.objects.filter(run=run).values_list("name", "added"))
        assert steps["lines"] == AgreementLine.objects.count() == 10
        assert not StagedRecord.objects.exists()
        connection.refresh_from_db()
        assert connection.read_at == connection.full_read_at == run.started_at
    assert changes(org) == set(), "everything is new, so nothing moved"


@pytest.mark.parametrize("mode", [QUICK, FULL])
def test_a_sync_with_nothing_changed_rewrites_no_row(
    org: Organization, connection: Connection, sync: Sync, mode: SyncRun.Mode
) -> None:
    sync(connection)
    before = versions(org)
    assert len(before) == 2 + 1 + 1 + 2 + 10 + 1
    with hearing() as heard:
        assert sync(connection, mode).changed == 0
    assert versions(org) == before
    assert heard == [[]]


def test_only_the_changed_line_is_rewritten_and_only_its_account_told(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    sync(connection)
    before = versions(org)
    pocket.bill("l1.2", "7")
    with hearing() as heard:
        run = sync(connection, QUICK)
    after = versions(org)
    moved = [key for key in after if after[key] != before[key]]
    with org_scope(org.pk):
        assert moved == [("AgreementLine", AgreementLine.objects.get(remote_id="l1.2").pk)]
        assert heard == [[Account.objects.get(remote_id="a1").pk]]
    assert run.changed == 1
    assert changes(org) == {("Account 1", "Backup", Decimal(2), Decimal(7))}


@pytest.mark.parametrize("mode", [QUICK, FULL])
def test_a_line_that_was_only_saved_anew_in_the_psa_recalculates_no_card(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync, mode: SyncRun.Mode
) -> None:
    """Its version is kept, for pushes; no figure has changed."""
    sync(connection)
    pocket.lines = [
        replace(line, remote_version="touched") if line.remote_id == "l1.2" else line for line in pocket.lines
    ]
    with hearing() as heard:
        assert sync(connection, mode).changed == 0
    assert heard == [[]]
    with org_scope(org.pk):
        assert AgreementLine.objects.get(remote_id="l1.2").remote_version == "touched"
    pocket.lines = [
        replace(line, remote_version="again", unit_price=Decimal("5.00"))
        if line.remote_id == "l1.2"
        else line
        for line in pocket.lines
    ]
    with hearing() as heard:
        assert sync(connection, mode).changed == 0
    with org_scope(org.pk):
        assert heard == [[Account.objects.get(remote_id="a1").pk]], "another price is another figure"


def test_a_quick_sync_asks_for_what_changed_since_the_last_read_began(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    first = sync(connection)
    sync(connection, QUICK)
    sync(connection, FULL)
    assert pocket.since == [None, first.started_at, None]


def test_a_full_sync_marks_what_is_gone_with_the_lines_of_gone_agreements(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    pocket.fill(0)
    pocket.accounts.append(replace(pocket.accounts[0], remote_id="a9", name="Leaving"))
    pocket.agreements.append(replace(pocket.agreements[0], remote_id="g9", account_remote_id="a9"))
    pocket.lines.append(replace(pocket.lines[0], remote_id="l9", agreement_remote_id="g9"))
    sync(connection)
    pocket.accounts.pop()
    pocket.agreements.pop()
    pocket.lines.pop()
    sync(connection, QUICK)
    with org_scope(org.pk):
        assert not Agreement.objects.filter(vanished_at__isnull=False).exists(), "a quick one cannot know"
    sync(connection, FULL)
    with org_scope(org.pk):
        for model, remote_id in ((Account, "a9"), (Agreement, "g9"), (AgreementLine, "l9")):
            gone = model.objects.filter(vanished_at__isnull=False).values_list("remote_id", flat=True)
            assert list(gone) == [remote_id]
    assert ("Leaving", "Backup", Decimal(1), None) in changes(org)


def test_a_line_that_comes_back_is_there_again(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    sync(connection)
    whole = list(pocket.lines)
    pocket.drop_lines("l1.1")
    sync(connection, QUICK)
    assert "l1.1" not in quantities(org), "the lines of an agreement are read whole by a quick sync too"
    pocket.lines = whole
    sync(connection, QUICK)
    assert quantities(org)["l1.1"] == 1


def test_lines_of_ended_agreements_are_kept_so_that_they_can_be_explained(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    pocket.agreements[1] = replace(pocket.agreements[1], active=False, status="Cancelled")
    sync(connection)
    assert len(quantities(org)) == 10
    sync(connection, QUICK)
    assert len(quantities(org)) == 10


def test_a_prospect_is_no_active_account(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    pocket.accounts[0] = replace(pocket.accounts[0], prospect=True)
    sync(connection)
    with org_scope(org.pk):
        assert dict(Account.objects.values_list("remote_id", "active")) == {"a1": False, "a2": True}


def test_what_has_no_place_is_named(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    pocket.accounts.pop()
    run = sync(connection)
    assert run.state == State.DONE
    assert [text.split(" belong")[0] for text in run.warnings] == ["1 agreements", "5 lines"]
    assert set(quantities(org)) == {f"l1.{nth}" for nth in range(1, 6)}


def test_a_killed_run_goes_on_where_it_was(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    def kill(name: str, number: int) -> None:
        if (name, number) == ("lines", 1):
            raise KilledError

    pocket.before = kill
    with pytest.raises(KilledError):
        sync(connection)
    assert quantities(org) == {}
    with org_scope(org.pk):
        run = SyncRun.objects.get()
        assert (run.state, StagedRecord.objects.filter(step="lines").count()) == (State.RUNNING, 4)
        SyncRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    pocket.before = nothing
    pocket.pages_read.clear()
    assert sync(connection).pk == run.pk
    assert pocket.pages_read == [("lines", 1), ("lines", 2), ("invoices", 0)]
    assert len(quantities(org)) == 10


def cut_short(name: str, page: Page[Any]) -> Page[Any]:
    return replace(page, total=11) if name == "lines" else page


def repeat(name: str, page: Page[Any]) -> Page[Any]:
    again = [*page.records, page.records[0]]
    return replace(page, records=again) if name == "lines" else page


def stand_still(name: str, page: Page[Any]) -> Page[Any]:
    return replace(page, records=[], cursor="", last=False) if name == "lines" else page


def never_end(name: str, page: Page[Any]) -> Page[Any]:
    return replace(page, last=False) if name == "lines" else page


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (cut_short, "ended after 10 of 11"),
        (repeat, "same record twice"),
        (stand_still, "does not go on"),
        (never_end, "before its last page"),
    ],
)
def test_a_partial_read_is_never_published(
    org: Organization,
    connection: Connection,
    pocket: PocketPsa,
    sync: Sync,
    settings: Any,
    fault: Any,
    words: str,
) -> None:
    sync(connection)
    before = versions(org)
    pocket.bill("l1.1", "99")
    pocket.change = fault
    settings.SYNC_MAX_ATTEMPTS = 1
    run = sync(connection)
    assert run.state == State.FAILED
    assert words in run.cause
    assert run.who == "clock"
    assert run.reference == f"R{run.pk}-1"
    assert versions(org) == before
    pocket.change = as_it_is
    assert sync(connection).state == State.DONE
    assert quantities(org)["l1.1"] == 99, "the next good sync heals"


def test_a_list_that_moved_is_read_again_from_its_start(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    pocket.change = repeat
    run = sync(connection)
    assert (run.state, run.who) == (State.QUEUED, "clock")
    assert run.not_before is not None
    with org_scope(org.pk):
        step = SyncStep.objects.get(run=run, name="lines")
        assert (step.cursor, step.read) == ("", 0)
        SyncRun.objects.update(not_before=timezone.now())
    pocket.change = as_it_is
    pocket.pages_read.clear()
    assert sync(connection).state == State.DONE
    assert pocket.pages_read[0] == ("lines", 0), "what was read well is not read again"


def test_an_outage_is_waited_for_as_long_as_the_psa_asks(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync, settings: Any
) -> None:
    def refuse(name: str, number: int) -> None:
        raise TryLater("The PSA is overloaded. Reconcile tries again.", retry_after=120)

    settings.SYNC_MAX_ATTEMPTS = 2
    pocket.before = refuse
    run = sync(connection)
    assert (run.state, run.cause) == (State.QUEUED, "The PSA is overloaded.")
    assert run.not_before is not None
    assert run.not_before - timezone.now() > timedelta(seconds=100)
    assert sync(connection).attempt == 1, "not before its time"
    with org_scope(org.pk):
        SyncRun.objects.update(not_before=timezone.now())
    run = sync(connection)
    assert (run.state, run.who, run.cause) == (State.FAILED, "clock", "The PSA is overloaded.")
    assert "Start the sync again" in run.cure


def test_a_push_confirmed_after_the_read_began_wins(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    sync(connection)

    def confirm(name: str, number: int) -> None:
        """A push is confirmed after the lines were read and before they are published."""
        if name == "invoices":
            with org_scope(org.pk):
                lines = AgreementLine.objects.filter(remote_id="l1.5")
                lines.update(quantity=42, confirmed_at=timezone.now())

    pocket.before = confirm
    pocket.drop_lines("l1.5")
    sync(connection)
    assert quantities(org)["l1.5"] == 42, "neither vanished nor put back"
    pocket.before = nothing
    sync(connection, QUICK)
    assert "l1.5" not in quantities(org), "a read that began later knows better"


def test_much_gone_at_once_waits_for_a_person(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    sync(connection)
    whole = list(pocket.lines)
    pocket.lines = whole[:5]
    run = sync(connection)
    assert (run.state, run.who) == (State.HELD, "admin")
    assert run.cause.startswith("5 of 10 agreement lines are no longer shown")
    assert len(quantities(org)) == 10
    pocket.lines = whole
    assert sync(connection).state == State.DONE
    with org_scope(org.pk):
        run.refresh_from_db()
        assert run.state == State.STOPPED, "a newer read took its place"
        assert not StagedRecord.objects.exists()


def test_accounts_that_the_psa_no_longer_shows_wait_for_a_person(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    known = list(pocket.accounts)
    pocket.accounts += [replace(known[0], remote_id=f"more{n}", name=f"More {n}") for n in range(6)]
    sync(connection)
    pocket.accounts = known
    run = sync(connection, FULL)
    assert (run.state, run.who) == (State.HELD, "admin")
    assert "6 of 8 accounts are no longer shown" in run.cause
    with org_scope(org.pk):
        assert not Account.objects.filter(vanished_at__isnull=False).exists()


def test_another_company_behind_the_same_keys_is_refused(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    sync(connection)
    pocket.account = "somebody-else"
    pocket.lines = []
    run = sync(connection)
    assert (run.state, run.who) == (State.FAILED, "admin")
    assert run.cause == "Another system answers here now: somebody-else."
    assert len(quantities(org)) == 10
