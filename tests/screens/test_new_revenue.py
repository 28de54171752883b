"""E2 by keyboard on the real page: usage without a line is added to an agreement, or paired with a line, and back."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organization, User
from dashboard import cards
from dashboard.models import Card, LinePairing
from psa.models import Connection, Push
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books

pytestmark = pytest.mark.browser


@pytest.fixture
def org(monkeypatch: pytest.MonkeyPatch, committed_db: None) -> Organization:
    """An account with a bundle line that nothing counts, and 9 agents in use that no line bills."""
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    org = Organization.found(name="Northgate IT", owner=user)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
        account = books.account()
        agreement = books.agreement(account, billing_cycle="Monthly", next_invoice_on=cards.bills_from())
        books.line(agreement, books.service("Workplace bundle", "40"), "10")
        agents = books.vendor_service(books.service("Endpoint agent", "3.00"))
        books.usage(books.vendor_account(account), agents, "9")
        books.refresh()
    return org


@pytest.fixture
def lines(page: Page, site: str, org: Organization) -> Page:
    """Open the lines, signed in, and go to the first."""
    client = Client()
    client.force_login(User.objects.get())
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
    page.goto(f"{site}/o/{org.slug}/")
    page.keyboard.press("j")
    return page


def test_enter_opens_where_to_add_and_one_more_adds_it(lines: Page, org: Organization) -> None:
    lines.keyboard.press("Enter")
    dialog = lines.get_by_role("dialog", name="Add a line to an agreement")
    expect(dialog).to_contain_text("9 at $3.00 is +$27.00")
    lines.keyboard.press("Space")
    lines.keyboard.press("Enter")
    expect(lines.locator("[data-row]")).to_have_attribute("data-state", "busy")
    expect(dialog).to_be_hidden()
    with org_scope(org.pk):
        push = Push.objects.get()
        assert (push.way, push.wanted, push.state) == ("add", 9, "staged")


def test_the_usage_is_paired_instead_and_u_takes_it_back(lines: Page, org: Organization) -> None:
    lines.keyboard.press("Enter")
    lines.get_by_role("button", name="Pair with a line instead…").click()
    dialog = lines.get_by_role("dialog", name="Pair with a line")
    dialog.get_by_label(re.compile("Workplace bundle")).check()
    dialog.get_by_role("button", name="Pair with this line").click()
    expect(lines.locator(".toast")).to_contain_text("9 Endpoint agent count to Workplace bundle now")
    expect(lines.locator("[data-row]")).to_contain_text("over-billed")
    with org_scope(org.pk):
        assert Card.objects.get().vendor_units == 9
    lines.keyboard.press("u")
    expect(lines.locator("[data-row]")).to_contain_text("no line")
    with org_scope(org.pk):
        assert LinePairing.objects.get().undone_at is not None
