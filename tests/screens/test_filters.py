"""E5, E6, D8 in a real browser: filters by keyboard, menus that search, saved views, notes and tags."""

import re
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organization, User
from dashboard.models import Note
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books

pytestmark = pytest.mark.browser
NAMES = [f"Maple {n:02} Dental" for n in range(15)]


@dataclass
class Shop:
    """A signed-in page at the lines of an organization: fifteen that differ, and one that no source counts."""

    org: Organization
    page: Page
    home: str

    def names(self) -> list[str]:
        return self.page.locator("#list [data-row] [data-key=open]").all_inner_texts()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, committed_db: None, site: str, page: Page) -> Shop:
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("olga@northgate.example", PASSWORD, name="Olga")
    org = Organization.found(name="Northgate IT", owner=user)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        service = books.service("Workstation backup", "4.50")
        agents = books.vendor_service(service)
        for number, name in enumerate(NAMES):
            account = books.account(name)
            books.usage(books.vendor_account(account, name), agents, str(11 + number))
            books.line(books.agreement(account), service, "10", unit_price=service.price)
        books.line(books.agreement(books.account("Pine Street")), books.service("Hosted telephone"), "3")
        books.refresh()
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
    return Shop(org, page, f"{site}/o/{org.slug}/")


def lines(number: int) -> re.Pattern[str]:
    return re.compile(rf"^{number} lines?\b")


def test_e6_an_account_is_found_and_taken_off_by_keyboard_alone(shop: Shop) -> None:
    page = shop.page
    page.goto(shop.home)
    page.locator("#chip-account").focus()
    page.keyboard.press("Enter")
    find = page.locator("#menu-account [name=find]")
    expect(find).to_be_focused()
    page.keyboard.type("maple 07")
    expect(page.locator("#values-account a")).to_have_text(["Maple 07 Dental"])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#chip-account")).to_have_text("Account: Maple 07 Dental")
    assert shop.names() == ["Maple 07 Dental"]
    assert "account=" in page.url
    # The focus is back where the menu was opened, so the next key goes on from there.
    expect(page.locator("#chip-account")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#lines-count")).to_have_text(lines(15))
    page.go_back()
    expect(page.locator("#lines-count")).to_have_text(lines(1))


def test_e6_the_size_of_a_difference_narrows_within_a_search(shop: Shop) -> None:
    page = shop.page
    page.goto(shop.home)
    page.keyboard.press("/")
    page.keyboard.type("maple 1")
    expect(page.locator("#lines-count")).to_have_text(lines(6))
    assert "q=maple%201" in page.url
    page.locator("#chip-difference").click()
    page.locator("#menu-difference [name=units]").fill("14")
    page.keyboard.press("Enter")
    expect(page.locator("#lines-count")).to_have_text(lines(2))
    assert shop.names() == ["Maple 14 Dental", "Maple 13 Dental"]
    expect(page.locator("#q")).to_have_value("maple 1")


def test_e5_lines_without_a_source_come_and_go_and_what_is_hidden_opens(shop: Shop) -> None:
    page = shop.page
    page.goto(shop.home + "?tab=all")
    page.get_by_role("button", name="1 hidden").click()
    row = page.locator("#hidden tbody tr")
    expect(row).to_contain_text("Service has no source")
    page.keyboard.press("Escape")
    expect(page.locator("#hidden")).to_be_hidden()
    page.locator("#chip-contracts").click()
    expect(page.locator("#lines-count")).to_have_text(lines(16))
    page.get_by_label("Show only mapped and integrated contracts").click()
    expect(page.locator("#lines-count")).to_have_text(lines(15))


def test_e6_a_view_is_saved_and_opens_the_next_visit(shop: Shop) -> None:
    page = shop.page
    page.goto(shop.home + "?group=account&units=15")
    page.locator("#chip-views").click()
    page.get_by_text("Save this view").click()
    page.locator("#view-name").fill("Big ones")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved as “Big ones”.")).to_be_visible()
    page.locator("#chip-views").click()
    page.get_by_text("Rename, delete").click()
    page.get_by_role("button", name="Open with this").click()
    expect(page.get_by_role("button", name="Opens first")).to_be_visible()
    page.goto(shop.home)
    assert shop.names() == ["Workstation backup"]
    assert page.url.endswith("?group=account&units=15")


def test_d8_a_tag_and_a_note_show_on_the_row_at_once_and_a_draft_stays(shop: Shop) -> None:
    page = shop.page
    page.goto(shop.home)
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.locator("#notes textarea").fill("Ask for the names first")
    page.locator("#tags").get_by_label("Add a tag").fill("VIP")
    page.keyboard.press("Enter")
    row = page.locator("#list [data-row][aria-current]")
    expect(row.locator(".tag")).to_have_text("VIP")
    # The panel was drawn again under the draft.
    expect(page.locator("#notes textarea")).to_have_value("Ask for the names first")
    page.get_by_role("button", name="Add note").click()
    expect(row.get_by_label("Has a note")).to_be_visible()
    expect(page.locator("#notes textarea")).to_have_value("")
    page.get_by_label("Take the tag VIP off the account").click()
    expect(row.locator(".tag")).to_have_count(0)
    with org_scope(shop.org.pk):
        assert Note.objects.get().text == "Ask for the names first"
