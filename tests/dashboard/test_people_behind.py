"""C7: who came and went behind a line since the end of last month, and everybody behind it, searched and exported."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization, User
from accounts.roles import Role
from dashboard import past_loading
from dashboard.models import Card
from dashboard.named_lists import list_names
from dashboard.people_behind import Behind, find_sources, look
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.exports.hostile import COMMANDS
from tests.exports.test_exports import post, rows
from vendors.counting import Filter
from vendors.models import AccountSplit, CountingRule, NamedUnit, UsageCount, VendorAccount, VendorService

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 3, 1, tzinfo=UTC)


def day(of_november: int) -> datetime:
    return datetime(2026, 11, of_november, tzinfo=UTC)


class Named:
    """One line whose count has names, in an organization's scope."""

    def __init__(self, org: Organization, units: str = "3", now: datetime = NOW) -> None:
        self.books = Books(org, now=now)
        self.line = self.books.pair("2", units)
        UsageCount.objects.update(counted_at=LONG_AGO)
        VendorService.objects.update(named_from=LONG_AGO)
        self.account, self.service = VendorAccount.objects.get(), VendorService.objects.get()
        self.books.refresh()

    def name(
        self, name: str, since: datetime = LONG_AGO, until: datetime | None = None, **facts: Any
    ) -> NamedUnit:
        email = f"{name.lower()}@harbor.example"
        return NamedUnit.objects.create(
            **{
                "org": self.books.org, "integration": self.books.veeam, "vendor_account": self.account,
                "vendor_service": self.service, "external_id": name, "key": email, "name": name, "kind": "user",
                "traits": {"name": name.lower(), "email": email}, "named_at": since, "gone_at": until,
            }
            | facts
        )  # fmt: skip

    @property
    def card(self) -> Card:
        return self.books.card(self.line)

    def look(self, now: datetime = NOW) -> Behind | None:
        whole = past_loading.load(self.books.org.pk, self.card.account_id)
        return look(find_sources(self.card, whole, now, []), now)

    def behind(self) -> Behind:
        found = self.look()
        assert found is not None
        return found

    def moves(self) -> list[str]:
        return [f"{'+' if one.came else '-'}{one.name} {one.on:%-d}" for one in self.behind().changes]


@pytest.fixture
def named(org: Organization, inside: None) -> Named:
    return Named(org)


@pytest.fixture
def inside(org: Organization) -> Any:
    with org_scope(org.pk):
        yield


def test_c7_who_came_and_went_since_the_end_of_last_month(named: Named) -> None:
    named.name("Ana")
    named.name("Bo", day(2))
    named.name("Cy", day(16))
    named.name("Dee", until=day(13))
    named.name("Eli", until=datetime(2026, 10, 31, tzinfo=UTC))
    found = named.behind()
    assert named.moves() == ["+Bo 2", "-Dee 13", "+Cy 16"]
    assert (f"{found.since}", found.total, found.noun, found.remarks) == ("2026-10-31", 3, "people", [])


def test_c7_the_first_reading_of_names_is_nobodys_arrival(named: Named) -> None:
    VendorService.objects.update(named_from=day(12))
    named.name("Ana", day(12))
    named.name("Bo", day(12))
    found = named.behind()
    assert (found.changes, found.is_first_reading, f"{found.since}") == ([], True, "2026-11-12")
    named.name("Cy", day(14))
    assert named.moves() == ["+Cy 14"]


def test_c7_everybody_of_a_new_customer_has_come(named: Named) -> None:
    UsageCount.objects.update(counted_at=day(9))
    named.name("Ana", day(9))
    assert named.moves() == ["+Ana 9"]


def test_c7_names_that_follow_a_gap_are_no_arrivals(named: Named) -> None:
    named.name("Ana", day(9))
    assert named.moves() == [], "its count was there before its names were"


def test_c7_what_is_only_described_anew_and_what_does_not_count_has_not_moved(named: Named) -> None:
    named.name("Ana", until=day(5), external_id="a")
    named.name("Anna", day(5), external_id="a")
    named.name("Shared", day(6), counts=False)
    named.name("Oops", day(7), until=day(7))
    assert named.moves() == []
    assert named.behind().total == 1


def test_c7_the_vendor_service_is_said_where_there_are_several(named: Named) -> None:
    other = named.books.vendor_service(named.card.service, "Archive")
    VendorService.objects.update(named_from=LONG_AGO)
    named.books.usage(named.account, other, "1")
    named.name("Ana")
    named.name("Bo", day(4), vendor_service=other, kind="device")
    named.name("Old", vendor_service=other, kind="device", until=day(3))
    assert {one.service for one in named.behind().changes} == {"Archive"}
    assert named.behind().noun == "names"


def test_c7_names_that_do_not_add_up_and_names_that_could_not_be_read_are_said(named: Named) -> None:
    named.name("Ana")
    named.name("Bo")
    VendorService.objects.update(names_gap="The console does not show them.")
    gap, short = named.behind().remarks
    assert gap.endswith("The console does not show them.")
    assert "counts 3 and names 2" in short


def test_c7_where_no_vendor_names_anybody_nothing_is_said(named: Named) -> None:
    assert named.look() is None
    VendorService.objects.update(names_gap="Too old.")
    assert named.behind().total == 0


def test_c7_who_belongs_to_another_account_is_not_behind_this_line(named: Named) -> None:
    branch = named.books.account("Harbor Branch")
    AccountSplit.objects.create(
        org=named.books.org, vendor_account=named.account, account=branch, field="name", pattern="b*"
    )
    for name in ("Ana", "Cy"):
        named.name(name)
    named.name("Bo", day(3))
    assert (named.moves(), named.behind().total) == ([], 2)


def test_c7_who_is_left_out_by_a_rule_is_counted_apart(named: Named) -> None:
    CountingRule.objects.create(
        org=named.books.org, service=named.card.service, filters=[Filter(field="name", pattern="a*").write()]
    )
    for name in ("Ana", "Bo", "Cy"):
        named.name(name)
    assert (named.behind().total, named.behind().left_out) == (3, 1)


def test_c7_who_counts_once_is_billed_once(named: Named) -> None:
    other = named.books.vendor_service(named.card.service, "Archive")
    VendorService.objects.update(named_from=LONG_AGO)
    named.books.usage(named.account, other, "1")
    CountingRule.objects.create(org=named.books.org, service=named.card.service, combine="distinct")
    for name in ("Ana", "Bo", "Cy"):
        named.name(name)
    named.name("Ana", vendor_service=other)
    whole = past_loading.load(named.books.org.pk, named.card.account_id)
    rows = list_names(find_sources(named.card, whole, NOW, []))
    assert sorted((row.unit.name, row.reason) for row in rows if row.reason) == [
        ("Ana", "Counted once already")
    ]
    assert (named.behind().total, named.behind().left_out) == (4, 1)


def test_c7_names_that_share_a_key_in_one_vendor_account_are_billed_once(named: Named) -> None:
    CountingRule.objects.create(org=named.books.org, service=named.card.service, combine="distinct")
    for number in range(3):
        named.name("Ana", external_id=f"a{number}")
    named.books.refresh()
    whole = past_loading.load(named.books.org.pk, named.card.account_id)
    rows = list_names(find_sources(named.card, whole, NOW, []))
    assert named.card.vendor_units == sum(not row.reason for row in rows) == 1
    assert (named.behind().total, named.behind().left_out) == (3, 2)


def test_c7_many_names_ask_what_a_few_ask(named: Named) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            named.look()
        return len(queries)

    named.name("Ana")
    few = asked()
    for number in range(30):
        named.name(f"P{number}", day(1 + number % 20))
    assert asked() == few
    found = named.behind()
    assert (len(found.changes), found.earlier) == (12, 18)


@pytest.fixture
def viewer(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Vera", Role.VIEWER))


@pytest.fixture
def shown(org: Organization, viewer: Client) -> tuple[Client, str]:
    """A viewer, and the address of a line with three people behind it, one of them left out, and a shared mailbox."""
    with org_scope(org.pk):
        named = Named(org, now=timezone.now() - timedelta(minutes=5))
        for name in ("Ana", "Bo", "Cy"):
            named.name(name)
        named.name("Reception", counts=False, reason="It consumes no licence.", quantity=Decimal("2.5"))
        CountingRule.objects.create(
            org=org, service=named.card.service, filters=[Filter(field="name", pattern="cy").write()]
        )
        named.books.refresh()
        return viewer, f"lines/{named.card.pk}/"


def test_c7_the_details_lead_to_everybody(shown: tuple[Client, str]) -> None:
    client, line = shown
    details = client.get(f"/o/northgate-it/{line}", headers={"HX-Request": "true"}).text
    assert "Who is behind the change" in details
    assert "All 3 people, 1 of them not billed" in details
    page = client.get(f"/o/northgate-it/{line}names/").text
    assert all(name in page for name in ("Ana", "Bo", "Cy", "Reception", "It consumes no licence."))
    assert "Left out: " in page
    assert "4 names, 2 of them not billed" in page


def test_c7_names_are_found_by_any_of_their_words(shown: tuple[Client, str]) -> None:
    client, line = shown
    page = client.get(f"/o/northgate-it/{line}names/?q=BO@harbor").text
    assert "1 of 4 names" in page
    assert "Ana" not in page
    assert "Nobody matches “zed”" in client.get(f"/o/northgate-it/{line}names/?q=zed").text


def test_c7_a_line_without_names_says_why(org: Organization, viewer: Client) -> None:
    with org_scope(org.pk):
        card = Named(org, now=timezone.now()).card
    assert "No names stand behind this line" in viewer.get(f"/o/northgate-it/lines/{card.pk}/names/").text


def test_c7_the_file_has_who_is_shown_and_no_formula(org: Organization, shown: tuple[Client, str]) -> None:
    client, line = shown
    found = {row["Name"]: row for row in rows(post(client, f"{line}names/export/"))}
    assert {name: row["Billed"] for name, row in found.items()} == {
        "Ana": "yes", "Bo": "yes", "Cy": "no", "Reception": "no"
    }  # fmt: skip
    assert (found["Reception"]["Units"], found["Reception"]["Reason"]) == ("2.5", "It consumes no licence.")
    assert [row["Name"] for row in rows(post(client, f"{line}names/export/?q=bo@"))] == ["Bo"]
    with org_scope(org.pk):
        ana = NamedUnit.objects.get(name="Ana")
        for number, command in enumerate(COMMANDS):
            ana.pk, ana.external_id, ana.name = None, f"x{number}", command
            ana.save()
    hostile = [row["Name"] for row in rows(post(client, f"{line}names/export/"))]
    assert len(hostile) == 4 + len(COMMANDS)
    assert not any(name[:1] in "=+-@" for name in hostile)
