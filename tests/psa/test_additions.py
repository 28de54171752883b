"""E2, B4, B5: a line is added to an agreement exactly once, or stops visibly for a person, whatever breaks."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import pytest

from accounts import audit
from accounts.models import Organization, User
from psa import pushes
from psa.adapters import ADAPTERS
from psa.adapters.base import Way
from psa.models import Agreement, AgreementLine, Push
from psa.pushes import AlreadyOpen, NotWritable, StaleView
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.tenancy.scope import org_scope
from tests.drills.scale import FULL
from tests.psa.pocket import KilledError, PocketPsa
from tests.psa.pushing import NEXT_MONTH, Desk
from tests.psa.test_push_races import at_once, drain

State = Push.State
LOST = TryLater("The PSA broke off the connection.")
BUSY = TryLater("The PSA is overloaded.", status=500)
REFUSED = CustomerMustAct("A permission is missing.", status=403)
CALLS = 4  # identify, look, add, look


@pytest.fixture(autouse=True)
def _settled(settings) -> None:
    settings.PUSH_SETTLE_SECONDS = 0


def assert_one_line(desk: Desk, push: Push) -> AgreementLine:
    kept = desk.again(push)
    assert (kept.state, kept.read_back) == (State.CONFIRMED, 9)
    assert [(int(after), key) for _, _, after, key in desk.psa.ledger] == [(9, str(push.key))]
    with org_scope(desk.org.pk):
        (line,) = AgreementLine.objects.filter(service=push.service)
    assert kept.line_id == line.pk
    return line


def test_an_added_line_is_read_back_and_stands_in_the_mirror(desk: Desk) -> None:
    push = desk.add()
    assert (push.seen, push.wanted, push.way, push.write_kind) == (0, 9, Way.ADD, "delta")
    assert desk.psa.calls == []
    assert desk.run() == 1
    line = assert_one_line(desk, push)
    assert (line.quantity, line.unit_price, line.starts_on) == (9, Decimal("4.50"), NEXT_MONTH)
    assert desk.steps(push) == ["claim", "send", "confirmed"]
    assert len(desk.psa.calls) == CALLS
    assert desk.audit() == ["push staged", "push confirmed"]
    with org_scope(desk.org.pk):
        assert audit.verify(desk.org.pk) is None
    assert desk.run() == 0


@pytest.mark.drill
def test_killed_at_every_moment_and_again_in_recovery(desk: Desk) -> None:
    moments = 2 * CALLS
    again = range(moments + 1) if FULL else (0, 4)
    for number, (first, second) in enumerate(product(range(1, moments + 1), again)):
        desk.psa.ledger.clear()
        desk.psa.moments, desk.psa.kill_at = 0, {first, first + second}
        push = desk.add(service=desk.sell(f"s{number}"))
        for _ in range(3):
            try:
                desk.run_out()
            except KilledError:
                continue
        assert_one_line(desk, push)


@pytest.mark.parametrize("error", [LOST, BUSY, OurBug("x"), REFUSED])
def test_applied_with_the_answer_lost_is_found_and_confirmed(desk: Desk, error: RemoteError) -> None:
    push = desk.add()
    desk.psa.plan = [("write after", error)]
    desk.run()
    assert_one_line(desk, push)


def test_not_applied_and_busy_is_sent_again_later(desk: Desk) -> None:
    push = desk.add()
    desk.psa.plan = [("write before", BUSY)]
    desk.run()
    assert desk.again(push).state == State.UNKNOWN
    desk.run_out()
    assert_one_line(desk, push)


def test_a_line_that_comes_late_is_waited_for_and_not_added_again(desk: Desk, settings) -> None:
    settings.PUSH_SETTLE_SECONDS = 3600
    push = desk.add()
    desk.psa.late_lines = []
    desk.psa.plan = [("write after", LOST)]
    desk.run()
    desk.pass_time()
    assert desk.run() == 1
    assert desk.again(push).state == State.UNKNOWN
    assert desk.psa.calls.count("write") == 1
    desk.psa.come_late()
    desk.run_out()
    assert_one_line(desk, push)


@pytest.mark.parametrize("quantity", [7, 9])
def test_a_line_that_has_appeared_meanwhile_is_a_conflict(desk: Desk, quantity: int) -> None:
    push = desk.add()
    desk.psa.put("77", quantity)
    desk.run()
    kept = desk.again(push)
    assert kept.state == State.CONFLICT
    assert kept.reason == f"A line with {quantity} units is there. Nothing was written."
    assert desk.psa.ledger == []
    # The line is known here from now on, so that the usage is compared with it.
    with org_scope(desk.org.pk):
        line = AgreementLine.objects.get()
    assert (line.pk, line.remote_id, int(line.quantity)) == (kept.line_id, "77", quantity)
    with pytest.raises(NotWritable, match="written nothing"):
        desk.undo(kept)


def test_what_nobody_can_tell_waits_for_a_person_who_has_it_looked_at_again(desk: Desk) -> None:
    push = desk.add()
    desk.psa.plan = [("write before", LOST)]
    desk.run()
    desk.psa.put("77", 5)
    desk.run_out()
    kept = desk.again(push)
    assert kept.state == State.PERSON
    assert kept.reason.startswith("A line with 5 units is there. Reconcile sent 9 and cannot tell")
    with pytest.raises(NotWritable, match="Nobody knows"):
        desk.undo(push)
    desk.psa.readings.clear()
    with org_scope(desk.org.pk):
        pushes.look_again(push, desk.user)
    desk.run_out()
    assert_one_line(desk, push)


def test_refused_and_not_applied_is_failed_with_who_must_act(desk: Desk) -> None:
    push = desk.add()
    desk.psa.plan = [("write before", REFUSED)]
    desk.run()
    kept = desk.again(push)
    assert (kept.state, kept.reason) == (State.FAILED, "A permission is missing.")
    assert desk.psa.ledger == []
    assert desk.add().state == State.STAGED


def test_undo_sets_the_added_line_to_zero_once(desk: Desk) -> None:
    push = desk.add()
    desk.run()
    back = desk.undo(desk.again(push))
    assert (back.seen, back.wanted, back.way, back.undoes_id) == (9, 0, Way.IN_PLACE, push.pk)
    desk.run()
    assert desk.again(back).state == State.CONFIRMED
    assert [int(after) for _, _, after, _ in desk.psa.ledger] == [9, 0]
    with org_scope(desk.org.pk):
        assert AgreementLine.objects.get().quantity == 0
    with pytest.raises((AlreadyOpen, StaleView)):
        desk.undo(push)


def test_undo_before_it_was_sent_adds_nothing(desk: Desk) -> None:
    push = desk.add(waiting=True)
    assert desk.run() == 0
    assert desk.undo(push).state == State.CANCELLED
    assert desk.run() == 0
    assert desk.psa.ledger == []


def test_a_collected_addition_goes_when_it_is_released(desk: Desk) -> None:
    push = desk.add(waiting=True)
    with org_scope(desk.org.pk):
        pushes.release([push], desk.user)
    desk.run()
    assert_one_line(desk, push)


@pytest.mark.parametrize("changes", [{"epoch": 2}, {"remote_account": "another-msp"}])
def test_a_connection_that_changed_blocks_the_line(desk: Desk, changes) -> None:
    push = desk.add()
    desk.change_connection(**changes)
    desk.run()
    assert desk.again(push).state == State.BLOCKED
    assert desk.psa.calls == []


def test_a_price_that_was_altered_in_the_row_is_blocked(desk: Desk) -> None:
    push = desk.add()
    with org_scope(desk.org.pk):
        Push.objects.filter(pk=push.pk).update(unit_price=Decimal("0.45"))
    desk.run()
    assert desk.again(push).state == State.BLOCKED


def test_only_one_line_of_a_service_is_added_for_an_account_at_a_time(desk: Desk) -> None:
    desk.add()
    with org_scope(desk.org.pk):
        first = Agreement.objects.get()
        other = Agreement.objects.create(
            org=desk.org, connection=desk.connection, account=first.account, remote_id="2", name="B",
            changed_at=datetime.now(UTC),
        )  # fmt: skip
    desk._row["agreement"] = other
    with pytest.raises(AlreadyOpen, match="being added already"):
        desk.add()
    assert desk.audit() == ["push staged"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"active": False}, "takes no new lines"),
        ({"recurring": False}, "takes no new lines"),
        ({"vanished_at": datetime(2026, 1, 1, tzinfo=UTC)}, "takes no new lines"),
    ],
)
def test_an_agreement_that_takes_no_lines_is_refused(desk: Desk, changes, sentence: str) -> None:
    with org_scope(desk.org.pk):
        Agreement.objects.update(**changes)
    with pytest.raises(NotWritable, match=sentence):
        desk.add()
    assert desk.audit() == []


@pytest.mark.parametrize(
    ("wanted", "sentence"), [(0, "0 units"), (-1, "zero or more"), (10**9, "cannot be right")]
)
def test_a_quantity_that_cannot_be_is_refused(desk: Desk, wanted: int, sentence: str) -> None:
    with pytest.raises(NotWritable, match=sentence):
        desk.add(wanted)


def test_a_line_that_the_mirror_holds_is_not_added_beside(desk: Desk) -> None:
    desk.line("10")
    with pytest.raises(StaleView, match="holds a line of Backup seat"):
        desk.add()
    with org_scope(desk.org.pk):
        AgreementLine.objects.update(ends_on=date(2029, 12, 31))
    desk.psa.readings.clear()
    assert desk.add().state == State.STAGED


def test_a_psa_that_takes_no_lines_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setitem(ADAPTERS, "pocket", replace(ADAPTERS["pocket"], adding=None))
    with pytest.raises(NotWritable, match="cannot be added in Pocket from here"):
        desk.add()


def test_a_hundred_clicks_add_one_line(
    committed_db: None, person: Callable[..., User], pocket: PocketPsa
) -> None:
    alice = person("Alice")
    desk = Desk(Organization.found(name="Northgate IT", owner=alice), alice, pocket)
    results = at_once([desk.add] * 100)
    assert Counter(r if isinstance(r, type) else Push for r in results) == {Push: 1, AlreadyOpen: 99}
    drain(desk)
    assert set(at_once([desk.add] * 100)) == {StaleView}
    assert len(pocket.ledger) == 1
