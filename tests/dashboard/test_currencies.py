"""G1: amounts in three currencies on one dashboard are right, with and without rates; nothing in the PSA changes."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.core import serializers
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.exchange import MANUAL, Rate
from accounts.models import AuditEntry, DisplaySettings, ExchangeRate, Organization, User
from accounts.rates import enter
from accounts.roles import Role
from dashboard.models import Card
from psa.models import Agreement, AgreementLine, Connection, LineHistory, Push, Service
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.test_back_billing import underbill
from vendors.models import Snapshot, UsageCount

pytestmark = pytest.mark.django_db
HOME = "/o/northgate-it/"


@pytest.fixture
def books(org: Organization) -> Books:
    """Three accounts of one service at 4.50: two dollars' lines, one in euro and one in pounds.

    Next invoices: USD +2 × 4.50 = +9.00 and −3 × 4.50 = −13.50; EUR +10 × 4.50 = +45.00; GBP −4 × 4.50 = −18.00.
    """
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
        service = books.service()
        counted = books.vendor_service(service)
        for name, code, psa, vendor in (
            ("Dollar Dental", "USD", "10", "12"),
            ("Down Dental", "USD", "20", "17"),
            ("Euro Dental", "EUR", "20", "30"),
            ("Pound Dental", "GBP", "30", "26"),
        ):
            account = books.account(name)
            books.usage(books.vendor_account(account, name), counted, vendor)
            books.line(books.agreement(account, currency=code), service, psa)
        books.refresh()
    return books


@pytest.fixture
def viewer(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Vera", Role.APPROVER))


@pytest.fixture
def rate(org: Organization, alice: User) -> Callable[..., None]:
    """Enter a rate per euro, of so many days ago."""

    def make(quote: str, value: str, days_ago: int = 0, base: str = "EUR") -> None:
        day = timezone.now().date() - timedelta(days=days_ago)
        with org_scope(org.pk):
            enter(org.pk, Rate(base, quote, Decimal(value), day, MANUAL), by=alice)

    return make


def read(org: Organization, currency: str) -> None:
    with org_scope(org.pk):
        DisplaySettings.objects.update(currency=currency)


def words(client: Client, part: str, address: str = HOME) -> str:
    """Give what an element of the page says: no tags, single spaces."""
    html = client.get(address).text
    found = re.search(part, html, re.DOTALL)
    assert found, part
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[0])).split())


def strip(client: Client) -> str:
    return words(client, r'<dl class="strip lead".*?</dl>')


def bar(client: Client) -> str:
    return words(client, r'<footer class="statusbar".*?</footer>')


def group(client: Client) -> str:
    return words(client, r'<tr class="group">.*?</tr>')


def rows(client: Client) -> dict[str, str]:
    html = client.get(HOME).text
    cells = re.findall(r'data-key="open" title="(.*?)".*?(<td class="c-effect num".*?</td>)', html, re.DOTALL)
    seen = {name: re.sub(r'<span class="vh">.*?</span>', "", cell) for name, cell in cells}
    return {name: " ".join(re.sub(r"<[^>]+>", " ", cell).split()) for name, cell in seen.items()}


def test_without_rates_each_currency_stands_by_itself(viewer: Client, books: Books) -> None:
    shown = strip(viewer)
    assert "Under-billed +€45.00 next invoices 2 lines, 2 accounts, and +$9.00" in shown
    assert "Over-billed −£18.00 next invoices 2 lines, 2 accounts, and −$13.50" in shown
    assert "no rate for EUR" in shown
    assert "no rate for GBP" in shown
    assert "≈" not in shown
    # The net of each: EUR +45.00, GBP −18.00, USD 9.00 − 13.50.
    assert "Next invoices: +45.00 EUR, −18.00 GBP, −4.50 USD net, no rate for EUR, GBP" in bar(viewer)
    assert "+45.00 EUR, −18.00 GBP, −4.50 USD net, no rate for EUR, GBP" in bar(viewer)
    assert "+45.00 EUR, −18.00 GBP, −4.50 USD" in group(viewer)


def test_with_rates_they_are_one_sum_and_the_rates_are_named(
    viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    rate("USD", "1.2")
    rate("GBP", "0.8")
    # EUR 45 × 1.2 = 54.00; GBP −18 ÷ 0.8 × 1.2 = −27.00.
    shown = strip(viewer)
    assert "Under-billed ≈ +$63.00 next invoices 2 lines, 2 accounts, at these rates" in shown
    assert "Over-billed ≈ −$40.50 next invoices 2 lines, 2 accounts, at these rates" in shown
    day = timezone.now().date()
    dated = f"entered by hand, {day.day} {day:%b %Y}"
    assert f"EUR: 1 EUR = 1.2 USD, {dated}" in shown
    assert f"GBP: 1 EUR = 0.8 GBP, {dated}; 1 EUR = 1.2 USD, {dated}" in shown
    assert "no rate" not in shown
    assert "USD: ≈ +63.00 under · ≈ −40.50 over · ≈ +22.50 net" in bar(viewer)
    assert "≈ +22.50" in group(viewer)
    assert rows(viewer) == {
        "Euro Dental": "+45.00 EUR", "Pound Dental": "−18.00 GBP", "Down Dental": "−13.50 USD",
        "Dollar Dental": "+9.00 USD",
    }  # fmt: skip
    assert "Next invoice, " not in viewer.get(HOME).text


def test_what_a_line_is_worth_here_is_heard_in_its_row_and_read_in_its_details(
    org: Organization, viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    """Also where all lines share one foreign currency, so that no row names it."""
    with org_scope(org.pk):
        pounds = Card.objects.get(currency="GBP")
        Card.objects.exclude(pk=pounds.pk).delete()
    address = f"{HOME}lines/{pounds.pk}/"
    assert "≈ −" not in viewer.get(HOME).text + viewer.get(address, headers={"HX-Request": "true"}).text
    rate("USD", "1.2")
    rate("GBP", "0.8")
    day = timezone.now().date()
    words = f"≈ −$27.00 at 1 EUR = 0.8 GBP, entered by hand, {day.day} {day:%b %Y}; 1 EUR = 1.2 USD, entered by hand"
    html = viewer.get(HOME).text
    assert '<span class="vh">, ≈ −$27.00</span></td>' in html
    assert f'title="{words}' in html
    for panel in (
        viewer.get(address, headers={"HX-Request": "true"}),
        viewer.get(f"{HOME}?open={pounds.pk}"),
    ):
        assert f'<p class="seen">{words}' in panel.text


def test_a_zero_needs_no_rate_and_what_has_no_price_is_no_zero(
    org: Organization, viewer: Client, books: Books
) -> None:
    """G1: without a rate for the dollars of all lines, read in euro."""
    read(org, "EUR")
    with org_scope(org.pk):
        Card.objects.exclude(currency="USD").delete()
        Card.objects.filter(effect__lt=0).delete()
    shown = strip(viewer)
    assert "Under-billed +$9.00 next invoices 1 line, 1 account; no rate for USD" in shown
    assert "Over-billed $0.00 next invoices 0 lines, 0 accounts Unmapped" in shown
    with org_scope(org.pk):
        Card.objects.update(effect=None, price=None)
    assert "Under-billed — no price 1 line, 1 account Over-billed" in strip(viewer)
    assert "EUR: — under" in bar(viewer) or "USD: — under" in bar(viewer)
    assert "— net, 1 line without a price" in bar(viewer)


def test_one_missing_rate_keeps_all_apart(viewer: Client, books: Books, rate: Callable[..., None]) -> None:
    rate("USD", "1.2")
    shown = strip(viewer)
    # Only dollars and euro are under-billed, and they can be added up; the pounds cannot.
    assert "Under-billed ≈ +$63.00" in shown
    assert "Over-billed −£18.00 next invoices 2 lines, 2 accounts, and −$13.50; no rate for GBP" in shown
    assert "+45.00 EUR, −18.00 GBP, −4.50 USD net, no rate for GBP" in bar(viewer)


def test_another_display_currency_converts_everything(
    org: Organization, viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    rate("USD", "1.2")
    rate("GBP", "0.8")
    rate("JPY", "150")
    read(org, "JPY")
    # USD 9 ÷ 1.2 × 150 = 1,125; EUR 45 × 150 = 6,750; GBP −18 ÷ 0.8 × 150 = −3,375; USD −13.5 ÷ 1.2 × 150 = −1,687.5.
    shown = strip(viewer)
    assert "Under-billed ≈ +¥7,875 next" in shown
    assert "Over-billed ≈ −¥5,063 next" in shown
    assert "JPY: ≈ +7,875 under · ≈ −5,063 over · ≈ +2,813 net" in bar(viewer)
    assert rows(viewer)["Dollar Dental"] == "+9.00 USD"


def test_three_digits_are_shown_where_a_currency_has_them(
    org: Organization, viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    with org_scope(org.pk):
        Card.objects.exclude(currency="USD").delete()
    rate("KWD", "0.3075", base="USD")
    read(org, "KWD")
    # 9.00 × 0.3075 = 2.7675, −13.50 × 0.3075 = −4.15125.
    shown = strip(viewer)
    assert re.search(r"≈ \+KWD\s?2\.768 next", shown)
    assert re.search(r"≈ −KWD\s?4\.151 next", shown)
    # One currency of all lines: the head names it, and the sum its own.
    assert "KWD: ≈ +2.768 under" in bar(viewer)
    assert "≈ −1.384 KWD" in group(viewer)
    assert rows(viewer) == {"Down Dental": "−13.50", "Dollar Dental": "+9.00"}


def test_an_old_rate_is_used_and_said_to_be_old(
    viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    rate("USD", "1.2", days_ago=30)
    rate("GBP", "0.8", days_ago=30)
    shown = strip(viewer)
    assert "≈ +$63.00" in shown
    assert shown.count(" old") == 2
    rate("USD", "1.5", days_ago=1)
    rate("GBP", "0.8", days_ago=2)
    shown = strip(viewer)
    # 9 + 45 × 1.5
    assert "≈ +$76.50" in shown
    assert " old" not in shown


def test_groups_come_by_what_they_are_worth_here(
    viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    def order() -> list[str]:
        return re.findall(r'aria-label="Fold (\w+) Dental"', viewer.get(f"{HOME}?group=account").text)

    rate("USD", "1")
    rate("GBP", "100")
    # The pound is worth a cent: 18 of them are less than any other difference here.
    assert order() == ["Euro", "Down", "Dollar", "Pound"]
    rate("GBP", "0.01")
    assert order() == ["Pound", "Euro", "Down", "Dollar"]


def test_a_preview_is_one_sum_with_its_rates_or_several(
    viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    with org_scope(books.org.pk):
        chosen = list(Card.objects.values_list("pk", flat=True))
    address = f"{HOME}lines/approve/preview/"
    page = viewer.post(address, {"card": chosen}).text
    assert "Approve 4, +€45.00, −£18.00, −$4.50" in page
    assert "No rate for EUR, GBP, so there is no sum across currencies" in page
    rate("USD", "1.2")
    rate("GBP", "0.8")
    page = viewer.post(address, {"card": chosen}).text
    assert "Approve 4, ≈ +$22.50" in page
    assert "≈ at 1 EUR = 1.2 USD, entered by hand" in page


def test_unmapped_usage_is_added_up_at_the_rates(
    viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    with org_scope(books.org.pk):
        Connection.objects.update(currency="EUR")
        books.usage(
            books.vendor_account(name="Loose Ends"), books.vendor_service(Service.objects.get()), "10"
        )
        second = Connection.objects.create(
            org=books.org, kind="connectwise", name="Second", base_url="https://b.example", currency="USD"
        )
        other = books.service(name="Other", connection=second)
        books.usage(books.vendor_account(name="Loose Change"), books.vendor_service(other), "20")
    # EUR 10 × 4.50 = 45.00, USD 20 × 4.50 = 90.00.
    assert "Unmapped usage ≈ $90.00 a month 2 accounts not mapped , and ≈ €45.00" in strip(viewer)
    rate("USD", "1.2")
    # 45 × 1.2 + 90
    assert "Unmapped usage ≈ $144.00 a month 2 accounts not mapped" in strip(viewer)


def test_switching_the_currency_changes_no_value_and_writes_nothing(
    org: Organization, alice: User, sign_in: Callable[[User], Client], books: Books, rate: Callable[..., None]
) -> None:
    def everything() -> str:
        with org_scope(org.pk):
            models = (Connection, Service, AgreementLine, Card, ExchangeRate)
            return serializers.serialize(
                "json", [row for model in models for row in model.objects.order_by("pk")]
            )

    rate("USD", "1.2")
    before = everything()
    admin = sign_in(alice)
    for currency in ("EUR", "JPY", "USD"):
        admin.post(f"{HOME}settings/other/", {"currency": currency, "time_zone": "UTC"})
        assert admin.get(HOME).status_code == 200
    assert everything() == before
    with org_scope(org.pk):
        assert not Push.objects.exists()
        changes = AuditEntry.objects.filter(verb="changed display settings").order_by("seq")
        assert [entry.new for entry in changes] == [
            {"currency": "EUR"},
            {"currency": "JPY"},
            {"currency": "USD"},
        ]


def strip_of(client: Client, address: str) -> str:
    return words(client, r'<dl class="strip">.*?</dl>', address)


def test_a_past_day_is_added_up_at_the_rates_of_that_day(
    org: Organization, viewer: Client, books: Books, rate: Callable[..., None]
) -> None:
    day = timezone.now().date() - timedelta(days=40)
    with org_scope(org.pk):
        year = timezone.now() - timedelta(days=400)
        LineHistory.objects.update(held_from=year)
        UsageCount.objects.update(counted_at=year)
        Snapshot.objects.update(taken_at=timezone.now() - timedelta(days=41))
    address = f"{HOME}past/{day}/"
    assert "Under-billed +€45.00" in strip_of(viewer, address)
    rate("USD", "1.2", days_ago=50)
    rate("GBP", "0.8", days_ago=50)
    # Dearer since; that day does not care.
    rate("USD", "9")
    shown = strip_of(viewer, address)
    assert "Under-billed ≈ +$63.00 on the invoices of" in shown
    assert "Over-billed ≈ −$40.50 on the invoices of" in shown
    assert "GBP: 1 EUR = 0.8 GBP, entered by hand" in shown
    assert shown.count(" old") == 2
    assert "1 EUR = 9 USD" not in shown


def test_back_billing_is_one_sum_or_each_currency_by_itself(
    org: Organization, viewer: Client, rate: Callable[..., None]
) -> None:
    """Three invoices of +2 × 4.50 each, of a line in euro and one in dollars; the dearer comes first."""
    with org_scope(org.pk):
        books = Books(org, now=timezone.now() - timedelta(minutes=5))
        dollars = underbill(books)
        euros = underbill_too(books, dollars)
    address = reverse("back_billing", args=[org.slug])
    shown = strip_of(viewer, address)
    assert "Billed too low +€27.00 to bill once, in the PSA, and +$27.00" in shown
    assert "no rate for EUR" in shown
    assert "Billed too high $0.00 to credit once, in the PSA" in shown
    rate("USD", "1.2")
    shown = strip_of(viewer, address)
    assert "Billed too low ≈ +$59.40 to bill once, in the PSA, at these rates" in shown
    assert "EUR: 1 EUR = 1.2 USD, entered by hand" in shown
    rate("USD", "0.5")
    first, second = re.findall(r'id="missed-(\d+)"', viewer.get(address).text)
    assert (int(first), int(second)) == (dollars.pk, euros.pk)
    rate("USD", "2")
    assert re.findall(r'id="missed-(\d+)"', viewer.get(address).text) == [second, first]


def underbill_too(books: Books, like: AgreementLine) -> AgreementLine:
    """Copy a line's history and counts to a line in euro of another account."""
    line = books.pair("10", "12")
    Agreement.objects.filter(pk=line.agreement_id).update(currency="EUR")
    LineHistory.objects.filter(line=line).delete()
    for row in LineHistory.objects.filter(line=like):
        row.pk, row.line = None, line
        row.save(force_insert=True)
    counts = UsageCount.objects.filter(vendor_account__mappings__account=line.account)
    of_the_first = UsageCount.objects.filter(vendor_account__mappings__account=like.account)
    count = counts.get()
    counts.delete()
    for one in of_the_first:
        count.pk, count.quantity = None, one.quantity
        count.counted_at, count.superseded_at = one.counted_at, one.superseded_at
        count.save(force_insert=True)
    books.refresh()
    return line
