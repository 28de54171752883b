"""Sync status: what each state says, who may start, stop and decide, and a fixed number of queries."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import shell
from accounts.models import DisplaySettings, Organization, SyncSchedule, User
from accounts.roles import Role
from accounts.schedule_words import WEEKDAYS
from psa.models import Connection
from reconcile.http.errors import CustomerMustAct, TryLater
from reconcile.tenancy.scope import org_scope
from sync import claims, psa_reading, runs, schedules
from sync.models import SyncRun, SyncStep
from tests.sync.conftest import Sync
from tests.sync.pocket import NOON, PocketPsa, PocketVendor
from vendors.models import Integration, Snapshot

State = SyncRun.State
HTMX = {"HX-Request": "true"}
SignIn = Callable[[User], Client]


def at(org: Organization, name: str = "sync_status", *args: object) -> str:
    return reverse(name, args=[org.slug, *args])


def newest(org: Organization) -> SyncRun:
    with org_scope(org.pk):
        return SyncRun.objects.order_by("-id")[0]


def test_without_a_source_the_page_says_what_to_do(org: Organization, alice: User, sign_in: SignIn) -> None:
    assert "Nothing is connected yet" in sign_in(alice).get(at(org)).text


def test_each_source_shows_what_its_last_sync_read(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    connection: Connection,
    integration: Integration,
    sync: Sync,
) -> None:
    sync(connection)
    sync(integration)
    page = sign_in(alice).get(at(org)).text
    assert "10 lines read" in page
    assert "10 counts of 10 accounts" in page
    assert "every 2s" not in page, "nothing runs, so nothing is asked again"


def test_a_running_sync_shows_how_far_it_is_and_asks_again(
    org: Organization, alice: User, sign_in: SignIn, connection: Connection
) -> None:
    run = runs.request(org.pk, connection=connection, mode=SyncRun.Mode.FULL, by=alice)
    claim = claims.take(org.pk, run.pk)
    assert claim is not None
    with org_scope(org.pk):
        psa_reading.prepare(claim)
        SyncStep.objects.filter(position__lt=3).update(finished_at=timezone.now())
        SyncStep.objects.filter(name="agreements").update(read=2318, total=3870)
    client = sign_in(alice)
    part = client.get(at(org), headers=HTMX).text
    assert "2,318 of 3,870 agreements, 59%" in part
    assert 'hx-trigger="every 2s"' in part
    assert "<html" not in part
    assert 'id="count-sync"' in part, "the navigation follows"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            CustomerMustAct("The vendor refused the key. Enter it again.", request_id="q-7"),
            ["An admin must act: Enter it again.", "Check the integration", "R{run}-1 q-7"],
        ),
        (TryLater("It is away. Reconcile tries again."), ["It is away.", "Start the sync again"]),
        (ValueError("oops"), ["Our fault, not yours.", "mailto:", "R{run}-1"]),
    ],
)
def test_a_failure_names_cause_cure_and_reference(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    integration: Integration,
    console: PocketVendor,
    sync: Sync,
    settings,
    error: Exception,
    words: list[str],
) -> None:
    def fail() -> None:
        raise error

    settings.SYNC_MAX_ATTEMPTS = 1
    console.before = fail
    run = sync(integration)
    page = sign_in(alice).get(at(org)).text
    assert "No quantity is guessed." in page
    for text in words:
        assert text.format(run=run.pk) in page
    assert '<span class="count fail" id="count-sync">1 failed</span>' in page


def test_a_wait_says_until_when(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    integration: Integration,
    console: PocketVendor,
    sync: Sync,
) -> None:
    def fail() -> None:
        raise TryLater("It is away. Reconcile tries again.", retry_after=3600)

    console.before = fail
    run = sync(integration)
    page = sign_in(alice).get(at(org)).text
    assert f"Tries again at {run.not_before:%H:%M:%S}. It is away." in page


def test_what_changed_is_listed_largest_first(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    connection: Connection,
    pocket: PocketPsa,
    sync: Sync,
) -> None:
    sync(connection)
    pocket.bill("l1.1", "3")
    pocket.bill("l2.1", "41")
    sync(connection)
    page = sign_in(alice).get(at(org)).text
    assert page.index("+40") < page.index("+2<")
    assert "2 moved" in page


def test_the_roles_decide_who_starts_what(
    org: Organization, join, sign_in: SignIn, connection: Connection, integration: Integration, sync: Sync
) -> None:
    sync(connection)
    viewer, reviewer, admin = (
        sign_in(join(name, role))
        for name, role in (("Vera", Role.VIEWER), ("Rita", Role.REVIEWER), ("Adam", Role.ADMIN))
    )
    full = {"connection": connection.pk, "mode": "full"}
    assert viewer.post(at(org, "sync_start"), {"everything": "1"}).status_code == 403
    assert "Quick sync" not in viewer.get(at(org)).text
    assert reviewer.post(at(org, "sync_start"), full).status_code == 403
    assert "Full sync" not in reviewer.get(at(org)).text
    assert newest(org).state == State.DONE
    assert reviewer.post(at(org, "sync_start"), {"everything": "1"}).status_code == 302
    with org_scope(org.pk):
        opened = SyncRun.objects.filter(state=State.QUEUED)
        assert set(opened.values_list("connection_id", "integration_id", "mode")) == {
            (connection.pk, None, "quick"),
            (None, integration.pk, "quick"),
        }
    reply = admin.post(at(org, "sync_start"), full, headers=HTMX)
    assert "close-dialogs" in reply.headers["HX-Trigger"]
    with org_scope(org.pk):
        assert opened.get(connection=connection).mode == "full"


def test_a_run_can_be_stopped_from_the_page(
    org: Organization, join, sign_in: SignIn, connection: Connection
) -> None:
    run = runs.request(org.pk, connection=connection, mode=SyncRun.Mode.FULL, by=None)
    viewer, reviewer = sign_in(join("Vera", Role.VIEWER)), sign_in(join("Rita", Role.REVIEWER))
    assert viewer.post(at(org, "sync_stop", run.pk)).status_code == 403
    assert "Stopped" in reviewer.post(at(org, "sync_stop", run.pk), headers=HTMX).text
    assert newest(org).state == State.STOPPED
    late = reviewer.post(at(org, "sync_stop", run.pk), headers=HTMX)
    assert "ended before it could be stopped" in late.headers["HX-Trigger"]
    assert reviewer.post(at(org, "sync_stop", run.pk + 1)).status_code == 404


def test_a_held_snapshot_is_decided_by_an_approver(
    org: Organization,
    join,
    sign_in: SignIn,
    integration: Integration,
    console: PocketVendor,
    sync: Sync,
) -> None:
    sync(integration)
    console.accounts, console.counts, console.taken_at = [], {}, NOON + timedelta(days=1)
    sync(integration)
    with org_scope(org.pk):
        snapshot = Snapshot.objects.get(state=Snapshot.State.HELD)
    reviewer, approver = sign_in(join("Rita", Role.REVIEWER)), sign_in(join("Anna", Role.APPROVER))
    address = at(org, "snapshot_decide", snapshot.pk)
    assert "lists no account any more" in reviewer.get(at(org)).text
    assert "Accept: it is true" not in reviewer.get(at(org)).text
    assert reviewer.post(address, {"verb": "accept"}).status_code == 403
    assert "Accept: it is true" in approver.get(at(org)).text
    assert approver.post(address, {"verb": "shred"}).status_code == 404
    refused = approver.post(address, {"verb": "refuse"}, headers=HTMX)
    assert "Refused. Nothing was changed." in refused.headers["HX-Trigger"]
    again = approver.post(address, {"verb": "accept"}, headers=HTMX)
    assert "Nothing was done" in again.headers["HX-Trigger"]


def test_a_held_read_of_the_psa_is_published_when_accepted(
    org: Organization, alice: User, sign_in: SignIn, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    sync(connection)
    pocket.lines = pocket.lines[:5]
    pocket.agreements[1] = replace(pocket.agreements[1], name="Renamed")
    run = sync(connection)
    client = sign_in(alice)
    assert "5 of 10 agreement lines are no longer shown" in client.get(at(org)).text
    assert client.post(at(org, "sync_decide", run.pk), {"verb": "accept"}).status_code == 302
    pages = len(pocket.pages_read)
    runs.run(org.pk, run.pk)
    assert newest(org).state == State.DONE
    assert len(pocket.pages_read) == pages, "what was read is published, not read again"


def test_a_stranger_finds_nothing(
    org: Organization,
    other_org: Organization,
    charlie: User,
    sign_in: SignIn,
    connection: Connection,
    sync: Sync,
) -> None:
    run = sync(connection)
    stranger = sign_in(charlie)
    assert stranger.get(at(org)).status_code == 404
    assert stranger.post(at(org, "sync_start"), {"everything": "1"}).status_code == 404
    assert stranger.post(at(other_org, "sync_stop", run.pk)).status_code == 404
    assert stranger.post(at(other_org, "sync_decide", run.pk), {"verb": "accept"}).status_code == 404
    assert stranger.post(at(other_org, "sync_start"), {"connection": connection.pk}).status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_sources(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    connection: Connection,
    integration: Integration,
    sync: Sync,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shell, "COUNTERS", {})  # what others count beside the navigation is not this page's
    client = sign_in(alice)
    sync(connection)
    sync(integration)

    def count() -> int:
        with CaptureQueriesContext(
            database,
        ) as caught:
            assert client.get(at(org), headers=HTMX).status_code == 200
        return len([query for query in caught if "SAVEPOINT" not in query["sql"]])

    count()
    few = count()
    with org_scope(org.pk):
        more = [
            Integration.objects.create(
                org=org, kind=integration.kind, name=f"Vendor {number}", base_url="https://vendor.example"
            )
            for number in range(5)
        ]
    for source in more:
        sync(source)
    assert count() == few
    # One is for how the organization reads (G1): every page asks it.
    assert few == 22


def test_f4_the_last_and_the_next_automatic_sync_are_shown(
    org: Organization, alice: User, sign_in: SignIn, connection: Connection, integration: Integration
) -> None:
    client = sign_in(alice)
    with org_scope(org.pk):
        due = SyncSchedule.objects.get().next_sync_at
    assert due is not None
    page = client.get(at(org)).text
    assert f"{WEEKDAYS[due.weekday()]} {due.day} {due:%B}" in page
    assert "Last automatic sync" not in page
    schedules.start(org.pk, due)
    assert f"Last automatic sync {due.day} {due:%b}: 2 waiting" in client.get(at(org)).text
    with org_scope(org.pk):
        run_ids = list(SyncRun.objects.values_list("pk", flat=True))
    for run_id in run_ids:
        runs.run(org.pk, run_id)
    page = client.get(at(org)).text
    assert f"Last automatic sync {due.day} {due:%b}: 2 done" in page
    assert f"{due.day} {due:%b}, 07:00" in page
    assert "PSA: It was never read completely." in page
    with org_scope(org.pk):
        SyncSchedule.objects.update(weekly=False, next_sync_at=None)
    assert "Nothing runs by itself" in client.get(at(org)).text


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (12, "Expires in 12 days"),
        (0, "Expires today"),
        (-3, "Expired 3 days ago"),
        (200, "credential expires in 200 days"),
        (None, ""),
    ],
)
def test_c6_a_credentials_expiry_is_counted_down(
    org: Organization,
    join,
    sign_in: SignIn,
    integration: Integration,
    sync: Sync,
    days: int | None,
    words: str,
) -> None:
    sync(integration)
    ends = None if days is None else timezone.now().date() + timedelta(days)
    with org_scope(org.pk):
        Integration.objects.update(credentials_expire_on=ends)
    admin, viewer = sign_in(join("Ada", Role.ADMIN)), sign_in(join("Vera", Role.VIEWER))
    page = admin.get(at(org)).text
    assert words in page
    assert ("redential" in page) == (days is not None)
    is_soon = days is not None and days <= 30
    assert ("Renew" in page) == is_soon
    assert ("an admin renews it" in viewer.get(at(org)).text) == is_soon


def test_g1_automatic_syncs_are_shown_in_the_organizations_zone_with_utc_beside_it(
    org: Organization, alice: User, sign_in: SignIn, connection: Connection
) -> None:
    with org_scope(org.pk):
        DisplaySettings.objects.update(time_zone="Pacific/Honolulu")
        due = SyncSchedule.objects.get().next_sync_at
    assert due is not None
    schedules.start(org.pk, due)
    page = sign_in(alice).get(at(org)).text
    utc = f"21:00 HST ({due.day} {due:%b}"
    there = due.date() - timedelta(days=1)
    with org_scope(org.pk):
        upcoming = SyncSchedule.objects.get().next_sync_at
    assert upcoming is not None
    eve = upcoming.date() - timedelta(days=1)
    assert f"<b>{WEEKDAYS[eve.weekday()]} {eve.day} {eve:%B}" in page
    assert f"21:00 HST ({upcoming.day} {upcoming:%b}" in page
    assert re.search(
        rf'<th scope="row">{there.day} {there:%b}( \d+)?, {re.escape(utc)}( \d+)?, 07:00 UTC\)</th>', page
    )
    assert "times in Honolulu" in page
