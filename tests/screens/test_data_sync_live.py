"""F1 in a browser: the next runs follow the form as it is changed by keyboard, and the focus stays."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Organization, SyncSchedule, User
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def settings_page(monkeypatch: pytest.MonkeyPatch, committed_db: None, site: str, page: Page) -> Organization:
    # Playwright's loop runs in this thread; nothing here awaits while a query is under way.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    user = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    org = Organization.found(name="Northgate IT", owner=user)
    with org_scope(org.pk):
        SyncSchedule.objects.update(weekday=0)
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])
    page.goto(site + reverse("settings_data", args=[org.slug]))
    return org


def test_f1_the_runs_follow_the_form_by_keyboard(settings_page: Organization, page: Page) -> None:
    runs = page.locator(".dates li")
    expect(runs).to_have_count(6)
    expect(page.get_by_label("Day of the month", exact=True)).to_be_disabled()
    page.get_by_label("Sync every month").press("Space")
    expect(page.get_by_label("Day of the month", exact=True)).to_be_enabled()
    expect(page.get_by_label("Sync every month")).to_be_focused()
    page.get_by_label("Day of the month", exact=True).select_option("31")
    expect(page.get_by_text("Every Monday, and on the 31st of each month, at 07:00 UTC.")).to_be_visible()
    expect(page.get_by_text("A month without a 31st uses its last day")).to_be_visible()
    page.get_by_label("On the").press("Space")
    expect(page.get_by_label("Day of the month", exact=True)).to_be_disabled()
    page.get_by_label("Which one of the month").focus()
    page.get_by_label("Which one of the month").select_option("second")
    expect(page.get_by_text("and on the second Friday of each month")).to_be_visible()
    expect(page.get_by_label("Which one of the month")).to_be_focused()
    page.get_by_label("Weekday of the month").select_option("Tuesday")
    expect(page.get_by_text("and on the second Tuesday of each month")).to_be_visible()
    expect(page.get_by_text("Changed, not saved yet")).to_be_visible()
    assert "csrfmiddlewaretoken" not in page.url
    page.get_by_role("button", name="Save schedule").press("Enter")
    expect(page.get_by_text("Schedule saved.")).to_be_visible()
    with org_scope(settings_page.pk):
        saved = SyncSchedule.objects.get()
    assert (saved.monthly_by, saved.month_nth, saved.month_weekday) == ("weekday", 2, 1)


def test_f1_both_switched_off_says_manual_only_before_it_is_saved(
    settings_page: Organization, page: Page
) -> None:
    page.get_by_label("Sync every week").press("Space")
    expect(page.get_by_role("heading", name="No automatic run")).to_be_visible()
    expect(page.get_by_text("Manual only: nothing runs until somebody presses Quick sync.")).to_be_visible()
    page.get_by_role("link", name="Undo changes").click()
    expect(page.locator(".dates li")).to_have_count(6)
