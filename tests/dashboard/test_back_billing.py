"""E12: twelve months of a line on its panel, past days on their page, and proposals for what invoices missed."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard import back_billing, past
from dashboard.chart import Point, draw
from dashboard.decisions import Refused
from dashboard.models import Settlement
from psa.models import AgreementLine
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.test_past import move, recount
from vendors.models import GapHistory, Snapshot, VendorAccount

TODAY = timezone.now().date()


@pytest.fixture
def outside(org: Organization) -> Books:
    with org_scope(org.pk):
        return Books(org, now=timezone.now() - timedelta(minutes=5))


@pytest.fixture
def books(outside: Books) -> Iterator[Books]:
    with org_scope(outside.org.pk):
        yield outside


def start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def underbill(books: Books, *, months: int = 3) -> AgreementLine:
    """Make a line of 10 units at 4.50 whose count rose to 12 before the last `months` invoices."""
    line = books.pair("10", "12")
    year = start_of(TODAY) - timedelta(days=400)
    rose = start_of(past.months_before(TODAY, months)[0]) - timedelta(days=2)
    move(line, ("10", year, None))
    recount(books, ("10", year, rose), ("12", rose, None))
    Snapshot.objects.bulk_create(
        Snapshot(
            org=books.org, integration=books.veeam, taken_at=books.now - timedelta(weeks=n), state="published"
        )
        for n in range(56)
    )
    books.refresh()
    return line


def test_each_invoice_since_the_count_rose_is_proposed(books: Books) -> None:
    line = underbill(books)
    (proposal,) = back_billing.find(books.org.pk)
    first = TODAY.replace(day=1)
    assert proposal.months[-1].invoice_on == first
    assert [(m.billed, m.used, m.amount) for m in proposal.months] == [
        (Decimal(10), Decimal(12), Decimal(9))
    ] * 3
    assert (proposal.line, proposal.units, proposal.amount) == (line.pk, Decimal(6), Decimal(27))


def test_unknown_shared_and_zero_months_are_never_proposed(books: Books) -> None:
    line = underbill(books)
    gap = past.months_before(TODAY, 2)[0]
    GapHistory.objects.create(
        org=books.org,
        vendor_account=VendorAccount.objects.get(),
        since=start_of(gap),
        until=start_of(gap) + timedelta(days=2),
    )
    (proposal,) = back_billing.find(books.org.pk)
    assert gap + timedelta(days=1) not in [m.invoice_on for m in proposal.months]
    assert len(proposal.months) == 2
    twin = books.line(line.agreement, line.service, "1")
    move(twin, ("1", start_of(TODAY) - timedelta(days=400), None))
    assert back_billing.find(books.org.pk) == []


def test_the_page_settles_and_takes_back(outside: Books, alice: User, sign_in: Any) -> None:
    org = outside.org
    with org_scope(org.pk):
        line = underbill(outside)
    page = sign_in(alice)
    url = reverse("back_billing", args=[org.slug])
    html = page.get(url).text
    assert "+$27.00" in html
    assert "10 billed, 12 used" in html
    through = TODAY.replace(day=1).isoformat()
    answer = {"line": line.pk, "through": through, "how": "waived", "note": "promised"}
    html = page.post(reverse("back_billing_settle", args=[org.slug]), answer, follow=True).text
    assert "Nothing was missed" in html
    assert "promised" in html
    with org_scope(org.pk):
        row = Settlement.objects.get()
        assert (row.units, row.amount, row.currency) == (6, 27, "USD")
        assert AuditEntry.objects.get(verb="settled missed months").new["amount"] == "27"
    html = page.post(reverse("back_billing_undo", args=[org.slug, row.pk]), follow=True).text
    assert "10 billed, 12 used" in html


def test_a_stale_page_settles_nothing(outside: Books, alice: User, sign_in: Any) -> None:
    with org_scope(outside.org.pk):
        line = underbill(outside)
    answer = {"line": line.pk, "through": "2020-01-01", "how": "billed"}
    said = (
        sign_in(alice).post(reverse("back_billing_settle", args=[outside.org.slug]), answer, follow=True).text
    )
    assert "have changed since" in said
    with org_scope(outside.org.pk):
        assert not Settlement.objects.exists()


def test_two_people_who_settle_at_once_settle_once(committed_db: None, person: Callable[..., User]) -> None:
    alice = person("Alice")
    org = Organization.found(name="Northgate IT", owner=alice)
    with org_scope(org.pk):
        line = underbill(Books(org, now=timezone.now() - timedelta(minutes=5)))
    results: list[str] = []

    def settle() -> None:
        try:
            with org_scope(org.pk):
                mine = AgreementLine.objects.get(pk=line.pk)
                back_billing.settle(mine, TODAY.replace(day=1), "billed", "", by=alice)
            results.append("noted")
        except Refused:
            results.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=settle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["noted", "refused", "refused", "refused"]


def test_the_panel_draws_twelve_months_and_says_what_was_missed(
    outside: Books, alice: User, sign_in: Any
) -> None:
    with org_scope(outside.org.pk):
        card = outside.card(underbill(outside))
    url = reverse("line_details", args=[outside.org.slug, card.pk])
    html = sign_in(alice).get(url, headers={"HX-Request": "true"}).text
    assert "Vendor units went from 10 to 12. PSA units stood at 10." in html
    assert html.count('<path class="gap"') == 4  # three invoices, and the coming one
    assert "Past invoices missed" in html
    assert "+$27.00" in html


def test_a_past_day_has_a_page_and_nothing_on_it_can_be_decided(
    outside: Books, alice: User, sign_in: Any
) -> None:
    with org_scope(outside.org.pk):
        underbill(outside)
    page, day = sign_in(alice), past.months_before(TODAY, 1)[0]
    html = page.get(reverse("past_day", args=[outside.org.slug, day.isoformat()])).text
    assert "under-billed" in html
    assert "+9.00" in html
    assert "hx-post" not in html.split('id="main"')[1].split("</main>")[0]
    quiet = page.get(reverse("past_day", args=[outside.org.slug, day.isoformat()]) + "?q=nobody").text
    assert "Nothing matches" in quiet
    unknown = page.get(reverse("past_day", args=[outside.org.slug, "2001-01-31"])).text
    assert "Nothing is known of 31 Jan 2001" in unknown


def test_the_stepper_leads_to_the_month_before_and_the_form_to_any_day(
    outside: Books, alice: User, sign_in: Any
) -> None:
    with org_scope(outside.org.pk):
        underbill(outside)
    page, day = sign_in(alice), past.months_before(TODAY, 1)[0]
    where = reverse("past_day", args=[outside.org.slug, day.isoformat()])
    assert f'href="{where}"' in page.get(reverse("dashboard", args=[outside.org.slug])).text
    find = reverse("past_find", args=[outside.org.slug])
    assert page.get(find, {"day": day.isoformat()}).headers["Location"] == where
    assert page.get(find, {"day": "31 Feb"}).headers["Location"].endswith(f"/o/{outside.org.slug}/")
    for day_of_none in ("2026-02-31", "0001-01-01", "9999-99-99", "x"):
        assert page.get(reverse("past_day", args=[outside.org.slug, day_of_none])).status_code == 404


def test_a_reviewer_reads_proposals_and_settles_none(
    outside: Books, join: Callable[[str, Role], User], sign_in: Any
) -> None:
    with org_scope(outside.org.pk):
        line = underbill(outside)
    page = sign_in(join("Bob", Role.REVIEWER))
    assert "Settle…" not in page.get(reverse("back_billing", args=[outside.org.slug])).text
    answer = {"line": line.pk, "through": TODAY.replace(day=1).isoformat(), "how": "billed"}
    assert page.post(reverse("back_billing_settle", args=[outside.org.slug]), answer).status_code == 403


def test_a_chart_breaks_where_nothing_is_known() -> None:
    days = [date(2026, month, 28) for month in range(1, 5)]
    numbers = [(1, 2), (1, None), (None, None), (3, 3)]
    points = [
        Point(day, None if a is None else Decimal(a), None if b is None else Decimal(b))
        for day, (a, b) in zip(days, numbers, strict=True)
    ]
    chart = draw(points)
    assert chart is not None
    assert (chart.psa.count("M"), chart.vendor.count("M"), len(chart.gaps)) == (2, 2, 1)
    assert draw([Point(days[0], None, None)]) is None
