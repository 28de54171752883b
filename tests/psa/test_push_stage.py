"""Staging, undoing and releasing pushes: what is recorded, and what is refused with which sentence."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts import audit
from psa import pushes
from psa.adapters.base import Way
from psa.models import AgreementLine, Push
from psa.pushes import AlreadyOpen, NotWritable, StaleView
from reconcile.celery import wake
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from tests.psa.pushing import NEXT_MONTH, Desk

State = Push.State


def test_staging_records_the_whole_intent(desk: Desk) -> None:
    line = desk.line()
    push = desk.stage(line, 45)
    kept = desk.again(push)
    assert kept.state == State.STAGED
    assert (kept.seen, kept.wanted, kept.effective_on) == (42, 45, NEXT_MONTH)
    assert (kept.remote_host, kept.remote_account, kept.epoch) == ("pocket.example", "pocket-msp", 1)
    assert (kept.agreement_remote_id, kept.line_remote_id, kept.service_remote_id) == ("1", "10", "s")
    assert kept.requested_by == desk.user
    assert desk.psa.calls == []
    assert desk.audit() == ["push staged"]


def test_staging_tells_the_dashboard_which_account(desk: Desk) -> None:
    told = []

    def listen(sender, org_id, account_ids, **kwargs):
        told.append((org_id, account_ids))

    figures_changed.connect(listen)
    try:
        line = desk.line()
        desk.stage(line, 45)
    finally:
        figures_changed.disconnect(listen)
    assert told == [(desk.org.pk, [line.account_id])]


def test_a_stale_tab_stages_nothing(desk: Desk) -> None:
    line = desk.line()
    with pytest.raises(StaleView, match="now says 42, not 40"):
        desk.stage(line, 45, seen=40)
    assert desk.audit() == []


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Decimal(-1), "zero or more"),
        (Decimal("NaN"), "zero or more"),
        (Decimal("Infinity"), "zero or more"),
        (Decimal(10) ** 9, "cannot be right"),
        (Decimal("1.0000001"), "six decimals"),
        (Decimal(42), "already says 42"),
    ],
)
def test_a_quantity_that_cannot_be_is_refused(desk: Desk, wanted: Decimal, sentence: str) -> None:
    line = desk.line()
    with org_scope(desk.org.pk), pytest.raises(NotWritable, match=sentence):
        pushes.stage(
            line,
            seen=Decimal(42),
            wanted=wanted,
            effective_on=NEXT_MONTH,
            way=Way.IN_PLACE,
            by=desk.user,
        )


def test_a_line_that_vanished_is_refused(desk: Desk) -> None:
    line = desk.line()
    with org_scope(desk.org.pk):
        AgreementLine.objects.update(vanished_at=datetime.now(UTC))
    with pytest.raises(NotWritable, match="no longer in the PSA"):
        desk.stage(line, 45)


def test_a_connection_that_was_never_checked_is_refused(desk: Desk) -> None:
    line = desk.line()
    desk.change_connection(remote_account="")
    with pytest.raises(NotWritable, match="Test it first"):
        desk.stage(line, 45)


def test_a_split_must_begin_after_the_line(desk: Desk) -> None:
    line = desk.line()
    with pytest.raises(NotWritable, match="begin on a later day"):
        desk.stage(line, 45, way=Way.SPLIT, effective_on=date(2025, 1, 1))


def test_one_open_push_per_line(desk: Desk) -> None:
    line = desk.line()
    desk.stage(line, 45)
    with pytest.raises(AlreadyOpen, match="on its way already"):
        desk.stage(line, 46)
    assert desk.audit() == ["push staged"]


def test_a_push_not_yet_sent_is_cancelled_by_undo(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    assert desk.undo(push).state == State.CANCELLED
    assert desk.run() == 0
    assert desk.psa.ledger == []
    assert desk.audit() == ["push staged", "push cancelled"]


def test_a_confirmed_push_is_undone_by_exactly_one_opposite_write(desk: Desk) -> None:
    line = desk.line()
    push = desk.stage(line, 45)
    desk.run()
    back = desk.undo(push)
    assert (back.seen, back.wanted, back.undoes_id) == (45, 42, push.pk)
    desk.run()
    assert [(int(b), int(a)) for _, b, a, _ in desk.psa.ledger] == [(42, 45), (45, 42)]
    assert desk.again(back).state == State.CONFIRMED
    assert desk.again(line).quantity == 42
    with pytest.raises((AlreadyOpen, StaleView)):
        desk.undo(push)


def test_undo_of_a_split_writes_in_place_on_the_new_line(desk: Desk) -> None:
    line = desk.line()
    push = desk.stage(line, 45, way=Way.SPLIT)
    desk.run()
    assert desk.again(line).ends_on == date(2029, 12, 31)
    back = desk.undo(desk.again(push))
    desk.run()
    assert back.line_remote_id == "10-2030-01-01"
    assert desk.psa.quantity("10-2030-01-01") == 42
    assert desk.again(back).state == State.CONFIRMED


def test_what_has_moved_since_cannot_be_undone_blindly(desk: Desk) -> None:
    line = desk.line()
    push = desk.stage(line, 45)
    desk.run()
    desk.psa.put("10", 50)
    back = desk.undo(push)
    desk.run()
    assert desk.again(back).state == State.CONFLICT
    assert len(desk.psa.ledger) == 1


def test_a_push_that_wrote_nothing_cannot_be_undone(desk: Desk) -> None:
    line = desk.line()
    push = desk.stage(line, 45)
    desk.psa.put("10", 45)
    desk.run()
    assert desk.again(push).state == State.CONFIRMED
    with pytest.raises(NotWritable, match="already held"):
        desk.undo(push)


def test_collected_pushes_wait_until_they_are_released(desk: Desk) -> None:
    first = desk.stage(desk.line("10"), 45, waiting=True)
    second = desk.stage(desk.line("11"), 46, waiting=True)
    assert desk.run() == 0
    desk.undo(second)
    with org_scope(desk.org.pk):
        assert pushes.release([first, second], desk.user) == [first]
    desk.run()
    assert [desk.again(p).state for p in (first, second)] == [State.CONFIRMED, State.CANCELLED]
    assert len(desk.psa.ledger) == 1


def test_many_pushes_of_one_transaction_wake_one_worker(
    desk: Desk, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks() as calls, org_scope(desk.org.pk):
        for number in range(5):
            desk.stage(desk.line(str(number)), 45)
    assert calls == [pushes.WakeUp(desk.org.pk)]


def test_a_dead_redis_is_no_error_to_the_person(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    push = desk.stage(desk.line(), 45)
    assert wake("psa.tasks.send_pushes", desk.org.pk) is False
    pushes.WakeUp(desk.org.pk)()
    desk.run()
    assert desk.again(push).state == State.CONFIRMED


def test_the_audit_trail_tells_the_story_and_verifies(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    desk.run()
    desk.undo(push)
    desk.run()
    assert desk.audit() == ["push staged", "push confirmed", "push undo staged", "push confirmed"]
    with org_scope(desk.org.pk):
        assert audit.verify(desk.org.pk) is None
