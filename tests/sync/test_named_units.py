"""C7: the named units behind counts in the ledger: from when until when, in the transaction of their counts."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization, User
from dashboard.models import Card
from reconcile.tenancy.scope import org_scope
from sync import ledger
from sync.models import SyncRun, SyncStep
from sync.pulls import Pull, freeze, thaw
from tests.dashboard.builders import Books
from tests.sync.conftest import Sync
from tests.sync.pocket import NOON, PocketVendor, PocketVendorAdapter, nothing
from vendors.adapters.base import Item, Outcome
from vendors.models import (
    AccountMapping,
    AccountSplit,
    Integration,
    NamedUnit,
    ServiceMapping,
    Snapshot,
    VendorAccount,
    VendorService,
)

State = SyncRun.State
DAY = timedelta(days=1)
ANA, BO, CY = "ana@harbor.example", "bo@harbor.example", "cy@harbor.example"
Spans = list[tuple[str, datetime, datetime | None]]


@pytest.fixture
def named(org: Organization, console: PocketVendor, integration: Integration, sync: Sync) -> Sync:
    """A console that has been read once, with two people behind one count."""
    console.name("customer 0", "mailboxes", ANA, BO)
    assert sync(integration).state == State.DONE
    return sync


def spans(org: Organization) -> Spans:
    with org_scope(org.pk):
        rows = NamedUnit.objects.order_by("named_at", "id")
        return list(rows.values_list("name", "named_at", "gone_at"))


def versions(org: Organization) -> list[Any]:
    with org_scope(org.pk), database.cursor() as cursor:
        cursor.execute(
            "SELECT 'n', id, xmin::text FROM vendors_namedunit UNION ALL SELECT 's', id, xmin::text FROM "
            "vendors_vendorservice ORDER BY 1, 2"
        )
        return cursor.fetchall()


def test_a_first_pull_names_who_is_behind_a_count(
    org: Organization, console: PocketVendor, integration: Integration, sync: Sync
) -> None:
    console.name("customer 0", "mailboxes", ANA, BO)
    odd = Item(
        external_id="x1",
        name="Reception",
        kind="user",
        quantity=Decimal("2.5"),
        counts=False,
        reason="Shared.",
    )
    console.names["customer 0", "mailboxes"].append(odd)
    run = sync(integration)
    with org_scope(org.pk):
        ana, other = NamedUnit.objects.get(name=ANA), NamedUnit.objects.get(name="Reception")
        assert (ana.key, ana.quantity, ana.counts, ana.named_at) == (ANA, 1, True, NOON)
        assert ana.traits == {"name": ANA, "email": ANA, "domain": "harbor.example", "kind": "user"}
        assert (other.key, other.quantity) == (f"{integration.pk}:x1", Decimal("2.5"))
        assert (other.counts, other.reason) == (False, "Shared.")
        step = SyncStep.objects.get(run=run, name="names")
        assert (step.read, step.added, step.state) == (3, 3, "done")
        known = VendorService.objects.get(external_id="mailboxes")
        assert (known.named_from, known.names_gap) == (NOON, "")


def test_who_leaves_is_gone_and_who_comes_is_new_and_nobody_else_is_written(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync
) -> None:
    before = versions(org)
    console.taken_at = NOON + DAY
    named(integration)
    assert versions(org) == before, "the same people: nothing is written"
    console.name("customer 0", "mailboxes", BO, CY)
    console.taken_at = NOON + 2 * DAY
    named(integration)
    assert spans(org) == [(ANA, NOON, NOON + 2 * DAY), (BO, NOON, None), (CY, NOON + 2 * DAY, None)]
    console.name("customer 0", "mailboxes", ANA, BO, CY)
    console.taken_at = NOON + 3 * DAY
    named(integration)
    assert spans(org)[-1] == (ANA, NOON + 3 * DAY, None), "who comes back has two spans"


def test_a_list_that_cannot_be_read_leaves_its_names_and_the_counts_stand(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync
) -> None:
    console.names.clear()
    console.count("customer 0", "mailboxes", "3", "user")
    console.unread["mailboxes"] = "The console does not show them."
    run = named(integration)
    assert (run.state, run.changed) == (State.DONE, 1)
    assert run.warnings == [
        "The counts stand, but the names behind mailboxes could not be read. The console does not show them."
    ]
    assert {gone for _, _, gone in spans(org)} == {None}
    with org_scope(org.pk):
        known = VendorService.objects.get(external_id="mailboxes")
        assert known.names_gap == "The console does not show them."
        assert known.names_gap_since
    console.unread["mailboxes"] = "Not today either."
    named(integration)
    with org_scope(org.pk):
        later = VendorService.objects.get(external_id="mailboxes")
        assert (later.names_gap, later.names_gap_since) == ("Not today either.", known.names_gap_since)
    console.unread.clear()
    console.name("customer 0", "mailboxes", ANA, BO, CY)
    named(integration)
    with org_scope(org.pk):
        known = VendorService.objects.get(external_id="mailboxes")
        assert (known.names_gap, known.names_gap_since, known.named_from) == ("", None, NOON)


def test_an_account_with_a_gap_keeps_its_names(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync
) -> None:
    console.outcomes["customer 0"] = (Outcome.STALE, "Lost.")
    console.names.clear()
    named(integration)
    assert [gone for _, _, gone in spans(org)] == [None, None]


def test_names_go_with_a_count_that_is_absent_from_a_complete_pull(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync
) -> None:
    del console.counts["customer 0", "mailboxes"], console.names["customer 0", "mailboxes"]
    console.taken_at = NOON + DAY
    named(integration)
    assert [gone for _, _, gone in spans(org)] == [NOON + DAY] * 2


def test_a_partial_pull_changes_no_name(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync
) -> None:
    before = versions(org)
    console.names.clear()
    console.complete = False
    assert named(integration).state == State.FAILED
    assert versions(org) == before


def test_a_held_pull_publishes_its_names_when_it_is_accepted(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync, alice: User
) -> None:
    before = spans(org)
    for number in range(4, 10):
        console.accounts.remove(f"customer {number}")
        del console.counts[f"customer {number}", "agents"]
    console.name("customer 0", "mailboxes", BO, CY)
    console.taken_at = NOON + DAY
    assert named(integration).state == State.HELD
    assert spans(org) == before
    with org_scope(org.pk):
        ledger.accept(Snapshot.objects.get(state=Snapshot.State.HELD).pk, alice)
    assert spans(org) == [(ANA, NOON, NOON + DAY), (BO, NOON, None), (CY, NOON + DAY, None)]


def test_an_integration_that_reads_no_names_keeps_those_it_had_and_says_so(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync
) -> None:
    with org_scope(org.pk):
        Integration.objects.update(reads_names=False)
    console.name("customer 0", "mailboxes", BO)
    named(integration)
    assert [gone for _, _, gone in spans(org)] == [None, None]
    with org_scope(org.pk):
        assert "not read" in VendorService.objects.get(external_id="mailboxes").names_gap
        assert VendorService.objects.get(external_id="agents").named_from == NOON


def test_many_names_take_as_many_statements_as_a_few(
    console: PocketVendor, integration: Integration, sync: Sync
) -> None:
    def statements(*people: str) -> int:
        console.name("customer 0", "mailboxes", *people)
        with CaptureQueriesContext(database) as asked:
            sync(integration)
        return sum("namedunit" in one["sql"] for one in asked)

    sync(integration)
    few = statements(ANA, BO)
    assert statements(*(f"p{number}@harbor.example" for number in range(500))) == few + 1, (
        "and one that closes"
    )


def test_a_held_pull_keeps_its_names_without_loss(console: PocketVendor) -> None:
    console.name("customer 0", "mailboxes", ANA)
    console.names["customer 0", "mailboxes"][0] = replace(
        console.names["customer 0", "mailboxes"][0], quantity=Decimal("0.123456789"), last_seen=NOON
    )
    console.unread["vms"] = "Too old."
    adapter = PocketVendorAdapter(console)
    usage = adapter.read_usage(NOON.date(), nothing)
    pull = Pull((), replace(usage, items=adapter.read_names(usage, nothing), warnings=[]))
    assert thaw(freeze(pull)) == pull
    old: dict[str, Any] = freeze(pull)
    del old["items"]
    assert thaw(old).usage.items.whole == frozenset(), "held by a version that read no names"


def test_a_count_changes_the_cards_of_the_parts_that_it_is_split_into(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync
) -> None:
    with org_scope(org.pk):
        books = Books(org, now=NOON)
        whole, part, service = books.account("Harbor"), books.account("Part"), books.service()
        vendor_account = VendorAccount.objects.get(external_id="customer 0")
        AccountMapping.objects.create(org=org, vendor_account=vendor_account, account=whole)
        mailboxes = VendorService.objects.get(external_id="mailboxes")
        ServiceMapping.objects.create(org=org, vendor_service=mailboxes, service=service)
        AccountSplit.objects.create(
            org=org, vendor_account=vendor_account, account=part, field="email", pattern="*@part.example"
        )
        line = books.line(books.agreement(part), service, "1")
    console.name("customer 0", "mailboxes", ANA, "dee@part.example", "eve@part.example")
    console.taken_at = NOON + DAY
    assert named(integration).state == State.DONE
    with org_scope(org.pk):
        assert Card.objects.get(line=line).vendor_units == 2


HALF = "half \ud800 and \0 nul, \\u0000 in words"


@pytest.mark.parametrize("held", [False, True])
def test_no_text_of_a_name_fails_the_counts(
    org: Organization, console: PocketVendor, integration: Integration, named: Sync, alice: User, held: bool
) -> None:
    odd = Item(external_id="x" * 300 + HALF, name=HALF, kind=HALF, site=HALF, counts=False, reason=HALF)
    blank = Item(external_id="\0b", name="\0", kind="user", identity="\0")
    twin = replace(odd, external_id="x" * 300 + "a")
    console.names["customer 0", "mailboxes"] += [odd, blank, twin]
    console.unread["agents"] = HALF
    for number in range(4, 10) if held else ():
        console.accounts.remove(f"customer {number}")
        del console.counts[f"customer {number}", "agents"]
    console.taken_at = NOON + DAY
    run = named(integration)
    assert run.state == (State.HELD if held else State.DONE)
    with org_scope(org.pk):
        if held:
            ledger.accept(Snapshot.objects.get(state=Snapshot.State.HELD).pk, alice)
        kept = Snapshot.objects.order_by("pk").last()
        assert kept is not None
        assert any("names are missing (1)" in warning for warning in kept.warnings)
        rows = {row.external_id: row for row in NamedUnit.objects.filter(named_at=NOON + DAY)}
        assert rows.keys() == {"x" * 200, "b"}
        assert rows["x" * 200].reason == "half ? and  nul, \\u0000 in words"
        assert rows["b"].key == f"{integration.pk}:b"
        before = versions(org)
    console.taken_at = NOON + 2 * DAY
    named(integration)
    assert versions(org) == before, "the same names: nothing is written"
