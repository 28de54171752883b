"""F4, fairness: an organization with many or slow sources waits for itself, and never for the others' turn."""

import queue
import threading
import time
from collections.abc import Callable

from django.db import connections

from accounts.models import Organization, User
from reconcile.clock import read_clock
from reconcile.tenancy.scope import org_scope
from sync import claims, runs, turns
from sync.models import SyncRun
from tests.sync.pocket import PocketVendor, PocketVendorAdapter
from vendors.models import Integration

State = SyncRun.State
WORKERS = 3
PATIENCE = 60.0


def connect(org: Organization, count: int, address: str = "https://vendor.example") -> list[int]:
    """Connect so many sources and ask for a sync of each; gives the runs."""
    with org_scope(org.pk):
        rows = [
            Integration.objects.create(
                org=org, kind=PocketVendorAdapter.key, name=f"Vendor {number}", base_url=address
            )
            for number in range(count)
        ]
    return [runs.request(org.pk, integration=row, mode=SyncRun.Mode.QUICK, by=None).pk for row in rows]


def test_f4_organizations_take_turns(
    org: Organization, other_org: Organization, console: PocketVendor
) -> None:
    many, few = connect(org, 30), connect(other_org, 1)
    due = list(turns.find_due(read_clock()))
    assert due == [(org.pk, many[0]), (other_org.pk, few[0]), (org.pk, many[1])]


def test_f4_an_organization_works_on_two_runs_at_once(
    org: Organization, other_org: Organization, console: PocketVendor
) -> None:
    many, few = connect(org, 4), connect(other_org, 1)
    first = claims.take(org.pk, many[0])
    assert first is not None
    assert claims.take(org.pk, many[1]) is not None
    assert claims.take(org.pk, many[2]) is None
    assert turns.find_waiting(org.pk, read_clock()) == []
    assert claims.take(other_org.pk, few[0]) is not None, "the others have places of their own"
    first.leave(State.DONE)
    assert turns.find_waiting(org.pk, read_clock()) == [many[2]]
    assert claims.take(org.pk, many[2]) is not None


def test_f4_a_run_that_was_handed_on_lets_those_go_first_that_did_not_begin(
    org: Organization, console: PocketVendor
) -> None:
    many = connect(org, 3)
    long = claims.take(org.pk, many[0])
    assert long is not None
    long.leave(State.QUEUED)
    assert turns.find_waiting(org.pk, read_clock()) == many[1:]


def test_f4_workers_that_race_for_an_organizations_places_get_two(
    committed_db: None, console: PocketVendor, person: Callable[..., User]
) -> None:
    org = Organization.found(name="Northgate IT", owner=person("Alice"))
    many = connect(org, 6)
    taken: list[object] = []
    barrier = threading.Barrier(len(many))

    def take(run_id: int) -> None:
        barrier.wait()
        taken.append(claims.take(org.pk, run_id))
        connections.close_all()

    threads = [threading.Thread(target=take, args=[run_id]) for run_id in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 6
    assert sum(claim is not None for claim in taken) == 2


def test_f4_one_organization_whose_vendors_all_hang_does_not_starve_another(
    committed_db: None, console: PocketVendor, person: Callable[..., User]
) -> None:
    """Three workers, one queue, first come first served; twelve sources that hang stand before one that answers."""
    slow = Organization.found(name="Slow MSP", owner=person("Alice"))
    quick = Organization.found(name="Quick MSP", owner=person("Bob"))
    tasks: queue.Queue[tuple[int, int] | None] = queue.Queue()
    for run_id in connect(slow, 12):
        tasks.put((slow.pk, run_id))
    (wanted,) = connect(quick, 1)
    tasks.put((quick.pk, wanted))
    working, release = threading.local(), threading.Event()

    def answer() -> None:
        if working.org_id == slow.pk:
            release.wait(PATIENCE)

    console.before = answer

    def work() -> None:
        while (task := tasks.get()) is not None:
            working.org_id = task[0]
            runs.run(*task)
        connections.close_all()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    until_done(quick, wanted)
    with org_scope(slow.pk):
        states = list(SyncRun.objects.values_list("state", flat=True))
    assert states.count(State.RUNNING) == 2
    assert states.count(State.QUEUED) == 10
    release.set()
    for _ in workers:
        tasks.put(None)
    for worker in workers:
        worker.join()


def until_done(org: Organization, run_id: int) -> None:
    deadline = time.monotonic() + PATIENCE / 2
    pause = threading.Event()
    while time.monotonic() < deadline:
        with org_scope(org.pk):
            if SyncRun.objects.get(pk=run_id).state == State.DONE:
                return
        pause.wait(0.05)
    raise AssertionError("the organization that answers was starved")
