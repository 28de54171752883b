"""Advanced config: what an act does at once, what it is previewed as, and who and what is refused."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from accounts.roles import Role
from dashboard.models import Card
from psa.models import Account, Service
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.vendors.mapping_desk import BILLED, COMPARED, Desk
from vendors.models import AccountMapping, ServiceMapping, UsageCount, VendorAccount, VendorService


@pytest.fixture
def desk(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Desk:
    return Desk(org, sign_in(alice))


# ---- What acts do ------------------------------------------------------------------------------------


def test_mapping_an_account_changes_the_dashboard_at_once_and_undo_takes_it_back(desk: Desk) -> None:
    assert desk.lines() == [BILLED]
    reply = desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    assert reply.status_code == 200
    assert desk.lines() == [COMPARED]
    assert desk.rebuilt() == 0
    assert "Mapped  harbor  DENTAL.  to Harbor Dental" in unescape(reply.text)
    assert f'"row": ["{desk.loose.pk}|{desk.harbor.pk}|"]' in unescape(reply.text)
    desk.act("set", f"{desk.loose.pk}|{desk.harbor.pk}|")
    assert desk.lines() == [BILLED]
    subject = f"vendor_account:{desk.loose.pk}"
    assert desk.trail() == [("mapped", subject), ("unmapped", subject)]


def test_mapping_to_another_account_moves_the_usage(desk: Desk) -> None:
    desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    desk.act("map", f"{desk.loose.pk}|{desk.harbor.pk}", target=desk.quarry.pk)
    assert desk.lines() == [BILLED, ("Quarry Lane Builders", "new", None, Decimal(12))]
    assert desk.rebuilt() == 0


def test_several_vendor_accounts_may_be_one_account(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        second = desk.books.vendor_account(None, "Harbor Dental, second site")
        desk.books.usage(second, desk.agents, "3")
    desk.act("map", f"{desk.loose.pk}|", f"{second.pk}|", target=desk.harbor.pk)
    assert desk.lines() == [("Harbor Dental", "adjust", Decimal(10), Decimal(15))]


def test_excluded_usage_stays_off_the_dashboard_until_it_is_brought_back(desk: Desk) -> None:
    desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    desk.act("exclude", f"{desk.loose.pk}|{desk.harbor.pk}")
    assert desk.lines() == [BILLED]
    page = desk.get()
    assert "≈ $54.00 a month, on no dashboard" in page
    assert "Accept 1" not in page
    desk.act("include", f"{desk.loose.pk}|x{desk.harbor.pk}")
    assert desk.lines() == [COMPARED]
    assert [verb for verb, _ in desk.trail()] == ["mapped", "excluded", "brought back"]


def test_mapping_a_service_changes_every_account_that_it_touches(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        desk.books.vendor_account(desk.quarry, "Quarry Ln")
        gigabytes = desk.books.service("Backup storage", "0.10")
        elsewhere = desk.books.account("Upland Dairy")
        desk.books.line(desk.books.agreement(elsewhere), gigabytes, "100")
        AccountMapping.objects.create(org=desk.org, vendor_account=desk.loose, account=desk.harbor)
        desk.books.refresh()
    desk.act("map", f"{desk.storage.pk}|", side="services", target=gigabytes.pk)
    assert desk.rebuilt() == 0
    assert ("Harbor Dental", "new", None, Decimal("250.5")) in desk.lines()
    with org_scope(desk.org.pk):
        assert Card.objects.get(account=elsewhere).reason == "no_vendor_account"
    desk.act("exclude", f"{desk.storage.pk}|{gigabytes.pk}", side="services")
    desk.act("unmap", f"{desk.agents.pk}|{desk.backup.pk}", side="services")
    assert desk.rebuilt() == 0
    with org_scope(desk.org.pk):
        assert Card.objects.get(account=elsewhere).reason == "no_vendor_service"
        assert not ServiceMapping.objects.filter(vendor_service=desk.agents).exists()


def test_a_services_part_number_suggests_it(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        Service.objects.filter(pk=desk.backup.pk).update(part_number="CloudTotalUsage")
        VendorService.objects.filter(pk=desk.storage.pk).update(external_id="cloudtotalusage")
    assert "Same part number: cloudtotalusage" in desk.get("mapping_services")


def test_accepting_in_bulk_shows_lines_and_money_first_and_changes_nothing_yet(desk: Desk) -> None:
    page = unescape(desk.preview("accept").text)
    assert "Accept 1 suggestion" in page
    assert "On the dashboard: 1 line changes, +$9.00 a month" in page
    assert "Adjust, to do" in page
    assert "→ 12" in page
    assert (desk.lines(), desk.mapped(), desk.trail()) == ([BILLED], {}, [])
    row = f"{desk.loose.pk}||{desk.harbor.pk}"
    assert f'value="{row}"' in page
    assert desk.act("set", row).status_code == 200
    assert desk.lines() == [COMPARED]


def test_a_preview_says_held_once(desk: Desk) -> None:
    """What kind of line it is and where it stands is the same word: it is printed once."""
    with org_scope(desk.org.pk):
        UsageCount.objects.filter(vendor_account=desk.loose).update(quantity=900)
    page = unescape(desk.preview("accept").text)
    assert "1 held" in page
    assert '<td class="clip">Held</td>' in page
    assert "held, held" not in page.lower()


def test_a_preview_of_leaving_out_says_which_line_goes_back(desk: Desk) -> None:
    desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    page = unescape(desk.preview("exclude", f"{desk.loose.pk}|{desk.harbor.pk}").text)
    assert "Exclude 1 vendor account" in page
    assert "1 line changes, −$9.00 a month" in page
    assert "PSA only, nothing to do" in page
    assert desk.lines() == [COMPARED]
    again = unescape(desk.preview("include", f"{desk.loose.pk}|{desk.harbor.pk}").text)
    assert "Nothing to change" in again
    assert "1 left out: nothing to change" in again


def test_several_rows_change_together_and_are_undone_together(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        second = desk.books.vendor_account(None, "Second")
    reply = unescape(desk.act("exclude", f"{desk.loose.pk}|", f"{second.pk}|").text)
    assert "Excluded 2 vendor accounts" in reply
    assert 'id="list" hx-swap-oob="true"' in reply
    desk.act("set", f"{desk.loose.pk}|x|", f"{second.pk}|x|")
    with org_scope(desk.org.pk):
        assert VendorAccount.objects.filter(excluded_at=None).count() == 2


# ---- What is refused ---------------------------------------------------------------------------------


def test_a_stale_tab_changes_nothing_and_says_what_it_is_now(desk: Desk) -> None:
    desk.act("map", f"{desk.loose.pk}|", target=desk.quarry.pk)
    with org_scope(desk.org.pk):
        second = desk.books.vendor_account(None, "Second")
    before = desk.lines(), desk.mapped(), desk.trail()
    reply = desk.act("set", f"{second.pk}||{desk.harbor.pk}", f"{desk.loose.pk}||{desk.harbor.pk}")
    assert reply.status_code == 409
    assert "Somebody else changed “ harbor  DENTAL. ” since you loaded this page" in reply.text
    assert "it is mapped to Quarry Lane Builders now" in reply.text
    assert (desk.lines(), desk.mapped(), desk.trail()) == before


def test_doing_it_twice_does_it_once(desk: Desk) -> None:
    desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    reply = desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    assert "It was like this already" in reply.text
    assert len(desk.trail()) == 1


def test_an_account_that_left_the_psa_is_no_target(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        Account.objects.filter(pk=desk.harbor.pk).update(vanished_at=timezone.now())
    reply = desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk)
    assert (reply.status_code, desk.mapped()) == (409, {})
    assert "“Harbor Dental” is no longer in your PSA. Nothing was changed." in reply.text


@pytest.mark.parametrize("row", ["", "x", "1", "1|y", "1|2|3|4", "-1|", "99999999999999999999|", "1|²"])
def test_a_row_that_makes_no_sense_is_refused_in_plain_words(desk: Desk, row: str) -> None:
    reply = desk.act("map", row, target=desk.harbor.pk)
    assert reply.status_code == 409
    assert "could not be read. Nothing was changed." in reply.text


@pytest.mark.parametrize(("act", "target"), [("map", "x"), ("map", ""), ("set", ""), ("drop", "1")])
def test_an_act_that_makes_no_sense_is_refused(desk: Desk, act: str, target: str) -> None:
    assert desk.act(act, f"{desk.loose.pk}|", target=target).status_code == 409
    assert desk.preview(act, f"{desk.loose.pk}|", target=target).status_code == 409


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.APPROVER])
def test_lower_roles_read_and_cannot_change(
    desk: Desk, join: Callable[[str, Role], User], sign_in: Callable[[User], Client], role: Role
) -> None:
    desk.client = sign_in(join("Bob", role))
    for page in (desk.get(), desk.get("mapping_services")):
        assert "An admin maps." in page
        assert "mapping_set" not in page
        assert "/config/set/" not in page
        assert "data-select" not in page
    assert desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk).status_code == 403
    assert desk.preview("accept").status_code == 403
    assert "needs admin" in desk.search(side="accounts", row=f"{desk.loose.pk}|")
    assert desk.mapped() == {}


@pytest.fixture
def theirs(other_org: Organization) -> Iterator[tuple[VendorAccount, Account]]:
    with org_scope(other_org.pk):
        books = Books(other_org)
        pair = books.vendor_account(None, "Zzyzx Mining"), books.account("Zzyzx Mining")
    yield pair
    with org_scope(other_org.pk):
        assert not AccountMapping.objects.exists()
        assert not VendorAccount.objects.exclude(excluded_at=None).exists()


def test_another_organizations_rows_and_targets_do_not_exist_here(
    desk: Desk, theirs: tuple[VendorAccount, Account]
) -> None:
    row, target = theirs
    assert desk.act("map", f"{desk.loose.pk}|", target=target.pk).status_code == 404
    assert desk.act("map", f"{row.pk}|", target=desk.harbor.pk).status_code == 404
    assert desk.act("exclude", f"{desk.loose.pk}|", f"{row.pk}|").status_code == 404
    assert desk.act("map", f"{desk.loose.pk}|", side="others", target=desk.harbor.pk).status_code == 404
    for act in ("exclude", "accept"):
        assert "Zzyzx" not in desk.preview(act, f"{row.pk}|").text
    assert "Zzyzx" not in desk.get() + desk.search(side="accounts", row=f"{row.pk}|")
    assert "Zzyzx" not in desk.search(side="accounts", row=f"{desk.loose.pk}|")
    assert (desk.mapped(), desk.trail(), desk.lines()) == ({}, [], [BILLED])
