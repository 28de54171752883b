"""E14: past days and back-billing proposals as files, and what people left on lines in the lines' file."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import Card, CarryOver, LinePairing, MonthReport, Note
from dashboard.months import previous_month
from psa.models import AccountTag, ServiceTag, Tag
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.test_back_billing import underbill
from tests.dashboard.test_pairing import Bundle
from tests.dashboard.test_past import move
from tests.exports.test_exports import post, queries_of, rows
from vendors.models import UsageCount

YESTERDAY = timezone.now().date() - timedelta(days=1)
LAST_MONTH = timezone.now().date().replace(day=1) - timedelta(days=1)


@pytest.fixture
def books(org: Organization) -> Books:
    with org_scope(org.pk):
        return Books(org, now=timezone.now() - timedelta(minutes=5))


@pytest.fixture
def viewer(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Vera", Role.VIEWER))


def remember(books: Books) -> None:
    with org_scope(books.org.pk):
        underbill(books)


def test_e14_back_billing_is_a_row_for_each_missed_invoice(viewer: Client, books: Books) -> None:
    remember(books)
    page = viewer.get("/o/northgate-it/back-billing/").content.decode()
    assert 'action="/o/northgate-it/back-billing/export/"' in page
    found = rows(post(viewer, "back-billing/export/"))
    assert len(found) == 3
    shown = ("Account", "Billed units", "Used units", "Difference", "Amount", "Currency")
    assert [found[-1][name] for name in shown] == ["Harbor Dental", "10", "12", "2", "9.00", "USD"]
    assert found[-1]["Invoice of"] == f"{timezone.now():%Y-%m-01}"
    with org_scope(books.org.pk):
        entry = AuditEntry.objects.latest("seq")
    assert (entry.verb, entry.subject, entry.new["rows"]) == ("exported", "export:back-billing", 3)


def test_e14_a_past_day_follows_its_search_and_says_what_is_of_that_day(viewer: Client, books: Books) -> None:
    remember(books)
    where = f"past/{LAST_MONTH:%Y-%m-%d}/"
    page = viewer.get(f"/o/northgate-it/{where}?q=harbor&show=all").content.decode()
    assert f'action="/o/northgate-it/{where}export/?q=harbor&amp;show=all"' in page
    (line,) = rows(post(viewer, f"{where}export/"))
    shown = ("Account", "PSA units", "Vendor units", "Difference", "Price", "That invoice", "Currency")
    assert [line[name] for name in shown] == ["Harbor Dental", "10", "12", "2", "4.50", "9.00", "USD"]
    assert rows(post(viewer, f"{where}export/?q=nobody")) == []
    book = openpyxl.load_workbook(io.BytesIO(post(viewer, f"{where}export/", "xlsx").content))
    said: dict[Any, Any] = {row[0].value: row[1].value for row in book.worksheets[1].iter_rows()}
    assert said["As at the end of (UTC)"].date() == LAST_MONTH
    assert said["Of today"] == "Names, mappings, agreements and guards"
    assert book.worksheets[0]["A2"].data_type == "s"


def test_e14_only_past_days_are_exported(viewer: Client, books: Books) -> None:
    today = timezone.now().date()
    assert post(viewer, f"past/{today:%Y-%m-%d}/export/").status_code == 404
    assert post(viewer, "past/2026-02-31/export/").status_code == 404
    assert rows(post(viewer, f"past/{date(2001, 1, 1)}/export/")) == []


@pytest.mark.parametrize("where", ["back-billing/export/", f"past/{LAST_MONTH:%Y-%m-%d}/export/?show=all"])
def test_e14_looking_back_asks_the_same_for_more_lines(viewer: Client, books: Books, where: str) -> None:
    remember(books)
    queries_of(viewer, where, "csv")
    before = queries_of(viewer, where, "csv")
    with org_scope(books.org.pk):
        year = timezone.now() - timedelta(days=400)
        for _ in range(4):
            line = books.pair("10", "12")
            move(line, ("10", year, None))
            counts = UsageCount.objects.filter(vendor_account__mappings__account=line.account)
            counts.update(counted_at=year)
    assert len(rows(post(viewer, where))) > 4
    assert queries_of(viewer, where, "csv") == before


def test_e14_lines_say_what_people_left_on_them(viewer: Client, books: Books, alice: User) -> None:
    with org_scope(books.org.pk):
        line, bare = books.pair("10", "12"), books.pair("10", "13")
        assert line.service_id
        books.refresh()
        card = Card.objects.get(line=line)
        about: dict[str, Any] = {
            "org": books.org, "line": line, "account_id": line.account_id, "service_id": line.service_id
        }  # fmt: skip
        for n, text in enumerate(("=1+1 first", "Ask them first")):
            at = books.now + timedelta(seconds=n)
            Note.objects.create(**about, text=text, by=alice, at=at)
        Note.objects.create(**about, text="Gone", by=alice, deleted_at=books.now)
        vip, big = (Tag.objects.create(org=books.org, name=name) for name in ("VIP", "Big"))
        AccountTag.objects.create(org=books.org, account_id=line.account_id, tag=vip)
        ServiceTag.objects.create(org=books.org, service_id=line.service_id, tag=big)
        before = previous_month(month_of(timezone.now()))
        CarryOver.objects.create(**about, period=before, psa_units=10, vendor_units=12, reason="Waits")
        MonthReport.objects.create(
            org=books.org, period=before, version=1, closed_at=books.now, lines=1, exceptions=1, content=b"", digest="",
        )  # fmt: skip
        assert card.state == "todo"
    found = {row["Line id in the PSA"]: row for row in rows(post(viewer, "lines/export/"))}
    shown = ("Tags", "Notes", "Newest note", "Carried over from", "Snoozed until", "Paired usage")
    assert [found[line.remote_id][name] for name in shown] == [
        "VIP, Big", "2", "Ask them first", f"{before:%B %Y}: Waits", "", "",
    ]  # fmt: skip
    assert [found[bare.remote_id][name] for name in shown] == ["", "0", "", "", "", ""]


def test_e14_a_snoozed_line_says_until_when(books: Books, alice: User, sign_in: Any) -> None:
    with org_scope(books.org.pk):
        line = books.pair("10", "12")
        books.refresh()
        card = Card.objects.get(line=line)
    until = timezone.now().date() + timedelta(days=3)
    client = sign_in(alice)
    form = {"seen_psa": "10", "seen_vendor": "12", "until": f"{until}"}
    client.post(f"/o/northgate-it/lines/{card.pk}/snooze/", form, headers={"HX-Request": "true"})
    (row,) = rows(post(client, "lines/export/?tab=snoozed"))
    assert row["Snoozed until"] == f"{until}"


def test_e14_a_line_names_the_usage_that_is_paired_with_it(viewer: Client, org: Organization) -> None:
    bundle = Bundle(org)
    with org_scope(org.pk):
        about: dict[str, Any] = {"org": org, "account": bundle.account, "service": bundle.agents}
        pairing = LinePairing.objects.create(**about, line=bundle.line, by=None)
        bundle.books.refresh()
    (row,) = rows(post(viewer, "lines/export/?tab=all"))
    assert (row["Paired usage"], row["Vendor units"]) == ("Endpoint agent", "9")
    with org_scope(org.pk):
        LinePairing.objects.filter(pk=pairing.pk).update(undone_at=timezone.now())
        bundle.books.refresh()
    found = rows(post(viewer, "lines/export/?tab=all&contracts=all"))
    assert {row["Paired usage"] for row in found} == {""}


def test_e14_notes_tags_and_pairings_cost_no_query_per_line(
    viewer: Client, books: Books, alice: User
) -> None:
    def add() -> None:
        with org_scope(books.org.pk):
            line = books.pair("10", "12")
            books.refresh()
            Note.objects.create(
                org=books.org, line=line, account_id=line.account_id, service_id=line.service_id, text="x", by=alice
            )  # fmt: skip

    add()
    queries_of(viewer, "lines/export/", "csv")
    with CaptureQueriesContext(connection) as asked:
        post(viewer, "lines/export/")
    for _ in range(4):
        add()
    assert queries_of(viewer, "lines/export/", "csv") == len(asked)
