"""B4, B5: pushes through the ConnectWise adapter into the simulated PSA over HTTP: its ledger has the last word."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from accounts.models import Organization, User
from psa import push_runs, push_steps, push_undo, pushes
from psa.adapters.base import LineRecord, Way
from psa.models import AgreementLine, Connection, Push
from reconcile.tenancy.scope import org_scope
from tests.drills.rig import Rig, connect, read_plain_lines, speak
from tests.psa.pushing import LONG_AGO
from tests.psa.simulated import Simulated, simulate

State = Push.State
LOSSES = ["drop_after", "500_after", "truncated", "empty", "headers_only"]
REFUSALS = ["drop_before", "500", "429_seconds", "html_502"]


@pytest.fixture(scope="module")
def remote() -> Iterator[Simulated]:
    with simulate("connectwise", "--data", "demo", "--fault", "rate_limit_per_minute=0") as running:
        yield running


@pytest.fixture(scope="module")
def untouched() -> list[LineRecord]:
    """Lines that no test has used yet; read once."""
    return []


@pytest.fixture
def rig(
    org: Organization,
    alice: User,
    remote: Simulated,
    untouched: list[LineRecord],
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> Iterator[Rig]:
    """One plain line of the PSA in the mirror; faults are cleared after the test."""
    monkeypatch.setattr("reconcile.http.retry.BASE_SECONDS", 0.01)
    settings.PUSH_SETTLE_SECONDS = 0
    if not untouched:
        untouched += read_plain_lines(remote)
    yield connect(org, alice, remote, [untouched.pop()])
    remote.control("DELETE", "faults")


def stage(rig: Rig, way: Way = Way.IN_PLACE) -> Push:
    line = rig.lines[0]
    with org_scope(rig.org.pk):
        return pushes.stage(
            line, seen=line.quantity, wanted=line.quantity + 3, effective_on=rig.day, way=way, by=rig.user
        )


def run_out(rig: Rig) -> None:
    for _ in range(10):
        with org_scope(rig.org.pk):
            Push.objects.exclude(not_before=None).update(not_before=LONG_AGO)
            Connection.objects.update(paused_until=None)
        if not push_runs.run(rig.org.pk):
            return


def state_of(rig: Rig, push: Push) -> str:
    with org_scope(rig.org.pk):
        return str(Push.objects.get(pk=push.pk).state)


def new_writes(rig: Rig, before: int) -> list[str]:
    return [entry["method"] for entry in rig.remote.writes()[before:]]


@pytest.mark.parametrize(("way", "methods"), [(Way.IN_PLACE, ["PATCH"]), (Way.SPLIT, ["POST", "PATCH"])])
def test_one_right_write_and_undo_exactly_one_more(rig: Rig, way: Way, methods: list[str]) -> None:
    before = len(rig.remote.writes())
    push = stage(rig, way)
    run_out(rig)
    assert state_of(rig, push) == State.CONFIRMED
    assert new_writes(rig, before) == methods
    with org_scope(rig.org.pk):
        push.refresh_from_db()
        assert push.read_back == push.wanted
        mirrored = AgreementLine.objects.get(remote_id=push.result_line_remote_id)
        assert (mirrored.quantity, mirrored.service_id) == (push.wanted, rig.lines[0].service_id)
        back = push_undo.undo(push, rig.user)
    run_out(rig)
    assert state_of(rig, back) == State.CONFIRMED
    assert new_writes(rig, before) == [*methods, "PATCH"]
    last = rig.remote.writes()[-1]
    assert (last["before"]["quantity"], last["after"]["quantity"]) == (push.wanted, push.seen)


@pytest.mark.parametrize("form", LOSSES)
@pytest.mark.parametrize(("way", "methods"), [(Way.IN_PLACE, ["PATCH"]), (Way.SPLIT, ["POST", "PATCH"])])
def test_applied_with_the_answer_lost_is_written_once(
    rig: Rig, way: Way, methods: list[str], form: str
) -> None:
    before = len(rig.remote.writes())
    push = stage(rig, way)
    rig.remote.break_next(f"{methods[0]} /additions", form)
    run_out(rig)
    assert state_of(rig, push) == State.CONFIRMED
    assert new_writes(rig, before) == methods


@pytest.mark.parametrize("form", REFUSALS)
@pytest.mark.parametrize(("way", "methods"), [(Way.IN_PLACE, ["PATCH"]), (Way.SPLIT, ["POST", "PATCH"])])
def test_not_applied_is_tried_again_and_written_once(
    rig: Rig, way: Way, methods: list[str], form: str
) -> None:
    before = len(rig.remote.writes())
    push = stage(rig, way)
    rig.remote.break_next(f"{methods[0]} /additions", form, seconds=0)
    run_out(rig)
    assert state_of(rig, push) == State.CONFIRMED
    assert new_writes(rig, before) == methods


def test_half_of_a_split_is_completed_not_repeated(rig: Rig) -> None:
    before = len(rig.remote.writes())
    push = stage(rig, Way.SPLIT)
    rig.remote.break_next("PATCH /additions", "drop_before")
    run_out(rig)
    assert state_of(rig, push) == State.CONFIRMED
    assert new_writes(rig, before) == ["POST", "PATCH"]


def test_a_refusal_is_failed_and_wrote_nothing(rig: Rig) -> None:
    before = len(rig.remote.writes())
    push = stage(rig)
    rig.remote.control("POST", "faults", {"fail_next": [{"match": "PATCH /additions", "status": 403}]})
    run_out(rig)
    assert state_of(rig, push) == State.FAILED
    assert new_writes(rig, before) == []


def test_a_person_who_was_faster_in_the_psa_wins(rig: Rig) -> None:
    push = stage(rig)
    order = push_steps.Work(push, 0, doubtful=False, settled=True).order
    speak(rig.remote).write(replace(order, wanted=order.wanted + 4))
    before = len(rig.remote.writes())
    run_out(rig)
    assert state_of(rig, push) == State.CONFLICT
    assert new_writes(rig, before) == []
