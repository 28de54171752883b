"""G3: axe-core finds no serious violation on any screen, in light and in dark, nor on what screens open."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import Organization, User
from tests.conftest import PASSWORD
from tests.tenancy.routes import ROUTES, Things
from tests.tenancy.test_matrix import furnish

pytestmark = pytest.mark.browser
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"runOnly": {"type": "tag", "values": STANDARDS}}
OUTSIDE = ("account_login", "account_signup", "account_reset_password", "organizations", "style")
OWN = ("profile", "usersessions_list", "mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn",
       "account_reauthenticate", "socialaccount_connections")  # fmt: skip


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Commit rows, although Playwright's loop runs in this thread: nothing here awaits while a query is under way."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    request.getfixturevalue("committed_db")


@pytest.fixture
def things(rows: None) -> Things:
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    return furnish(Organization.found(name="Northgate IT", owner=user))


def sign_in(page: Page, site: str) -> Client:
    """Sign the owner in, in the browser and in the client that is given."""
    client = Client()
    client.force_login(User.objects.get(email="dana@northgate.example"))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
    return client


def serious(page: Page) -> list[tuple[str, str, list[str]]]:
    """Name what axe-core finds that is serious or worse: the rule, its words, and where."""
    found: list[dict[str, Any]] = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def addresses(things: Things) -> dict[str, str]:
    return {
        name: reverse(
            name, args=[things.slug, *(getattr(things, thing) for thing in route.ids), *route.words]
        )
        for name, route in ROUTES.items()
        if route.get
    }


def look(page: Page, url: str) -> list[Any]:
    """Open a page and look at it in both schemes."""
    found: list[Any] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(url)
        found += [(scheme, *one) for one in serious(page)]
    return found


def test_no_screen_has_a_serious_violation(things: Things, site: str, page: Page) -> None:
    client, found = sign_in(page, site), {}
    for name, path in addresses(things).items():
        response = client.get(path)
        if response.status_code == 200 and b"<html" in response.content:
            found[name] = look(page, site + path)
    assert {name: said for name, said in found.items() if said} == {}
    assert len(found) >= 15


def test_no_dialog_or_menu_has_a_serious_violation(things: Things, site: str, page: Page) -> None:
    client, found = sign_in(page, site), {}
    home = site + reverse("dashboard", args=[things.slug])
    for name, path in addresses(things).items():
        response = client.get(path, headers={"HX-Request": "true"})
        if response.status_code == 200 and b"data-open" in response.content:
            page.goto(home)
            page.evaluate("path => htmx.ajax('GET', path, '#overlay')", path)
            page.wait_for_selector("dialog[open], [popover]:popover-open")
            found[name] = serious(page)
    assert {name: said for name, said in found.items() if said} == {}
    assert found


def test_an_open_panel_has_no_serious_violation(things: Things, site: str, page: Page) -> None:
    sign_in(page, site)
    home = reverse("dashboard", args=[things.slug])
    assert look(page, f"{site}{home}?tab=all&open={things.card}") == []


def test_the_way_in_has_no_serious_violation(rows: None, site: str, page: Page) -> None:
    for name in OUTSIDE[:3]:
        assert look(page, site + reverse(name)) == [], name
        # The sprite is drawn: the policy lets it in, which the page's own complaints would not show.
        assert page.locator(".brand .icon").evaluate("icon => icon.getBoundingClientRect().width") == 22


def test_the_parts_have_no_serious_violation(things: Things, site: str, page: Page) -> None:
    sign_in(page, site)
    assert {name: said for name in OUTSIDE[3:] if (said := look(page, site + reverse(name)))} == {}


def test_a_persons_own_pages_have_no_serious_violation(things: Things, site: str, page: Page) -> None:
    enter(page, site)
    assert {name: said for name in OWN if (said := look(page, site + reverse(name)))} == {}


def enter(page: Page, site: str) -> None:
    """Sign in by the screen: what changes second steps asks for a sign-in that is fresh."""
    page.goto(site + reverse("account_login"))
    page.get_by_label("Work e-mail").fill("dana@northgate.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/o/**")
