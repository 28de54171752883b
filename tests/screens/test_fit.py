"""E3, E6 in a real browser: with details open, nothing runs out of the window; the filters are one row."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organization, User
from dashboard.models import Note
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books

pytestmark = pytest.mark.browser
WIDER = """() => ["html", "#panel", "#panel > .body", "#panel > footer", "#main"].filter((one) => {
  const found = document.querySelector(one);
  return found && found.scrollWidth > found.clientWidth;
})"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, committed_db: None, site: str, page: Page) -> str:
    """Sign in where one line is to do, one is held and one account's usage has no line."""
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    org = Organization.found(name="Northgate IT", owner=user)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
        service = books.service()
        agents = books.vendor_service(service)
        for name, billed, used in (("Ash", 12300, 12346), ("Elm", 10, 0), ("Fir", None, 9)):
            account = books.account(name)
            agreement = books.agreement(account)
            books.usage(books.vendor_account(account, name), agents, str(used))
            if billed is None:
                continue
            line = books.line(agreement, service, str(billed))
            text = "Counted again by hand.\n" * 40
            Note.objects.create(
                org_id=org.pk, line=line, account=account, service=service, text=text, by=user
            )
        books.refresh()
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
    return f"{site}/o/{org.slug}/"


@pytest.fixture
def show(page: Page, home: str) -> Callable[[str], None]:
    def show(name: str) -> None:
        page.goto(f"{home}?tab=all")
        page.get_by_title(name, exact=True).click()
        expect(page.locator("#panel-h")).to_have_text(name)

    return show


@pytest.mark.parametrize("width", [1440, 1200])
@pytest.mark.parametrize("name", ["Ash", "Elm", "Fir"])
def test_e3_the_panel_and_its_acts_fit(
    page: Page, show: Callable[[str], None], name: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    show(name)
    assert page.evaluate(WIDER) == []
    page.locator("#panel-more").click()
    expect(page.locator("#panel-menu")).to_be_visible()
    for act in page.locator("#panel > footer > .btn, #panel-menu > .item").all():
        box = act.bounding_box()
        assert box, act.inner_text()
        assert box["x"] + box["width"] <= width, act.inner_text()
        assert box["y"] + box["height"] <= 800, act.inner_text()


@pytest.mark.parametrize("contracts", ["mapped", "all"])
def test_e6_the_filters_are_one_row(page: Page, home: str, contracts: str) -> None:
    page.set_viewport_size({"width": 1200, "height": 800})
    page.goto(f"{home}?tab=all&contracts={contracts}")
    tops = {chip.bounding_box()["y"] for chip in page.locator("#chips > .chip").all()}  # type: ignore[index]
    assert len(tops) == 1
    page.locator("#chip-more").click()
    page.locator("#chip-kind").click()
    page.locator("#menu-kind a", has_text="Adjust").first.click()
    expect(page.locator("#chip-kind")).to_contain_text("Kind:")


def test_d8_a_long_note_shows_its_beginning_until_asked(page: Page, show: Callable[[str], None]) -> None:
    show("Ash")
    note = page.locator("#notes .prose")
    short = note.bounding_box()
    page.locator("#notes summary").click()
    expect(page.locator("#notes details")).to_have_attribute("open", "")
    full = note.bounding_box()
    assert short
    assert full
    assert short["height"] * 4 < full["height"]
