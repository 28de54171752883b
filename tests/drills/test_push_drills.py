"""Drills 1 and 3: the worker group killed with -9 in mid-push, and Redis emptied in mid-push, by the PSA's ledger.

The simulated PSA applies one write of the kill drill and keeps its answer back, so that the kill always hits a push
whose write has arrived and whose answer has not. Both drills are also shown failing on the naive push.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Organization, User
from psa.adapters.base import Way
from psa.models import Push
from reconcile import embedded
from tests.drills.rig import (
    Rig,
    connect,
    flush_redis,
    kill_and_start_later,
    naive_worker,
    product_worker,
    read_plain_lines,
    until,
)
from tests.drills.scale import FULL
from tests.psa.simulated import simulate

pytestmark = pytest.mark.drill
COUNT = 200 if FULL else 40
FIRST_PART = COUNT // 4
ADDITION = "/additions"


@pytest.fixture
def rig(committed_db: None, person: Callable[..., User], tmp_path: Path, settings: Settings) -> Iterator[Rig]:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    flush_redis()
    alice = person("Alice")
    org = Organization.found(name="Northgate IT", owner=alice)
    calm = ("--fault", "rate_limit_per_minute=0")
    with simulate("connectwise", "--data", "demo", *calm, "--ledger", str(tmp_path / "ledger")) as remote:
        lines = read_plain_lines(remote)[:COUNT]
        assert len(lines) == COUNT
        connected = connect(org, alice, remote, lines)
        remote.control("POST", "faults", {"latency_ms": 15})
        yield connected
    flush_redis()


def hold_one_answer_back(rig: Rig) -> None:
    """Let one write arrive after the first part and leave its answer out."""
    rig.remote.break_next(f"POST {ADDITION}", "hang", skip=FIRST_PART // 2, seconds=600)


def wait_for_the_middle(rig: Rig) -> None:
    """Wait until the answer is being held back, in the midst of the writes."""
    until(lambda: rule_hits(rig) == 1, "a write whose answer is held back")
    assert 0 < len(rig.remote.writes()) < COUNT


def rule_hits(rig: Rig) -> int:
    return int(rig.remote.control("GET", "faults")["fail_next"][0]["hits"])


def naive_send_all(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAIVE_BROKER_URL", embedded.broker_url())
    from bench.naive_push import push

    psa: dict[str, Any] = {"url": rig.remote.url, **rig.remote.fields}
    for line, way, wanted in rig.orders:
        push.delay(
            psa,
            line.agreement.remote_id,
            line.remote_id,
            str(wanted),
            rig.day.isoformat(),
            split=way is Way.SPLIT,
        )


def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(rig: Rig, tmp_path: Path) -> None:
    hold_one_answer_back(rig)
    rig.stage_all()
    with product_worker(tmp_path) as worker:
        wait_for_the_middle(rig)
        worker.kill()
        # Written into the ledger, and known to us only as "may have been sent".
        assert rig.states()[Push.State.SENDING] >= 1
        worker.start()
        until(rig.has_finished, "every push at its end")
    rig.assert_exactly_once()


def test_redis_emptied_in_the_middle_loses_and_doubles_nothing(rig: Rig, tmp_path: Path) -> None:
    rig.stage_all()
    with product_worker(tmp_path):
        until(lambda: len(rig.remote.writes()) >= FIRST_PART, "the first part of the writes")
        flush_redis()
        assert not rig.has_finished()
        until(rig.has_finished, "every push at its end")
    rig.assert_exactly_once()


def test_the_naive_push_doubles_when_its_worker_is_killed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    hold_one_answer_back(rig)
    naive_send_all(rig, monkeypatch)
    with naive_worker() as worker:
        wait_for_the_middle(rig)
        kill_and_start_later(worker)
        until(lambda: rig.lost_and_doubled()[1], "a line that was written twice")
    assert rig.lost_and_doubled()[1]


def test_the_naive_push_loses_when_redis_is_emptied(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    naive_send_all(rig, monkeypatch)
    with naive_worker():
        until(lambda: len(rig.remote.writes()) >= FIRST_PART, "the first part of the writes")
        flush_redis()
        still = until_still(rig)
    assert still < COUNT
    assert rig.lost_and_doubled()[0]


def until_still(rig: Rig) -> int:
    """Wait until nothing has been written for as long as the naive queue would need to come back."""
    seen: list[int] = []

    def is_still() -> bool:
        seen.append(len(rig.remote.writes()))
        return len(seen) > 60 and len(set(seen[-60:])) == 1

    until(is_still, "silence")
    return seen[-1]
