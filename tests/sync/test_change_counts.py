"""F2: what a sync changed is counted once, for its row, the strip, the list and the notice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from django.test import Client
from django.urls import reverse

from accounts.models import Notice, Organization, User
from psa.models import AgreementLine, Connection
from reconcile.tenancy.scope import org_scope
from sync.models import LineChange, SyncRun
from tests.sync.conftest import Sync
from tests.sync.pocket import NOON, PocketPsa, PocketVendor
from vendors.models import Integration

SignIn = Callable[[User], Client]


def at(org: Organization) -> str:
    return reverse("sync_status", args=[org.slug])


def test_f2_row_list_and_notice_count_the_same_changes_and_only_quantities(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    connection: Connection,
    pocket: PocketPsa,
    sync: Sync,
) -> None:
    """Two quantities move, one line comes, one goes, and one is only touched: the PSA's version of it is new."""
    last = pocket.lines.pop()
    sync(connection)
    pocket.lines.append(last)
    pocket.bill("l1.1", "3")
    pocket.bill("l2.1", "41")
    pocket.drop_lines("l1.3")
    pocket.lines = [
        replace(line, remote_version="touched") if line.remote_id == "l1.2" else line for line in pocket.lines
    ]
    run = sync(connection, SyncRun.Mode.FULL)
    page = sign_in(alice).get(at(org)).text
    assert "2 moved, 1 new, 1 gone" in page
    with org_scope(org.pk):
        assert run.changed == LineChange.objects.filter(run=run).count() == 4
        done = Notice.objects.filter(kind="sync_done").order_by("-pk")
        assert done[0].body == "Quantities: 2 moved, 1 new, 1 gone."
        assert AgreementLine.objects.get(remote_id="l1.2").remote_version == "touched"
    sync(connection)
    assert 'id="changes"' not in sign_in(alice).get(at(org)).text
    with org_scope(org.pk):
        assert done.all()[0].body == "No quantity has changed."


def test_f2_a_first_read_has_moved_nothing_wherever_it_is_counted(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    connection: Connection,
    integration: Integration,
    sync: Sync,
) -> None:
    for source in (connection, integration):
        assert sync(source).changed == 0
    page = sign_in(alice).get(at(org)).text
    assert "10 new" not in page
    assert '<p class="fig">0 <small>quantities</small></p><p class="note">Nothing moved</p>' in page
    assert 'id="changes"' not in page
    with org_scope(org.pk):
        assert {done.body for done in Notice.objects.filter(kind="sync_done")} == {"No quantity has changed."}


def test_f2_counts_that_go_move_and_come_are_the_same_in_row_strip_list_and_notice(
    org: Organization,
    alice: User,
    sign_in: SignIn,
    integration: Integration,
    console: PocketVendor,
    sync: Sync,
) -> None:
    """A count that is gone is no zero; a zero where nothing was counted before is no change."""
    sync(integration)
    first, second, *_ = list(console.counts)
    del console.counts[first]
    console.counts[second] = Decimal(0)
    console.count("customer 2", "storage", "4", "GB")
    console.count("customer 3", "storage", "0", "GB")
    console.taken_at = NOON + timedelta(days=1)
    run = sync(integration)
    page = sign_in(alice).get(at(org)).text
    assert "1 moved, 1 new, 1 gone" in page
    assert '<p class="fig">3 <small>quantities</small></p>' in page
    assert page.count('<td class="num">gone</td>') == 1
    assert page.count('<td class="num">0</td>') == 1
    with org_scope(org.pk):
        assert run.changed == LineChange.objects.filter(run=run).count() == 3
        body = Notice.objects.filter(kind="sync_done").latest("pk").body
        assert body == "Quantities: 1 moved, 1 new, 1 gone."
