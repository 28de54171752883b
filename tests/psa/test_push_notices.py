"""A7 of pushes: that one has stopped, and that some wait for an approver."""

import pytest

from accounts.models import Letter, Notice
from psa import push_second, pushes
from psa.models import Push
from reconcile.http.errors import CustomerMustAct
from reconcile.tenancy.scope import org_scope

pytestmark = pytest.mark.django_db


def told(desk):
    with org_scope(desk.org.pk):
        return list(Notice.objects.order_by("id"))


def test_a7_stopped_pushes_of_one_connection_are_one_notice_and_one_letter(desk):
    for number in range(3):
        desk.stage(desk.line(str(number)), 45)
        desk.psa.put(str(number), 99)
    desk.run_out()
    (notice,) = told(desk)
    assert (notice.kind, notice.times) == ("push_stopped", 3)
    assert notice.title == "A push to Pocket has stopped"
    assert "The PSA has moved: the line says 99" in notice.body
    with org_scope(desk.org.pk):
        assert Letter.objects.count() == 1


def test_a7_a_push_that_arrives_tells_nobody(desk):
    desk.stage(desk.line(), 45)
    desk.run_out()
    assert told(desk) == []


def test_a7_a_refused_push_says_who_must_act(desk):
    desk.stage(desk.line(), 45)
    refusal = CustomerMustAct("The API member's security role lacks Agreements (Edit).", status=403)
    desk.psa.plan.append(("write before", refusal))
    desk.run_out()
    (notice,) = told(desk)
    assert "lacks Agreements (Edit)" in notice.body


def test_a7_collected_lines_wait_for_an_approver_until_they_are_released(desk):
    first = desk.stage(desk.line("1"), 45, waiting=True)
    desk.stage(desk.line("2"), 45, waiting=True)
    (notice,) = told(desk)
    assert (notice.kind, notice.title) == ("approval", "2 approved lines wait to be pushed")
    desk.undo(first)
    assert told(desk)[0].solved_at is None, "one still waits"
    with org_scope(desk.org.pk):
        pushes.release(Push.objects.filter(state="waiting"), desk.user)
    assert told(desk)[0].solved_at is not None


@pytest.mark.parametrize("end", ["agreed to", "turned down"])
def test_a7_what_a_second_approver_has_answered_waits_for_nobody(desk, person, end):
    """E10: the last large change is agreed to, or turned down; the notice that one waits is settled."""
    push = desk.add(needs_second=True)
    (notice,) = told(desk)
    assert (notice.title, notice.solved_at) == ("1 approved line waits to be pushed", None)
    with org_scope(desk.org.pk):
        if end == "agreed to":
            push_second.agree([push], person("Sam"))
        else:
            push_second.turn_down(push, person("Sam"), "They gave notice")
    assert told(desk)[0].solved_at is not None


def test_a7_what_goes_by_itself_on_its_day_is_not_said_to_wait_for_an_approver(desk):
    """B6: a dated push needs no click; it is named apart, and alone it asks for nobody."""
    desk.stage_dated(desk.line("1"), 45)
    assert told(desk) == []
    desk.stage(desk.line("2"), 45, waiting=True)
    (notice,) = told(desk)
    assert notice.title == "1 approved line waits to be pushed"
    assert "until an approver looks" in notice.body
    assert "1 more is sent without a click, on the chosen day" in notice.body


def test_a7_a_dated_push_that_needs_a_second_approver_waits_for_one(desk):
    desk.stage_dated(desk.line("1"), 45, needs_second=True)
    (notice,) = told(desk)
    assert notice.title == "1 approved line waits to be pushed"
    assert "without a click" not in notice.body
