"""B9: splits, further services and planned mappings come along when mappings are carried over, and go back too."""

from collections.abc import Callable
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization, User
from dashboard.models import Card
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.vendors.moving import Move, month, rules_of
from vendors import carrying
from vendors.carrying import ORDER
from vendors.carrying_acts import foresee, plan
from vendors.carrying_along import Asked
from vendors.counting import Do, Filter, Step
from vendors.counting_rules import State, plan_removal
from vendors.counting_rules import make as change_rules
from vendors.models import AccountMapping, AccountSplit, AlsoCounts, CountingRule, MappingSpan, NamedUnit

ONE_LESS, TWO_LESS = Step(do=Do.EXCLUDE, by=Decimal(1)), Step(do=Do.EXCLUDE, by=Decimal(2))
LOOK, UNDO = "mapping_carry_look", "mapping_carry_undo"


@pytest.fixture
def move(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Move:
    return Move(org, sign_in(alice))


def people(move: Move, *emails: str) -> None:
    """Say who is behind Harbor Dental's count of agents."""
    NamedUnit.objects.bulk_create(
        NamedUnit(
            org=move.org, integration=move.books.veeam, vendor_account=move.row, vendor_service=move.agents,
            external_id=email, key=email, name=email, named_at=move.books.now,
            traits={"email": email, "domain": email.partition("@")[2]},
        )
        for email in emails
    )  # fmt: skip


# ---- Splits, further services, planned mappings ------------------------------------------------------


@pytest.fixture
def parted(move: Move) -> Move:
    """Two of Harbor Dental's twelve are Quarry Lane's, and all count to a bundle too; both only by their pointers."""
    with org_scope(move.org.pk):
        move.books.rule(move.backup, filters=[Filter(field="email", pattern="svc-*")])
        people(move, *(f"p{n}@harbor.example" for n in range(9)), "svc-1@harbor.example",
               "a@quarry.example", "b@quarry.example")  # fmt: skip
        quarry, quarry_there = move.both("Quarry Lane", "Quarry Lane")
        bundle = move.books.service("Care bundle")
        bundle_there = move.there("service", "Care bundle")
        AccountSplit.objects.create(
            org=move.org, vendor_account=move.row, account=quarry, field="domain", pattern="quarry.example"
        )
        AlsoCounts.objects.create(org=move.org, vendor_service=move.agents, service=bundle)
        for psa, account, service in (
            (move.old, quarry, move.backup), (move.old, quarry, bundle),
            (move.new, quarry_there, move.backup_there), (move.new, quarry_there, bundle_there),
        ):  # fmt: skip
            agreement = move.books.agreement(account, connection=psa, agreement_type=None)
            move.books.line(agreement, service, "1", connection=psa)
        move.books.refresh()
    return move


def units(move: Move) -> dict[str, list[Decimal | None]]:
    """Give the vendor units of each PSA's lines, which were made there in the same order."""
    with org_scope(move.org.pk):
        cards = Card.objects.exclude(line=None).order_by("line_id")
        return {
            key: list(cards.filter(connection=psa).values_list("vendor_units", flat=True))
            for key, psa in (("old", move.old), ("new", move.new))
        }


def ask(move: Move) -> Asked:
    """Ask for what is ticked beforehand."""
    with org_scope(move.org.pk):
        found = carrying.plan(move.org.pk, move.old, move.new).rows
    sure = [(row, row.sure.candidate.id) for row in found if row.sure]
    return Asked(
        {side: [one for row, to in sure if row.side is side for one in row.changes_to(to)] for side in ORDER},
        {side: {row.id: to for row, to in sure if row.side is side and not row.mapped} for side in ORDER},
    )


def state(move: Move) -> list[Any]:
    with org_scope(move.org.pk):
        return [
            list(AccountSplit.objects.order_by("pk").values_list("pk", "account__connection__name")),
            list(AlsoCounts.objects.order_by("pk").values_list("pk", "service__connection__name")),
            list(MappingSpan.objects.order_by("pk").values_list("pk", "account__connection__name")),
        ]


def test_b9_splits_and_further_services_lead_to_what_their_targets_become_and_back(parted: Move) -> None:
    before = units(parted)
    assert before == {"old": [Decimal(9), Decimal(2), Decimal(2)], "new": [None, None, None]}
    kept = state(parted)
    page = parted.page()
    assert "domain quarry.example of harbor dental, Veeam" in page
    assert "further service of Workstation agents, Veeam" in page
    dialog = parted.look()
    assert "Along with them: 1 counting rule, 1 split and 1 further service." in dialog
    assert "Not carried over" not in dialog
    assert parted.trail() == []
    done = parted.carry(parted.ticked())
    assert "1 vendor service, 1 counting rule, 1 split and 1 further service." in done.text
    assert units(parted) == {"old": before["new"], "new": before["old"]}
    assert [rows[0][1] for rows in state(parted)[:2]] == ["New PSA", "New PSA"]
    assert "No mapping leads to ConnectWise PSA" in parted.page()
    with org_scope(parted.org.pk):
        assert parted.books.refresh() == 0
    moved = next(entry for entry in parted.trail() if entry.verb == "moved split of")
    assert moved.label == "harbor dental, Veeam: domain quarry.example"
    parted.carry({"act": parted.trail()[-1].seq}, name=UNDO)
    assert (units(parted), state(parted)) == (before, kept)


def test_b9_a_split_stays_with_its_account_and_comes_along_alone_later(parted: Move) -> None:
    ticked = parted.ticked()
    alone = [value for value in ticked["accounts"] if value.startswith("=")]
    form = ticked | {"accounts": [value for value in ticked["accounts"] if value not in alone]}
    dialog = parted.look(form)
    assert "Not carried over: 1 split of ConnectWise PSA." in dialog
    assert "domain quarry.example of harbor dental: Quarry Lane stays" in dialog
    parted.carry(form)
    assert units(parted)["new"] == [Decimal(9), None, None]
    assert "Carry 1 mapping over from" in parted.client.get(parted.at("psa_connection", parted.new.pk)).text
    assert "Carry over 1 split" in parted.look({"accounts": alone})
    assert "Carried over: 1 split." in parted.carry({"accounts": alone}).text
    assert units(parted)["new"] == [Decimal(9), Decimal(2), Decimal(2)]
    assert "It was like this already." in parted.carry({"accounts": alone}).text
    parted.carry({"act": parted.trail()[-1].seq}, name=UNDO)
    assert units(parted)["new"] == [Decimal(9), None, None]


def test_b9_what_counts_there_anyway_does_not_count_twice(move: Move) -> None:
    with org_scope(move.org.pk):
        for service in (move.backup, move.backup_there):
            AlsoCounts.objects.create(org=move.org, vendor_service=move.agents, service=service)
    assert "further service of Workstation agents: it counts there anyway" in move.look()
    before = state(move)
    move.carry(move.ticked())
    assert state(move) == before


def test_b9_what_is_mapped_from_a_later_month_comes_along(move: Move) -> None:
    with org_scope(move.org.pk):
        quarry, _ = move.both("Quarry Lane", "Quarry Lane")
        for months in ({"from_month": month(1)}, {"until_month": month(-1)}):
            MappingSpan.objects.create(org=move.org, vendor_account=move.row, account=quarry, **months)
    assert "Along with them: 1 planned mapping." in move.look()
    kept = state(move)
    move.carry(move.ticked())
    assert [psa for _, psa in state(move)[2]] == ["New PSA", "ConnectWise PSA"], "the past stays"
    move.carry({"act": move.trail()[-1].seq}, name=UNDO)
    assert state(move) == kept


def test_b9_the_effect_foreseen_is_what_happens(parted: Move) -> None:
    old, new, asked = parted.old, parted.new, ask(parted)
    with org_scope(parted.org.pk):
        effect = foresee(parted.org.pk, asked, plan(parted.org.pk, old, new, asked))
        before = dict(Card.objects.values_list("line_id", "vendor_units"))
    said = {change.line.key: change.units_after for change in effect.changes}
    parted.carry(parted.ticked())
    with org_scope(parted.org.pk):
        after = dict(Card.objects.values_list("line_id", "vendor_units"))
    assert said == {pk: found for pk, found in after.items() if found != before[pk]}
    assert len(said) == 6


def test_b9_what_has_no_counterpart_is_chosen_where_the_split_is(parted: Move) -> None:
    with org_scope(parted.org.pk):
        type(parted.harbor).objects.filter(connection=parted.new, name="Quarry Lane").update(name="Other")
    where = parted.at("mapping_split", parted.row.pk)
    assert f'href="{where}">Choose yourself' in parted.page()
    assert parted.client.get(where).status_code == 200


def test_b9_what_becomes_several_leaves_its_split_to_a_person(parted: Move) -> None:
    with org_scope(parted.org.pk):
        split = AccountSplit.objects.get()
        rows = [parted.books.vendor_account(split.account, f"quarry {number}") for number in range(2)]
        targets = [parted.harbor_there, parted.there("account", "Quarry Lane North")]
    form = {
        "accounts": [f"{row.pk}|{split.account_id}|{to.pk}" for row, to in zip(rows, targets, strict=True)]
    }
    assert "domain quarry.example of harbor dental: Quarry Lane becomes several" in parted.look(form)


def test_b9_what_vanished_takes_along_only_what_leads_to_it(parted: Move) -> None:
    here = (parted.old.pk, parted.old.pk)
    with org_scope(parted.org.pk):
        quarry = AccountSplit.objects.get().account
        type(quarry).objects.filter(pk=quarry.pk).update(vanished_at=timezone.now())
        again = parted.books.account("Quarry Lane")
    offered = parted.client.get(parted.at("psa_connection", parted.old.pk)).text
    assert "1 mapping leads to what ConnectWise PSA no longer has" in offered
    dialog = parted.look(None, *here)
    assert "Carry over 1 split" in dialog
    assert "Not carried over" not in dialog, "the rest is at home"
    parted.carry(parted.ticked(*here), *here)
    with org_scope(parted.org.pk):
        assert AccountSplit.objects.get().account == again


# ---- All or nothing ----------------------------------------------------------------------------------


def test_b9_a_mapping_that_is_refused_leaves_rules_and_splits_too(parted: Move) -> None:
    ticked, before, kept = parted.ticked(), units(parted), state(parted)
    with org_scope(parted.org.pk):
        AccountMapping.objects.update(account=parted.books.account("Another one"))
    assert parted.carry(ticked).status_code == 409
    with org_scope(parted.org.pk):
        assert rules_of(parted.backup_there) == []
    assert (units(parted)["new"], state(parted)) == (before["new"], kept)
    assert parted.trail() == []


def test_b9_an_undo_is_refused_whole_when_what_came_along_was_changed_since(parted: Move) -> None:
    parted.carry(parted.ticked())
    after, act = units(parted), parted.trail()[-1].seq
    with org_scope(parted.org.pk):
        there = AccountSplit.objects.get().account
        AccountSplit.objects.update(account=parted.harbor)
    refused = parted.carry({"act": act}, name=UNDO)
    assert refused.status_code == 409
    assert "“harbor dental, Veeam: domain quarry.example” was changed since" in unescape(refused.text)
    with org_scope(parted.org.pk):
        AccountSplit.objects.update(account=there)
        parted.books.refresh()
        twin = CountingRule.objects.get(service=parted.backup_there)
        CountingRule.objects.filter(pk=twin.pk).update(until_month=month(1))
    assert "The counting rule of Backup of a workstation, every account was changed since" in unescape(
        parted.carry({"act": act}, name=UNDO).text
    )
    with org_scope(parted.org.pk):
        assert len(rules_of(parted.backup_there)) == 1
    assert parted.mapped()[0][parted.row.pk] == parted.harbor_there.pk
    assert units(parted) == after


def test_b9_a_twin_that_was_removed_since_is_no_hindrance(move: Move, alice: User) -> None:
    with org_scope(move.org.pk):
        move.books.rule(move.backup, ONE_LESS)
    move.carry(move.ticked())
    act = move.trail()[-1].seq
    with org_scope(move.org.pk):
        twin = CountingRule.objects.get(service=move.backup_there)
        change_rules(move.org.pk, plan_removal(twin, State.of(twin)), by=alice)
    undone = move.carry({"act": act}, name=UNDO)
    assert "Taken back: 1 vendor account and 1 vendor service." in undone.text


def test_b9_an_undo_never_makes_a_second_one_of_what_was_made_anew_since(parted: Move) -> None:
    with org_scope(parted.org.pk):
        bundle = AlsoCounts.objects.get().service
    parted.carry(parted.ticked())
    with org_scope(parted.org.pk):
        AlsoCounts.objects.create(org=parted.org, vendor_service=parted.agents, service=bundle)
    refused = parted.carry({"act": parted.trail()[-1].seq}, name=UNDO)
    assert refused.status_code == 409
    assert "“Workstation agents, Veeam: further service” was changed since" in unescape(refused.text)


def test_b9_pairs_that_nobody_offered_are_refused(move: Move, other_org: Organization) -> None:
    with org_scope(move.org.pk):
        gone = move.there("account", "Gone", vanished_at=timezone.now())
    with org_scope(other_org.pk):
        stranger = Books(other_org).account("Stranger")
    for text in (
        f"={move.harbor_there.pk}|{move.harbor.pk}", f"={move.harbor.pk}|{stranger.pk}", "=1", "=a|b",
        f"={move.harbor.pk}|{gone.pk}",
    ):  # fmt: skip
        for name in ("mapping_carry", LOOK):
            assert move.carry({"accounts": [text]}, name=name).status_code == 409, text
    assert move.trail() == []


# ---- How much ---------------------------------------------------------------------------------------


def add(move: Move, number: int) -> None:
    """Add an account and a service to both PSAs, with a rule, a split and a further service of their own."""
    name = f"Client {chr(97 + number % 26)}{chr(97 + number // 26)}works"
    ours, _ = move.both(name, name)
    part, _ = move.both(f"{name} branch", f"{name} branch")
    service, also = move.books.service(f"{name} care"), move.books.service(f"{name} bundle")
    move.there("service", f"{name} care")
    move.there("service", f"{name} bundle")
    row, agents = move.books.vendor_account(ours, name), move.books.vendor_service(service, name)
    move.books.rule(service, ONE_LESS)
    move.books.rule(service, TWO_LESS, account=ours)
    AccountSplit.objects.create(
        org=move.org, vendor_account=row, account=part, field="domain", pattern="x.example"
    )
    AlsoCounts.objects.create(org=move.org, vendor_service=agents, service=also)
    MappingSpan.objects.create(org=move.org, vendor_account=row, account=part, from_month=month(1))


@pytest.mark.parametrize(("name", "most"), [("page", 36), (LOOK, 70), ("mapping_carry", 120), (UNDO, 120)])
def test_b9_the_number_of_queries_with_what_comes_along_is_fixed(move: Move, name: str, most: int) -> None:
    def queries() -> int:
        ticked = move.ticked()
        if name == UNDO:
            move.carry(ticked)
        with CaptureQueriesContext(connection) as asked:
            if name == "page":
                move.page()
            elif name == UNDO:
                move.carry({"act": move.trail()[-1].seq}, name=UNDO)
            else:
                assert move.carry(ticked, name=name).status_code == 200
        if name == "mapping_carry":
            move.carry({"act": move.trail()[-1].seq}, name=UNDO)
        return len(asked)

    with org_scope(move.org.pk):
        for number in range(2):
            add(move, number)
    few = queries()
    with org_scope(move.org.pk):
        for number in range(2, 20):
            add(move, number)
    assert queries() == few
    assert few <= most
