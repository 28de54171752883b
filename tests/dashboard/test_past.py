"""E12: any past day recomputed, from histories that the database keeps by itself."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.models import Organization
from dashboard import past, past_loading
from psa.models import AgreementLine, LineHistory
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import GapHistory, Snapshot, UsageCount, VendorAccount


@pytest.fixture
def books(org: Organization) -> Iterator[Books]:
    with org_scope(org.pk):
        yield Books(org, now=timezone.now() - timedelta(minutes=5))


def history(line: AgreementLine) -> list[tuple[Decimal, bool]]:
    rows = LineHistory.objects.filter(line=line).order_by("pk")
    return [(row.quantity, row.held_until is None) for row in rows]


def move(line: AgreementLine, *spans: tuple[str, datetime, datetime | None]) -> None:
    """Replace what the triggers kept by what a year of syncs would have kept."""
    LineHistory.objects.filter(line=line).delete()
    LineHistory.objects.bulk_create(
        LineHistory(
            org_id=line.org_id, line=line, quantity=q, unit_price=line.unit_price, held_from=a, held_until=z
        )
        for q, a, z in spans
    )


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_every_change_of_a_line_is_kept_whoever_makes_it(books: Books) -> None:
    line = books.pair("10", "12")
    AgreementLine.objects.filter(pk=line.pk).update(quantity=12)
    AgreementLine.objects.filter(pk=line.pk).update(description="the same quantity")
    AgreementLine.objects.filter(pk=line.pk).update(quantity=F("quantity") + 1)
    assert history(line) == [(Decimal(10), False), (Decimal(12), False), (Decimal(13), True)]
    AgreementLine.objects.filter(pk=line.pk).update(vanished_at=timezone.now())
    assert history(line)[-1] == (Decimal(13), False)
    AgreementLine.objects.filter(pk=line.pk).update(vanished_at=None)
    assert history(line)[-1] == (Decimal(13), True)


def test_the_spans_of_a_line_meet_without_overlap(books: Books) -> None:
    line = books.pair("1", "1")
    for quantity in range(2, 8):
        AgreementLine.objects.filter(pk=line.pk).update(quantity=quantity)
    rows = list(LineHistory.objects.filter(line=line).order_by("pk"))
    assert [row.held_until for row in rows[:-1]] == [row.held_from for row in rows[1:]]


def test_a_gap_that_has_ended_is_still_known(books: Books) -> None:
    va = books.vendor_account(books.account())
    since = timezone.now() - timedelta(days=9)
    VendorAccount.objects.filter(pk=va.pk).update(gap_reason="silent", gap_since=since)
    assert not GapHistory.objects.exists()
    VendorAccount.objects.filter(pk=va.pk).update(gap_reason="", gap_since=None)
    gap = GapHistory.objects.get()
    assert (gap.vendor_account_id, gap.since) == (va.pk, since)


def of_day(books: Books, line: AgreementLine, day: date) -> Any:
    whole = past_loading.load(books.org.pk, line.account_id)
    judged = whole.judge((line.account_id, line.service_id), day)
    return next((one for one in judged if one.line == line.pk), None)


def recount(books: Books, *spans: tuple[str, datetime, datetime | None]) -> None:
    """Replace the one count of the books, and give its integration a snapshot at each of its moments."""
    row = UsageCount.objects.get()
    UsageCount.objects.all().delete()
    for quantity, counted_at, superseded_at in spans:
        row.pk, row.quantity, row.counted_at, row.superseded_at = None, quantity, counted_at, superseded_at
        row.save(force_insert=True)
        Snapshot.objects.create(
            org=books.org, integration=books.veeam, taken_at=counted_at, state="published"
        )


def test_a_past_day_says_what_both_sides_said_then(books: Books) -> None:
    line = books.pair("10", "12")
    move(line, ("5", utc(2026, 3, 1), utc(2026, 4, 10)), ("10", utc(2026, 4, 10), None))
    recount(books, ("6", utc(2026, 3, 30), utc(2026, 4, 28)), ("12", utc(2026, 4, 28), None))
    march = of_day(books, line, date(2026, 3, 31))
    assert (march.quantity, march.verdict.vendor_units, march.verdict.kind) == (5, 6, "adjust")
    april = of_day(books, line, date(2026, 4, 30))
    assert (april.quantity, april.verdict.vendor_units) == (10, 12)
    assert of_day(books, line, date(2026, 2, 28)) is None


def test_a_day_without_a_fresh_count_is_unknown_never_zero(books: Books) -> None:
    line = books.pair("10", "12")
    move(line, ("10", utc(2026, 1, 1), None))
    recount(books, ("12", utc(2026, 3, 30), None))
    before, after = of_day(books, line, date(2026, 2, 28)), of_day(books, line, date(2026, 6, 30))
    assert (before.verdict.vendor_units, before.verdict.reason) == (None, "never_counted")
    assert (after.verdict.vendor_units, after.verdict.reason) == (None, "source_old")


def test_a_day_in_a_gap_is_unknown(books: Books) -> None:
    line = books.pair("10", "12")
    move(line, ("10", utc(2026, 1, 1), None))
    recount(books, ("12", utc(2026, 3, 28), None))
    GapHistory.objects.create(
        org=books.org,
        vendor_account=VendorAccount.objects.get(),
        since=utc(2026, 3, 29),
        until=utc(2026, 4, 1, 12),
    )
    assert of_day(books, line, date(2026, 3, 31)).verdict.reason == "source_silent"
    assert of_day(books, line, date(2026, 4, 1)).verdict.vendor_units == 12


def test_the_number_of_queries_does_not_grow(books: Books, django_assert_num_queries: Any) -> None:
    for _ in range(3):
        books.pair("10", "12")
    with django_assert_num_queries(17):
        whole = past_loading.load(books.org.pk)
        [whole.judge(pair, date(2026, 10, 31)) for pair in whole.pairs()]


def test_month_ends() -> None:
    assert past.months_before(date(2026, 3, 15), 3) == [
        date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28),
    ]  # fmt: skip
