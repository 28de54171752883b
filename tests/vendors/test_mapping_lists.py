"""Advanced config: what its lists and its search say, and how much they ask of the database."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Organization, User
from reconcile.tenancy.scope import org_scope
from tests.vendors.mapping_desk import Desk


@pytest.fixture
def desk(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Desk:
    return Desk(org, sign_in(alice))


def test_the_list_says_usage_price_and_suggestion(desk: Desk) -> None:
    page = desk.get()
    assert "12 Workstation agents + 1 more" in page
    assert "≈ +54.00" in page
    assert "1 of 2 counts has no price and is left out" in page
    assert 'Harbor Dental<span class="muted">?' in page
    assert "Same name" in page
    assert "Accept 1, usage of ≈ $54.00 a month…" in page
    assert desk.mapped() == {}


def test_a_dash_stands_with_its_reason(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        free = desk.books.vendor_account(None, "Only storage")
        desk.books.usage(free, desk.storage, "1024.123456")
        new = desk.books.integration("Never read", counted_at=None)
        desk.books.vendor_account(None, "Nobody counted", integration=new)
        silent = desk.books.vendor_account(None, "Went silent", gap_reason="Lost connection")
        desk.books.usage(silent, desk.agents, "3")
        desk.books.vendor_account(None, "Uses nothing")
    assert "— <small>no service</small>" in desk.get(q="only storage")
    assert "1,024.12 GB Cloud storage" in desk.get(q="only storage")
    assert "— <small>no count yet</small>" in desk.get(q="nobody")
    assert "— <small>no count</small>" in desk.get(q="nobody")
    assert "Lost connection. This is the last count." in desk.get(q="silent")
    assert "0 in use" in desk.get(q="uses nothing")
    assert '<span class="muted">0.00</span>' in desk.get(q="uses nothing")


def test_services_say_what_is_used_in_how_many_accounts(desk: Desk) -> None:
    page = desk.get("mapping_services")
    assert "12 in 1 account" in page
    assert "250.5 GB in 1 account" in page
    assert "1 unmapped" in page


def test_search_status_source_and_page_narrow_the_list(desk: Desk, settings: Any) -> None:
    settings.PAGE_LINES = 2
    with org_scope(desk.org.pk):
        other = desk.books.integration("Second console")
        for number in range(3):
            desk.books.vendor_account(None, f"Lot {number} 100%", integration=other)
        desk.books.vendor_account(desk.quarry, "Quarry Ln")
    assert desk.get(q="lane").count('<tr id="map-') == 1, "the PSA account's name is searched too"
    assert desk.get(q="0%").count('<tr id="map-') == 2
    assert "Page 1 of 2" in desk.get(q="0%")
    assert desk.get(q="0%", page="2").count('<tr id="map-') == 1
    assert desk.get(status="mapped").count('<tr id="map-') == 1
    assert desk.get(source=str(other.pk), page="9").count('<tr id="map-') == 1
    assert "No account matches" in desk.get(q="nothing like it")
    assert "Nothing is excluded" in desk.get(status="excluded")
    assert desk.get(source="x", sort="; drop", page="-1", status="?", q="\x00").count('<tr id="map-') == 2


def test_an_organization_without_sources_is_told_what_to_do(
    org: Organization, alice: User, sign_in: Any
) -> None:
    page = sign_in(alice).get(reverse("mapping_services", args=[org.slug])).text
    assert "No source is connected" in page


def test_resellers_and_the_provider_are_shown_as_such_and_never_accepted_in_bulk(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        desk.books.vendor_account(None, "Quarry Lane Builders", kind="reseller")
        desk.books.vendor_account(None, "Northgate IT", kind="provider")
    page = desk.get()
    assert '<span class="badge">Reseller</span>' in page
    assert '<span class="badge">Provider</span>' in page
    assert "Same name; a reseller, whose companies have rows of their own" in page
    assert "Accept 1, " in page


def test_the_navigation_counts_what_is_unmapped_and_in_use(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        desk.books.vendor_account(None, "Uses nothing")
    assert '<span class="count" id="count-mapping">2</span>' in desk.get()
    reply = desk.act("map", f"{desk.loose.pk}|", target=desk.harbor.pk).text
    assert '<span class="count" id="count-mapping" hx-swap-oob="true">1</span>' in reply
    desk.act("exclude", f"{desk.storage.pk}|", side="services")
    assert '<span class="count" id="count-mapping"></span>' in desk.get()


def test_the_search_offers_suggestions_first_and_then_what_fits(desk: Desk) -> None:
    first = desk.search(side="accounts", row=f"{desk.loose.pk}|")
    assert first.index("Suggested") < first.index("Quarry Lane Builders")
    typed = desk.search(side="accounts", row=f"{desk.loose.pk}|", find="lane QUARRY")
    assert "Quarry Lane Builders" in typed
    assert "Harbor Dental</span>" not in typed
    assert "has “%_” in its name" in desk.search(side="accounts", row=f"{desk.loose.pk}|", find="%_")
    assert "Nothing is selected" in desk.search()


def test_the_search_for_a_service_knows_part_numbers(desk: Desk) -> None:
    with org_scope(desk.org.pk):
        desk.books.service("Storage block", part_number="VEEAM-100G")
    assert "Storage block" in desk.search(side="services", row=f"{desk.storage.pk}|", find="veeam-100")


@pytest.mark.parametrize(("name", "most"), [("mapping_accounts", 28), ("mapping_services", 28)])
def test_the_number_of_queries_is_fixed(desk: Desk, name: str, most: int) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            desk.get(name)
        return len(asked)

    few = queries()
    with org_scope(desk.org.pk):
        for number in range(40):
            account = desk.books.account(f"Client {number}")
            row = desk.books.vendor_account(account if number % 2 else None, f"Client {number}")
            desk.books.usage(row, desk.agents, str(number))
            desk.books.vendor_service(None, f"Counter {number}")
    assert queries() == few
    assert few <= most
