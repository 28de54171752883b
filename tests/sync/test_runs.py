"""Runs as rows: one open run per source, claimed once, fenced, stopped, and found when they are due."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import AuditEntry, Organization, User
from psa.models import AgreementLine, Connection
from reconcile.celery import app
from reconcile.http.errors import CustomerMustAct, OurBug
from reconcile.tenancy.scope import org_scope
from sync import claims, runs, turns
from sync.models import StagedRecord, SyncRun
from sync.tasks import run_sync
from tests.sync.conftest import Sync
from tests.sync.pocket import PocketPsa, PocketVendor
from vendors.integrations import read_credentials, store_secret
from vendors.models import Integration

QUICK, FULL = SyncRun.Mode.QUICK, SyncRun.Mode.FULL
State = SyncRun.State


def test_a_second_request_gives_the_open_run(
    org: Organization, connection: Connection, integration: Integration, alice: User
) -> None:
    first = runs.request(org.pk, connection=connection, mode=FULL, by=alice)
    assert runs.request(org.pk, connection=connection, mode=QUICK, by=None).pk == first.pk
    assert runs.request(org.pk, integration=integration, mode=QUICK, by=None).pk != first.pk


def test_a_waiting_quick_sync_becomes_the_full_one_that_was_asked_for(
    org: Organization, connection: Connection, sync: Sync
) -> None:
    sync(connection)
    with org_scope(org.pk):
        connection.refresh_from_db()
    assert runs.request(org.pk, connection=connection, mode=QUICK, by=None).mode == QUICK
    assert runs.request(org.pk, connection=connection, mode=FULL, by=None).mode == FULL


def test_two_simultaneous_requests_make_one_run(committed_db: None, pocket: PocketPsa, person) -> None:
    org = Organization.found(name="Northgate IT", owner=person("Alice"))
    with org_scope(org.pk):
        psa = Connection.objects.create(
            org=org, kind="pocket_sync", name="PSA", base_url="https://psa.example"
        )
    found: list[int] = []
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait()
        found.append(runs.request(org.pk, connection=psa, mode=FULL, by=None).pk)
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_run_is_claimed_once_until_its_lease_ends(org: Organization, connection: Connection) -> None:
    run = runs.request(org.pk, connection=connection, mode=FULL, by=None)
    first = claims.take(org.pk, run.pk)
    assert first is not None
    assert claims.take(org.pk, run.pk) is None
    assert list(turns.find_due(timezone.now())) == []
    later = timezone.now() + timedelta(hours=1)
    assert list(turns.find_due(later)) == [(org.pk, run.pk)]
    with org_scope(org.pk):
        SyncRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = claims.take(org.pk, run.pk)
    assert second is not None
    assert second.attempt == first.attempt + 1
    with org_scope(org.pk), pytest.raises(claims.Lost):
        first.prove()
    assert not first.leave(State.FAILED)
    with org_scope(org.pk):
        second.prove()


def test_the_loser_of_a_run_publishes_nothing(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    def lose(name: str, number: int) -> None:
        if name == "invoices":
            with org_scope(org.pk):
                SyncRun.objects.update(attempt=7)

    pocket.before = lose
    run = sync(connection)
    assert run.state == State.RUNNING
    with org_scope(org.pk):
        assert not AgreementLine.objects.exists()


def test_a_stopped_run_publishes_nothing(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync, alice: User
) -> None:
    def stop(name: str, number: int) -> None:
        if name == "lines":
            with org_scope(org.pk):
                run_id = SyncRun.objects.values_list("id", flat=True).get()
            runs.stop(org.pk, run_id, alice)

    pocket.before = stop
    assert sync(connection).state == State.STOPPED
    with org_scope(org.pk):
        assert not AgreementLine.objects.exists()
        assert not StagedRecord.objects.exists()


def test_a_waiting_run_is_stopped_at_once(org: Organization, connection: Connection, alice: User) -> None:
    run = runs.request(org.pk, connection=connection, mode=FULL, by=None)
    runs.stop(org.pk, run.pk, alice)
    runs.run(org.pk, run.pk)
    with org_scope(org.pk):
        run.refresh_from_db()
    assert (run.state, run.attempt) == (State.STOPPED, 0)


def test_who_started_and_who_stopped_a_run_is_in_the_trail(
    org: Organization, connection: Connection, alice: User
) -> None:
    run = runs.request(org.pk, connection=connection, mode=FULL, by=alice)
    for _ in range(2):
        runs.request(org.pk, connection=connection, mode=FULL, by=None)
        runs.stop(org.pk, run.pk, alice)
        run = runs.request(org.pk, connection=connection, mode=FULL, by=None)
    with org_scope(org.pk):
        entries = AuditEntry.objects.filter(subject__startswith="run:").order_by("seq")
        assert list(entries.values_list("verb", "actor_label", "label")) == [
            ("started full sync", alice.email, "PSA"),
            ("stopped sync", alice.email, "PSA"),
            ("started full sync", "Reconcile", "PSA"),
            ("stopped sync", alice.email, "PSA"),
            ("started full sync", "Reconcile", "PSA"),
        ]


def test_a_run_begins_by_the_databases_clock_whatever_the_workers_says(
    org: Organization, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.request(org.pk, connection=connection, mode=FULL, by=None)
    with monkeypatch.context() as patched:
        patched.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(minutes=10))
        assert claims.take(org.pk, run.pk) is not None
    with org_scope(org.pk):
        assert not SyncRun.objects.filter(started_at__gt=Now()).exists()
        assert not SyncRun.objects.filter(lease_until__gt=Now() + timedelta(minutes=9)).exists()


def test_a_source_that_does_not_say_who_it_is_is_not_forgotten(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    sync(integration)
    known, console.instance = console.instance, ""
    assert sync(integration).state == State.DONE
    with org_scope(org.pk):
        integration.refresh_from_db()
    assert integration.external_id == known


def test_a_long_run_is_handed_on_at_a_pages_end(
    org: Organization, connection: Connection, pocket: PocketPsa, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SLICE_SECONDS", -1.0)
    run = sync(connection)
    assert (run.state, run.tries, run.not_before) == (State.QUEUED, 0, None)
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("error", "who", "cause", "cure"),
    [
        (
            CustomerMustAct("The vendor refused the key. Enter it again."),
            "admin",
            "The vendor refused the key.",
            "Enter it again.",
        ),
        (
            OurBug("The answer has an unknown shape. Support must look at it."),
            "us",
            "The answer has an unknown shape.",
            "Our fault, not yours. Write to support and give the reference.",
        ),
        (
            ZeroDivisionError("oops"),
            "us",
            "Reconcile met something unforeseen.",
            "Our fault, not yours. Write to support and give the reference.",
        ),
    ],
)
def test_a_failure_says_cause_cure_and_who_must_act(
    integration: Integration,
    console: PocketVendor,
    sync: Sync,
    error: Exception,
    who: str,
    cause: str,
    cure: str,
) -> None:
    def fail() -> None:
        raise error

    console.before = fail
    run = sync(integration)
    assert (run.state, run.who, run.cause, run.cure) == (State.FAILED, who, cause, cure)
    assert run.reference == f"R{run.pk}-1"


def test_the_ticks_and_wake_ups_name_tasks_that_exist() -> None:
    assert {runs.RUN, app.conf.beat_schedule["drain runs"]["task"]} <= set(app.tasks)


def test_a_task_brings_its_run_forward(org: Organization, connection: Connection) -> None:
    run = runs.request(org.pk, connection=connection, mode=FULL, by=None)
    run_sync(org.pk, run.pk)
    with org_scope(org.pk):
        run.refresh_from_db()
    assert run.state == State.DONE


def test_a_source_that_was_changed_while_its_run_waited_is_not_read(
    org: Organization, integration: Integration, sync: Sync
) -> None:
    run = runs.request(org.pk, integration=integration, mode=QUICK, by=None)
    with org_scope(org.pk):
        Integration.objects.update(epoch=2)
    runs.run(org.pk, run.pk)
    with org_scope(org.pk):
        run.refresh_from_db()
    assert (run.state, run.cure) == (State.FAILED, "Start the sync again.")


def test_a_secret_is_sealed_and_given_to_the_adapter_alone(
    org: Organization, integration: Integration
) -> None:
    with org_scope(org.pk):
        store_secret(integration, "api_key", "an invented value")
        integration.refresh_from_db()
    assert "invented" not in str(integration.secrets)
    credentials = read_credentials(integration)
    assert credentials.fields == {"api_key": "an invented value"}
    assert "invented" not in repr(credentials)


def test_a_secret_of_another_integration_cannot_be_read(
    org: Organization, integration: Integration, sync: Sync
) -> None:
    with org_scope(org.pk):
        store_secret(integration, "api_key", "an invented value")
        other = Integration.objects.create(
            org=org,
            kind=integration.kind,
            name="Other",
            base_url="https://other.example",
            secrets=integration.secrets,
        )
    run = sync(other)
    assert (run.state, run.who, run.cause) == (State.FAILED, "admin", "A stored key cannot be read.")
