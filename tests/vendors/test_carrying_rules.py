"""B9: counting rules come along when mappings are carried over: each gets a twin, and Undo removes it."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from psa.models import Agreement
from reconcile.tenancy.scope import org_scope
from tests.vendors.moving import Move, month, rules_of
from vendors.counting import Do, Step
from vendors.models import CountingRule

TEN, ELEVEN = Decimal(10), Decimal(11)
ONE_LESS, TWO_LESS = Step(do=Do.EXCLUDE, by=Decimal(1)), Step(do=Do.EXCLUDE, by=Decimal(2))
UNDO = "mapping_carry_undo"


@pytest.fixture
def move(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Move:
    return Move(org, sign_in(alice))


def test_b9_a_rule_of_a_service_counts_the_same_in_the_new_psa_and_undo_removes_its_twin(move: Move) -> None:
    with org_scope(move.org.pk):
        move.books.rule(move.backup, ONE_LESS, note="Ours", until_month=month(2))
        move.books.rule(move.backup, TWO_LESS, from_month=month(2))
        move.books.rule(move.backup, TWO_LESS, from_month=month(-3), until_month=month())
        move.books.rule(move.backup, TWO_LESS, removed_at=timezone.now())
        move.books.refresh()
    assert [line[3] for line in move.lines()] == [ELEVEN, None]
    dialog = move.look()
    assert "Along with them: 2 counting rules." in dialog
    assert "Not carried over" not in dialog
    assert "2 lines change, +$0.50 a month" in dialog, "the rule is in the effect"
    done = move.carry(move.ticked())
    assert "Carried over: 1 vendor account, 1 vendor service and 2 counting rules." in done.text
    assert [line[3] for line in move.lines()] == [None, ELEVEN], "the new PSA's line says the same units"
    with org_scope(move.org.pk):
        assert rules_of(move.backup_there) == [
            (month(), month(2), [ONE_LESS.write()]), (month(2), None, [TWO_LESS.write()])
        ]  # fmt: skip
        assert len(rules_of(move.backup)) == 3, "the old ones stay"
        assert CountingRule.objects.filter(service=move.backup_there, note="Ours").exists()
        assert move.books.refresh() == 0, "from scratch the lines are the same"
    act = move.trail()[-1]
    assert [entry.verb for entry in move.trail()[-3:-1]] == ["made rule", "made rule"]
    assert act.new == {"accounts": 1, "services": 1, "counting_rules": 2, "from_connection": move.old.pk}
    assert "carried 1 vendor account, 1 vendor service and 2 counting rules over" in move.page()
    undone = move.carry({"act": act.seq}, name=UNDO)
    assert "Taken back: 1 vendor account, 1 vendor service and 2 counting rules." in undone.text
    assert [line[3] for line in move.lines()] == [ELEVEN, None]
    with org_scope(move.org.pk):
        assert rules_of(move.backup_there) == []
        assert len(rules_of(move.backup)) == 3
    assert "It was taken back already." in move.carry({"act": act.seq}, name=UNDO).text
    assert move.look() == dialog, "it can be carried over again"


def test_b9_a_rule_that_a_later_one_outlasts_gets_no_twin(move: Move) -> None:
    with org_scope(move.org.pk):
        move.books.rule(move.backup, ONE_LESS)
        move.books.rule(move.backup, TWO_LESS, from_month=month(-2))
    move.carry(move.ticked())
    with org_scope(move.org.pk):
        assert rules_of(move.backup_there) == [(month(), None, [TWO_LESS.write()])]


def test_b9_one_that_stands_for_some_months_only_still_yields_to_the_one_below_it(move: Move) -> None:
    with org_scope(move.org.pk):
        move.books.rule(move.backup, TWO_LESS, from_month=month(-1), until_month=month(1))
        move.books.rule(move.backup, ONE_LESS)
        move.books.refresh()
    assert move.lines()[0][3] == TEN
    move.carry(move.ticked())
    assert move.lines()[1][3] == TEN
    with org_scope(move.org.pk):
        assert rules_of(move.backup_there) == [
            (month(), None, [ONE_LESS.write()]), (month(), month(1), [TWO_LESS.write()])
        ]  # fmt: skip


def test_b9_a_rule_of_an_account_comes_along_once_its_account_and_service_are_there(move: Move) -> None:
    with org_scope(move.org.pk):
        move.books.rule(move.backup, TWO_LESS, account=move.harbor)
        move.books.refresh()
    ticked = move.ticked()
    dialog = move.look({"services": ticked["services"]})
    assert "Not carried over: 1 counting rule of ConnectWise PSA." in dialog
    assert "Workstation backup, Harbor Dental: Harbor Dental stays" in dialog
    move.carry({"services": ticked["services"]})
    with org_scope(move.org.pk):
        assert rules_of(move.backup_there, account=move.harbor_there) == []
    assert "Along with them: 1 counting rule." in move.look({"accounts": ticked["accounts"]})
    move.carry({"accounts": ticked["accounts"]})
    assert [line[3] for line in move.lines()] == [None, TEN]
    with org_scope(move.org.pk):
        assert rules_of(move.backup_there, account=move.harbor_there) == [(month(), None, [TWO_LESS.write()])]


def test_b9_a_rule_of_an_agreement_is_named_as_left_behind(move: Move) -> None:
    with org_scope(move.org.pk):
        agreement = Agreement.objects.get(connection=move.old)
        move.books.rule(move.backup, TWO_LESS, agreement=agreement)
    dialog = move.look()
    assert "Not carried over: 1 counting rule of ConnectWise PSA." in dialog
    assert "Workstation backup, Harbor Dental, Managed Services: an agreement has no counterpart" in dialog
    assert "Along with them" not in dialog
    move.carry(move.ticked())
    with org_scope(move.org.pk):
        assert CountingRule.objects.count() == 1


def test_b9_what_has_rules_of_its_own_keeps_them(move: Move) -> None:
    with org_scope(move.org.pk):
        move.books.rule(move.backup, ONE_LESS)
        own = move.books.rule(move.backup_there, TWO_LESS)
    assert "every account: what it becomes has its own" in move.look()
    with org_scope(move.org.pk):
        CountingRule.objects.filter(pk=own.pk).update(steps=[ONE_LESS.write()])
    dialog = move.look()
    assert "Not carried over" not in dialog, "it is counted like that already"
    assert "Along with them" not in dialog


def test_b9_rules_of_several_that_become_one_come_along_only_where_they_agree(move: Move) -> None:
    with org_scope(move.org.pk):
        other = move.books.service("Server backup")
        row = move.books.vendor_service(other, "servers")
        move.books.rule(move.backup, ONE_LESS)
        rule = move.books.rule(other, TWO_LESS)
    to = move.backup_there.pk
    form = {"services": [f"{move.agents.pk}|{move.backup.pk}|{to}", f"{row.pk}|{other.pk}|{to}"]}
    dialog = move.look(form)
    assert "Not carried over: 2 counting rules" in dialog
    assert "several become one and are counted differently" in dialog
    with org_scope(move.org.pk):
        CountingRule.objects.filter(pk=rule.pk).update(steps=[ONE_LESS.write()])
    assert "Along with them: 1 counting rule." in move.look(form)


def test_b9_what_came_back_under_another_id_keeps_its_rules_even_those_of_agreements(move: Move) -> None:
    here = (move.old.pk, move.old.pk)
    with org_scope(move.org.pk):
        agreement = Agreement.objects.get(connection=move.old)
        move.books.rule(move.backup, ONE_LESS)
        move.books.rule(move.backup, TWO_LESS, account=move.harbor)
        move.books.rule(move.backup, TWO_LESS, agreement=agreement)
        again = move.books.service("Workstation backup", part_number="BK-WS")
        type(move.backup).objects.filter(pk=move.backup.pk).update(vanished_at=timezone.now())
    assert "Along with them: 3 counting rules." in move.look(None, *here)
    assert move.carry(move.ticked(*here), *here).status_code == 200
    with org_scope(move.org.pk):
        for about, step in (
            ({}, ONE_LESS), ({"account": move.harbor.pk}, TWO_LESS), ({"agreement": agreement.pk}, TWO_LESS)
        ):  # fmt: skip
            assert rules_of(again, **about) == [(month(), None, [step.write()])]
