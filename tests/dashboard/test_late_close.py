"""E13: in the first days of a month the month before is signed off as it stood at its end."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pypdf
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import CarryOver, Decision, MonthReport
from dashboard.months import previous_month
from dashboard.past_lists import list_whole_day
from psa.models import AgreementLine, LineHistory, Push
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.closed import See, at
from vendors.models import Integration, VendorAccount

HTMX = {"HX-Request": "true"}


def this_month() -> date:
    return month_of(timezone.now())


def last_month() -> date:
    return previous_month(this_month())


def last_day() -> date:
    return this_month() - timedelta(days=1)


def in_month(hour: int = 9) -> datetime:
    """Give a moment on the last day of the month before."""
    day = last_day()
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@pytest.fixture(autouse=True)
def every_day(settings: Any) -> None:
    """Whatever day it is, the month before may be signed off."""
    settings.MONTH_CLOSE_GRACE_DAYS = 31


@pytest.fixture
def client(sign_in: Callable[[User], Client], alice: User) -> Client:
    return sign_in(alice)


@pytest.fixture
def books(org: Organization) -> Books:
    with org_scope(org.pk):
        return Books(org, now=in_month())


@pytest.fixture
def month(books: Books) -> dict[str, AgreementLine]:
    """The month before: what was found on its last day; the line that is under-billed has been corrected since."""
    with org_scope(books.org.pk):
        made = {
            "under": books.pair("10", "12"),
            "over": books.pair("10", "9"),
            "held": books.pair("10", "0"),
            "unknown": books.pair("10", None),
            "match": books.pair("5", "5"),
        }
        LineHistory.objects.update(held_from=in_month(8))
        VendorAccount.objects.filter(mappings__account=made["unknown"].account).update(
            gap_reason="silent", gap_since=in_month(8)
        )
        AgreementLine.objects.filter(pk=made["under"].pk).update(quantity=400)
        books.refresh()
        return made


def page(client: Client) -> str:
    return str(client.get(at("close/before/")).content.decode())


def seen_on(client: Client) -> str:
    return page(client).partition('name="seen" value="')[2].partition('"')[0]


def carry(client: Client, reason: str = "Waits for the client", **chosen: Any) -> Any:
    form = {"reason": reason, "seen": seen_on(client)} | (chosen or {"everything": "1"})
    return client.post(at("close/before/carry/"), form)


def sign(client: Client, seen: str | None = None, **form: str) -> Any:
    form = {"sure": "yes", "seen": seen_on(client) if seen is None else seen} | form
    return client.post(at("close/before/sign/"), form)


def close(client: Client, see: See) -> MonthReport:
    carry(client)
    assert sign(client).status_code == 302
    report: MonthReport = see(lambda: MonthReport.objects.latest("pk"))
    return report


def decide(line: AgreementLine, verb: str, vendor: str, **more: Any) -> Decision:
    """Record what somebody decided on the last day, as the screens of that day did. Needs the scope."""
    values = {
        "psa_units": Decimal(10),
        "vendor_units": Decimal(vendor),
        "at": in_month(10),
        "period": last_month(),
    }
    return Decision.objects.create(
        org_id=line.org_id, line=line, account_id=line.account_id, service_id=line.service_id, verb=verb,
        **values | more,
    )  # fmt: skip


def push(books: Books, line: AgreementLine, state: str, finished_at: datetime | None, **more: Any) -> Push:
    values: dict[str, Any] = {
        "epoch": 1, "remote_host": "psa.example", "remote_account": "x", "agreement_remote_id": "1",
        "line_remote_id": line.remote_id, "service_remote_id": "1", "write_kind": "absolute", "way": "in_place",
        "seen": 10, "wanted": 12, "effective_on": last_day(), "request_hash": "x", "created_at": in_month(11),
        "key": f"00000000-0000-4000-8000-{line.pk:012d}",
    }  # fmt: skip
    return Push.objects.create(
        org=books.org, connection=books.psa, line=line, state=state, finished_at=finished_at, **values | more
    )


def test_e13_the_report_is_of_the_last_day_and_says_so_everywhere(
    client: Client, month: dict[str, AgreementLine], org: Organization, see: See
) -> None:
    """The quantity that was changed after the month, 400, is in no rendering."""
    report = close(client, see)
    content = report.open_content()
    assert (report.period, report.version, report.lines, report.exceptions) == (last_month(), 1, 5, 4)
    assert report.is_late
    assert content["as_of"] == last_day().isoformat()
    told = f"As of {last_day():%-d %b %Y}, signed {timezone.now():%-d %b %Y}."
    shown = " ".join(client.get(at(f"reports/{report.pk}/")).content.decode().split())
    book = openpyxl.load_workbook(io.BytesIO(client.post(at(f"reports/{report.pk}/xlsx/")).content))
    printed = client.post(at(f"reports/{report.pk}/pdf/")).content
    paper = " ".join(" ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(printed)).pages).split())
    cells = [cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]
    for text in (shown, paper, " ".join(str(cell) for cell in cells)):
        assert told in text
        assert "Which usage was not mapped" in text
    assert 400 not in cells
    rows = {row[3]: row for row in book["Lines"].iter_rows(min_row=2, values_only=True)}
    under = rows[month["under"].remote_id]
    assert (under[6], under[9], under[12], under[14]) == (10, 12, 2, 9)
    totals = [list(row) for row in book["Totals"].iter_rows(min_row=2, values_only=True)]
    assert totals[-1][:7] == ["USD", "Found in all", 4, 9, -49.5, -40.5, 1]
    assert "−$40.50" in paper
    assert "−$40.50" in shown
    assert f"Locked, as of {last_day().day} {last_day():%b}" in client.get(at("reports/")).content.decode()


def test_e13_the_totals_are_those_of_the_day_recomputed(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    with org_scope(books.org.pk):
        decide(month["over"], "dismiss", "9", reason="Promised")
        decide(month["held"], "snooze", "0", until=this_month() + timedelta(days=9))
    content = close(client, see).open_content()
    found = next(row for row in content["totals"] if row["part"] == "found")
    day = see(lambda: list_whole_day(books.org.pk, last_day(), everything=True))
    effects = [row.judged.verdict.effect or Decimal(0) for row in day]
    assert Decimal(found["under"]) == sum(e for e in effects if e > 0) == 9
    assert Decimal(found["over"]) == sum(e for e in effects if e < 0) == Decimal("-49.5")
    past = client.get(at(f"past/{last_day():%Y-%m-%d}/")).content.decode()
    for written in ("+$9.00", "−$49.50"):
        assert written in past
        assert written in client.get(at(f"reports/{see(lambda: MonthReport.objects.get().pk)}/")).text
    parts = {row["part"]: row["lines"] for row in content["totals"]}
    assert parts == {"dismissed": 1, "snoozed": 1, "carried": 2, "found": 4}


def test_e13_what_was_decided_by_then_stands_and_what_came_later_does_not(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    after = datetime.combine(this_month(), datetime.min.time(), UTC) + timedelta(minutes=5)
    with org_scope(books.org.pk):
        # Replaced by another decision in the next month: then, it stood.
        decide(month["over"], "dismiss", "9", reason="Promised", undone_at=after)
        decide(month["over"], "approve", "9", at=after, period=this_month())
        # Taken back within the month, and decided after it: then, it was open.
        decide(month["under"], "dismiss", "12", undone_at=in_month(11))
        decide(month["held"], "dismiss", "0", at=after, period=this_month())
    assert "3 lines were still open when" in page(client)
    lines = {line["id"]: line for line in close(client, see).open_content()["lines"]}
    over = lines[month["over"].remote_id]
    assert (over["outcome"], over["decision"]["reason"]) == ("dismissed", "Promised")
    for name in ("under", "held"):
        assert (lines[month[name].remote_id]["outcome"], lines[month[name].remote_id]["decision"]) == (
            "carried",
            None,
        )


def test_e13_what_was_approved_in_time_and_written_later_is_named_and_corrects_the_next_month(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    after = datetime.combine(this_month(), datetime.min.time(), UTC) + timedelta(minutes=5)
    with org_scope(books.org.pk):
        sent = push(books, month["under"], "confirmed", after, read_back=12)
        decide(month["under"], "approve", "12", units=12, push=sent)
        done = push(books, month["match"], "confirmed", in_month(12), seen=4, wanted=5, read_back=5)
    assert "3 lines were still open when" in page(client), (
        "nobody needs to give a reason for what was approved"
    )
    content = close(client, see).open_content()
    labels = {row["reference"]: row["state_label"] for row in content["pushes"]}
    assert labels == {sent.reference: "Confirmed, after the month", done.reference: "Confirmed"}
    corrected = next(row for row in content["totals"] if row["part"] == "corrected")
    assert (corrected["lines"], corrected["under"]) == (1, "4.5")
    reason = next(e["reason"] for e in content["exceptions"] if e["id"] == month["under"].remote_id)
    assert reason == f"Approved in time, confirmed {after:%-d %b %Y}"


def test_e13_a_push_of_the_month_on_its_way_is_waited_for(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    with org_scope(books.org.pk):
        push(books, month["under"], "unknown", None)
    carry(client)
    assert "1 push is on the way to the PSA since" in page(client)
    refused = sign(client, "x")
    assert refused.status_code == 409
    assert "1 push is on the way" in refused.content.decode()
    assert not see(MonthReport.objects.exists)


def test_e13_open_lines_are_carried_over_and_shown_this_month(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    assert "4 lines were still open when" in page(client)
    assert "close/before/sign/" not in page(client)
    assert sign(client, "x").status_code == 409
    assert carry(client, " ").status_code == 409
    stale = client.post(at("close/before/carry/"), {"everything": "1", "reason": "x", "seen": "older"})
    assert stale.status_code == 409
    assert not see(CarryOver.objects.exists)
    name = str(month["over"].pk)
    carry(client, "Client asked us", card=[name])
    assert "3 lines were still open when" in page(client)
    client.post(at("close/before/take-back/"), {"card": [name]})
    assert "4 lines were still open when" in page(client)
    carry(client, "Will be credited")
    assert sign(client).status_code == 302
    notes = see(lambda: list(AuditEntry.objects.order_by("seq").values_list("verb", "label")))
    assert [verb for verb, _ in notes if "carried" in verb] == [
        "carried over", "no longer carried over", *["carried over"] * 4,
    ]  # fmt: skip
    said = f"Carried over from {last_month():%B}: Will be credited"
    assert said in client.get(at("?tab=all")).content.decode()
    assert see(lambda: audit.verify(books.org.pk)) is None


def test_e13_usage_without_a_line_is_carried_over_by_its_account_and_service(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    with org_scope(books.org.pk):
        account, service = books.account("Loose Goods"), books.service("Endpoint agent", "2")
        books.usage(books.vendor_account(account), books.vendor_service(service), "9")
    carry(client, "No agreement yet", card=[f"{account.pk}-{service.pk}"])
    mark = see(CarryOver.objects.get)
    assert (mark.line_id, mark.account_id, mark.vendor_units, mark.period) == (
        None,
        account.pk,
        9,
        last_month(),
    )
    report = close(client, see)
    exception = next(e for e in report.open_content()["exceptions"] if e["account"] == "Loose Goods")
    assert (exception["reason"], exception["effect"]) == ("No agreement yet", "18")


def test_e13_figures_that_moved_since_the_page_was_opened_are_looked_at_first(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    carry(client)
    seen = seen_on(client)
    with org_scope(books.org.pk):
        decide(month["match"], "dismiss", "5", psa_units=5)
        CarryOver.objects.filter(line=month["over"]).update(reason="Another")
    refused = sign(client, seen)
    assert refused.status_code == 409
    assert "changed since you opened the page" in refused.content.decode()
    assert client.post(at("close/before/sign/"), {"seen": seen_on(client)}).status_code == 409, "not ticked"
    assert sign(client).status_code == 302


def test_e13_this_month_goes_on_and_the_month_before_is_signed_once(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    report = close(client, see)
    assert "No month before this one can be signed off now" in page(client)
    again = sign(client, "x")
    assert again.status_code == 409
    assert "No month before this one can be signed off now" in again.content.decode()
    with org_scope(books.org.pk):
        books.now = timezone.now()
        Integration.objects.update(counted_at=books.now)
        books.refresh()
        card = books.card(month["over"])
    form = {"seen_psa": "10", "seen_vendor": "9", "reason": "Promised"}
    assert client.post(at(f"lines/{card.pk}/dismiss/"), form, headers=HTMX).status_code == 200
    assert see(lambda: MonthReport.objects.get().digest) == report.digest
    entry = see(lambda: AuditEntry.objects.get(verb="closed month"))
    assert entry.new["sha256"] == report.digest
    assert entry.new["as_of"].startswith(last_day().isoformat())


def test_e13_a_late_report_is_reopened_and_signed_again_as_its_second_version(
    client: Client, month: dict[str, AgreementLine], see: See
) -> None:
    first = close(client, see)
    answer = client.post(at(f"reports/{first.pk}/reopen/"), {"reason": "A wrong reason"})
    assert answer["Location"] == at("close/before/")
    second = close(client, see)
    assert (second.version, second.period) == (2, last_month())
    assert second.digest != first.digest


@pytest.mark.parametrize("over", [True, False])
def test_e13_after_its_days_the_month_before_stays_open_and_reports_say_so(
    over: bool, client: Client, month: dict[str, AgreementLine], settings: Any, see: See
) -> None:
    settings.MONTH_CLOSE_GRACE_DAYS = timezone.now().day - int(over)
    offered = at("close/before/")
    for where in ("reports/", "close/"):
        assert (f'href="{offered}"' in client.get(at(where)).content.decode()) != over, where
    listed = client.get(at("reports/")).content.decode()
    assert f'<th scope="row">{last_month():%B %Y}</th>' in listed
    assert ("Nobody signed it in time" in listed) == over
    assert ("No month before this one can be signed off now" in page(client)) == over
    assert carry(client).status_code == (409 if over else 302)
    assert see(CarryOver.objects.exists) != over


def test_e13_before_the_first_sync_there_is_no_month_to_sign(
    client: Client, month: dict[str, AgreementLine], see: See
) -> None:
    see(lambda: LineHistory.objects.exclude(held_until=None).delete())
    see(lambda: LineHistory.objects.update(held_from=timezone.now()))
    assert "No month before this one can be signed off now" in page(client)


def test_e13_a_reviewer_prepares_and_an_approver_signs(
    month: dict[str, AgreementLine],
    reviewer: Client,
    join: Callable[[str, Role], User],
    sign_in: Any,
    see: See,
) -> None:
    viewer = sign_in(join("Vera", Role.VIEWER))
    assert "close/before/carry/" not in page(viewer)
    assert viewer.post(at("close/before/carry/"), {"everything": "1"}).status_code == 403
    assert carry(reviewer).status_code == 302
    assert "An approver closes the month" in page(reviewer)
    assert reviewer.post(at("close/before/sign/"), {"sure": "yes"}).status_code == 403
    assert not see(MonthReport.objects.exists)
    assert sign(sign_in(join("Bob", Role.APPROVER))).status_code == 302


def test_e13_a_late_close_costs_the_same_queries_however_many_lines(
    client: Client, month: dict[str, AgreementLine], books: Books, see: See
) -> None:
    def count() -> tuple[int, int]:
        carry(client)
        with CaptureQueriesContext(connection) as looked:
            seen = seen_on(client)
        with CaptureQueriesContext(connection) as signed:
            assert sign(client, seen).status_code == 302
        report = see(lambda: MonthReport.objects.latest("pk"))
        client.post(at(f"reports/{report.pk}/reopen/"), {"reason": "more"})
        return len(looked), len(signed)

    count()
    before = count()
    with org_scope(books.org.pk):
        for _ in range(5):
            books.pair("10", "12")
        LineHistory.objects.update(held_from=in_month(8))
    assert count() == before
