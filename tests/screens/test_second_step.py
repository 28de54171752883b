"""MFA and passkeys in a real browser (A2), with Chromium's virtual authenticator; as localhost, which they need."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect

from accounts.models import Organization, User
from tests.accounts.test_mfa import code_for
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch, committed_db: None, person: Any) -> User:
    """The owner of an organization, whose password is all there is yet."""
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    cache.clear()
    alice: User = person("Alice")
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    Organization.found(name="Northgate IT", owner=alice)
    return alice


@pytest.fixture
def visit(owner: User, site: str, browser: Browser) -> Iterator[Page]:
    """A page whose browser has a key with a fingerprint reader in it; fails when the browser complained."""
    complaints: list[str] = []
    context = browser.new_context(base_url=site.replace("127.0.0.1", "localhost"))
    page = context.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
           "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    yield page
    context.close()
    assert complaints == []


def enter_password(page: Page, email: str) -> None:
    page.goto("/account/login/")
    page.get_by_label("Work e-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.goto("/account/logout/")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/account/login/"))


def add_passkey(page: Page, name: str, *, alone: bool) -> None:
    page.goto("/account/2fa/webauthn/add/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Sign in with it alone").set_checked(alone)
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()


def test_a2_a_passkey_is_added_and_then_signs_in_alone(visit: Page, owner: User) -> None:
    enter_password(visit, owner.email)
    add_passkey(visit, "Work laptop", alone=True)
    sign_out(visit)
    visit.get_by_role("button", name="Use a passkey").click()
    expect(visit).to_have_url(re.compile("/o/northgate-it/"))
    visit.goto("/account/2fa/webauthn/")
    row = visit.get_by_role("listitem").filter(has_text="Work laptop")
    expect(row).to_contain_text("Signs in alone")
    expect(row).to_contain_text("used just now")


def test_a2_a_passkey_is_the_second_step_after_the_password(visit: Page, owner: User) -> None:
    enter_password(visit, owner.email)
    add_passkey(visit, "Blue key", alone=False)
    sign_out(visit)
    enter_password(visit, owner.email)
    expect(visit.get_by_role("heading", name="One more step")).to_be_visible()
    visit.get_by_role("button", name="Use a passkey").click()
    expect(visit).to_have_url(re.compile("/o/northgate-it/"))


def test_a2_without_a_passkey_the_page_says_why_and_stays(visit: Page, owner: User) -> None:
    visit.goto("/account/login/")
    visit.get_by_role("button", name="Use a passkey").click()
    expect(visit.get_by_role("alert")).to_contain_text("The browser gave no passkey")
    expect(visit.get_by_role("button", name="Use a passkey")).to_be_enabled()


def test_a2_an_authenticator_app_is_set_up_by_its_picture_and_asked_for(visit: Page, owner: User) -> None:
    enter_password(visit, owner.email)
    visit.goto("/account/2fa/totp/activate/")
    picture = visit.get_by_role("img", name="QR code for your authenticator app")
    size = picture.bounding_box()
    assert size
    assert size["width"] == size["height"] == 176
    visit.get_by_text("I can't scan it").click()
    secret = visit.locator("#secret").inner_text()
    visit.get_by_label("The six digits").fill(code_for(secret))
    visit.get_by_role("button", name="Switch it on").click()
    expect(visit.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert mail.outbox[-1].subject == "Authenticator App Activated"
    assert "from 127.0.0.1, with Chrome on Linux" in str(mail.outbox[-1].body)
    recovery = visit.locator(".codes code").first.inner_text()
    sign_out(visit)
    enter_password(visit, owner.email)
    # The code of these thirty seconds was used up by the setup.
    visit.get_by_label("Code").fill(recovery)
    visit.get_by_role("button", name="Sign in", exact=True).click()
    expect(visit).to_have_url(re.compile("/o/northgate-it/"))
