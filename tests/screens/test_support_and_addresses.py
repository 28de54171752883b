"""A5 and B11 in the browser: feedback is sent by keyboard from the Support menu, and an address is copied."""

import re

import pytest

from accounts.models import Feedback, Organization
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def org(committed_db, person):
    return Organization.found(name="Northgate IT", owner=person("Alice"))


@pytest.fixture
def signed_in(site, page, org):
    page.goto(f"{site}/account/login/")
    page.fill("[name=login]", "alice@northgate.example")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/o/"))
    return page


def test_a5_feedback_goes_out_by_keyboard(signed_in, site, org):
    signed_in.goto(f"{site}/o/{org.slug}/activity/")
    signed_in.focus("[popovertarget=support-menu]")
    signed_in.keyboard.press("Enter")
    signed_in.get_by_role("button", name="Feedback…").focus()
    signed_in.keyboard.press("Enter")
    signed_in.locator("#feedback-text:focus").wait_for()
    signed_in.keyboard.type("It works")
    signed_in.keyboard.press("Tab")
    signed_in.keyboard.press("Tab")
    signed_in.keyboard.press("Enter")
    signed_in.get_by_text("Thank you: it is on its way").wait_for()
    assert not signed_in.locator("#feedback").is_visible()
    with org_scope(org.pk):
        assert Feedback.objects.get().text == "It works"


def test_b11_an_address_is_copied_with_one_click(signed_in, site, org, settings):
    settings.OUTGOING_ADDRESSES = ["203.0.113.24", "203.0.113.25"]
    signed_in.context.grant_permissions(["clipboard-read", "clipboard-write"])
    signed_in.goto(f"{site}/o/{org.slug}/settings/addresses/")
    signed_in.get_by_role("button", name="Copy 203.0.113.25").click()
    signed_in.get_by_text("Copied 203.0.113.25").wait_for()
    assert signed_in.evaluate("navigator.clipboard.readText()") == "203.0.113.25"
    signed_in.get_by_role("button", name="Copy all 2").click()
    signed_in.get_by_text("Copied 203.0.113.24, 203.0.113.25").wait_for()
