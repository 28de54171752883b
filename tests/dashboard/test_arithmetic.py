"""Each card opens to its arithmetic in words and numbers, and the same is a page and a PDF for the customer (D6)."""

import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization
from dashboard import arithmetic, count_sheet, pairing, past_loading
from dashboard.models import Card, LinePairing
from psa.models import AgreementLine
from reconcile.period import month_of, next_month
from reconcile.templatetags.figures import units
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.counting import Combine, Do, Filter, Step
from vendors.models import AccountSplit, AlsoCounts, CountingRule, VendorAccount, VendorService

LINES = "/o/northgate-it/lines"


@pytest.fixture
def books(org: Organization) -> Iterator[Books]:
    with org_scope(org.pk):
        yield Books(org, now=timezone.now())


def step(do: Do, by: int, note: str = "") -> Step:
    return Step(do=do, by=Decimal(by), note=note)


def open_card(books: Books, line: AgreementLine) -> tuple[Card, list[str]]:
    """Refresh, and give the card with its arithmetic as it is read."""
    books.refresh()
    card = books.card(line)
    whole = past_loading.load(books.org.pk, card.account_id)
    found = arithmetic.explain(card, whole, timezone.now(), list(pairing.counted_to(card)))
    assert found is not None
    assert found.units == card.vendor_units
    rows = [f"{part.sign} {units(part.units)} {part.what}" for part in found.parts]
    return card, [re.sub(r"\s+", " ", row).strip() for row in rows]


@pytest.fixture
def managed(books: Books) -> AgreementLine:
    """A line of 43, of which the vendor counts 44 licences and 6 archives."""
    account, service = books.account("Tamarack Engineering"), books.service("Managed user")
    va = books.vendor_account(account)
    books.usage(va, books.vendor_service(service, "Licences"), "44")
    books.usage(va, books.vendor_service(service, "Archives"), "6")
    return books.line(books.agreement(account), service, "43")


def test_licences_and_archives_less_internal_ones_above_the_minimum(
    books: Books, managed: AgreementLine
) -> None:
    assert managed.service
    books.rule(managed.service, step(Do.EXCLUDE, 3, "internal accounts"), step(Do.MINIMUM, 25))
    card, rows = open_card(books, managed)
    assert card.vendor_units == 47
    assert rows == [
        "44 Licences",
        "+ 6 Archives",
        "− 3 internal accounts",
        "25 minimum 25, not in play: 47 is above it",
    ]


@pytest.mark.parametrize(
    ("steps", "wanted", "last"),
    [
        ([step(Do.INCLUDE, 2, "promised")], 52, "+ 2 promised"),
        ([step(Do.MINIMUM, 60)], 60, "60 raised to the minimum of 60"),
        ([step(Do.MAXIMUM, 40)], 40, "40 lowered to the maximum of 40"),
        ([step(Do.PERCENT, 50)], 25, "25 50 % of 50"),
        ([step(Do.EXCLUDE, 9), step(Do.UP, 5)], 45, "45 rounded up to a multiple of 5"),
        ([step(Do.EXCLUDE, 9), step(Do.DOWN, 5)], 40, "40 rounded down to a multiple of 5"),
        ([step(Do.EXCLUDE, 7), step(Do.NEAREST, 5)], 45, "45 rounded to the nearest multiple of 5"),
        ([step(Do.EXCLUDE, 99)], 0, "− 50 excluded by the rule"),
    ],
)
def test_each_step_is_a_row(
    books: Books, managed: AgreementLine, steps: list[Step], wanted: int, last: str
) -> None:
    assert managed.service
    books.rule(managed.service, *steps)
    card, rows = open_card(books, managed)
    assert (card.vendor_units, rows[-1]) == (wanted, last)


def test_larger_and_smaller_of_two_sources_and_bundles(books: Books) -> None:
    account, service = books.account(), books.service("Workplace")
    other = books.integration("Pax8")
    one, two = books.vendor_account(account), books.vendor_account(account, integration=other)
    books.usage(one, books.vendor_service(service, "Backup"), "41")
    books.usage(two, books.vendor_service(service, "Licence", integration=other), "30")
    books.usage(two, books.vendor_service(service, "Add-on", integration=other), "14")
    line = books.line(books.agreement(account), service, "43")
    found = {}
    for combine in Combine:
        if combine is not Combine.DISTINCT:
            CountingRule.objects.all().delete()
            books.rule(service, combine=combine)
            card, rows = open_card(books, line)
            found[combine] = (int(card.vendor_units or 0), rows[-1])
    assert found == {
        Combine.SUM: (85, "+ 14 Add-on"),
        Combine.LARGEST_SOURCE: (44, "44 larger of two sources: 44, not 41"),
        Combine.SMALLEST_SOURCE: (41, "41 smaller of two sources: 41, not 44"),
        Combine.LARGEST_SERVICE: (41, "41 bundle, largest of three parts: 41, not 30 or 14"),
        Combine.SMALLEST_SERVICE: (14, "14 bundle, complete sets only: 14, not 30 or 41"),
    }


def test_a_person_with_two_licences_counts_once_and_filters_leave_names_out(books: Books) -> None:
    account, service = books.account(), books.service("Managed user")
    va = books.vendor_account(account)
    books.names(va, books.vendor_service(service, "Exchange"), "Ana", "Bo", "svc-scan")
    books.names(va, books.vendor_service(service, "Premium"), "Bo", "Cy")
    line = books.line(books.agreement(account), service, "5")
    books.rule(service, combine=Combine.DISTINCT, filters=[Filter(field="name", pattern="SVC-*")])
    card, rows = open_card(books, line)
    assert card.vendor_units == 3
    assert rows == ["3 Exchange", "+ 2 Premium", "− 1 left out: svc-scan", "− 1 counted once: Bo"]


def test_names_that_are_missing_make_the_count_unknown_not_smaller(books: Books) -> None:
    line = books.pair("5", "4")
    assert line.service
    books.rule(line.service, filters=[Filter(field="name", pattern="svc-*")])
    books.refresh()
    card = books.card(line)
    assert (card.kind, card.reason, card.vendor_units, card.last_units) == (
        "waiting", "names_missing", None, None,
    )  # fmt: skip
    found = arithmetic.explain(card, past_loading.load(books.org.pk, card.account_id), timezone.now(), [])
    assert found
    assert [(units(part.units), part.what) for part in found.parts[:1]] == [("4", "ManagedWorkstationAgents")]
    assert found.units is None


@pytest.mark.parametrize("combine", [Combine.SUM, Combine.DISTINCT])
def test_usage_without_a_line_is_not_lost_for_want_of_names(books: Books, combine: Combine) -> None:
    account, service = books.account(), books.service()
    books.usage(books.vendor_account(account), books.vendor_service(service), "12")
    books.refresh()
    assert Card.objects.get().kind == "new"
    books.rule(service, combine=combine, filters=[Filter(field="name", pattern="ana", keeps=True)])
    books.refresh()
    card = Card.objects.get()
    assert (card.kind, card.reason, card.vendor_units, card.last_units) == (
        "waiting", "names_missing", None, None,
    )  # fmt: skip


def test_one_tenant_is_split_over_two_accounts_by_domain(books: Books) -> None:
    north, south, service = books.account("North"), books.account("South"), books.service()
    va, vs = books.vendor_account(north), books.vendor_service(service)
    books.names(va, vs, "Ana", "Bo", domain="north.example")
    books.names(va, books.vendor_service(service, "Servers"), "Cy", "Di", "Ed", domain="south.example")
    AccountSplit.objects.create(
        org=books.org, vendor_account=va, account=south, field="domain", pattern="south.*"
    )
    lines = [books.line(books.agreement(account), service, "9") for account in (north, south)]
    assert [open_card(books, line)[0].vendor_units for line in lines] == [2, 3]
    # The page of one customer names neither the other nor what both use together.
    found = count_sheet.read(books.card(lines[1]))
    assert found.arithmetic
    assert {part.source for part in found.arithmetic.parts} == {"Veeam, the part that is this account's"}
    assert [one.name for one in found.counted] == ["Cy", "Di", "Ed"]
    assert [one.name for one in found.sources] == ["Veeam"]


def test_a_bundle_takes_what_has_no_line_of_its_own_and_only_then_nothing_is_new(books: Books) -> None:
    account, single, bundle = books.account(), books.service("Agent"), books.service("Workplace")
    va, vs = books.vendor_account(account), books.vendor_service(single)
    books.usage(va, vs, "7")
    AlsoCounts.objects.create(org=books.org, vendor_service=vs, service=bundle)
    books.refresh()
    assert [card.kind for card in Card.objects.all()] == ["new"]
    line = books.line(books.agreement(account), bundle, "5")
    card, _ = open_card(books, line)
    assert (card.kind, card.vendor_units, Card.objects.count()) == ("adjust", 7, 1)
    own = books.line(books.agreement(account), single, "6")
    assert (open_card(books, own)[0].vendor_units, open_card(books, line)[0].vendor_units) == (7, 7)


def test_the_narrower_rule_counts_and_an_agreement_steps_on_from_its_share(
    books: Books, managed: AgreementLine
) -> None:
    assert managed.service
    books.rule(managed.service, step(Do.EXCLUDE, 10))
    own = books.rule(managed.service, step(Do.EXCLUDE, 3), account=managed.account)
    assert open_card(books, managed)[0].vendor_units == 47
    books.rule(managed.service, step(Do.MINIMUM, 49, "contract"), agreement=managed.agreement)
    card, rows = open_card(books, managed)
    # What is counted of the account stays as its own rule says, whatever its contract says.
    raised = "49 raised to the minimum of 49 (contract)"
    assert (card.vendor_units, rows) == (
        49,
        ["44 Licences", "+ 6 Archives", "− 3 excluded by the rule", raised],
    )
    own.delete()
    # The wider rule, for every account, gives way to the narrower, and the card says so.
    card, rows = open_card(books, managed)
    assert card.vendor_units == 50
    assert rows[:2] == ["44 Licences", "+ 6 Archives"]
    found = arithmetic.explain(card, past_loading.load(books.org.pk), timezone.now(), [])
    assert found
    assert found.rules[0].startswith("The steps of the rule for every account give way")


def test_a_rule_holds_in_its_months_and_the_past_follows_the_rule_of_its_month(
    books: Books, managed: AgreementLine
) -> None:
    assert managed.service
    month = month_of(timezone.now())
    books.rule(managed.service, step(Do.EXCLUDE, 3), until_month=month)
    books.rule(managed.service, step(Do.EXCLUDE, 9), from_month=next_month(month))
    assert open_card(books, managed)[0].vendor_units == 50
    books.rule(managed.service, step(Do.EXCLUDE, 5), from_month=month, until_month=next_month(month))
    assert open_card(books, managed)[0].vendor_units == 45
    rules = past_loading.load(books.org.pk).counts.rules
    found = [
        rules.of_pair(managed.service.pk, 0, day) for day in (date(2020, 1, 1), month, next_month(month))
    ]
    assert [one.steps[0].by for one in found] == [3, 5, 9]


def test_included_units_are_respected_after_the_rule(books: Books) -> None:
    line = books.pair("10", "12", included=Decimal(4))
    assert line.service
    books.rule(line.service, step(Do.EXCLUDE, 10))
    books.refresh()
    # 2 units to bill are within the 4 that are free; today's 10 bill 6.
    assert books.card(line).effect == Decimal("-6") * Decimal("4.50")


def test_paired_usage_and_shared_lines_add_up_to_the_units(books: Books, managed: AgreementLine) -> None:
    other = books.service("Endpoint agent")
    va = books.vendor_account(managed.account)
    books.usage(va, books.vendor_service(other, "Agents"), "4")
    LinePairing.objects.create(org=books.org, account=managed.account, service=other, line=managed)
    second = books.line(managed.agreement, managed.service, "9")
    shares = [open_card(books, line)[0].vendor_units for line in (managed, second)]
    assert shares == [43, 11]


def make_distinct_line(org: Organization) -> Card:
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        account, service = books.account("Harbor Dental"), books.service("Managed user")
        va = books.vendor_account(account)
        books.names(va, books.vendor_service(service, "Exchange"), "Ana Ruiz", "Bo Lund", "svc-scan")
        books.names(va, books.vendor_service(service, "Premium"), "Bo Lund")
        line = books.line(books.agreement(account), service, "5")
        books.rule(service, combine=Combine.DISTINCT, filters=[Filter(field="name", pattern="svc-*")])
        return open_card(books, line)[0]


def test_the_page_and_the_pdf_name_everybody_once(org: Organization, approver: Client) -> None:
    card = make_distinct_line(org)
    page = approver.get(f"{LINES}/{card.pk}/count/").content.decode()
    assert "Managed user: 2" in page
    assert "each user or device once: 1 counted more than once" in page
    text = read_pdf(approver.post(f"{LINES}/{card.pk}/count/pdf/"))
    for said in ("Northgate IT, for Harbor Dental", "Managed user: 2", "Who or what is counted: 2", "Left out: 2",
                 "counted once, with Exchange", "left out by the rule", "units to bill"):  # fmt: skip
        assert said in text, said
    assert text.count("Ana Ruiz") == 1
    panel = approver.get(f"{LINES}/{card.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "units to bill" in panel
    assert "Counting rule: Each user or device once, without names like svc-*" in panel
    assert f"{LINES}/{card.pk}/count/" in panel


def test_of_parts_that_are_compared_only_the_names_of_one_are_counted(
    org: Organization, approver: Client
) -> None:
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        account, service = books.account(), books.service("Backup suite")
        va = books.vendor_account(account)
        books.names(va, books.vendor_service(service, "Servers"), "srv-1", "srv-2")
        books.names(va, books.vendor_service(service, "Desktops"), "pc-1", "pc-2", "pc-3")
        line = books.line(books.agreement(account), service, "1")
        books.rule(service, combine=Combine.LARGEST_SERVICE)
        card, _ = open_card(books, line)
        found = count_sheet.read(card)
        books.line(books.agreement(account), service, "1")
        books.rule(service, step(Do.PERCENT, 1), combine=Combine.LARGEST_SERVICE)
        card, rows = open_card(books, line)
        books.rule(service, step(Do.MAXIMUM, 1_000_000_000), step(Do.MINIMUM, 999_999_999))
        large, _ = open_card(books, line)
    assert [one.name for one in found.counted] == ["pc-1", "pc-2", "pc-3"]
    assert {(one.name, one.why) for one in found.left_out} == {
        ("srv-1", "the larger part counts"),
        ("srv-2", "the larger part counts"),
    }
    assert rows[-2:] == ["= 0.03 units after the rule", "0.03 of them for this line"]
    page = approver.get(f"{LINES}/{card.pk}/count/").content.decode()
    assert "behind all lines that share the count" in page
    text = read_pdf(approver.post(f"{LINES}/{large.pk}/count/pdf/"))
    assert "behind all lines that share the count" in text
    assert "999,999,999 raised" in text, "a number is never broken over two lines"


def read_pdf(answer: Any) -> str:
    assert answer["Content-Type"] == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def test_an_unknown_count_is_not_printed_for_a_customer(org: Organization, approver: Client) -> None:
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        line = books.pair("5", "4")
        assert line.service
        books.rule(line.service, combine=Combine.DISTINCT)
        books.refresh()
        card = books.card(line)
    answer = approver.post(f"{LINES}/{card.pk}/count/pdf/")
    assert answer.status_code == 409
    assert "The count is unknown" in answer.content.decode()
    assert "PDF for the customer" not in answer.content.decode()


def test_the_minimum_of_a_contract_is_one_number_for_all_its_lines(books: Books) -> None:
    account, service = books.account(), books.service("Licence")
    books.usage(books.vendor_account(account), books.vendor_service(service, "Licences"), "12")
    contract, other = books.agreement(account), books.agreement(account)
    lines = [books.line(contract, service, "10"), books.line(contract, service, "15")]
    beside = books.line(other, service, "1")
    books.rule(service, step(Do.MINIMUM, 25), agreement=contract)
    cards = [open_card(books, line)[0] for line in (*lines, beside)]
    assert [card.vendor_units for card in cards] == [10, 15, 0]
    assert open_card(books, lines[1])[1] == [
        "12 Licences",
        "= 12 units counted",
        "12 of them for this agreement",
        "25 raised to the minimum of 25",
        "= 25 units of the agreement",
        "15 of them for this line",
    ]


def test_what_is_paired_with_two_lines_of_a_contract_is_under_one_minimum(books: Books) -> None:
    account, service = books.account(), books.service("Licence")
    contract = books.agreement(account)
    lines = [books.line(contract, service, quantity) for quantity in ("10", "15")]
    sources = [books.veeam, books.integration("Pax8")]
    vendor_accounts = [books.vendor_account(account, integration=one) for one in sources]
    for line, va, name, used in zip(lines, vendor_accounts, ("Mail", "Archive"), ("3", "4"), strict=True):
        other = books.service(name)
        books.usage(va, books.vendor_service(other, name, integration=va.integration), used)
        LinePairing.objects.create(
            org=books.org, account_id=account.pk, service=other, line=line, at=timezone.now()
        )
    books.rule(service, step(Do.MINIMUM, 30), agreement=contract)
    found = [open_card(books, line)[0] for line in lines]
    assert [(card.vendor_units, card.kind, card.reason) for card in found] == [
        (10, "match", ""), (20, "held", "shared"),
    ]  # fmt: skip
    # Of a minimum of the two together, one that is unknown leaves neither known.
    VendorAccount.objects.filter(pk=vendor_accounts[1].pk).update(gap_reason="Lost", gap_since=timezone.now())
    books.refresh()
    assert {(books.card(line).kind, books.card(line).reason) for line in lines} == {
        ("waiting", "source_silent")
    }
    whole = past_loading.load(books.org.pk)
    judged = whole.judge((account.pk, service.pk), timezone.now().date())
    assert {one.verdict.reason for one in judged} == {"source_silent"}


def test_names_that_were_read_too_long_ago_are_missing_also_where_they_still_add_up(books: Books) -> None:
    account, service = books.account(), books.service("Managed user")
    va, vs = books.vendor_account(account), books.vendor_service(service, "Exchange")
    books.names(va, vs, "Ana", "svc-scan")
    line = books.line(books.agreement(account), service, "1")
    books.rule(service, filters=[Filter(field="name", pattern="svc-*")])
    found = {}
    for days in (1, 30):
        VendorService.objects.update(names_gap_since=timezone.now() - timedelta(days=days))
        books.refresh()
        card = books.card(line)
        whole = past_loading.load(books.org.pk)
        (judged,) = whole.judge((account.pk, service.pk), timezone.now().date())
        assert (judged.verdict.kind, judged.verdict.reason) == (card.kind, card.reason)
        found[days] = (card.kind, card.reason, card.vendor_units)
    assert found == {1: ("match", "", 1), 30: ("waiting", "names_missing", None)}
    VendorService.objects.update(names_gap_since=None)
    assert open_card(books, line)[0].kind == "match"
