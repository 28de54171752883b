"""D5 in a real browser: an account is split, and a mapping is dated, by keys alone; both are taken back with U."""

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organization, User
from reconcile.period import next_month
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.screens.test_accessibility import serious, sign_in
from tests.vendors.mapping_desk import COMPARED
from tests.vendors.test_shape_screens import Screen
from vendors.models import MappingSpan

pytestmark = pytest.mark.browser


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, committed_db: None) -> Screen:
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    client = Client()
    client.force_login(user)
    return Screen(Organization.found(name="Northgate IT", owner=user), client)


def test_an_account_is_split_and_taken_back_by_keys_alone(screen: Screen, site: str, page: Page) -> None:
    sign_in(page, site)
    page.goto(site + screen.url("mapping_accounts"))
    page.get_by_role("button", name="More for harbor DENTAL.").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Split over accounts…").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/split/")
    page.get_by_label("Part 1: what to look at").focus()
    page.keyboard.type("Domain")
    page.keyboard.press("Tab")
    page.keyboard.type("quarry.*")
    expect(page.locator("#shape-shares")).to_contain_text("2 Workstation agents")
    page.get_by_label("Search for the account").focus()
    page.keyboard.type("quarry")
    expect(page.locator("#found-0 .item")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    other = page.get_by_role("button", name="Choose another account than Quarry Lane Builders")
    expect(other).to_be_focused()
    assert serious(page) == []
    page.locator("#begins").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.locator("#try").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Split it like this?")).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("Tab")
    expect(page.locator("#save")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts .toast")).to_contain_text("over 2 accounts")
    expect(page.locator("tr[data-row]").first).to_contain_text("Split over 2 accounts")
    assert len(screen.lines()) == 2
    page.keyboard.press("u")
    expect(page.locator("tr[data-row]").first).not_to_contain_text("Split over 2 accounts")
    assert screen.lines() == [COMPARED]


def test_a_mapping_is_planned_for_next_month_and_taken_back_by_keys_alone(
    screen: Screen, site: str, page: Page
) -> None:
    month = next_month(timezone.now().date().replace(day=1))
    sign_in(page, site)
    page.goto(site + screen.url("mapping_accounts"))
    page.keyboard.press("j")
    page.keyboard.press("s")
    page.get_by_label("From which month").focus()
    page.keyboard.press("ArrowDown")
    page.get_by_label("Search PSA accounts").focus()
    page.keyboard.type("quarry")
    expect(page.locator("#choices .item")).to_have_count(1)
    page.locator("#choices .item").focus()
    page.keyboard.press("Enter")
    go = page.get_by_role("button", name=f"Map it from {month:%B}")
    expect(go).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("Enter")
    row = page.locator("tr[data-row]").first
    expect(row).to_contain_text(f"From {month:%B}: Quarry Lane Builders")
    expect(page.locator("#dated")).to_have_count(0)
    with org_scope(screen.org.pk):
        assert MappingSpan.objects.get().from_month == month
    page.keyboard.press("u")
    expect(row).not_to_contain_text("Quarry Lane Builders")
    assert screen.lines() == [COMPARED]
