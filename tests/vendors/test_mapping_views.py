"""Advanced config through its addresses: what the lists say, who may act, and what an act does at once."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import Card
from psa.models import Account, Service
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import AccountMapping, ServiceMapping, VendorAccount, VendorService

HTMX = {"HX-Request": "true"}
Line = tuple[str, str, Decimal | None, Decimal | None]


class Desk:
    """One organization with a little of everything, and what a person does at its Advanced config.

    `loose` uses 12 agents at 4.50 and 250.5 GB of a service that nobody has mapped; Harbor Dental is billed for 10.
    """

    def __init__(self, org: Organization, client: Client) -> None:
        self.org, self.client = org, client
        with org_scope(org.pk):
            self.books = books = Books(org, now=timezone.now())
            self.harbor, self.quarry = books.account("Harbor Dental"), books.account("Quarry Lane Builders")
            self.backup = books.service("Workstation backup", "4.50")
            self.agents = books.vendor_service(self.backup, "Workstation agents")
            self.storage = books.vendor_service(None, "Cloud storage", unit="GB")
            self.loose = books.vendor_account(None, " harbor  DENTAL. ")
            books.usage(self.loose, self.agents, "12")
            books.usage(self.loose, self.storage, "250.5")
            books.line(books.agreement(self.harbor), self.backup, "10")
            books.refresh()

    def get(self, name: str = "mapping_accounts", **query: str) -> str:
        return unescape(self.client.get(reverse(name, args=[self.org.slug]), query).text)

    def post(self, name: str, act: str, rows: tuple[str, ...], side: str = "accounts", **more: Any) -> Any:
        form = {"side": side, "act": act, "row": list(rows)} | more
        return self.client.post(reverse(name, args=[self.org.slug]), form, headers=HTMX)

    def act(self, act: str, *rows: str, **more: Any) -> Any:
        return self.post("mapping_set", act, rows, **more)

    def preview(self, act: str, *rows: str, **more: Any) -> Any:
        return self.post("mapping_preview", act, rows, **more)

    def search(self, **query: Any) -> str:
        return unescape(
            self.client.get(reverse("mapping_search", args=[self.org.slug]), query, headers=HTMX).text
        )

    def lines(self) -> list[Line]:
        with org_scope(self.org.pk):
            found = Card.objects.select_related("account").order_by(
                "account__name", "line_id", "service__name"
            )
            return [(str(c.account), c.kind, c.psa_units, c.vendor_units) for c in found]

    def mapped(self) -> dict[int, int]:
        with org_scope(self.org.pk):
            return dict(AccountMapping.objects.values_list("vendor_account_id", "account_id"))

    def trail(self) -> list[tuple[str, str]]:
        with org_scope(self.org.pk):
            assert audit.verify(self.org.pk) is None
            return list(AuditEntry.objects.filter(seq__gt=1).order_by("seq").values_list("verb", "subject"))

    def rebuilt(self) -> int:
        """Rebuild every card from nothing kept; give how many were not as they should have been."""
        with org_scope(self.org.pk):
            return self.books.refresh()


@pytest.fixture
def desk(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Desk:
    return Desk(org, sign_in(alice))


BILLED = ("Harbor Dental", "psa_only", Decimal(10), None)
COMPARED = ("Harbor Dental", "adjust", Decimal(10), Decimal(12))


# ---- What the lists say ----------------------------------------------------------------------------


def test_the_list_says_usage_price_and_suggestion(desk: Desk) -> None:
    page = desk.get()
    assert "12 Workstation agents + 1 more" in page
    assert "≈ +54.00" in page
    assert "1 of 2 counts has no price and is left out" in page
    assert 'Harbor Dental<span class="muted">?' in page
    assert "Same name, written differently" in page
    assert "Accept 1, ≈ +$54.00/month…" in page
    assert desk.mapped() == {}


def test_a_dash_stands_with_its_reason(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        free = desk.books.vendor_account(None, "Only storage")
        desk.books.usage(free, desk.storage, "1024.123456")
        new = desk.books.integration("Never read", counted_at=None)
        desk.books.vendor_account(None, "Nobody counted", integration=new)
        silent = desk.books.vendor_account(None, "Went silent", gap_reason="Lost connection")
        desk.books.usage(silent, desk.agents, "3")
        desk.books.vendor_account(None, "Uses nothing")
    assert "— <small>no service</small>" in desk.get(q="only storage")
    assert "1,024.12 GB Cloud storage" in desk.get(q="only storage")
    assert "— <small>no count yet</small>" in desk.get(q="nobody")
    assert "— <small>no count</small>" in desk.get(q="nobody")
    assert "Lost connection. This is the last count." in desk.get(q="silent")
    assert "0 in use" in desk.get(q="uses nothing")
    assert '<span class="muted">0.00</span>' in desk.get(q="uses nothing")


def test_services_say_what_is_used_in_how_many_accounts(desk: Desk) -> None:
    page = desk.get("mapping_services")
    assert "12 in 1 account" in page
    assert "250.5 GB in 1 account" in page
    assert "1 unmapped" in page


def test_search_status_source_and_page_narrow_the_list(desk: Desk, settings: Any) -> None:
    settings.PAGE_LINES = 2
    with org_scope(desk.org.pk):
        other = desk.books.integration("Second console")
        for number in range(3):
            desk.books.vendor_account(None, f"Lot {number} 100%", integration=other)
        desk.books.vendor_account(desk.quarry, "Quarry Ln")
    assert desk.get(q="lane").count('<tr id="map-') == 1, "the PSA account's name is searched too"
    assert desk.get(q="0%").count('<tr id="map-') == 2
    assert "Page 1 of 2" in desk.get(q="0%")
    assert desk.get(q="0%", page="2").count('<tr id="map-') == 1
    assert desk.get(status="mapped").count('<tr id="map-') == 1
    assert desk.get(source=str(other.pk), page="9").count('<tr id="map-') == 1
    assert "No account matches" in desk.get(q="nothing like it")
    assert "Nothing is excluded" in desk.get(status="excluded")
    assert desk.get(source="x", sort="; drop", page="-1", status="?", q="\x00").count('<tr id="map-') == 2


def test_an_organization_without_sources_is_told_what_to_do(
    org: Organization, alice: User, sign_in: Any
) -> None:
    page = sign_in(alice).get(reverse("mapping_services", args=[org.slug])).text
    assert "No source is connected" in page


def test_resellers_and_the_provider_are_shown_as_such_and_never_accepted_in_bulk(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        desk.books.vendor_account(None, "Quarry Lane Builders", kind="reseller")
        desk.books.vendor_account(None, "Northgate IT", kind="provider")
    page = desk.get()
    assert '<span class="badge">Reseller</span>' in page
    assert '<span class="badge">Provider</span>' in page
    assert "Same name; a reseller, whose companies have rows of their own" in page
    assert "Accept 1, " in page


def test_the_navigation_counts_what_is_unmapped_and_in_use(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        desk.books.vendor_account(None, "Uses nothing")
    assert '<span class="count" id="count-mapping">2</span>' in desk.get()
    reply = desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk).text
    assert '<span class="count" id="count-mapping" hx-swap-oob="true">1</span>' in reply
    desk.act("exclude", f"{desk.storage.pk}|", side="services")
    assert '<span class="count" id="count-mapping"></span>' in desk.get()


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


# ---- Looking for a target ----------------------------------------------------------------------------


def test_the_search_offers_suggestions_first_and_then_what_fits(desk: Desk) -> None:
    first = desk.search(side="accounts", row=f"{desk.loose.pk}|")
    assert first.index("Suggested") < first.index("Quarry Lane Builders")
    typed = desk.search(side="accounts", row=f"{desk.loose.pk}|", find="lane QUARRY")
    assert "Quarry Lane Builders" in typed
    assert "Harbor Dental</span>" not in typed
    assert "has “%_” in its name" in desk.search(side="accounts", row=f"{desk.loose.pk}|", find="%_")
    assert "Nothing is selected" in desk.search()


def test_the_search_for_a_service_knows_part_numbers(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        desk.books.service("Storage block", part_number="VEEAM-100G")
    assert "Storage block" in desk.search(side="services", row=f"{desk.storage.pk}|", find="veeam-100")


# ---- How much it asks of the database ------------------------------------------------------------------


@pytest.mark.parametrize(("name", "most"), [("mapping_accounts", 23), ("mapping_services", 23)])
def test_the_number_of_queries_is_fixed(desk: Desk, name: str, most: int) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            desk.get(name)
        return len(asked)

    few = queries()
    with org_scope(desk.org.pk):
        for number in range(40):
            account = desk.books.account(f"Client {number}")
            row = desk.books.vendor_account(account if number % 2 else None, f"Client {number}")
            desk.books.usage(row, desk.agents, str(number))
            desk.books.vendor_service(None, f"Counter {number}")
    assert queries() == few
    assert few <= most
