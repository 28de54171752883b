"""A5 and B11 in the browser: feedback is sent by keyboard from the Support menu, and an address is copied."""

import re

import pytest

from accounts.models import Feedback, Organization
from reconcile.tenancy.scope import org_scope
from tests.browser.conftest import Product, visiting
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def org(committed_db, person):
    return Organization.found(name="Northgate IT", owner=person("Alice"))


def sign_in(page):
    page.goto("/account/login/")
    page.fill("[name=login]", "alice@northgate.example")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/o/"))


def test_a5_feedback_goes_out_by_keyboard(site, org):
    with visiting(Product(site)) as page:
        sign_in(page)
        page.goto(f"/o/{org.slug}/activity/")
        page.focus("[popovertarget=support-menu]")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Feedback…").focus()
        page.keyboard.press("Enter")
        page.locator("#feedback-text:focus").wait_for()
        page.keyboard.type("It works")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_text("Thank you: it is on its way").wait_for()
        assert not page.locator("#feedback").is_visible()
    with org_scope(org.pk):
        assert Feedback.objects.get().text == "It works"


def test_b11_an_address_is_copied_with_one_click(site, org, settings):
    settings.OUTGOING_ADDRESSES = ["203.0.113.24", "203.0.113.25"]
    with visiting(Product(site)) as page:
        sign_in(page)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(f"/o/{org.slug}/settings/addresses/")
        page.get_by_role("button", name="Copy 203.0.113.25").click()
        page.get_by_text("Copied 203.0.113.25").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == "203.0.113.25"
        page.get_by_role("button", name="Copy all 2").click()
        page.get_by_text("Copied 203.0.113.24, 203.0.113.25").wait_for()
