"""Advanced config in a real browser: keys, places that stay, undo, and the dialog before many change."""

from dataclasses import dataclass

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from accounts.models import Organization, User
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books
from vendors.models import AccountMapping, VendorAccount

pytestmark = pytest.mark.browser


@dataclass
class Town:
    """A signed-up organization with vendor accounts of every status."""

    org: Organization
    user: User

    def build(self) -> None:
        with org_scope(self.org.pk):
            books = Books(self.org, now=timezone.now())
            agents = books.vendor_service(books.service("Workstation backup", "4.50"), "workstation agents")
            storage = books.vendor_service(None, "cloud storage", unit="GB")
            names = ("Pemberton Insurance", "Quarry Lane Builders", "Kestrel Veterinary", "Upland Dairy")
            for number, name in enumerate(names):
                account = books.account(name, identifier=f"C{number}")
                books.line(books.agreement(account), agents.mappings.get().service, "10")
                row = books.vendor_account(None, name.upper())
                books.usage(row, agents, str(20 - number))
                books.usage(row, storage, "250.5")
            twins = [
                books.account("Stonecroft Winery", identifier="S1"),
                books.account("Stonecroft", identifier="S2"),
            ]
            row = books.vendor_account(None, "Stonecroft", crm_ref=twins[0].remote_id)
            books.usage(row, agents, "18")
            books.usage(books.vendor_account(None, "test tenant 3"), storage, "2")
            books.vendor_account(None, "Northgate Reselling", kind="reseller")
            books.usage(books.vendor_account(twins[0], "Stonecroft Winery Ltd"), agents, "60")
            books.usage(
                books.vendor_account(None, "Northgate IT (internal)", kind="provider", excluded_at=books.now),
                agents, "31",
            )  # fmt: skip
            books.refresh()

    def mapped(self) -> list[str]:
        with org_scope(self.org.pk):
            return list(AccountMapping.objects.order_by("pk").values_list("vendor_account__name", flat=True))

    def excluded(self) -> list[str]:
        with org_scope(self.org.pk):
            return list(VendorAccount.objects.exclude(excluded_at=None).values_list("name", flat=True))


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch, committed_db: None) -> Town:
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    town = Town(Organization.found(name="Northgate IT", owner=user), user)
    town.build()
    return town


def visit(page: Page, site: str, town: Town) -> Page:
    """Open Advanced config, signed in."""
    client = Client()
    client.force_login(town.user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
    page.goto(f"{site}/o/{town.org.slug}/config/accounts/")
    return page


def row(page: Page, name: str) -> Locator:
    return page.locator("tr[data-row]", has=page.get_by_title(name, exact=True)).first


def go_to(page: Page, name: str) -> None:
    """Walk down with J until the row is the current one."""
    for _ in range(20):
        page.keyboard.press("j")
        if row(page, name).get_attribute("aria-current"):
            return
    raise AssertionError(f"{name} was not reached")


@pytest.fixture
def mapping(page: Page, site: str, town: Town) -> Page:
    return visit(page, site, town)


def test_enter_accepts_the_row_stays_in_its_place_and_u_takes_it_back(mapping: Page, town: Town) -> None:
    go_to(mapping, "PEMBERTON INSURANCE")
    place = row(mapping, "PEMBERTON INSURANCE").bounding_box()
    mapping.keyboard.press("Enter")
    expect(row(mapping, "PEMBERTON INSURANCE").get_by_text("Mapped")).to_be_visible()
    assert town.mapped()[1:] == ["PEMBERTON INSURANCE"]
    expect(row(mapping, "PEMBERTON INSURANCE")).to_have_attribute("aria-current", "true")
    assert row(mapping, "PEMBERTON INSURANCE").bounding_box() == place
    expect(mapping.locator("#head-unmapped")).to_contain_text("6 accounts")
    expect(mapping.locator("#mapping-statuses")).to_contain_text("Unmapped 6")
    expect(mapping.locator("#toasts .toast")).to_contain_text(
        "Mapped PEMBERTON INSURANCE to Pemberton Insurance"
    )
    mapping.keyboard.press("u")
    expect(row(mapping, "PEMBERTON INSURANCE").get_by_role("button", name="Accept")).to_be_visible()
    expect(mapping.locator("#mapping-statuses")).to_contain_text("Unmapped 7")
    assert len(town.mapped()) == 1


def test_a_number_accepts_that_suggestion_and_its_ranking_goes_and_comes_with_undo(
    mapping: Page, town: Town
) -> None:
    go_to(mapping, "Stonecroft")
    expect(mapping.locator(".ranked li")).to_have_count(2)
    mapping.keyboard.press("2")
    expect(row(mapping, "Stonecroft").get_by_text("Mapped")).to_be_visible()
    expect(mapping.locator(".ranked")).to_have_count(0)
    assert town.mapped()[-1] == "Stonecroft"
    mapping.keyboard.press("u")
    expect(mapping.locator(".ranked li")).to_have_count(2)
    assert "Stonecroft" not in town.mapped()


def test_n_excludes_and_the_next_row_is_one_key_away(mapping: Page, town: Town) -> None:
    go_to(mapping, "test tenant 3")
    mapping.keyboard.press("n")
    expect(row(mapping, "test tenant 3").get_by_role("button", name="Bring back")).to_be_visible()
    assert "test tenant 3" in town.excluded()
    mapping.keyboard.press("k")
    expect(row(mapping, "test tenant 3")).not_to_have_attribute("aria-current", "true")


def test_s_searches_and_maps_to_what_is_chosen(mapping: Page, town: Town) -> None:
    go_to(mapping, "test tenant 3")
    mapping.keyboard.press("s")
    expect(mapping.locator("#find-q")).to_be_focused()
    mapping.keyboard.type("upland")
    expect(mapping.locator("#choices .item")).to_have_count(1)
    mapping.locator("#choices .item").click()
    expect(mapping.locator("#find")).to_have_count(0)
    expect(row(mapping, "test tenant 3").get_by_title("Upland Dairy")).to_be_visible()
    assert town.mapped()[-1] == "test tenant 3"


def test_accepting_all_shows_the_lines_and_unticking_one_counts_again(mapping: Page, town: Town) -> None:
    mapping.get_by_role("button", name="Accept 4").click()
    dialog = mapping.locator("#many")
    expect(dialog.locator("#many-effect h3")).to_have_text(
        "On the dashboard: 4 lines change, +$153.00 a month"
    )
    dialog.get_by_label("Include PEMBERTON INSURANCE").uncheck()
    expect(dialog.locator("#many-effect h3")).to_contain_text("3 lines change")
    dialog.get_by_role("button", name="Accept 3 suggestions").click()
    expect(dialog).to_have_count(0)
    expect(mapping.locator("#group-mapped tr[data-row]")).to_have_count(4)
    expect(mapping.locator("#toasts .toast")).to_contain_text("Mapped 3 vendor accounts")
    mapping.keyboard.press("u")
    expect(mapping.locator("#group-mapped tr[data-row]")).to_have_count(1)
    assert len(town.mapped()) == 1


def test_the_bar_excludes_what_is_selected_after_a_preview(mapping: Page, town: Town) -> None:
    for name in ("test tenant 3", "Northgate Reselling"):
        row(mapping, name).locator("[data-select]").check()
    expect(mapping.locator(".bulkbar b")).to_have_text("2 selected")
    mapping.locator(".bulkbar").get_by_role("button", name="Exclude…").click()
    mapping.get_by_role("button", name="Exclude 2 vendor accounts").click()
    expect(mapping.locator("#group-excluded tr[data-row]")).to_have_count(3)
    expect(mapping.locator(".bulkbar")).to_be_hidden()
    assert len(town.excluded()) == 3


def test_several_are_mapped_to_one_after_a_preview(mapping: Page, town: Town) -> None:
    for name in ("test tenant 3", "Northgate Reselling"):
        row(mapping, name).locator("[data-select]").check()
    mapping.locator(".bulkbar").get_by_role("button", name="Map to one…").click()
    mapping.locator("#find-q").fill("kestrel")
    expect(mapping.locator("#choices .item")).to_have_count(1)
    mapping.locator("#choices .item").click()
    mapping.get_by_role("button", name="Map 2 vendor accounts").click()
    expect(mapping.locator("#group-mapped tr[data-row]")).to_have_count(3)
    assert set(town.mapped()[1:]) == {"test tenant 3", "Northgate Reselling"}


def test_a_stale_tab_gets_a_sentence_and_changes_nothing(browser: Browser, site: str, town: Town) -> None:
    # A page of its own: the browser notes every refusal in its console.
    mapping = visit(browser.new_page(), site, town)
    with org_scope(town.org.pk):
        VendorAccount.objects.filter(name="QUARRY LANE BUILDERS").update(excluded_at=timezone.now())
    row(mapping, "QUARRY LANE BUILDERS").get_by_role("button", name="Accept").click()
    expect(mapping.locator("#toasts .toast")).to_contain_text("Somebody else changed")
    mapping.context.close()
    assert len(town.mapped()) == 1


def test_the_search_field_narrows_the_list_while_typing(mapping: Page) -> None:
    mapping.keyboard.press("/")
    mapping.keyboard.type("kestrel")
    expect(mapping.locator("tr[data-row]")).to_have_count(1)
    expect(mapping.locator("#q")).to_be_focused()
    mapping.locator("#q").fill("nothing like it")
    expect(mapping.get_by_role("heading", name="No account matches")).to_be_visible()
