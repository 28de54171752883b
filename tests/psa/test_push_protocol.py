"""B5: the protocol step by step: accidents before and after each call, moved lines, late answers, lost leases."""

from decimal import Decimal
from itertools import product

import pytest

from accounts.models import Organization, User
from psa import push_runs, push_steps, pushes
from psa.adapters.base import Way, WriteKind
from psa.models import Push
from psa.push_steps import CHUNK
from psa.pushes import NotWritable
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.tenancy.scope import org_scope
from tests.drills.scale import FULL
from tests.psa.pocket import KilledError, PocketPsa
from tests.psa.pushing import Desk

State = Push.State
BUSY = TryLater("The PSA is overloaded.", status=500)
LOST = TryLater("The PSA broke off the connection.")
REFUSED = CustomerMustAct("A permission is missing.", status=403)
# kind, way, calls of one undisturbed run (identify, look, write, look; a split reads both lines once more)
WRITES = [("pocket", Way.IN_PLACE, 4), ("pocket", Way.SPLIT, 5), ("pocket_delta", Way.IN_PLACE, 4)]


@pytest.fixture(autouse=True)
def _settled(settings) -> None:
    settings.PUSH_SETTLE_SECONDS = 0


def assert_one_effect(desk: Desk, push: Push) -> None:
    kept = desk.again(push)
    assert (kept.state, kept.read_back) == (State.CONFIRMED, 45)
    assert [(int(after), key) for _, _, after, key in desk.psa.ledger] == [(45, str(push.key))]


@pytest.mark.parametrize(("kind", "way", "calls"), WRITES)
def test_an_undisturbed_push(org: Organization, alice: User, pocket: PocketPsa, kind, way, calls) -> None:
    desk = Desk(org, alice, pocket, kind)
    line = desk.line()
    push = desk.stage(line, 45, way=way)
    assert desk.run() == 1
    assert_one_effect(desk, push)
    assert len(pocket.calls) == calls
    assert desk.steps(push) == ["claim", "send", "confirmed"]
    if way is Way.IN_PLACE:
        mirror = desk.again(line)
        assert mirror.quantity == 45
        assert mirror.confirmed_at is not None
    assert desk.again(push).reply == "200, request 7"
    assert desk.run() == 0


@pytest.mark.drill
@pytest.mark.parametrize(("kind", "way", "calls"), WRITES)
def test_killed_at_every_moment_and_again_in_recovery(
    org: Organization, alice: User, pocket: PocketPsa, kind: str, way: Way, calls: int
) -> None:
    desk = Desk(org, alice, pocket, kind)
    moments = 2 * calls + (1 if way is Way.SPLIT else 0)
    # Before and after each call; then once more, so many moments after the recovery began.
    seconds = range(moments + 1) if FULL else (0, 4)
    for number, (first, again) in enumerate(product(range(1, moments + 1), seconds)):
        pocket.ledger.clear()
        pocket.moments, pocket.kill_at = 0, {first, first + again}
        push = desk.stage(desk.line(str(number)), 45, way=way)
        for _ in range(3):
            try:
                desk.run_out()
            except KilledError:
                continue
        assert_one_effect(desk, push)


def test_a_killed_worker_leaves_its_push_to_nobody_until_the_lease_ends(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.plan = [("write after", KilledError())]
    with pytest.raises(KilledError):
        desk.run()
    assert desk.again(push).state == State.SENDING
    assert desk.run() == 0
    desk.run_out()
    assert_one_effect(desk, push)


def test_a_worker_whose_lease_ended_can_neither_send_nor_finish(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    (slow,) = push_steps.claim(desk.org.pk)
    desk.pass_time()
    assert not push_steps.mark_sending(slow)
    (fast,) = push_steps.claim(desk.org.pk)
    push_steps.finish(slow, State.FAILED, reason="too late")
    push_steps.put_off(slow, "too late", 60)
    push_steps.put_back([slow])
    assert desk.again(push).state == State.CLAIMED
    assert push_steps.mark_sending(fast)


def test_a_line_that_moved_is_a_conflict_and_nothing_is_written(desk: Desk) -> None:
    line = desk.line()
    push = desk.stage(line, 45)
    desk.psa.put("10", 50)
    desk.run()
    kept = desk.again(push)
    assert kept.state == State.CONFLICT
    assert kept.reason == (
        "The PSA has moved: the line says 50, not 42 as approved. Nothing was written. Approve it again."
    )
    assert desk.psa.ledger == []
    assert desk.again(line).quantity == 50


def test_a_line_that_is_gone_is_a_conflict_and_the_mirror_keeps_its_number(desk: Desk) -> None:
    line = desk.line()
    push = desk.stage(line, 0)
    desk.psa.readings.clear()
    desk.run()
    assert desk.again(push).state == State.CONFLICT
    assert desk.again(line).quantity == 42


def test_a_line_that_already_says_it_is_confirmed_without_a_write(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.put("10", 45)
    desk.run()
    assert desk.again(push).state == State.CONFIRMED
    assert desk.psa.ledger == []


@pytest.mark.parametrize("error", [LOST, BUSY, OurBug("x"), REFUSED])
def test_applied_with_the_answer_lost_is_confirmed_by_the_read(desk: Desk, error: RemoteError) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.plan = [("write after", error)]
    desk.run()
    assert_one_effect(desk, push)


def test_not_applied_and_busy_is_sent_again_later(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.plan = [("write before", BUSY)]
    desk.run()
    assert desk.again(push).state == State.UNKNOWN
    assert desk.run() == 0
    desk.run_out()
    assert_one_effect(desk, push)


def test_refused_and_not_applied_is_failed_with_who_must_act(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.plan = [("write before", REFUSED)]
    desk.run()
    kept = desk.again(push)
    assert (kept.state, kept.reason) == (State.FAILED, "A permission is missing.")
    assert desk.psa.ledger == []


def test_what_surely_did_not_leave_is_staged_again_as_never_sent(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.plan = [("write before", TryLater("The budget is used up.", retry_after=30, unsent=True))]
    desk.run()
    kept = desk.again(push)
    assert (kept.state, kept.sent_count) == (State.STAGED, 0)
    desk.run_out()
    assert_one_effect(desk, push)


def test_tries_are_bounded_and_the_end_says_why(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.plan = [("write before", BUSY) for _ in range(50)]
    desk.run_out()
    kept = desk.again(push)
    assert kept.state == State.FAILED
    assert kept.reason == "Given up after 5 tries. The PSA is overloaded."
    assert desk.psa.ledger == []


def test_sent_and_then_unreadable_waits_for_a_person_who_has_it_looked_at_again(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.plan = [("write after", KilledError())]
    with pytest.raises(KilledError):
        desk.run()
    desk.psa.plan = [("read_back before", BUSY) for _ in range(50)]
    desk.run_out()
    kept = desk.again(push)
    assert kept.state == State.PERSON
    assert kept.reason == "It was sent, but what arrived could not be read: The PSA is overloaded."
    desk.psa.plan = []
    with org_scope(desk.org.pk):
        pushes.look_again(push, desk.user)
    desk.run_out()
    assert_one_effect(desk, push)


def test_the_customer_must_act_before_the_write(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.plan = [("identify before", CustomerMustAct("The key was refused.", status=401))]
    desk.run()
    assert (desk.again(push).state, desk.again(push).reason) == (State.FAILED, "The key was refused.")


def test_a_bug_in_one_line_stops_no_other(desk: Desk) -> None:
    poison, sound = desk.stage(desk.line("10"), 45), desk.stage(desk.line("11"), 45)
    desk.psa.plan = [("read_back before", KeyError("x")), ("read_back before", KeyError("x"))]
    desk.run()
    assert desk.again(poison).state == State.FAILED
    assert desk.again(sound).state == State.CONFIRMED


def test_a_delta_is_not_sent_again_before_it_has_settled(
    org: Organization, alice: User, pocket: PocketPsa, settings
) -> None:
    settings.PUSH_SETTLE_SECONDS = 3600
    desk = Desk(org, alice, pocket, "pocket_delta")
    push = desk.stage(desk.line(), 45)
    pocket.late = []
    pocket.plan = [("write after", LOST)]
    desk.run()
    desk.pass_time()
    assert desk.run() == 1
    assert desk.again(push).state == State.UNKNOWN
    assert pocket.calls.count("write") == 1
    pocket.come_late()
    desk.run_out()
    assert_one_effect(desk, push)


def test_a_delta_that_somebody_else_wrote_over_asks_a_person(
    org: Organization, alice: User, pocket: PocketPsa
) -> None:
    desk = Desk(org, alice, pocket, "pocket_delta")
    push = desk.stage(desk.line(), 45)
    pocket.plan = [("write before", LOST)]
    desk.run()
    pocket.put("10", 50)
    desk.run_out()
    assert desk.again(push).state == State.PERSON
    with pytest.raises(NotWritable, match="Nobody knows"):
        desk.undo(push)
    pocket.put("10", 42)
    with org_scope(org.pk):
        pushes.look_again(push, alice)
    desk.run_out()
    assert_one_effect(desk, push)


@pytest.mark.parametrize(
    "changes",
    [{"epoch": 2}, {"base_url": "https://elsewhere.example"}, {"remote_account": "another-msp"}],
)
def test_a_connection_that_changed_blocks_what_waits(desk: Desk, changes) -> None:
    push = desk.stage(desk.line(), 45)
    desk.change_connection(**changes)
    desk.run()
    assert desk.again(push).state == State.BLOCKED
    assert desk.psa.calls == []


def test_another_company_that_answers_blocks_what_waits(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.account = "another-msp"
    desk.run()
    assert desk.again(push).state == State.BLOCKED
    assert desk.psa.calls == ["identify"]


def test_the_address_changed_between_look_and_write_stops_the_write(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    (work,) = push_steps.claim(desk.org.pk)
    desk.change_connection(epoch=2)
    assert not push_steps.mark_sending(work)
    desk.run_out()
    assert desk.again(push).state == State.BLOCKED
    assert desk.psa.ledger == []


def test_a_row_that_was_altered_is_blocked(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    with org_scope(desk.org.pk):
        Push.objects.filter(pk=push.pk).update(wanted=Decimal(4500))
    desk.run()
    assert desk.again(push).state == State.BLOCKED


def test_after_a_restore_every_open_push_is_looked_for_first(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.psa.apply("10", Decimal(45), str(push.key))
    assert pushes.distrust(desk.org.pk) == 1
    assert desk.again(push).state == State.UNKNOWN
    desk.run_out()
    assert_one_effect(desk, push)


def test_many_pushes_cost_few_reads(desk: Desk) -> None:
    waiting = [desk.stage(desk.line(str(number)), 45) for number in range(60)]
    runs = 0
    while desk.run():
        runs += 1
    assert runs == -(-60 // CHUNK)
    assert {desk.again(push).state for push in waiting} == {State.CONFIRMED}
    assert desk.psa.calls.count("write") == 60
    assert desk.psa.calls.count("read_back") == 2 * runs


def test_a_psa_that_is_away_opens_the_breaker_and_costs_no_push_its_tries(desk: Desk) -> None:
    waiting = [desk.stage(desk.line(str(number)), 45) for number in range(10)]
    desk.psa.plan = [("write before", LOST) for _ in range(3)]
    desk.run()
    assert desk.psa.calls.count("write") == 3
    assert [desk.again(p).state for p in waiting].count(State.STAGED) == 7
    desk.psa.plan = [("identify before", LOST) for _ in range(3)]
    for _ in range(3):
        assert not desk.is_paused()
        desk.pass_time()
        desk.run()
    assert desk.is_paused()
    assert desk.run() == 0
    desk.run_out()
    assert {desk.again(push).state for push in waiting} == {State.CONFIRMED}
    assert len(desk.psa.ledger) == 10
    assert desk.again(desk.connection).failures == 0


def test_the_write_kind_of_a_push_is_that_of_its_psa(
    org: Organization, alice: User, pocket: PocketPsa
) -> None:
    desk = Desk(org, alice, pocket, "pocket_delta")
    assert desk.stage(desk.line(), 45).write_kind == WriteKind.DELTA


def test_only_the_push_that_was_named_is_run(desk: Desk) -> None:
    first, second = desk.stage(desk.line("10"), 45), desk.stage(desk.line("11"), 45)
    assert push_runs.run(desk.org.pk, [second.pk]) == 1
    assert [desk.again(p).state for p in (first, second)] == [State.STAGED, State.CONFIRMED]
