"""A7 and A5 of syncs: who is told that one has failed, finished or waits, and the ticket link that a failure offers."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from accounts.models import Letter, Notice
from reconcile.http.errors import CustomerMustAct
from reconcile.tenancy.scope import org_scope
from sync import runs
from sync.models import SyncRun

pytestmark = pytest.mark.django_db


def told(org):
    with org_scope(org.pk):
        return {notice.kind: notice for notice in Notice.objects.order_by("id")}


def refuse_keys(console):
    def fail() -> None:
        raise CustomerMustAct("The vendor refused the key. Enter it again.", request_id="q-7 & secret=1")

    console.before = fail


def test_a7_a_failure_tells_admins_with_cause_and_who_must_act_and_a_good_sync_settles_it(
    org, console, integration, sync
):
    refuse_keys(console)
    sync(integration)
    sync(integration)
    failed = told(org)["sync_failed"]
    assert failed.title == "The sync of Vendor has failed"
    assert failed.body == "The vendor refused the key. An admin must act. Enter it again."
    assert failed.times == 2, "the same again is not another notice"
    with org_scope(org.pk):
        assert Letter.objects.filter(notice=failed).count() == 1
    console.before = lambda: None
    sync(integration)
    assert told(org)["sync_failed"].solved_at is not None
    done = told(org)["sync_done"]
    assert (done.title, done.role) == ("The sync of Vendor has finished", 10)


def test_a7_a_held_sync_waits_for_an_approver_until_somebody_decides(org, alice, pocket, connection, sync):
    sync(connection)
    for account in list(pocket.accounts)[1:]:
        pocket.accounts.remove(account)
    pocket.lines[:] = pocket.lines[:1]
    pocket.agreements[:] = pocket.agreements[:1]
    run = sync(connection)
    assert run.state == SyncRun.State.HELD
    waits = told(org)["approval"]
    assert waits.title == "The sync of PSA waits for a person"
    with org_scope(org.pk):
        runs.refuse(run.pk, alice)
    assert told(org)["approval"].solved_at is not None


def test_a5_a_failed_sync_offers_a_ticket_with_its_reference(
    org, alice, sign_in, console, integration, sync, settings
):
    settings.SUPPORT_PORTAL_NEW_URL = "https://help.reconcile.example/new"
    refuse_keys(console)
    run = sync(integration)
    page = sign_in(alice).get(reverse("sync_status", args=[org.slug])).text
    (link,) = re.findall(r'href="([^"]+)">Open a ticket', page)
    query = parse_qs(urlsplit(html.unescape(link)).query)
    assert query == {"reference": [f"R{run.pk}-1, {org.slug}, sync failed"]}
    settings.SUPPORT_PORTAL_NEW_URL = ""
    page = sign_in(alice).get(reverse("sync_status", args=[org.slug])).text
    assert f"mailto:{settings.SUPPORT_EMAIL}?subject=R{run.pk}-1" in page
