"""Who may connect, what others see, and how the checklist leads through it."""

import pytest

from accounts.roles import Role
from dashboard.models import Card
from reconcile.tenancy.scope import org_scope
from sync.models import SyncRun
from tests.dashboard.builders import Books
from tests.screens.connect.filling import console_fields, count, only, psa_fields, url

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["psa_add", "integration_add"])
def test_connecting_is_for_admins(org, join, sign_in, name):
    reply = sign_in(join("Bob", Role.APPROVER)).get(url(name, org))
    assert reply.status_code == 403
    assert "needs admin" in reply.text


def test_others_see_the_lists_without_buttons(org, connected, veeam, join, sign_in):
    viewer = sign_in(join("Bob", Role.VIEWER))
    for name in ("psa_connections", "integrations"):
        page = viewer.get(url(name, org)).text
        assert "Connected" in page
        assert ">Open<" not in page
    assert viewer.get(url("psa_connection", org, connected.pk)).status_code == 403
    assert viewer.post(url("psa_test", org, connected.pk)).status_code == 403


def test_another_organization_finds_no_connection(org, connected, veeam, other_org, charlie, sign_in):
    stranger = sign_in(charlie)
    for name, pk in (
        ("psa_connection", connected.pk),
        ("psa_billing", connected.pk),
        ("integration", veeam.pk),
    ):
        assert stranger.get(url(name, other_org, pk)).status_code == 404
        assert stranger.get(url(name, org, pk)).status_code == 404


def test_the_checklist_opens_the_next_step_each_time(org, admin, psa, console):
    def current() -> str:
        return admin.get(url("setup", org)).context["current"].key

    assert admin.get(url("dashboard", org)).headers["Location"] == url("setup", org)
    page = admin.get(url("setup", org)).text
    assert "Step 1 of 4" in page
    assert "203.0.113.24" in page
    assert current() == "psa"
    admin.post(url("psa_add", org), psa_fields(psa))
    assert current() == "vendors"
    admin.post(url("integration_add", org), console_fields(console))
    assert current() == "map"
    assert "Waits for the first sync of your PSA" in admin.get(url("setup", org)).text
    started = admin.post(url("sync_start", org), {"mode": "quick", "everything": "1"})
    assert started.headers["Location"] == url("sync_status", org)
    assert count(org, SyncRun) == 2


def test_a_full_sync_starts_from_the_connection(org, admin, connected):
    page = admin.get(url("psa_connection", org, connected.pk)).text
    assert f'action="{url("sync_start", org)}"' in page
    admin.post(url("sync_start", org), {"connection": connected.pk, "mode": "full"})
    assert only(org, SyncRun).mode == "full"


def test_the_checklist_ends_when_everything_was_reviewed(org, admin):
    with org_scope(org.pk):
        books = Books(org)
        books.pair("10", "12")
        books.refresh()
    assert admin.get(url("setup", org)).context["current"].key == "review"
    with org_scope(org.pk):
        Card.objects.update(state=Card.State.DONE)
    assert admin.get(url("setup", org)).context["current"] is None


def test_on_the_checklist_others_are_told_who_acts(org, join, sign_in):
    page = sign_in(join("Bob", Role.APPROVER)).get(url("setup", org)).text
    assert "An admin of your organization does this." in page
    assert 'name="private_key"' not in page
