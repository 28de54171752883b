"""B9: mappings are kept when the PSA changes: what is the same there is suggested, seen, and carried over at once."""

from collections.abc import Callable
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.activity_views import changes_of
from accounts.models import Organization, User
from accounts.roles import Role
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.vendors.moving import Move
from vendors import mapping_forms
from vendors.models import AccountMapping, MappingRefusal, ServiceMapping

TEN, TWELVE = Decimal(10), Decimal(12)
BEFORE = [("Harbor Dental", "adjust", TEN, TWELVE), ("HARBOR DENTAL", "psa_only", TEN, None)]
AFTER = [("Harbor Dental", "psa_only", TEN, None), ("HARBOR DENTAL", "adjust", TEN, TWELVE)]


@pytest.fixture
def move(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Move:
    return Move(org, sign_in(alice))


def at(move: Move, name: str, *ids: int) -> str:
    return reverse(name, args=[move.org.slug, *ids])


# ---- What is offered ---------------------------------------------------------------------------------


def test_b9_mappings_to_the_old_psa_are_offered_where_one_maps_and_on_the_new_psas_page(move: Move) -> None:
    offer = "Carry 2 mappings over from ConnectWise PSA to New PSA…"
    for name in ("mapping_accounts", "mapping_services"):
        assert offer in move.client.get(at(move, name)).text
    assert offer in move.client.get(at(move, "psa_connection", move.new.pk)).text
    assert "Carry 2" not in move.client.get(at(move, "psa_connection", move.old.pk)).text


def test_b9_with_two_psas_each_account_is_shown_with_its_own(move: Move) -> None:
    with org_scope(move.org.pk):
        loose = move.books.vendor_account(None, "Harbor Dental")
    page = unescape(move.client.get(at(move, "mapping_accounts")).text)
    assert 'Harbor Dental <small class="muted">ConnectWise PSA</small>' in page
    assert 'HARBOR DENTAL <small class="muted">New PSA</small>' in page
    query = {"side": "accounts", "row": f"{loose.pk}|", "find": "harbor"}
    assert '<small class="muted">New PSA</small>' in move.client.get(at(move, "mapping_search"), query).text
    dialog = move.carry(move.ticked(), name="mapping_carry_look").text
    assert 'Workstation backup <small class="muted">ConnectWise PSA</small>' in dialog


def test_b9_nothing_is_offered_until_the_new_psa_has_been_read(move: Move) -> None:
    with org_scope(move.org.pk):
        type(move.new).objects.filter(pk=move.new.pk).update(read_at=None)
    assert "Changed your PSA?" not in move.client.get(at(move, "mapping_accounts")).text
    assert "New PSA has not been read yet" in move.page()


# ---- What is ticked ----------------------------------------------------------------------------------


def test_b9_what_is_sure_is_ticked_with_its_reason_and_nothing_else(move: Move) -> None:
    with org_scope(move.org.pk):
        for ours, theirs in (
            ("Summit Dental", "Summit Dental Foundation"),
            ("Alder Works", "Alder Works Ltd"),
            ("Nobody like it", "Quite another one"),
            ("Upland Dairy LLC", "Upland Dairy GmbH"),
        ):
            old, _ = move.both(ours, theirs)
            move.books.vendor_account(old, ours)
        move.there("account", "Alder Works")
    page = move.page()
    assert page.count("data-select name=") == page.count(" checked") - len(("services", "accounts")) == 2
    assert "Same part number: BK-WS" in page
    assert "2 accounts have this name, or nearly" in page
    assert "perhaps a sister company" in page
    assert "Same name, another legal form" in page
    assert "no match" in page
    assert move.mapped()[0][move.row.pk] == move.harbor.pk, "a look changes nothing"


def test_b9_two_of_the_old_psa_that_may_be_one_are_left_to_a_person(move: Move) -> None:
    with org_scope(move.org.pk):
        move.books.account("Harbor Dental, Inc.")
    page = move.page()
    assert "2 accounts of ConnectWise PSA may be this one" in page
    assert move.ticked()["accounts"] == []


def test_b9_ids_and_short_names_of_accounts_say_nothing_in_another_psa(move: Move) -> None:
    with org_scope(move.org.pk):
        ours = move.books.account("Kestrel Veterinary", identifier="C7", remote_id="700")
        move.there("account", "Pemberton Insurance", identifier="C7", remote_id="700")
        move.books.vendor_account(ours, "Kestrel")
    assert "Pemberton" not in move.page()


def test_b9_a_service_of_nearly_the_same_name_is_left_to_a_person(move: Move) -> None:
    with org_scope(move.org.pk):
        server = move.books.service("Managed server backups")
        move.there("service", "Managed server backup")
        move.books.vendor_service(server, "servers")
        same = move.books.service("Cloud archive")
        move.there("service", "cloud ARCHIVE")
        move.books.vendor_service(same, "archive")
    page = move.page()
    assert "perhaps another product" in page
    assert len(move.ticked()["services"]) == 2


def test_d7_a_service_for_another_term_or_of_a_name_of_two_products_is_not_ticked(move: Move) -> None:
    with org_scope(move.org.pk):
        pairs = {
            "Microsoft 365 E3, annual": "Microsoft 365 E3 monthly",
            "Microsoft 365 E5, annual": "Microsoft 365 E5",
            "Microsoft 365 Business Basic": "Microsoft 365 Business Basic",
        }
        for n, (old, new) in enumerate(pairs.items()):
            part = "" if "Basic" in old else f"PN-{n}"
            move.books.vendor_service(move.books.service(old, part_number=part), old)
            move.there("service", new, part_number=part)
    page = move.page()
    assert all(new in page for new in pairs.values())
    assert len(move.ticked()["services"]) == 1


def test_b9_what_was_taken_back_or_is_not_active_there_is_not_ticked(move: Move) -> None:
    with org_scope(move.org.pk):
        MappingRefusal.objects.create(org=move.org, vendor_account=move.row, account=move.harbor_there)
        idle, _ = move.both("Quarry Lane", "Quarry Lane")
        move.books.vendor_account(idle, "quarry")
        type(idle).objects.filter(connection=move.new, name="Quarry Lane").update(active=False)
    page = move.page()
    assert "taken back before" in page
    assert "not active in the PSA" in page
    assert move.ticked()["accounts"] == []


# ---- What is done ------------------------------------------------------------------------------------


def test_b9_the_effect_is_shown_then_all_is_one_act_and_undo_takes_it_back(move: Move) -> None:
    assert move.lines() == BEFORE
    ticked = move.ticked()
    dialog = unescape(move.carry(ticked, name="mapping_carry_look").text)
    assert "Carry over 1 vendor account and 1 vendor service" in dialog
    assert "On the dashboard: 2 lines change, +$1.00 a month" in dialog
    assert move.lines() == BEFORE
    assert move.trail() == []
    done = move.carry(ticked)
    assert "Carried over: 1 vendor account and 1 vendor service." in done.text
    assert move.lines() == AFTER
    assert move.mapped() == (
        {move.row.pk: move.harbor_there.pk},
        {move.agents.pk: move.backup_there.pk},
    )
    act = move.trail()[-1]
    assert [e.verb for e in move.trail()] == ["mapped", "mapped", "carried mappings over"]
    assert (act.label, act.new) == (
        "ConnectWise PSA to New PSA",
        {"accounts": 1, "services": 1, "from_connection": move.old.pk},
    )
    assert [change.name for change in changes_of(act)] == ["accounts", "services"], "nobody reads an id"
    with org_scope(move.org.pk):
        assert not MappingRefusal.objects.exists(), "what was mapped before was not wrong"
        assert move.books.refresh() == 0, "from scratch the lines are the same"
    assert "carried 1 vendor account and 1 vendor service over" in move.page()
    assert "No mapping leads to ConnectWise PSA" in move.page()
    undone = move.carry({"act": act.seq}, name="mapping_carry_undo")
    assert "Taken back: 1 vendor account and 1 vendor service." in undone.text
    assert move.lines() == BEFORE
    assert move.trail()[-1].verb == "took carrying over back"
    assert "It was taken back already." in move.carry({"act": act.seq}, name="mapping_carry_undo").text
    assert len(move.ticked()["accounts"]) == 1


def test_b9_what_is_not_sure_is_chosen_by_hand_and_all_that_is_mapped_to_it_comes_along(move: Move) -> None:
    with org_scope(move.org.pk):
        ours, theirs = move.both("Upland Dairy LLC", "Upland Dairy GmbH")
        first = move.books.vendor_account(ours, "upland one")
        second = move.books.vendor_account(ours, "upland two", excluded_at=timezone.now())
    value = f"{first.pk}|{ours.pk}|{theirs.pk},{second.pk}|x{ours.pk}|x{theirs.pk}"
    assert f'<option value="{value}">Upland Dairy GmbH (80%)' in move.page()
    assert (
        "2 mappings stay with ConnectWise PSA"
        in move.carry({"accounts": [value]}, name="mapping_carry_look").text
    )
    assert move.carry({"accounts": [value, ""]}).status_code == 200
    accounts, services = move.mapped()
    assert (accounts[first.pk], accounts[second.pk]) == (theirs.pk, theirs.pk)
    assert accounts[move.row.pk] == move.harbor.pk
    assert services[move.agents.pk] == move.backup.pk
    with org_scope(move.org.pk):
        second.refresh_from_db()
    assert second.excluded_at is not None, "what is left out stays so"


def test_b9_several_that_become_one_are_said_before(move: Move) -> None:
    with org_scope(move.org.pk):
        twin = move.books.account("Harbor Dental LLC")
        row = move.books.vendor_account(twin, "twin")
    to = move.harbor_there.pk
    form = {"accounts": [f"{move.row.pk}|{move.harbor.pk}|{to}", f"{row.pk}|{twin.pk}|{to}"]}
    assert "1 is chosen for several" in move.carry(form, name="mapping_carry_look").text


def test_b9_a_mapping_that_somebody_changed_meanwhile_refuses_all_of_it(move: Move) -> None:
    ticked = move.ticked()
    with org_scope(move.org.pk):
        other = move.books.account("Quarry Lane")
        AccountMapping.objects.update(account=other)
    refused = move.carry(ticked)
    assert refused.status_code == 409
    assert "Somebody else changed “harbor dental”" in unescape(refused.text)
    assert move.mapped()[1] == {move.agents.pk: move.backup.pk}, "the service did not go alone"
    assert move.trail() == []


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Nothing is ticked or chosen."),
        ({"accounts": ["", ""]}, "Nothing is ticked or chosen."),
        ({"accounts": ["x"]}, "could not be read"),
        ({"accounts": ["1|2"]}, "could not be read"),
        ({"rest": "forged", "page": "9" * 5000}, "is not what it was when you loaded this page"),
        ({"rest": "forged"}, "is not what it was when you loaded this page"),
    ],
)
def test_b9_what_cannot_be_read_changes_nothing(move: Move, form: dict[str, Any], said: str) -> None:
    for name in ("mapping_carry", "mapping_carry_look"):
        refused = move.carry(form, name=name)
        assert refused.status_code == 409
        assert said in refused.text


def test_b9_only_from_the_one_to_the_other_is_carried_over(move: Move) -> None:
    with org_scope(move.org.pk):
        elsewhere = move.books.account("Quarry Lane")
    for wanted in (f"{elsewhere.pk}", "", f"x{move.harbor_there.pk}"):
        form = {"accounts": [f"{move.row.pk}|{move.harbor.pk}|{wanted}"]}
        assert move.carry(form).status_code == 409
    assert move.mapped()[0] == {move.row.pk: move.harbor.pk}


def test_b9_what_left_the_new_psa_meanwhile_is_refused(move: Move) -> None:
    ticked = move.ticked()
    with org_scope(move.org.pk):
        type(move.harbor_there).objects.filter(pk=move.harbor_there.pk).update(vanished_at=timezone.now())
    assert "no longer in your PSA" in move.carry(ticked).text


# ---- Within one connection ---------------------------------------------------------------------------


def test_b9_what_vanished_and_came_back_under_another_id_is_followed(move: Move) -> None:
    with org_scope(move.org.pk):
        type(move.new).objects.filter(pk=move.new.pk).update(read_at=None)
        type(move.harbor).objects.filter(pk=move.harbor.pk).update(vanished_at=timezone.now())
        again = move.books.account("Harbor Dental Group", identifier="HARBOR")
        type(move.harbor).objects.filter(pk=move.harbor.pk).update(identifier="Harbor")
    here = (move.old.pk, move.old.pk)
    for name, ids in (("mapping_accounts", ()), ("psa_connection", (move.old.pk,))):
        assert "See what took their place" in move.client.get(at(move, name, *ids)).text
    page = move.page(*here)
    assert "Harbor Dental Group" in page
    assert "Workstation backup" not in page, "it is still there"
    value = f"{move.row.pk}|{move.harbor.pk}|{again.pk}"
    assert value in page
    assert move.carry({"accounts": [value]}, *here).status_code == 200
    assert move.mapped()[0] == {move.row.pk: again.pk}
    assert "Every mapping leads to something that is there" in move.page(*here)
    move.carry({"act": move.trail()[-1].seq}, *here, name="mapping_carry_undo")
    assert move.mapped()[0] == {move.row.pk: move.harbor.pk}, "an undo leads back to what is gone, too"


# ---- Who, and how much -------------------------------------------------------------------------------


def test_b9_others_see_no_offer_and_may_not_carry_over(
    move: Move, join: Callable[[str, Role], User], sign_in: Callable[[User], Client]
) -> None:
    bob = sign_in(join("Bob", Role.APPROVER))
    assert "Carry 2" not in bob.get(at(move, "mapping_accounts")).text
    ticked = move.ticked()
    assert bob.get(move.at()).status_code == 403
    for name in ("mapping_carry", "mapping_carry_look", "mapping_carry_undo"):
        assert bob.post(move.at(name), ticked).status_code == 403
    assert move.lines() == BEFORE


def test_b9_rows_and_acts_of_another_organization_name_nothing_here(
    move: Move, other_org: Organization, charlie: User, sign_in: Callable[[User], Client]
) -> None:
    stranger = Move(other_org, sign_in(charlie))
    ticked = move.ticked()
    assert stranger.client.get(move.at()).status_code == 404
    assert stranger.client.get(stranger.at("mapping_carry", move.old.pk, stranger.new.pk)).status_code == 404
    for name in ("mapping_carry", "mapping_carry_look"):
        assert stranger.carry(ticked, name=name).status_code == 409
    move.carry(ticked)
    assert stranger.carry({"act": 4}, name="mapping_carry_undo").status_code == 404
    assert move.lines() == AFTER
    assert stranger.lines() == BEFORE


def test_b9_what_is_sure_on_other_pages_is_carried_over_with_one_tick(
    move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vendors.carrying.ROWS_AT_ONCE", 1)
    page = move.page()
    assert "Also the 1 sure on other pages" in page
    assert "Page 1 of 2" in page
    mark = page.split('name="rest" value="')[1].split('"')[0]
    form = move.ticked() | {"rest": mark, "page": "1"}
    assert form["accounts"] == []
    dialog = move.carry(form, name="mapping_carry_look").text
    assert "Carry over 1 vendor account and 1 vendor service" in dialog
    with org_scope(move.org.pk):
        move.there("account", "Harbor Dental LLC")
    assert "is not what it was" in move.carry(form).text
    assert move.lines() == BEFORE


def fill(books: Books, move: Move, count: int) -> None:
    for number in range(count):
        word = f"{chr(97 + number % 26)}{chr(97 + number // 26)}"
        ours, _ = move.both(f"Client {word}works", f"Client {word}works")
        books.usage(books.vendor_account(ours, f"client {word}"), move.agents, "3")
        service = books.service(f"Product {word}works")
        move.there("service", f"Product {word}works")
        books.vendor_service(service, f"product {word}")


@pytest.mark.parametrize(("name", "most"), [("page", 36), ("mapping_carry_look", 45), ("mapping_carry", 80)])
def test_b9_the_number_of_queries_is_fixed(move: Move, name: str, most: int) -> None:
    def queries() -> int:
        ticked = move.ticked()
        with CaptureQueriesContext(connection) as asked:
            move.page() if name == "page" else move.carry(ticked, name=name)
        return len(asked)

    with org_scope(move.org.pk):
        fill(move.books, move, 3)
    few = queries()
    with org_scope(move.org.pk):
        AccountMapping.objects.filter(account__connection=move.new).delete()
        ServiceMapping.objects.filter(service__connection=move.new).delete()
        fill(move.books, move, 40)
    assert queries() == few
    assert few <= most
    assert mapping_forms.ROWS_AT_ONCE >= 80


def test_b9_an_act_is_taken_back_between_its_own_connections_whatever_they_are_called(move: Move) -> None:
    move.carry(move.ticked())
    act = {"act": move.trail()[-1].seq}
    for ids in ((move.new.pk, move.old.pk), (move.new.pk, move.new.pk), (move.old.pk, move.old.pk)):
        assert move.carry(act, *ids, name="mapping_carry_undo").status_code == 404
    assert move.lines() == AFTER
    with org_scope(move.org.pk):
        Connection.objects.filter(pk=move.old.pk).update(name="Renamed PSA")
    assert 'data-key="undo"' in move.page()
    assert "Taken back: " in move.carry(act, name="mapping_carry_undo").text
    assert move.lines() == BEFORE
    assert 'data-key="undo"' not in move.page()
