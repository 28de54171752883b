"""Publishing a vendor's pull: differences alone, unknown never zero, and much gone at once waits for a person."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database

from accounts.models import AuditEntry, Organization, User
from psa.models import Account, Connection
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from sync import ledger
from sync.models import LineChange, SyncRun
from sync.pulls import Pull, freeze, thaw
from tests.sync.conftest import Sync
from tests.sync.pocket import NOON, PocketVendor, PocketVendorAdapter, nothing
from vendors.adapters.base import Outcome
from vendors.models import AccountMapping, Integration, Snapshot, UsageCount, VendorAccount, VendorService

State = SyncRun.State
DAY = timedelta(days=1)


def counts(org: Organization) -> dict[str, Decimal]:
    """Give the current count of each account."""
    with org_scope(org.pk):
        current = UsageCount.objects.filter(superseded_at=None)
        return dict(current.values_list("vendor_account__external_id", "quantity"))


def gaps(org: Organization) -> dict[str, str]:
    with org_scope(org.pk):
        return dict(VendorAccount.objects.exclude(gap_reason="").values_list("external_id", "gap_reason"))


def versions(org: Organization) -> list[Any]:
    with org_scope(org.pk), database.cursor() as cursor:
        cursor.execute(
            "SELECT 'c', id, xmin::text FROM vendors_usagecount UNION ALL SELECT 'a', id, xmin::text FROM "
            "vendors_vendoraccount UNION ALL SELECT 's', id, xmin::text FROM vendors_vendorservice ORDER BY 1, 2"
        )
        return cursor.fetchall()


def test_a_first_pull_fills_the_ledger(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    console.count("customer 0", "storage", "10.12345678901", "GB")
    run = sync(integration)
    assert (run.state, run.changed) == (State.DONE, 0), "there is nothing to compare it with"
    with org_scope(org.pk):
        integration.refresh_from_db()
        assert (integration.counted_at, integration.external_id) == (NOON, "pocket-1")
        storage = UsageCount.objects.select_related("snapshot").get(vendor_service__external_id="storage")
        assert (storage.quantity, storage.source_refs) == (Decimal("10.123457"), ["row 1"])
        assert storage.snapshot.state == Snapshot.State.PUBLISHED
        assert VendorAccount.objects.get(external_id="customer 3").name == "Customer 3"
        assert VendorService.objects.get(external_id="storage").unit == "GB"
        assert not LineChange.objects.exists()


def test_an_unchanged_pull_writes_no_count(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    console.count("customer 0", "storage", "10.12345678901", "GB")
    sync(integration)
    before = versions(org)
    console.taken_at = NOON + DAY
    assert sync(integration).changed == 0
    assert versions(org) == before
    with org_scope(org.pk):
        integration.refresh_from_db()
        assert integration.counted_at == NOON + DAY, "but it is known to hold on that day too"


def test_a_moved_count_closes_its_row_and_opens_the_next(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    sync(integration)
    console.count("customer 4", "agents", "12")
    console.taken_at = NOON + DAY
    run = sync(integration)
    with org_scope(org.pk):
        history = UsageCount.objects.filter(vendor_account__external_id="customer 4").order_by("id")
        assert list(history.values_list("quantity", "counted_at", "superseded_at")) == [
            (Decimal(10), NOON, NOON + DAY),
            (Decimal(12), NOON + DAY, None),
        ]
        moved = LineChange.objects.get(run=run)
        assert (moved.account_name, moved.before, moved.after) == ("Customer 4", Decimal(10), Decimal(12))


def test_absence_in_a_complete_pull_is_a_zero_that_says_so(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    sync(integration)
    del console.counts["customer 4", "agents"]
    console.accounts.remove("customer 5")
    del console.counts["customer 5", "agents"]
    sync(integration)
    assert (counts(org)["customer 4"], counts(org)["customer 5"]) == (Decimal(0), Decimal(0))
    with org_scope(org.pk):
        absent = UsageCount.objects.filter(absent=True, superseded_at=None)
        assert absent.count() == 2
        gone = VendorAccount.objects.exclude(vanished_at=None)
        assert list(gone.values_list("external_id", flat=True)) == ["customer 5"]
    before = versions(org)
    sync(integration)
    assert versions(org) == before, "a zero stays as it is"


@pytest.mark.parametrize("outcome", [Outcome.STALE, Outcome.FAILED, Outcome.SKIPPED])
def test_a_silent_account_keeps_its_last_count_until_it_speaks_again(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync, outcome: Outcome
) -> None:
    sync(integration)
    console.outcomes["customer 4"] = (outcome, "The connection to its server is lost.")
    del console.counts["customer 4", "agents"]
    console.taken_at = NOON + DAY
    sync(integration)
    console.taken_at = NOON + 2 * DAY
    sync(integration)
    assert counts(org)["customer 4"] == 10
    with org_scope(org.pk):
        silent = VendorAccount.objects.get(external_id="customer 4")
        assert silent.gap_reason == "The connection to its server is lost."
        assert silent.gap_since == NOON, "unknown since the last good count"
    console.outcomes.clear()
    console.count("customer 4", "agents", "11")
    sync(integration)
    assert (counts(org)["customer 4"], gaps(org)) == (Decimal(11), {})


def test_a_stale_count_is_kept_aside_where_there_was_none(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    console.outcomes["customer 4"] = (Outcome.STALE, "Lost.")
    sync(integration)
    assert (counts(org)["customer 4"], gaps(org)) == (Decimal(10), {"customer 4": "Lost."})


@pytest.mark.parametrize(
    ("quantity", "words"),
    [
        ("-1", "never below zero"),
        ("10.5", "no part of a device"),
        ("100000001", "more than there can be"),
        ("NaN", "no number"),
    ],
)
def test_an_impossible_count_fails_its_account_and_nothing_else(
    org: Organization,
    integration: Integration,
    console: PocketVendor,
    sync: Sync,
    quantity: str,
    words: str,
) -> None:
    sync(integration)
    console.count("customer 4", "agents", quantity)
    console.count("customer 5", "agents", "11")
    run = sync(integration)
    assert run.state == State.DONE
    assert (counts(org)["customer 4"], counts(org)["customer 5"]) == (Decimal(10), Decimal(11))
    assert list(gaps(org)) == ["customer 4"]
    assert words in gaps(org)["customer 4"]


def test_bytes_may_be_many_and_parts(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    console.counts.clear()
    console.count("customer 4", "new counter", "109951162777600.5"[:13], "unit")
    sync(integration)
    assert counts(org) == {"customer 4": Decimal("1099511627776")}


def test_a_partial_pull_publishes_nothing(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    sync(integration)
    before = versions(org)
    console.counts = {("customer 0", "agents"): Decimal(3)}
    console.complete = False
    run = sync(integration)
    assert (run.state, run.who) == (State.FAILED, "clock")
    assert run.cause.endswith("Nothing of it was used.")
    assert versions(org) == before
    with org_scope(org.pk):
        assert Snapshot.objects.order_by("-id")[0].state == Snapshot.State.PARTIAL


def hold(integration: Integration, console: PocketVendor, sync: Sync) -> Snapshot:
    """Let six of ten customers be gone at once."""
    sync(integration)
    for number in range(4, 10):
        console.accounts.remove(f"customer {number}")
        del console.counts[f"customer {number}", "agents"]
    console.taken_at = NOON + DAY
    run = sync(integration)
    assert (run.state, run.who) == (State.HELD, "admin")
    assert run.cause == "6 of 10 counts would go to zero at once."
    with org_scope(run.org_id):
        return Snapshot.objects.get(state=Snapshot.State.HELD)


def test_much_gone_at_once_is_held_and_published_when_accepted(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync, alice: User
) -> None:
    snapshot = hold(integration, console, sync)
    assert set(counts(org).values()) == {10}
    with org_scope(org.pk):
        integration.refresh_from_db()
        assert (integration.held, integration.counted_at) == (True, NOON)
        ledger.accept(snapshot.pk, alice)
        integration.refresh_from_db()
        snapshot.refresh_from_db()
        assert (integration.held, integration.counted_at) == (False, NOON + DAY)
        assert (snapshot.state, snapshot.vanished, snapshot.pulled) == (Snapshot.State.PUBLISHED, 6, {})
        assert SyncRun.objects.order_by("-id")[0].state == State.DONE
        assert AuditEntry.objects.get(verb="accepted held counts").actor == alice
        with pytest.raises(ledger.NothingHeld):
            ledger.accept(snapshot.pk, alice)
    assert sorted(counts(org).values()) == [0] * 6 + [10] * 4


def test_a_refused_snapshot_changes_nothing(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync, alice: User
) -> None:
    snapshot = hold(integration, console, sync)
    with org_scope(org.pk):
        ledger.refuse(snapshot.pk, alice)
        integration.refresh_from_db()
        assert (integration.held, integration.counted_at) == (False, NOON)
        assert AuditEntry.objects.get(verb="refused held counts").subject == f"snapshot:{snapshot.pk}"
    assert set(counts(org).values()) == {10}


def test_a_good_pull_takes_the_place_of_a_held_one(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync
) -> None:
    snapshot = hold(integration, console, sync)
    for number in range(4, 10):
        console.count(f"customer {number}", "agents", "10")
    assert sync(integration).state == State.DONE
    with org_scope(org.pk):
        snapshot.refresh_from_db()
        integration.refresh_from_db()
        assert (snapshot.state, integration.held) == (Snapshot.State.REFUSED, False)


@pytest.mark.parametrize("what", ["accounts", "counts", "zeros"])
def test_an_outage_that_looks_like_zero_is_held(
    org: Organization, integration: Integration, console: PocketVendor, sync: Sync, what: str
) -> None:
    sync(integration)
    if what == "accounts":
        console.accounts, console.counts = [], {}
    elif what == "counts":
        console.counts = {}
    else:
        console.counts = dict.fromkeys(console.counts, Decimal(0))
    assert sync(integration).state == State.HELD
    assert set(counts(org).values()) == {10}


def test_the_cards_of_all_mapped_accounts_are_told(
    org: Organization, integration: Integration, connection: Connection, sync: Sync
) -> None:
    sync(connection)
    sync(integration)
    heard: list[Any] = []

    def listen(sender: Any, account_ids: list[int] | None, **kwargs: Any) -> None:
        heard.append(account_ids)

    with org_scope(org.pk):
        account = Account.objects.get(remote_id="a1")
        AccountMapping.objects.create(
            org=org, account=account, vendor_account=VendorAccount.objects.get(external_id="customer 1")
        )
    figures_changed.connect(listen)
    try:
        sync(integration)
    finally:
        figures_changed.disconnect(listen)
    assert heard == [[account.pk]], "also without a difference: the counts are fresh again"


def test_a_held_pull_is_kept_without_loss(console: PocketVendor) -> None:
    adapter = PocketVendorAdapter(console)
    console.outcomes["customer 1"] = (Outcome.STALE, "Lost.")
    console.count("customer 2", "storage", "1.234567890123456789", "GB")
    accounts = tuple(account for chunk in adapter.read_accounts() for account in chunk)
    usage = adapter.read_usage(NOON.date(), nothing)
    pull = Pull(accounts, replace(usage, warnings=["careful"]))
    assert thaw(freeze(pull)) == pull
