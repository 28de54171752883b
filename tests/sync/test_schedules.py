"""F4, the schedule engine: a slot is started once, by the database's clock, whole, and for every source."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.db.models.signals import post_save
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Organization, SyncSchedule, User
from psa.models import Connection
from reconcile.celery import TICK_SECONDS, app
from reconcile.clock import read_clock
from reconcile.http.errors import CustomerMustAct
from reconcile.tenancy.scope import org_scope
from sync import runs, schedules
from sync.models import AutomaticRun, AutomaticSync, SyncRun
from tests.sync.conftest import Sync
from tests.sync.pocket import KilledError, PocketVendor
from vendors.models import Integration

State = SyncRun.State
SEVEN = datetime(2027, 3, 1, 7, tzinfo=UTC)  # a Monday
WEEK = timedelta(7)
SignIn = Callable[[User], Client]


@pytest.fixture
def mondays(org: Organization) -> SyncSchedule:
    """Let the organization sync on Mondays, next on the first of March."""
    return sync_on_mondays(org)


def sync_on_mondays(org: Organization) -> SyncSchedule:
    with org_scope(org.pk):
        schedule = SyncSchedule.objects.get()
        schedule.weekday, schedule.next_sync_at = 0, SEVEN + schedule.spread
        schedule.save()
    return schedule


def slots(org: Organization) -> list[datetime]:
    with org_scope(org.pk):
        return list(AutomaticSync.objects.order_by("slot").values_list("slot", flat=True))


def due_next(org: Organization) -> datetime | None:
    with org_scope(org.pk):
        return SyncSchedule.objects.get().next_sync_at


def test_f4_an_automatic_sync_asks_for_every_source_and_leaves_its_proof(
    org: Organization, connection: Connection, integration: Integration, mondays: SyncSchedule, sync: Sync
) -> None:
    sync(connection)
    at = SEVEN + mondays.spread
    with org_scope(org.pk):
        Connection.objects.update(full_read_at=at - timedelta(3))
    assert schedules.find_due(at - timedelta(seconds=1)) == []
    assert schedules.find_due(at) == [org.pk]
    assert schedules.start(org.pk, at) is not None
    with org_scope(org.pk):
        proof = AutomaticSync.objects.get()
        asked = AutomaticRun.objects.order_by("pk").values_list(
            "run__connection", "run__integration", "run__mode", "run__state", "joined", "why_full"
        )
        assert list(asked) == [
            (connection.pk, None, "quick", "queued", False, ""),
            (None, integration.pk, "quick", "queued", False, ""),
        ]
        entry = AuditEntry.objects.get(verb="started automatic sync")
    assert (proof.slot, proof.started_at) == (SEVEN, at)
    assert proof.started_by
    assert (entry.actor_label, entry.label) == ("Reconcile", "2027-03-01")
    assert due_next(org) == SEVEN + WEEK + mondays.spread


def test_f4_a_doubled_beat_does_nothing_twice(
    org: Organization, integration: Integration, mondays: SyncSchedule
) -> None:
    at = SEVEN + mondays.spread
    assert schedules.start(org.pk, at) is not None
    assert schedules.start(org.pk, at) is None
    assert schedules.start(org.pk, at + timedelta(minutes=10)) is None
    assert slots(org) == [SEVEN]


def test_f4_beats_that_race_start_a_slot_once(committed_db: None, person: Callable[..., User]) -> None:
    org = Organization.found(name="Northgate IT", owner=person("Alice"))
    at = SEVEN + sync_on_mondays(org).spread
    started: list[object] = []
    barrier = threading.Barrier(6)

    def beat() -> None:
        barrier.wait()
        started.append(schedules.start(org.pk, at))
        connections.close_all()

    threads = [threading.Thread(target=beat) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 6
    assert sum(one is not None for one in started) == 1
    assert slots(org) == [SEVEN]


def test_f4_a_missed_slot_is_caught_up_once_however_many_were_missed(
    org: Organization, integration: Integration, mondays: SyncSchedule
) -> None:
    back = SEVEN + 3 * WEEK + timedelta(days=2, hours=5)
    assert schedules.start(org.pk, back) is not None
    assert slots(org) == [SEVEN + 3 * WEEK]
    assert due_next(org) == SEVEN + 4 * WEEK + mondays.spread
    assert schedules.start(org.pk, back + timedelta(seconds=30)) is None


def test_f4_an_outage_that_ends_within_the_spread_is_one_sync_not_two(
    org: Organization, integration: Integration, mondays: SyncSchedule
) -> None:
    assert schedules.start(org.pk, SEVEN + WEEK) is not None
    assert slots(org) == [SEVEN + WEEK]
    assert schedules.start(org.pk, SEVEN + WEEK + timedelta(minutes=9)) is None


def test_f4_a_day_that_has_had_its_sync_gets_no_second_one(org: Organization, mondays: SyncSchedule) -> None:
    at = SEVEN + mondays.spread
    schedules.start(org.pk, at)
    with org_scope(org.pk):
        SyncSchedule.objects.update(next_sync_at=at)  # as if the schedule was changed and changed back
    assert schedules.start(org.pk, at + timedelta(minutes=1)) is None
    assert slots(org) == [SEVEN]
    assert due_next(org) == SEVEN + WEEK + mondays.spread


def test_f4_a_sync_that_a_person_started_stands_for_its_source(
    org: Organization, connection: Connection, integration: Integration, mondays: SyncSchedule, alice: User
) -> None:
    clicked = runs.request(org.pk, integration=integration, mode=SyncRun.Mode.QUICK, by=alice)
    schedules.start(org.pk, SEVEN + mondays.spread)
    with org_scope(org.pk):
        assert SyncRun.objects.filter(integration=integration).count() == 1
        assert AutomaticRun.objects.get(run=clicked).joined
        assert AutomaticRun.objects.filter(joined=False).count() == 1


def test_f4_a_slot_is_started_whole_or_stays_due(
    org: Organization, connection: Connection, integration: Integration, mondays: SyncSchedule
) -> None:
    at = SEVEN + mondays.spread

    def die(instance: SyncRun, **_: object) -> None:
        if instance.integration_id:
            raise KilledError  # the first run is made, and the second is being made

    post_save.connect(die, sender=SyncRun)
    try:
        with pytest.raises(KilledError):
            schedules.start(org.pk, at)
    finally:
        post_save.disconnect(die, sender=SyncRun)
    with org_scope(org.pk):
        assert not SyncRun.objects.exists()
    assert slots(org) == []
    assert schedules.find_due(at) == [org.pk]
    assert schedules.start(org.pk, at + timedelta(seconds=30)) is not None
    with org_scope(org.pk):
        assert SyncRun.objects.count() == 2


@pytest.mark.parametrize(("age", "mode"), [(27, "quick"), (28, "full"), (300, "full")])
def test_f4_a_full_sync_follows_when_a_quick_one_would_miss_what_is_gone(
    org: Organization, connection: Connection, sync: Sync, mondays: SyncSchedule, age: int, mode: str
) -> None:
    sync(connection)
    at = SEVEN + mondays.spread
    with org_scope(org.pk):
        Connection.objects.update(full_read_at=at - timedelta(age))
    schedules.start(org.pk, at)
    with org_scope(org.pk):
        asked = AutomaticRun.objects.select_related("run").get()
    assert asked.run.mode == mode
    assert (f"{age} days old" in asked.why_full) == (mode == "full")


def test_f4_manual_only_is_never_due(org: Organization, mondays: SyncSchedule) -> None:
    with org_scope(org.pk):
        schedule = SyncSchedule.objects.get()
        schedule.weekly, schedule.next_sync_at = False, None
        schedule.save()
    assert schedules.find_due(SEVEN + 60 * WEEK) == []
    assert schedules.start(org.pk, SEVEN + 60 * WEEK) is None


def test_f4_the_ticks_go_by_the_databases_clock_not_by_their_own(
    org: Organization, mondays: SyncSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat and a worker whose machine is ten minutes fast start nothing early."""
    soon = read_clock() + timedelta(minutes=5)
    with org_scope(org.pk):
        SyncSchedule.objects.update(next_sync_at=soon)
    fast = timezone.now() + timedelta(minutes=10)
    monkeypatch.setattr(timezone, "now", lambda: fast)
    app.tasks["sync.tasks.start_due_syncs"]()
    app.tasks["sync.tasks.start_automatic_sync"](org.pk)
    assert slots(org) == []
    with org_scope(org.pk):
        SyncSchedule.objects.update(next_sync_at=soon - timedelta(minutes=6))
    app.tasks["sync.tasks.start_automatic_sync"](org.pk)
    assert len(slots(org)) == 1


def test_f4_a_tick_of_a_beat_that_is_ten_minutes_slow_is_still_heard() -> None:
    assert {entry["options"]["expires"] for entry in app.conf.beat_schedule.values()} == {TICK_SECONDS}
    assert TICK_SECONDS > 10 * 60
    assert {"sync.tasks.start_due_syncs", schedules.START} <= set(app.tasks)


def test_f5_a_scheduled_sync_that_fails_says_why_and_who_must_act(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    integration: Integration,
    console: PocketVendor,
    mondays: SyncSchedule,
) -> None:
    def refuse() -> None:
        raise CustomerMustAct("The vendor refused the key. Enter it again.")

    console.before = refuse
    schedules.start(org.pk, SEVEN + mondays.spread)
    with org_scope(org.pk):
        run_id = AutomaticRun.objects.values_list("run_id", flat=True).get()
    runs.run(org.pk, run_id)
    page = sign_in(alice).get(reverse("sync_status", args=[org.slug])).text
    assert "The vendor refused the key." in page
    assert "An admin must act: Enter it again." in page
    assert "1 failed" in page
