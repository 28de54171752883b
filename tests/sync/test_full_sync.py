"""F3: Settings, PSA configuration, Start full sync: everything is read again, and what is gone is found."""

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from psa.adapters.base import AccountRecord
from psa.models import Account, Connection
from reconcile.tenancy.scope import org_scope
from sync import runs
from sync.models import SyncRun
from tests.sync.conftest import Sync
from tests.sync.pocket import PocketPsa

State = SyncRun.State
SignIn = Callable[[User], Client]


def vanished(org: Organization) -> list[str]:
    with org_scope(org.pk):
        return list(Account.objects.exclude(vanished_at=None).values_list("name", flat=True))


def test_f3_start_full_sync_reads_everything_again_and_finds_what_is_gone(
    org: Organization, alice: User, sign_in: SignIn, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    pocket.accounts.append(AccountRecord(remote_id="a3", name="Merged away"))
    sync(connection)
    del pocket.accounts[2]
    assert sync(connection, SyncRun.Mode.QUICK).state == State.DONE
    assert pocket.since[-1] is not None, "a quick sync asks only for what has changed"
    assert vanished(org) == [], "and so does not hear of what was deleted"

    client = sign_in(alice)
    configuration = client.get(reverse("psa_connections", args=[org.slug])).text
    assert "Start full sync" in configuration
    assert f'name="connection" value="{connection.pk}"' in configuration
    reply = client.post(
        reverse("sync_start", args=[org.slug]), {"connection": connection.pk, "mode": "full"}, follow=True
    )
    assert "Waits for a worker" in reply.text, "it leads to where it can be followed"
    with org_scope(org.pk):
        run = SyncRun.objects.latest("pk")
        assert (run.mode, run.requested_by_id) == ("full", alice.pk)
        assert AuditEntry.objects.filter(actor=alice, verb="started full sync").exists()
    runs.run(org.pk, run.pk)
    assert pocket.since[-1:] == [None], "nothing is left out because it has not changed"
    with org_scope(org.pk):
        run.refresh_from_db()
        connection.refresh_from_db()
        assert run.state == State.DONE
        assert connection.full_read_at == run.started_at
    assert vanished(org) == ["Merged away"]


def test_f3_a_full_sync_is_for_admins(
    org: Organization, join, sign_in: SignIn, connection: Connection
) -> None:
    full = {"connection": connection.pk, "mode": "full"}
    approver = sign_in(join("Bob", Role.APPROVER))
    assert "Start full sync" not in approver.get(reverse("psa_connections", args=[org.slug])).text
    address = reverse("sync_start", args=[org.slug])
    assert approver.post(address, full).status_code == 403
    with org_scope(org.pk):
        assert not SyncRun.objects.exists()
    assert sign_in(join("Ada", Role.ADMIN)).post(address, full).status_code == 302
