"""E13, E2 in the browser: keys do nothing in a closed month, and a row that went while it was pushed asks no more."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organization, User
from dashboard import cards
from dashboard.models import Card, Decision, MonthReport
from psa.models import Agreement, Connection, Push
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books

pytestmark = pytest.mark.browser


@pytest.fixture
def org(monkeypatch: pytest.MonkeyPatch, committed_db: None) -> Organization:
    """Two lines that differ, and 9 agents in use that no line bills."""
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    org = Organization.found(name="Northgate IT", owner=user)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
        account = books.account()
        books.agreement(account, billing_cycle="Monthly", next_invoice_on=cards.bills_from())
        agents = books.vendor_service(books.service("Endpoint agent", "3.00"))
        books.usage(books.vendor_account(account), agents, "9")
        books.pair("10", "12")
        books.pair("10", "9")
        books.refresh()
    return org


@pytest.fixture
def home(page: Page, site: str, org: Organization) -> str:
    client = Client()
    client.force_login(User.objects.get())
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
    return f"{site}/o/{org.slug}/"


def lock(org: Organization) -> None:
    with org_scope(org.pk):
        MonthReport.objects.create(
            org=org, period=month_of(timezone.now()), version=1, closed_at=timezone.now(), lines=3,
            exceptions=3, content=b"", digest="", closed_by=User.objects.get(),
            closed_by_label="dana@northgate.example",
        )  # fmt: skip


def test_e13_no_key_decides_anything_in_a_closed_month(page: Page, home: str, org: Organization) -> None:
    lock(org)
    page.goto(home)
    page.keyboard.press("j")
    for key in ("Enter", "e", "d", "r", "z", "u", "Shift+Enter"):
        page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("x")
    for key in ("Shift+Enter", "r", "z", "d"):
        page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_have_count(0)
    month = f"{month_of(timezone.now()):%B} is closed"
    expect(page.get_by_role("region", name="Selected lines")).to_contain_text(month)
    page.keyboard.press("Escape")
    page.keyboard.press("o")
    expect(page.locator("#panel footer")).to_contain_text(month)
    expect(page.locator("#panel").get_by_role("link", name="Reopen…")).to_be_visible()
    with org_scope(org.pk):
        assert not Decision.objects.exists()
        assert not Push.objects.exists()


def test_e2_a_row_that_went_while_it_was_pushed_becomes_the_lines_row(
    page: Page, home: str, org: Organization
) -> None:
    page.goto(home)
    with org_scope(org.pk):
        usage = Card.objects.get(line=None)
    row = page.locator(f"#line-{usage.pk}")
    row.get_by_role("button", name="Add to…").click()
    dialog = page.get_by_role("dialog", name="Add a line to an agreement")
    dialog.get_by_role("radio").first.check()
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("data-state", "busy")
    with org_scope(org.pk):
        books = Agreement.objects.get(account=usage.account_id)
        line = books.agreementline_set.create(
            org=org, connection_id=books.connection_id, remote_id="brought", account_id=usage.account_id,
            service_id=usage.service_id, quantity=9, unit_price=3, changed_at=timezone.now(),
        )  # fmt: skip
        cards.refresh(org.pk)
        now = Card.objects.get(line=line)
    expect(page.locator(f"#line-{now.pk}")).to_be_visible()
    expect(row).to_have_count(0)
    expect(page.locator("[aria-busy]")).to_have_count(0)
    with org_scope(org.pk):
        Push.objects.update(
            state=Push.State.PERSON, reason="Reconcile sent 9 and cannot tell what became of it."
        )
    page.goto(home)
    expect(page.locator("#lost-additions")).to_contain_text("1 added line needs a person")
    page.get_by_role("button", name=re.compile("Look again")).click()
    expect(page.locator("#lost-additions")).to_have_count(0)
