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
        books.usage(books.vendor_account(None, "Oak"), agents, "274348")
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


def test_e6_the_filters_are_one_row_beside_the_panel(page: Page, show: Callable[[str], None]) -> None:
    """What has no room as a chip is asked for from the menu of the others."""
    page.set_viewport_size({"width": 1200, "height": 800})
    show("Ash")
    search = page.locator(".filters .search").bounding_box()
    assert search
    assert search["width"] == 150
    shown = [
        part
        for part in page.locator(".filters > .search, #chips > *, #lines-count").all()
        if part.is_visible()
    ]
    middles = {round(box["y"] + box["height"] / 2) for part in shown if (box := part.bounding_box())}
    assert max(middles) - min(middles) <= 1
    page.locator("#chip-more").click()
    page.locator("#more-account").click()
    page.locator("#menu-account a").first.click()
    expect(page.locator("#chip-account")).to_be_visible()


# Where a tile's words run out of it: over its figure, its edge, or into the tile beside it.
CROWDED = """() => [...document.querySelectorAll("#strip > div")].filter((tile) => {
  const words = document.createRange(), room = tile.getBoundingClientRect();
  return [...tile.querySelectorAll("dt, .fig, .note")].some((part, at, parts) => {
    words.selectNodeContents(part);
    const own = words.getBoundingClientRect(), before = parts[at - 1]?.getBoundingClientRect();
    const over = before && own.height > 0 && own.top < before.bottom - 1;
    return over || own.right > room.right + 1 || part.scrollWidth > part.clientWidth;
  });
}).map((tile) => tile.innerText)"""


# Whether the caption of the unmapped usage runs over its amount.
OVERPRINTED = """() => {
  const words = document.createRange(), amount = document.createRange();
  words.selectNodeContents(document.querySelector("#group-unmapped .group .name"));
  amount.selectNodeContents(document.querySelector("#group-unmapped .group .c-effect"));
  return words.getBoundingClientRect().right > amount.getBoundingClientRect().left;
}"""


@pytest.mark.parametrize("width", [1440, 1200])
def test_e3_no_tile_of_the_strip_runs_into_its_figure_or_its_neighbour(
    page: Page, home: str, show: Callable[[str], None], width: int
) -> None:
    """The amounts are as large as a year's unmapped usage of a large reseller."""
    page.set_viewport_size({"width": width, "height": 800})
    show("Ash")
    assert "≈ $1,234,566.00" in page.locator("#strip").inner_text()
    assert page.evaluate(CROWDED) == []
    page.locator("[data-close-panel]").click()
    assert page.evaluate(CROWDED) == []


@pytest.mark.parametrize("width", [1440, 1200])
def test_e8_the_caption_of_unmapped_usage_leaves_its_amount_free(page: Page, home: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(home)
    assert page.evaluate(OVERPRINTED) is False
    page.locator("a[data-key=open]").first.click()
    expect(page.locator("#panel-h")).to_be_visible()
    assert page.evaluate(OVERPRINTED) is False


def test_d8_a_long_note_shows_its_beginning_until_asked(page: Page, show: Callable[[str], None]) -> None:
    show("Ash")
    note = page.locator("#notes .prose")
    short = note.bounding_box()
    asks = page.locator("#notes summary")
    expect(asks).to_have_text("Show all of it", use_inner_text=True)
    asks.click()
    expect(page.locator("#notes details")).to_have_attribute("open", "")
    full = note.bounding_box()
    assert short
    assert full
    assert short["height"] * 4 < full["height"]
    expect(asks).to_have_text("Show less", use_inner_text=True)
    asks.click()
    expect(asks).to_have_text("Show all of it", use_inner_text=True)
    again = note.bounding_box()
    assert again
    assert again["height"] == short["height"]
