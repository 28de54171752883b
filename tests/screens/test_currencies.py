"""G1 in a real browser: what is selected is added up across currencies as it is ticked, at the rates of the page."""

from decimal import Decimal

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.exchange import MANUAL, Rate
from accounts.models import Organization, User
from accounts.rates import enter
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books

pytestmark = pytest.mark.browser
LINES = [("Dollar Dental", "USD", "12"), ("Euro Dental", "EUR", "13"), ("Pound Dental", "GBP", "8")]


@pytest.fixture
def olga() -> User:
    return User.objects.create_user("olga@northgate.example", PASSWORD, name="Olga")


@pytest.fixture
def shop(
    monkeypatch: pytest.MonkeyPatch, committed_db: None, site: str, page: Page, request: pytest.FixtureRequest
) -> Organization:
    """Open the lines of an organization: USD +2, EUR +3 and GBP −2, each × 4.50."""
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    olga = request.getfixturevalue("olga")
    org = Organization.found(name="Northgate IT", owner=olga)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        service = books.service()
        agents = books.vendor_service(service)
        for name, currency, counted in LINES:
            account = books.account(name)
            books.usage(books.vendor_account(account, name), agents, counted)
            books.line(books.agreement(account, currency=currency), service, "10")
        books.refresh()
    client = Client()
    client.force_login(olga)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
    return org


def keep_rates(org: Organization, **rates: str) -> None:
    with org_scope(org.pk):
        for currency, value in rates.items():
            rate = Rate("EUR", currency, Decimal(value), timezone.now().date(), MANUAL)
            enter(org.pk, rate, by=User.objects.get())


def tick(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_label(f"Select {name}, Workstation backup").click()


def test_a_selection_across_currencies_is_one_sum_at_the_rates(
    shop: Organization, site: str, page: Page
) -> None:
    keep_rates(shop, USD="1.2", GBP="0.8")
    page.goto(f"{site}/o/{shop.slug}/")
    amount = page.locator("[data-total=amount-fit]")
    tick(page, "Dollar Dental")
    expect(amount).to_have_text("+$9.00")
    # EUR 13.50 × 1.2 = 16.20; GBP −9.00 ÷ 0.8 × 1.2 = −13.50.
    tick(page, "Euro Dental")
    expect(amount).to_have_text("≈ +$25.20")
    tick(page, "Pound Dental")
    expect(amount).to_have_text("≈ +$11.70")
    tick(page, "Dollar Dental")
    expect(amount).to_have_text("≈ +$2.70")
    # The preview of the server says the same.
    page.locator("[data-key=approve-all]").click()
    expect(page.locator("dialog[open]")).to_contain_text("≈ +$2.70")


def test_without_a_rate_a_selection_is_never_one_sum(shop: Organization, site: str, page: Page) -> None:
    keep_rates(shop, USD="1.2")
    page.goto(f"{site}/o/{shop.slug}/")
    amount = page.locator("[data-total=amount-fit]")
    tick(page, "Dollar Dental", "Euro Dental")
    expect(amount).to_have_text("≈ +$25.20")
    tick(page, "Pound Dental")
    expect(amount).to_contain_text("+$9.00")
    expect(amount).to_contain_text("+€13.50")
    expect(amount).to_contain_text("−£9.00")
    expect(amount).not_to_contain_text("≈")


def test_the_rates_open_by_keyboard_and_give_the_focus_back(
    shop: Organization, site: str, page: Page
) -> None:
    keep_rates(shop, USD="1.2", GBP="0.8")
    page.goto(f"{site}/o/{shop.slug}/")
    button = page.get_by_role("button", name="at these rates").first
    button.focus()
    page.keyboard.press("Enter")
    rates = page.locator("#rates-used")
    expect(rates).to_be_visible()
    expect(rates).to_contain_text("EUR: 1 EUR = 1.2 USD, entered by hand")
    page.keyboard.press("Escape")
    expect(rates).to_be_hidden()
    expect(button).to_be_focused()
