"""A3: an owner deletes an organization; it closes at once, can be restored, and is erased whole after its time."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.urls import reverse

from accounts import audit, deletion, erasure
from accounts.models import AuditEntry, Erasure, Feedback, Letter, Notice, NoticeMark, Organization, User
from accounts.roles import Role
from psa import push_steps
from psa.models import Push, PushAttempt
from psa.tasks import send_pushes
from reconcile.clock import read_clock
from reconcile.tenancy.catalogue import list_tables
from reconcile.tenancy.scope import org_scope
from sync.models import SyncRun
from sync.tasks import run_sync
from tests.tenancy.test_matrix import furnish

Sign = Callable[..., Client]
HOUR = 3600


def at(org: Organization, name: str = "organization_delete") -> str:
    return reverse(name, args=[org.slug])


def test_a3_only_the_typed_name_closes_it_and_everybody_is_told(
    org: Organization, alice: User, join: Callable[[str, Role], User], sign_in: Sign
) -> None:
    client, vera = sign_in(alice), join("Vera", Role.VIEWER)
    assert "Type “Northgate IT” to delete it" in client.get(at(org)).text
    refused = client.post(at(org), {"name": "northgate"})
    assert refused.status_code == 422
    assert "That is not its name" in refused.text
    assert client.get(reverse("dashboard", args=[org.slug])).status_code == 302
    assert client.post(at(org), {"name": " Northgate IT "}).status_code == 302
    for person, way_back in ((vera, False), (alice, True)):
        page = sign_in(person).get(reverse("settings_data", args=[org.slug]))
        assert page.status_code == 403
        assert "Northgate IT is being deleted" in page.text
        assert (at(org) in page.text) is way_back
    # The e-mail leads here: it says what happens, not that a role is too low.
    followed = sign_in(vera).get(at(org))
    assert followed.status_code == 403
    assert "Northgate IT is being deleted" in followed.text
    with org_scope(org.pk):
        assert set(Letter.objects.values_list("to", flat=True)) == {alice.email, vera.email}
        assert AuditEntry.objects.latest("seq").verb == "closed organization for deletion"


def test_a3_deleting_asks_who_it_is_and_an_admin_may_not(
    org: Organization, alice: User, join: Callable[[str, Role], User], sign_in: Sign
) -> None:
    old = sign_in(alice, ago=HOUR).post(at(org), {"name": org.name})
    assert old.headers["Location"].startswith("/account/reauthenticate/")
    assert sign_in(join("Adam", Role.ADMIN)).post(at(org), {"name": org.name}).status_code == 403
    with org_scope(org.pk):
        assert Organization.objects.get().closing_since is None


def test_a3_nothing_runs_while_it_is_closed_and_restoring_brings_all_back(
    org: Organization, alice: User, sign_in: Sign
) -> None:
    things, client = furnish(org), sign_in(alice)
    with org_scope(org.pk):
        Push.objects.filter(pk=things.push).update(state="staged")
    client.post(at(org), {"name": org.name})
    run_sync(org.pk, things.run)
    send_pushes(org.pk)
    with org_scope(org.pk):
        assert SyncRun.objects.get(pk=things.run).state == "queued"
        assert Push.objects.get(pk=things.push).state == "staged"
        assert not PushAttempt.objects.exists()
    assert client.post(at(org, "organization_restore")).status_code == 302
    assert "Restored. Everything is as it was." in client.get(at(org)).text
    assert client.get(reverse("settings_data", args=[org.slug])).status_code == 200
    run_sync(org.pk, things.run)
    send_pushes(org.pk)
    with org_scope(org.pk):
        assert SyncRun.objects.get(pk=things.run).state != "queued"
        assert PushAttempt.objects.exists()
        assert audit.verify(org.pk) is None


def test_a3_a_push_that_a_worker_holds_is_not_sent_after_the_closing(org: Organization, alice: User) -> None:
    things = furnish(org)
    with org_scope(org.pk):
        Push.objects.filter(pk=things.push).update(state="staged")
    (work,) = push_steps.claim(org.pk)
    with org_scope(org.pk):
        deletion.close(org.pk, org.name, by=alice)
    assert not push_steps.mark_sending(work)
    with org_scope(org.pk):
        deletion.restore(org.pk, by=alice)
    assert push_steps.mark_sending(work)


def everything(org: Organization) -> dict[str, list[Any]]:
    """Give every row of an organization, table by table, as the owner of the tables reads them."""
    found = {}
    with connections["owner"].cursor() as cursor:
        for table in list_tables():
            if table.tenant:
                cursor.execute(f'SELECT t::text FROM "{table.name}" t WHERE org_id = %s ORDER BY 1', [org.pk])
                found[table.name] = [text for (text,) in cursor.fetchall()]
    return found


def erase() -> str:
    said = StringIO()
    call_command("erase_organizations", stdout=said)
    return said.getvalue()


@pytest.fixture
def two(committed_db: None, person: Callable[..., User]) -> tuple[Organization, Organization]:
    """Two organizations with one of everything; Alice owns both, Bob one, and a guest is in each."""
    alice, bob = person("Alice"), person("Bob")
    gone = Organization.found(name="Northgate IT", owner=bob)
    stays = Organization.found(name="Quayside MSP", owner=alice)
    for org in (gone, stays):
        furnish(org)
    return gone, stays


def test_a3_after_its_time_every_row_is_erased_and_the_others_are_untouched(
    two: tuple[Organization, Organization],
) -> None:
    gone, stays = two
    bob = User.objects.get(name="Bob")
    with org_scope(gone.pk):
        deletion.close(gone.pk, gone.name, by=bob)
    before, its_own = everything(stays), everything(gone)
    filled = {name for name, rows in its_own.items() if rows}
    assert filled >= {
        "accounts_auditentry",
        "dashboard_card",
        "psa_push",
        "vendors_usagecount",
        "sync_syncrun",
    }
    assert "No organization is due" in erase()
    assert everything(gone) == its_own
    with org_scope(gone.pk):
        long_ago = read_clock() - timedelta(days=31)
        Organization.objects.filter(pk=gone.pk).update(closing_since=long_ago)
    assert f"Erased organization {gone.pk}: " in erase()
    assert {name for name, rows in everything(gone).items() if rows} == set()
    assert everything(stays) == before
    people = set(User.objects.values_list("name", flat=True))
    assert people == {"Alice", f"Zzyzx {stays.slug}"}
    proof = Erasure.objects.using("owner").get()
    assert (proof.organization, proof.rows) == (gone.pk, sum(len(rows) for rows in its_own.values()))
    assert "No organization is due" in erase()


def test_a3_a_person_whom_another_organizations_records_name_stays(
    two: tuple[Organization, Organization],
) -> None:
    gone, stays = two
    bob = User.objects.get(name="Bob")
    with org_scope(stays.pk):
        audit.record(stays.pk, actor=bob, verb="left the organization", subject="member:1", label="Bob")
    with org_scope(gone.pk):
        Organization.objects.filter(pk=gone.pk).update(closing_since=read_clock() - timedelta(days=31))
    erase()
    assert User.objects.filter(name="Bob").exists()


def test_a3_what_goes_with_a_persons_account_is_not_taken_from_another_organization(
    two: tuple[Organization, Organization],
) -> None:
    gone, stays = two
    bob = User.objects.get(name="Bob")
    with org_scope(stays.pk):
        notice = Notice.objects.earliest("pk")
        NoticeMark.objects.create(org=stays, notice=notice, user=bob, read_at=read_clock())
        Letter.objects.create(org=stays, user=bob, to=bob.email, subject="A sync", body="Done", state="sent")
        Feedback.objects.create(org=stays, by=bob, text="Thank you")
    with org_scope(gone.pk):
        Organization.objects.filter(pk=gone.pk).update(closing_since=read_clock() - timedelta(days=31))
    before = everything(stays)
    erase()
    assert everything(stays) == before
    assert User.objects.filter(name="Bob").exists()


def test_tables_are_emptied_before_those_they_refer_to() -> None:
    assert erasure.order("abc", [("b", "a"), ("c", "b")]) == ["c", "b", "a"]
    assert set(erasure.order("ab", [("a", "b"), ("b", "a")])) == {"a", "b"}
