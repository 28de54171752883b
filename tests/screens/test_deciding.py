"""Deciding by keyboard on the real page (E3, E4, E6): the keys act on the row, on the selection, on the whole view."""

import re
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import Membership, Organization, ReconcileSettings, User
from accounts.roles import Role
from dashboard.models import Card
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """An organization with three lines that differ, one that is held, and somebody who decides."""

    org: Organization
    user: User

    def build(self) -> None:
        with org_scope(self.org.pk):
            books = Books(self.org, now=timezone.now())
            Connection.objects.update(remote_account="northgate", checked_at=books.now)
            service = books.service()
            agents = books.vendor_service(service)
            for name, billed, used in (("Ash", 10, 16), ("Birch", 10, 14), ("Cedar", 10, 12), ("Elm", 10, 0)):
                account = books.account(name)
                books.usage(books.vendor_account(account, name), agents, str(used))
                books.line(books.agreement(account), service, str(billed))
            books.refresh()

    def states(self) -> dict[str, str]:
        with org_scope(self.org.pk):
            return dict(Card.objects.order_by("account__name").values_list("account__name", "state"))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, committed_db: None) -> Desk:
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    desk = Desk(Organization.found(name="Northgate IT", owner=user), user)
    desk.build()
    return desk


@pytest.fixture
def lines(page: Page, site: str, desk: Desk) -> Page:
    """Open the lines, signed in."""
    enter_as(page, site, desk.user)
    page.goto(f"{site}/o/{desk.org.slug}/")
    return page


def enter_as(page: Page, site: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])


def row(page: Page, name: str) -> Locator:
    return page.locator("tr[data-row]", has=page.get_by_title(name, exact=True))


def tab(page: Page, name: str) -> Locator:
    return page.locator("#tabs a", has_text=re.compile(f"^{name} "))


def open_tab(page: Page, name: str) -> None:
    tab(page, name).click()
    expect(tab(page, name)).to_have_attribute("aria-current", "page")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_z_snoozes_the_row_r_dismisses_it_and_u_takes_each_back(lines: Page, desk: Desk) -> None:
    press(lines, "j", "z")
    expect(lines.get_by_role("heading", name="Snooze Ash")).to_be_visible()
    press(lines, "Enter")  # the first day offered has the focus
    expect(row(lines, "Ash").get_by_title("Snoozed")).to_be_visible()
    expect(tab(lines, "Snoozed")).to_have_text("Snoozed 1")
    assert desk.states()["Ash"] == "snoozed"
    press(lines, "u")
    expect(row(lines, "Ash").get_by_role("button", name="Approve")).to_be_visible()
    press(lines, "r")
    expect(lines.get_by_role("heading", name="Dismiss for")).to_be_visible()
    press(lines, "Enter")
    expect(row(lines, "Ash").get_by_text("Dismissed")).to_be_visible()
    press(lines, "u")
    expect(tab(lines, "To do")).to_have_text("To do 3")
    assert desk.states()["Ash"] == "todo"


def test_the_keys_work_in_the_panel_of_a_held_line(lines: Page, desk: Desk) -> None:
    open_tab(lines, "Held")
    press(lines, "j", "o")
    expect(lines.locator("#panel")).to_contain_text("Held, because")
    press(lines, "z")
    expect(lines.get_by_role("heading", name="Snooze Elm")).to_be_visible()
    press(lines, "Enter")
    expect(lines.locator("#panel")).to_contain_text("Until")
    assert desk.states()["Elm"] == "snoozed"
    press(lines, "u")
    expect(tab(lines, "Held")).to_have_text("Held 1")


def test_with_a_selection_the_keys_decide_on_all_of_it_and_u_undoes_the_act(lines: Page, desk: Desk) -> None:
    press(lines, "j", "x", "j", "x", "z")
    expect(lines.get_by_role("heading", name="Snooze 2 lines")).to_be_visible()
    expect(lines.locator("#snooze footer")).to_contain_text("+10 units · +$45.00")
    press(lines, "Enter")
    expect(lines.get_by_role("heading", name=re.compile("2 snoozed until"))).to_be_visible()
    press(lines, "Enter")
    expect(tab(lines, "Snoozed")).to_have_text("Snoozed 2")
    expect(lines.locator("#toasts .toast")).to_contain_text("2 snoozed until")
    press(lines, "u")
    expect(lines.get_by_role("heading", name="2 taken back")).to_be_visible()
    press(lines, "Enter")
    expect(tab(lines, "To do")).to_have_text("To do 3")
    assert set(desk.states().values()) == {"todo", "held"}


def test_all_of_a_view_are_selected_also_beyond_the_page_and_escape_lets_go(
    lines: Page, desk: Desk, settings: object
) -> None:
    settings.PAGE_LINES = 2  # type: ignore[attr-defined]
    lines.reload()
    press(lines, "j", "x")
    lines.get_by_role("button", name="Select all 3 in this view").click()
    expect(lines.locator("[data-bulk]")).to_contain_text("All lines of this view")
    press(lines, "r")
    expect(lines.get_by_role("heading", name="Dismiss 3 lines")).to_be_visible()
    press(lines, "Escape", "Escape")
    expect(lines.locator("[data-bulk]")).to_be_hidden()
    press(lines, "x", "r")
    expect(lines.get_by_role("heading", name="Dismiss 1 line for")).to_be_visible()


def test_shift_enter_approves_what_fits_of_the_selection(lines: Page, desk: Desk) -> None:
    open_tab(lines, "All")
    lines.get_by_label("Select all lines of this page").check()
    expect(lines.locator("[data-bulk] .primary")).to_contain_text("Approve 3, +$54.00")
    press(lines, "Shift+Enter")
    expect(lines.get_by_role("heading", name="Approve 3 quantities")).to_be_visible()
    expect(lines.locator("#approve")).to_contain_text("1 left out")
    press(lines, "Enter")
    expect(lines.get_by_role("heading", name="3 approved")).to_be_visible()
    assert desk.states() == {"Ash": "pushing", "Birch": "pushing", "Cedar": "pushing", "Elm": "held"}


def test_enter_agrees_to_the_number_on_the_button(lines: Page, desk: Desk, site: str) -> None:
    """E10: the vendor counts 16 and the first person approved 500; the row says so before Enter agrees to it."""
    first = Client()
    first.force_login(desk.user)
    sam = User.objects.create_user("sam@northgate.example", PASSWORD, name="Sam")
    with org_scope(desk.org.pk):
        Membership.objects.create(org=desk.org, user=sam, role=Role.APPROVER)
        ReconcileSettings.objects.update(second_from=20, second_currency="USD")
        card = Card.objects.get(account__name="Ash")
    typed = {"seen_psa": "10", "seen_vendor": "16", "units": "500", "meant": "500"}
    first.post(f"/o/{desk.org.slug}/lines/{card.pk}/approve/", typed)
    enter_as(lines, site, sam)
    lines.goto(f"{site}/o/{desk.org.slug}/?tab=ready")
    expect(row(lines, "Ash").get_by_role("button", name="Agree to 500")).to_be_visible()
    expect(row(lines, "Ash")).to_contain_text("+490")
    assert desk.states()["Ash"] == "ready"
    press(lines, "j", "Enter")
    expect(row(lines, "Ash").get_by_role("button", name="Agree to 500")).to_have_count(0)
    assert desk.states()["Ash"] == "pushing"


def test_e3_a_refused_quantity_is_said_beside_its_field_once_and_stays_typed(lines: Page) -> None:
    press(lines, "j", "e")
    dialog, field = lines.locator("#edit"), lines.get_by_label("Quantity to bill")
    for typed in ("many", "1,5"):
        field.fill(typed)
        dialog.get_by_role("button", name="Approve and push").click()
        expect(dialog.get_by_role("alert").filter(has_text="is not a quantity")).to_have_count(1)
        expect(dialog.locator("[data-said=units]")).to_contain_text(typed)
        expect(field).to_have_value(typed)
        expect(field).to_be_focused()
    expect(lines.locator("#toasts .toast")).to_have_count(0)


def test_e3_a_doubtful_quantity_is_asked_about_in_the_dialog_and_for_that_number_only(
    lines: Page, desk: Desk
) -> None:
    press(lines, "j", "e")
    dialog, field = lines.locator("#edit"), lines.get_by_label("Quantity to bill")
    expect(dialog.get_by_role("checkbox")).to_have_count(0)
    for typed in ("998", "999"):
        field.fill(typed)
        field.press("Enter")
        tick = dialog.get_by_role("checkbox", name=f"The vendor reports 16. Yes, write {typed}.")
        expect(tick).to_be_focused()
        expect(tick).not_to_be_checked()
        expect(dialog.get_by_role("checkbox")).to_have_count(1)
        expect(dialog.get_by_role("alert").filter(has_text="beyond your guards")).to_have_count(1)
        lines.keyboard.press("Space")
        expect(tick).to_be_checked()
    lines.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    assert "pushing" in desk.states().values()
