"""B9 in a real browser: mappings are carried over by keys alone, after a look at what changes, and taken back."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Organization, User
from psa.models import Agreement
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.screens.test_accessibility import serious, sign_in
from tests.screens.test_tab_order import CONTROLS, walk
from tests.vendors.moving import Move
from vendors.counting import Do, Step

pytestmark = pytest.mark.browser


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch, committed_db: None) -> Move:
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    client = Client()
    client.force_login(user)
    move = Move(Organization.found(name="Northgate IT", owner=user), client)
    with org_scope(move.org.pk):
        for ours, theirs in (
            ("Quarry Lane Builders", "Quarry Lane Builders"),
            ("Upland Dairy LLC", "Upland Dairy GmbH"),
            ("Summit Dental", "Summit Dental Foundation"),
            ("Nobody like it", "Pemberton Insurance"),
        ):
            old, _ = move.both(ours, theirs)
            move.books.usage(move.books.vendor_account(old, ours.lower()), move.agents, "7")
        one_less = Step(do=Do.EXCLUDE, by=Decimal(1))
        move.books.rule(move.backup, one_less)
        move.books.rule(move.backup, one_less, agreement=Agreement.objects.get(connection=move.old))
        move.books.refresh()
    return move


def test_mappings_are_carried_over_and_taken_back_by_keys_alone(move: Move, site: str, page: Page) -> None:
    sign_in(page, site)
    page.goto(site + reverse("mapping_accounts", args=[move.org.slug]))
    page.get_by_role("link", name="Carry 6 mappings over from ConnectWise PSA to New PSA").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/config/carry/**")
    choice = page.get_by_label("What Upland Dairy LLC is in New PSA")
    expect(choice).to_have_value("")
    choice.focus()
    page.keyboard.press("ArrowDown")
    expect(choice.locator("option:checked")).to_have_text("Upland Dairy GmbH (80%)")
    unticked = page.get_by_role("checkbox", name="Carry Quarry Lane Builders over")
    expect(unticked).to_be_checked()
    unticked.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+Enter")
    dialog = page.get_by_role("dialog", name="Carry over 2 vendor accounts and 1 vendor service")
    expect(dialog.get_by_role("heading", name="On the dashboard")).to_be_visible()
    expect(dialog.get_by_role("button", name="Carry over", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts .toast")).to_contain_text(
        "Carried over: 2 vendor accounts, 1 vendor service and 1 counting rule"
    )
    expect(dialog).to_have_count(0)
    expect(page.locator("#carry tr[data-row]")).to_have_count(3)
    assert move.mapped()[0][move.row.pk] == move.harbor_there.pk
    page.keyboard.press("u")
    expect(page.locator("#carry tr[data-row]")).to_have_count(6)
    assert move.mapped()[0][move.row.pk] == move.harbor.pk


def test_the_offer_stands_on_the_page_of_the_new_psa_and_undo_stays_on_the_page(
    move: Move, site: str, page: Page
) -> None:
    sign_in(page, site)
    move.carry(move.ticked())
    page.goto(site + move.at())
    expect(page.locator(".notice.ok")).to_contain_text(
        "Dana carried 2 vendor accounts, 1 vendor service and 1 counting rule over"
    )
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#carry tr[data-row]")).to_have_count(6)
    expect(page.locator(".notice.ok")).to_have_count(0)


def test_the_page_and_its_dialog_are_reached_by_tab_and_have_no_serious_violation(
    move: Move, site: str, page: Page
) -> None:
    sign_in(page, site)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(site + move.at())
        controls = page.evaluate(CONTROLS)
        assert walk(page, controls) == (controls, [])
        assert serious(page) == []
        page.get_by_role("button", name="Look at what changes").click()
        page.wait_for_selector("#many[open]")
        expect(page.locator("#many .notice")).to_have_count(3)
        assert serious(page) == []
