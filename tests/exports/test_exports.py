"""E14: each view is exported as CSV and XLSX through its URL, whole, exact, by whoever may read it, and noted."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import Card, Decision
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from sync.models import LineChange, SyncRun, SyncStep
from tests.dashboard.builders import Books
from vendors.models import Integration, VendorAccount


@pytest.fixture
def books(org: Organization) -> Books:
    with org_scope(org.pk):
        return Books(org, now=timezone.now())


@pytest.fixture
def viewer(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Vera", Role.VIEWER))


def post(client: Client, where: str, form: str = "csv") -> Any:
    return client.post(f"/o/northgate-it/{where}", {"as": form})


def rows(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


def test_e14_lines_carry_their_numbers_with_source_time_and_currency(viewer: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        books.pair("10", "12")
        books.refresh()
    response = post(viewer, "lines/export/")
    day = f"{timezone.now():%Y-%m-%d}"
    assert (
        response.headers["Content-Disposition"]
        == f'attachment; filename="northgate-it-lines-to-do-{day}.csv"'
    )
    (line,) = rows(response)
    shown = (
        "Account",
        "PSA units",
        "Vendor units",
        "Difference",
        "Price",
        "Next invoice",
        "Currency",
        "Source",
    )
    assert [line[name] for name in shown] == [
        "Harbor Dental", "10", "12", "2", "4.50", "9.00", "USD", "Veeam",
    ]  # fmt: skip
    assert line["Counted at (UTC)"] == line["PSA read at (UTC)"] == f"{books.now:%Y-%m-%dT%H:%M:%SZ}"


def test_e14_an_unknown_count_is_empty_with_its_reason(viewer: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        books.pair("10", "12")
        VendorAccount.objects.update(gap_reason="silent", gap_since=books.now)
        books.refresh()
    (line,) = rows(post(viewer, "lines/export/?tab=held"))
    assert (line["Vendor units"], line["Difference"], line["Next invoice"]) == ("", "", "")
    assert "No quantity is guessed" in line["Reason"]


def test_e14_all_pages_with_filters_order_and_groups_as_shown(
    viewer: Client, books: Books, settings: Any
) -> None:
    settings.PAGE_LINES = 2
    with org_scope(books.org.pk):
        for vendor in ("11", "12", "13", "14", "15"):
            books.pair("10", vendor)
        books.refresh()
    lines = rows(post(viewer, "lines/export/?amount=9&sort=difference&group=account"))
    assert sorted(line["Vendor units"] for line in lines) == ["12", "13", "14", "15"]
    page = viewer.get("/o/northgate-it/?amount=9&sort=difference&group=account").content.decode()
    assert "4 lines as shown, on all pages" in page
    assert 'action="/o/northgate-it/lines/export/?group=account&amp;amount=9&amp;sort=difference"' in page


def test_e14_the_workbook_holds_numbers_and_says_what_it_is(viewer: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        line = books.pair("10", "12.5")
        line.account.name = '=HYPERLINK("https://evil.example")'
        line.account.save()
        books.refresh()
    response = post(viewer, "lines/export/?tab=all", "xlsx")
    lines, about = openpyxl.load_workbook(io.BytesIO(response.content)).worksheets
    heads = [cell.value for cell in lines[1]]
    line_cells = dict(zip(heads, lines[2], strict=True))
    assert line_cells["Account"].value == '=HYPERLINK("https://evil.example")'
    assert line_cells["Account"].data_type == "s"
    assert (line_cells["Vendor units"].data_type, line_cells["Vendor units"].value) == ("n", 12.5)
    said = {row[0].value: row[1].value for row in about.iter_rows()}
    assert (said["Organization"], said["View"], said["Rows"]) == ("Northgate IT", "All", 1)
    assert said["Exported by"] == "vera@northgate.example"


def test_e14_decisions_and_who_took_them_are_in_the_file(viewer: Client, books: Books, alice: User) -> None:
    with org_scope(books.org.pk):
        line = books.pair("10", "12")
        books.refresh()
        card = books.card(line)
        Decision.objects.create(
            org=books.org, line=line, account_id=card.account_id, service_id=card.service_id, period=card.period,
            verb="dismiss", psa_units=10, vendor_units=12, reason="Promised to the client", by=alice,
        )  # fmt: skip
        books.refresh()
    (found,) = rows(post(viewer, "lines/export/?tab=done"))
    assert (found["Decision"], found["Decided by"]) == ("Dismissed", "Alice")
    assert found["Decision's reason"] == "Promised to the client"


def test_e14_activity_follows_its_search_and_carries_the_chain(viewer: Client, org: Organization) -> None:
    found = rows(post(viewer, "activity/export/?q=founded"))
    assert [entry["Verb"] for entry in found] == ["founded organization"]
    with org_scope(org.pk):
        first = AuditEntry.objects.get(seq=1)
        note = AuditEntry.objects.latest("seq")
    assert found[0]["Hash"] == first.hash
    assert (note.verb, note.subject, note.new) == (
        "exported",
        "export:activity",
        {"rows": 1, "format": "csv"},
    )
    assert note.actor_label == "vera@northgate.example"


def test_e14_mapping_lists_follow_their_filters(viewer: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        books.pair("10", "12")
        loose = books.vendor_account(name="Yonder Glass")
        books.usage(loose, books.vendor_service(name="Agents"), "3")
    every = rows(post(viewer, "config/accounts/export/"))
    assert {(row["Vendor account"], row["Status"], row["Account"]) for row in every} == {
        ("Harbor Dental", "Mapped", "Harbor Dental"), ("Yonder Glass", "Unmapped", ""),
    }  # fmt: skip
    (row,) = rows(post(viewer, "config/accounts/export/?status=unmapped"))
    assert (row["Vendor units"], row["Estimate a month"]) == ("3", "")
    assert "no price is known" in row["Reason"]
    names = {row["Vendor service"] for row in rows(post(viewer, "config/services/export/"))}
    assert names == {"ManagedWorkstationAgents", "Agents"}
    assert post(viewer, "config/others/export/").status_code == 404


def test_e14_unmapped_usage_is_priced_where_a_price_is_known(viewer: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        loose = books.vendor_account(name="Yonder Glass")
        books.usage(loose, books.vendor_service(books.service(), name="Agents"), "3")
        books.usage(loose, books.vendor_service(name="Storage"), "0.5")
    agents, storage = rows(post(viewer, "usage/export/"))
    assert (agents["Vendor units"], agents["Estimate a month"], agents["Currency"]) == ("3", "13.50", "USD")
    assert agents["Not mapped"] == "Vendor account"
    assert (storage["Vendor units"], storage["Estimate a month"], storage["Currency"]) == ("0.5", "", "")
    assert storage["Reason"] == "No service stands for it, so no price is known"


def test_e14_what_the_last_sync_changed_is_exported_whole(viewer: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        at = timezone.now()
        run = SyncRun.objects.create(
            org=books.org, integration=books.veeam, mode="quick", state="done", finished_at=at
        )
        for place, name in enumerate(("accounts", "counts")):
            SyncStep.objects.create(org=books.org, run=run, position=place, name=name, read=600)
        for n in range(600):
            LineChange.objects.create(
                org=books.org, run=run, what="count", account_name=f"A{n}", service_name="S",
                before=None if n else Decimal(1), after=Decimal(n + 2),
            )  # fmt: skip
    changes = rows(post(viewer, "sync/changes/export/"))
    assert len(changes) == 600
    assert changes[0]["Reason"] == "New: there was no quantity before"
    assert changes[0]["Read at (UTC)"] == f"{at:%Y-%m-%dT%H:%M:%SZ}"
    assert "600 changes as shown" in viewer.get("/o/northgate-it/sync/").content.decode()


def test_e14_too_many_rows_are_refused_not_cut(viewer: Client, books: Books, settings: Any) -> None:
    settings.EXPORT_MAX_ROWS = 2
    with org_scope(books.org.pk):
        for _ in range(3):
            books.pair("10", "12")
        books.refresh()
    response = post(viewer, "lines/export/")
    assert response.status_code == 422
    assert "more than 2 rows" in response.content.decode()
    with org_scope(books.org.pk):
        assert not AuditEntry.objects.filter(verb="exported").exists()


def test_e14_only_by_post_and_only_in_a_known_format(viewer: Client, books: Books) -> None:
    assert viewer.get("/o/northgate-it/lines/export/").status_code == 405
    assert post(viewer, "lines/export/", "exe").status_code == 404


def queries_of(client: Client, where: str, form: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert post(client, where, form).status_code == 200
    return len(queries)


def test_e14_five_thousand_lines_take_the_queries_of_one(viewer: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        line = books.pair("10", "12")
        books.refresh()
    before = {form: queries_of(viewer, "lines/export/", form) for form in ("csv", "xlsx")}
    multiply(books, line.pk, 4_999)
    assert {form: queries_of(viewer, "lines/export/", form) for form in ("csv", "xlsx")} == before
    assert len(rows(post(viewer, "lines/export/"))) == 5_000


def multiply(books: Books, line_id: int, times: int) -> None:
    """Copy a line and its card; cards are written by their SQL alone, but the export only reads."""
    with org_scope(books.org.pk):
        line = books.agreement(books.account(), "More").agreementline_set.model.objects.get(pk=line_id)
        card = Card.objects.get(line=line)
        copies = []
        for n in range(times):
            copy = type(line).objects.get(pk=line_id) if n == 0 else type(line)(**fields(line))
            copy.pk, copy.remote_id = None, f"copy-{n}"
            copies.append(copy)
        made = type(line).objects.bulk_create(copies)
        Card.objects.bulk_create([Card(**fields(card) | {"line_id": one.pk, "id": None}) for one in made])


def fields(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_e14_no_organization_exports_another_ones_rows(
    books: Books, other_org: Organization, charlie: User, sign_in: Callable[[User], Client]
) -> None:
    with org_scope(books.org.pk):
        books.pair("10", "12")
        books.refresh()
        source = Integration.objects.get()
        Connection.objects.update(read_at=books.now - timedelta(hours=1))
    client = sign_in(charlie)
    assert client.post("/o/northgate-it/lines/export/", {"as": "csv"}).status_code == 404
    response = client.post(f"/o/{other_org.slug}/lines/export/?tab=all&source={source.pk}", {"as": "csv"})
    assert rows(response) == []
