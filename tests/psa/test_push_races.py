"""B5: many hands at once: clicks, workers and undos of the same lines in real transactions side by side."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from accounts import audit
from accounts.models import Organization, User
from psa.models import Push
from psa.pushes import AlreadyOpen, NotWritable, PushRefused, StaleView
from reconcile.tenancy.scope import org_scope
from tests.psa.pocket import PocketPsa
from tests.psa.pushing import Desk

State = Push.State
THREADS = 20
WORKERS = 6


@pytest.fixture
def desk(committed_db: None, person: Callable[..., User], pocket: PocketPsa) -> Desk:
    """Give an organization whose rows are really committed."""
    alice = person("Alice")
    return Desk(Organization.found(name="Northgate IT", owner=alice), alice, pocket)


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Make all calls from many threads that start together; gives results, or the refusals as they came."""
    barrier = Barrier(THREADS)

    def work(mine: list[Callable[[], Any]]) -> list[Any]:
        barrier.wait()
        try:
            return [attempt(call) for call in mine]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        parts = [calls[number::THREADS] for number in range(THREADS)]
        return [result for part in pool.map(work, parts) for result in part]


def attempt(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except PushRefused as refusal:
        return type(refusal)


def drain(desk: Desk) -> None:
    """Let many workers work until nothing is left."""
    while any(at_once([desk.run] * WORKERS)):
        pass


def test_a_hundred_clicks_on_one_line_are_one_write(desk: Desk) -> None:
    line = desk.line()
    results = at_once([lambda: desk.stage(line, 45)] * 100)
    assert Counter(r if isinstance(r, type) else Push for r in results) == {Push: 1, AlreadyOpen: 99}
    drain(desk)
    late = at_once([lambda: desk.stage(line, 45)] * 100)
    assert set(late) == {StaleView}
    assert len(desk.psa.ledger) == 1


def test_a_hundred_undos_of_one_push_are_one_write(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    drain(desk)
    results = at_once([lambda: desk.undo(desk.again(push))] * 100)
    assert sum(isinstance(r, Push) for r in results) == 1
    drain(desk)
    assert len(desk.psa.ledger) == 2
    assert desk.psa.quantity("10") == 42


def test_undo_while_a_worker_takes_it_is_either_cancelled_or_written(desk: Desk) -> None:
    for number in range(10):
        push = desk.stage(desk.line(str(number)), 45)
        results = at_once([desk.run, partial(desk.undo, push)])
        drain(desk)
        written = [int(after) for line, _, after, _ in desk.psa.ledger if line == str(number)]
        if desk.again(push).state == State.CANCELLED:
            assert written == []
        else:
            assert desk.again(push).state == State.CONFIRMED
            assert written == ([45] if NotWritable in results else [45, 42])


def test_many_workers_write_each_line_once_while_more_is_approved(desk: Desk) -> None:
    lines = [desk.line(str(number)) for number in range(60)]
    for line in lines[:20]:
        desk.stage(line, 45)

    def approve_together(part: list[Any]) -> None:
        with org_scope(desk.org.pk):
            for line in part:
                desk.stage(line, 45)

    bulks = [partial(approve_together, lines[n : n + 20]) for n in (20, 40)]
    at_once([*bulks, *[desk.run] * WORKERS])
    drain(desk)
    assert Counter(line for line, *_ in desk.psa.ledger) == {line.remote_id: 1 for line in lines}
    with org_scope(desk.org.pk):
        assert set(Push.objects.values_list("state", flat=True)) == {State.CONFIRMED}
        assert audit.verify(desk.org.pk) is None


def test_one_worker_at_a_time_writes_an_agreement(desk: Desk) -> None:
    for number in range(60):
        desk.stage(desk.line(str(number)), 45)
    at_work: list[str] = []
    clashes: list[str] = []

    def watch(name: str) -> None:
        if name == "write before":
            clashes.extend(at_work)
            at_work.append(name)
        if name == "write after":
            at_work.pop()

    desk.psa.watch = watch
    drain(desk)
    assert len(desk.psa.ledger) == 60
    assert clashes == []


def test_after_a_restore_nothing_is_sent_again(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    waiting = [desk.stage(desk.line(str(number)), 45) for number in range(5)]
    # What the workers did after the backup was taken, which the restored rows know nothing of.
    for push in waiting[:3]:
        desk.psa.apply(push.line_remote_id, push.wanted, str(push.key))
    call_command("distrust_pushes")
    assert "5 open pushes" in capsys.readouterr().out
    drain(desk)
    assert Counter(line for line, *_ in desk.psa.ledger) == {str(number): 1 for number in range(5)}
