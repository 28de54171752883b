"""D4: Advanced config learns from what this organization decides: a choice leads others, a correction is remembered."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Organization, User
from reconcile.tenancy.scope import org_scope
from tests.vendors.mapping_desk import Desk
from vendors import mapping_lists
from vendors.mapping import ACCOUNTS, SERVICES, Side
from vendors.models import MappingRefusal, VendorAccount
from vendors.suggest import Advice


@pytest.fixture
def desk(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Desk:
    return Desk(org, sign_in(alice))


def advice(desk: Desk, row: int, side: Side = ACCOUNTS) -> Advice:
    with org_scope(desk.org.pk):
        (entry,) = mapping_lists.list_named(side, desk.org.pk, [row])
        return entry.advice


def test_d4_a_mapping_taken_back_is_not_sure_again_and_chosen_after_all_it_is_forgiven(desk: Desk) -> None:
    row, target = desk.loose.pk, desk.harbor.pk
    assert advice(desk, row).sure is not None
    desk.act("map", f"{row}|", target=target)
    desk.act("unmap", f"{row}|{target}")
    found = advice(desk, row)
    assert found.sure is None
    assert found.first is not None
    assert found.first.reason == "Same name; taken back before"
    desk.act("map", f"{row}|", target=target)
    with org_scope(desk.org.pk):
        assert not MappingRefusal.objects.exists()


def test_d4_a_corrected_mapping_remembers_the_wrong_one(desk: Desk) -> None:
    desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    desk.act("map", f"{desk.loose.pk}|{desk.harbor.pk}", target=desk.quarry.pk)
    with org_scope(desk.org.pk):
        refusal = MappingRefusal.objects.get()
        assert (refusal.vendor_account_id, refusal.account_id) == (desk.loose.pk, desk.harbor.pk)


def test_d4_one_of_another_console_with_the_name_follows_the_choice(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        books = desk.books
        VendorAccount.objects.filter(pk=desk.loose.pk).update(name="HDG North")
        other = books.integration("Second console")
        same = books.vendor_account(None, "HDG NORTH", integration=other)
        twin = books.vendor_account(None, "HDG north")
    assert advice(desk, same.pk).sure is None
    desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    sure = advice(desk, same.pk).sure
    assert sure is not None
    assert sure.candidate.id == desk.harbor.pk
    assert sure.reason == "You chose this account for one of this name before"
    assert advice(desk, twin.pk).sure is None, "two of one name in one console are two customers"


def test_d4_a_service_taken_back_is_remembered_too(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        target = desk.books.service("Cloud storage")
    row = desk.storage.pk
    desk.post("mapping_set", "map", (f"{row}|",), side="services", target=target.pk)
    desk.post("mapping_set", "unmap", (f"{row}|{target.pk}",), side="services")
    first = advice(desk, row, SERVICES).first
    assert first is not None
    assert "taken back before" in first.reason


def test_d4_an_undo_teaches_nothing(desk: Desk) -> None:
    row, target = desk.loose.pk, desk.harbor.pk
    desk.act("map", f"{row}|", target=target)
    desk.act("set", f"{row}|{target}|", undo="1")
    assert advice(desk, row).sure is not None
