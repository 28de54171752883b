"""E13: the report of a closed month holds everything, is locked, and gives the same numbers whenever it is rendered."""

import hashlib
import io
import uuid
import zlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import openpyxl
import pypdf
import pytest
from django.db import connection
from django.db.utils import DatabaseError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit
from accounts.exchange import MANUAL, Rate
from accounts.models import AuditEntry, DisplaySettings, User
from accounts.rates import enter
from dashboard.models import Card, MonthReopening, MonthReport
from psa.models import Account, Agreement, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.closed import See, at, carry_all, change, close, close_past_month, seen_on, sign


@pytest.fixture
def books(desk: Books) -> Books:
    return desk


@pytest.fixture
def client(sign_in: Callable[[User], Client], alice: User) -> Client:
    return sign_in(alice)


def test_e13_closing_locks_a_report_with_everything_in_it(
    client: Client, lines: dict[str, Card], see: See
) -> None:
    seen = {"seen_psa": "10", "seen_vendor": "9", "reason": "Promised to the client"}
    client.post(at(f"lines/{lines['over'].pk}/dismiss/"), seen, headers={"HX-Request": "true"})
    head = see(lambda: audit.hold(lines["over"].org_id))
    report = close(client, see)
    content = report.open_content()
    assert (report.version, report.lines, report.exceptions) == (1, 5, 3)
    assert content["closed"]["email"] == "alice@northgate.example"
    by_outcome = {line["outcome"]: line for line in content["lines"] if line["outcome"] != "carried"}
    assert by_outcome["dismissed"]["decision"]["reason"] == "Promised to the client"
    assert by_outcome["dismissed"]["decision"]["by"] == "Alice"
    assert {e["reason"] for e in content["exceptions"]} == {"Waits for the client"}
    unknown = next(e for e in content["exceptions"] if e["kind"] == "waiting")
    assert (unknown["vendor_units"], unknown["effect"]) == (None, None)
    totals = {
        row["part"]: (row["lines"], row["under"], row["over"], row["unknown"]) for row in content["totals"]
    }
    assert totals == {
        "dismissed": (1, "0", "-4.5", 0), "carried": (3, "9", "-45", 1), "found": (4, "9", "-49.5", 1),
    }  # fmt: skip
    assert [source["name"] for source in content["sources"]] == ["ConnectWise PSA", "Veeam"]
    assert all(source["as_of"] for source in content["sources"])
    assert content["coverage"]["compared"] == 4
    entry = see(lambda: AuditEntry.objects.latest("seq"))
    assert (entry.verb, entry.new["sha256"]) == ("closed month", report.digest)
    assert (content["trail"]["seq"], content["trail"]["hash"]) == (entry.seq - 1, entry.previous_hash)
    assert content["trail"]["seq"] > head.last_seq
    assert see(lambda: audit.verify(report.org_id)) is None


@pytest.mark.parametrize(("included", "back", "lines_corrected"), [("20", False, 1), ("0", True, 0)])
def test_e13_a_correction_counts_without_money_and_not_once_it_is_taken_back(
    included: str, back: bool, lines_corrected: int, client: Client, books: Books, see: See
) -> None:
    with org_scope(books.org.pk):
        line = books.pair("12", "12", included=Decimal(included))
        books.refresh()
        for n, (seen, wanted) in enumerate([(10, 12), (12, 10)][: 2 if back else 1]):
            Push.objects.create(
                org=books.org, connection=books.psa, epoch=1, remote_host="psa.example", remote_account="x", line=line,
                agreement_remote_id="1", line_remote_id="1", service_remote_id="1", write_kind="absolute",
                way="in_place", seen=seen, wanted=wanted, effective_on=books.now.date(), key=uuid.uuid4(),
                request_hash=str(n), state="confirmed", read_back=wanted, finished_at=books.now,
            )  # fmt: skip
    totals = close(client, see).open_content()["totals"]
    assert sum(row["lines"] for row in totals if row["part"] == "corrected") == lines_corrected
    assert all((row["under"], row["over"]) == ("0", "0") for row in totals)


def test_e13_what_the_lists_leave_out_is_counted_and_priced_in_the_report(
    client: Client, lines: dict[str, Card], books: Books, see: See
) -> None:
    with org_scope(books.org.pk):
        books.line(books.agreement(books.account("Yonder Glass")), books.service("Managed Desk", "12.5"), "4")
        loose = books.vendor_account(name="Left out", excluded_at=books.now)
        books.usage(loose, books.vendor_service(books.service("Priced", "2")), "3")
        books.refresh()
    content = close(client, see).open_content()
    hidden = {part["key"]: (part["number"], part["money"]) for part in content["hidden"]}
    assert hidden == {"accounts": (1, {"USD": "6"}), "no_vendor_service": (1, {"USD": "50"})}
    printed = client.post(at(f"reports/{see(lambda: MonthReport.objects.latest('pk').pk)}/pdf/"))
    assert printed.status_code == 200


def test_e13_what_a_push_corrected_is_in_the_totals(
    client: Client, lines: dict[str, Card], books: Books, see: See
) -> None:
    card = lines["under"]
    client.post(
        at(f"lines/{card.pk}/approve/"),
        {"seen_psa": "10", "seen_vendor": "12"},
        headers={"HX-Request": "true"},
    )
    assert "1 push is on the way" in client.get(at("close/")).content.decode()
    carry_all(client)
    assert sign(client, "x").status_code == 409
    see(lambda: Push.objects.update(state="confirmed", read_back=12, finished_at=timezone.now()))
    change(books, card, "12")
    content = close(client, see).open_content()
    (push,) = content["pushes"]
    assert (push["from"], push["to"], push["read_back"], push["state"]) == ("10", "12", "12", "confirmed")
    corrected = next(row for row in content["totals"] if row["part"] == "corrected")
    assert (corrected["lines"], corrected["under"], corrected["over"]) == (1, "9", "0")


@pytest.mark.parametrize("table", ["dashboard_monthreport", "dashboard_monthreopening"])
def test_e13_the_application_role_cannot_change_what_was_signed(
    table: str, client: Client, lines: dict[str, Card], see: See
) -> None:
    report = close(client, see)
    see(lambda: MonthReopening.objects.create(org_id=report.org_id, report=report, reason="x"))
    for sql in (f"UPDATE {table} SET org_id = org_id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(DatabaseError), org_scope(report.org_id), connection.cursor() as cursor:
            cursor.execute(sql)
    see(report.refresh_from_db)
    assert report.open_content()["version"] == 1


def test_e13_a_content_that_is_not_what_was_signed_is_refused(
    client: Client, lines: dict[str, Card], see: See
) -> None:
    report = close(client, see)
    text = zlib.decompress(bytes(report.content))
    assert hashlib.sha256(text).hexdigest() == report.digest
    report.content = zlib.compress(text.replace(b'"9"', b'"8"'))
    with pytest.raises(ValueError, match="not as it was signed"):
        report.open_content()


def test_e13_the_workbook_and_the_page_carry_the_same_numbers_later(
    client: Client, lines: dict[str, Card], books: Books, see: See
) -> None:
    report = close(client, see)
    see(lambda: Account.objects.update(name="Renamed since"))
    change(books, lines["under"], "400")
    answer = client.post(at(f"reports/{report.pk}/xlsx/"))
    month = f"{report.period:%Y-%m}"
    assert f"northgate-it-report-{month}-v1-" in answer.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    totals = [[cell.value for cell in row] for row in book["Totals"].iter_rows(min_row=2)]
    assert totals[-1] == ["USD", "Found in all", 4, 9, -49.5, -40.5, 1]
    rows = list(book["Lines"].iter_rows(values_only=True))
    assert {"Renamed since", 400} & {cell for row in rows for cell in row} == set()
    assert len(rows) == 6
    printed = client.post(at(f"reports/{report.pk}/pdf/"))
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed.content)).pages)
    for told in (
        "Found in all",
        "-$40.50".replace("-", "−"),
        "Waits for the client",
        "Signed off by Alice",
        report.digest,
    ):
        assert told in text, told
    assert client.post(at(f"reports/{report.pk}/exe/")).status_code == 404
    assert client.get(at(f"reports/{report.pk}/pdf/")).status_code == 405
    noted = see(lambda: list(AuditEntry.objects.filter(verb="exported").order_by("seq")))
    assert [entry.new for entry in noted] == [{"format": "xlsx"}, {"format": "pdf"}]
    assert {(entry.subject, str(entry.actor)) for entry in noted} == {(f"report:{report.pk}", "Alice")}


def test_e13_the_page_prints_names_of_the_world_and_hides_none(
    client: Client, books: Books, settings: Any, see: See
) -> None:
    settings.REPORT_FONT_FOLDERS = []
    with org_scope(books.org.pk):
        line = books.pair("10", "12")
        line.account.name = "Łódź & Söhne <東京> Šárka"
        line.account.save()
        books.refresh()
    report = close(client, see)
    printed = client.post(at(f"reports/{report.pk}/pdf/")).content
    reader = pypdf.PdfReader(io.BytesIO(printed))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "Characters that this page cannot print" in text
    assert "U+4EAC" in text
    assert "U+6771" in text
    assert "Söhne" in text
    fonts = [font for page in reader.pages for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert all("/FontFile2" in _descriptor(font.get_object()) for font in fonts if _is_used(font, reader))


def _descriptor(font: Any) -> Any:
    return font["/FontDescriptor"].get_object() if "/FontDescriptor" in font else {}


def _is_used(font: Any, reader: Any) -> bool:
    # reportlab names Helvetica on each page, whether or not a letter is set in it.
    return str(font.get_object()["/BaseFont"]) != "/Helvetica"


def test_e13_a_report_costs_the_same_queries_however_many_lines(
    client: Client, books: Books, see: See
) -> None:
    def count() -> int:
        carry_all(client)
        seen = seen_on(client)
        with CaptureQueriesContext(connection) as queries:
            assert sign(client, seen).status_code == 302
        client.post(
            at(f"reports/{see(lambda: MonthReport.objects.latest('pk').pk)}/reopen/"), {"reason": "more"}
        )
        return len(queries)

    with org_scope(books.org.pk):
        books.pair("10", "12")
        books.refresh()
    one = count()
    with org_scope(books.org.pk):
        for _ in range(5):
            books.pair("10", "12")
        books.refresh()
    assert count() == one


@pytest.fixture
def euro(client: Client, lines: dict[str, Card], books: Books) -> Callable[[str, str], None]:
    """Bill the over-billed line in a currency, −1 × 4.50, and enter what a euro is in dollars, if anything."""

    def bill(currency: str, rate: str) -> None:
        with org_scope(books.org.pk):
            Agreement.objects.filter(agreementline=lines["over"].line_id).update(currency=currency)
            books.refresh()
            if rate:
                day = timezone.now().date()
                enter(books.org.pk, Rate("EUR", "USD", Decimal(rate), day, MANUAL), by=User.objects.get())

    return bill


def read_pdf(client: Client, report: MonthReport) -> str:
    printed = client.post(at(f"reports/{report.pk}/pdf/"))
    pages = pypdf.PdfReader(io.BytesIO(printed.content)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def read_sheets(client: Client, report: MonthReport) -> dict[str, list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(client.post(at(f"reports/{report.pk}/xlsx/")).content))
    return {name: list(book[name].iter_rows(min_row=2, values_only=True)) for name in book.sheetnames}


def test_g1_the_total_across_currencies_is_locked_with_its_rates(
    client: Client, euro: Callable[[str, str], None], books: Books, see: See
) -> None:
    """Under USD 9; over USD 45.00 and EUR 4.50 at 1.1234 = 5.0553, so 50.06 in all; a later rate changes nothing."""
    euro("EUR", "1.1234")
    report = close(client, see)
    with org_scope(books.org.pk):
        day = timezone.now().date()
        enter(books.org.pk, Rate("EUR", "USD", Decimal(9), day, MANUAL), by=User.objects.get())
        DisplaySettings.objects.update(currency="JPY")
    together = report.open_content()["together"]
    assert (together["currency"], together["missing"]) == ("USD", [])
    (rate,) = together["rates"]
    assert (rate["base"], rate["quote"], rate["on"], rate["source"]) == (
        "EUR", "USD", day.isoformat(), "entered by hand",
    )  # fmt: skip
    assert Decimal(rate["rate"]) == Decimal("1.1234")
    found = together["rows"][-1]
    assert (found["part"], found["lines"], found["under"], found["over"]) == ("found", 4, "9.00", "-50.06")
    sheets = read_sheets(client, report)
    assert sheets["Converted totals"][-1] == ("USD", "Found in all", 4, 9, -50.06, -41.06, 1)
    assert [row[:3] for row in sheets["Exchange rates"]] == [("EUR", 1.1234, "USD")]
    rate_words = (
        f"converted on the day of closing at 1 EUR = 1.1234 USD, entered by hand, {day.day} {day:%b %Y}"
    )
    shown = " ".join(client.get(at(f"reports/{report.pk}/")).text.split())
    for text in (read_pdf(client, report), shown):
        assert "≈ −$50.06" in text
        assert "≈ −$41.06" in text
        assert "−€4.50" in text
        assert rate_words in text


@pytest.mark.parametrize(("rate", "missing"), [("", "EUR"), ("1.1", "GBP")])
def test_g1_without_a_rate_the_report_says_which_and_adds_nothing_up(
    client: Client, euro: Callable[[str, str], None], see: See, rate: str, missing: str
) -> None:
    euro(missing, rate)
    report = close(client, see)
    together = report.open_content()["together"]
    assert (together["missing"], together["rows"], together["rates"]) == ([missing], [], [])
    why = f"No rate for {missing}, so there is no sum across currencies."
    assert why in read_pdf(client, report)
    sheets = read_sheets(client, report)
    assert "Converted totals" not in sheets
    assert any(why in row for rows in sheets.values() for row in rows)
    assert "≈" not in client.get(at(f"reports/{report.pk}/")).text


def test_g1_a_report_in_the_display_currency_alone_converts_nothing(
    client: Client, lines: dict[str, Card], see: See
) -> None:
    report = close(client, see)
    assert report.open_content()["together"] is None
    assert "Converted totals" not in read_sheets(client, report)


def test_g1_a_report_from_before_there_were_rates_still_opens(
    client: Client, lines: dict[str, Card], books: Books, see: See
) -> None:
    with org_scope(books.org.pk):
        old = close_past_month(books.org)
        content = old.open_content()
        del content["together"]
        older = MonthReport(
            org=books.org, period=old.period, version=2, closed_at=old.closed_at, closed_by=old.closed_by,
            closed_by_label=old.closed_by_label, lines=1, exceptions=0,
        )  # fmt: skip
        older.seal(content)
        older.save()
    assert client.get(at(f"reports/{older.pk}/")).status_code == 200
    assert "Reconciliation of March 2025" in read_pdf(client, older)
    assert "Totals" in read_sheets(client, older)
