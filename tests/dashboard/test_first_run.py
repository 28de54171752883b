"""G4: the checklist from connecting to the first reconciliation names the next step in every state, also backwards."""

from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from dashboard.models import Card
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import AccountMapping, Integration, ServiceMapping

SETUP = "/o/northgate-it/setup/"


def step(client: Client) -> str | None:
    """Give the step that the checklist marks as the next one; there is never more than one."""
    page = client.get(SETUP)
    assert page.text.count('aria-current="step"') == (1 if page.context["current"] else 0)
    return page.context["current"].key if page.context["current"] else None


def test_g4_the_next_step_is_named_in_every_state(
    org: Organization, alice: User, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(alice)
    assert client.get("/o/northgate-it/")["Location"] == SETUP
    assert step(client) == "psa"
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Integration.objects.all().delete()
    assert step(client) == "vendors"
    with org_scope(org.pk):
        books.veeam = books.integration("Veeam")
    assert step(client) == "map"
    with org_scope(org.pk):
        account, service = books.account(), books.service()
        line = books.line(books.agreement(account), service, "10")
        row = books.vendor_account(account)
        books.refresh()
    assert step(client) == "map"
    assert "Accounts are mapped. Now say which vendor service" in client.get(SETUP).text
    with org_scope(org.pk):
        books.usage(row, books.vendor_service(service), "12")
        books.refresh()
    assert step(client) == "review"
    with org_scope(org.pk):
        card = books.card(line)
    form = {"seen_psa": "10", "seen_vendor": "12", "reason": "Something else"}
    assert client.post(f"/o/northgate-it/lines/{card.pk}/dismiss/", form).status_code == 200
    assert step(client) is None
    # What was done once and is gone again is the next step again.
    with org_scope(org.pk):
        ServiceMapping.objects.all().delete()
    assert step(client) == "map"
    with org_scope(org.pk):
        AccountMapping.objects.all().delete()
    assert step(client) == "map"


def test_g4_lines_that_match_need_no_review(
    org: Organization, alice: User, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(alice)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        books.pair("10", "10")
        books.refresh()
        assert Card.objects.get().state == "done"
    assert step(client) is None
    with org_scope(org.pk):
        Connection.objects.update(checked_at=None)
    assert client.get("/o/northgate-it/").status_code == 200


def test_g4_an_empty_dashboard_leads_to_the_next_step(
    org: Organization, alice: User, sign_in: Callable[[User], Client]
) -> None:
    with org_scope(org.pk):
        Books(org, now=timezone.now())
    page = sign_in(alice).get("/o/northgate-it/?tab=todo").text
    assert "Nothing to compare yet" in page
    assert f'href="{SETUP}"' in page
