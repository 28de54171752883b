"""E7: why something is, or is not, on the dashboard: planted causes, asked for through the one search."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization
from psa.models import Account, Agreement, AgreementLine, Service
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.counting import Do, Step
from vendors.models import (
    AccountMapping,
    AccountSplit,
    AlsoCounts,
    Integration,
    ServiceMapping,
    VendorAccount,
    VendorService,
)

HOME = "/o/northgate-it/why/"


def ask(client: Client, name: str, kind: str) -> str:
    """Search for a name, open the answer of one kind, and give its page."""
    found = unescape(client.get(HOME, {"q": name}).text)
    (where,) = set(re.findall(rf'href="(/o/northgate-it/why/{kind}/\d+/)"', found))
    return unescape(client.get(where).text)


def verdict(page: str) -> str:
    (found,) = re.findall(r'id="verdict">.*?<b>(.*?)</b>', page, re.S)
    return found


@pytest.fixture
def line(desk: Books) -> AgreementLine:
    """A line that is compared: Harbor Dental has 10 Workstation backup, and Veeam counts 12."""
    with org_scope(desk.org.pk):
        desk.veeam.counted_at = timezone.now()
        desk.veeam.save()
        return desk.pair("10", "12")


Plant = Callable[[AgreementLine], Any]
ON_VENDOR = "Harbor Dental of Veeam is excluded: it is counted and priced in the hidden total only."


def vendor(line: AgreementLine) -> Any:
    return VendorAccount.objects.filter(mappings__account=line.account_id)


def counter(line: AgreementLine) -> Any:
    return VendorService.objects.filter(mappings__service=line.service_id)


PLANTED: dict[str, tuple[str, str, Plant, str, str]] = {
    "the account left the PSA": (
        "Harbor", "account", lambda x: Account.objects.filter(pk=x.account_id).update(vanished_at=timezone.now()),
        "no longer shows the account Harbor Dental", "/settings/psa/",
    ),
    "the account is inactive": (
        "harbor dental", "account",
        lambda x: Account.objects.filter(pk=x.account_id).update(active=False, status="Inactive"),
        "The account Harbor Dental is not active in ConnectWise PSA (status “Inactive”)", "/sync/",
    ),
    "nothing is mapped to the account": (
        "Harbor", "account", lambda x: AccountMapping.objects.all().delete(),
        "No vendor account is mapped to it", "/config/accounts/?q=Harbor+Dental",
    ),
    "the vendor account is excluded": (
        "Harbor", "account", lambda x: vendor(x).update(excluded_at=timezone.now()),
        ON_VENDOR, "/config/accounts/?q=Harbor+Dental",
    ),
    "the source has gone silent": (
        "Harbor", "vendor-account",
        lambda x: vendor(x).update(gap_reason="silent", gap_since=timezone.now()),
        "Veeam has lost its connection to Harbor Dental", "/sync/",
    ),
    "the vendor account is not mapped": (
        "Harbor", "vendor-account", lambda x: AccountMapping.objects.all().delete(),
        "It is mapped to no account, so its usage is on no line.", "/config/accounts/?q=Harbor+Dental",
    ),
    "the vendor account is gone": (
        "Harbor", "vendor-account", lambda x: vendor(x).update(vanished_at=timezone.now()),
        "Veeam no longer lists Harbor Dental", "/sync/",
    ),
    "the newest count is held": (
        "Harbor", "vendor-account", lambda x: Integration.objects.update(held=True),
        "The newest count of Veeam is held until somebody looks at it", "/sync/",
    ),
    "the last count is old": (
        "Harbor", "vendor-account",
        lambda x: Integration.objects.update(counted_at=timezone.now() - timedelta(days=30)),
        "The last complete count of Veeam is too old", "/sync/",
    ),
    "the agreement has ended": (
        "Harbor", "account", lambda x: Agreement.objects.update(active=False),
        "1 line is not compared: agreement ended or cancelled.", "",
    ),
    "the line is not billed": (
        "Workstation", "service", lambda x: AgreementLine.objects.update(billable=False),
        "1 line is not compared: not billed to the account.", "",
    ),
    "nothing counts the service": (
        "Workstation", "service", lambda x: ServiceMapping.objects.all().delete(),
        "No vendor service is mapped to it", "/config/services/?q=Workstation+backup",
    ),
    "the service left the PSA": (
        "Workstation backup", "service",
        lambda x: Service.objects.filter(agreementline=x).update(vanished_at=timezone.now()),
        "no longer shows the service Workstation backup", "/settings/psa/",
    ),
    "the vendor service is excluded": (
        "ManagedWork", "vendor-service", lambda x: counter(x).update(excluded_at=timezone.now()),
        "ManagedWorkstationAgents of Veeam is excluded", "/config/services/?q=ManagedWorkstationAgents",
    ),
    "the vendor service is not mapped": (
        "agents", "vendor-service", lambda x: ServiceMapping.objects.all().delete(),
        "It is mapped to no service, so its usage is on no line and has no price.", "/config/services/",
    ),
}  # fmt: skip


@pytest.mark.parametrize("cause", PLANTED)
def test_e7_a_planted_cause_is_named_with_the_button_that_mends_it(
    desk: Books, line: AgreementLine, reviewer: Client, cause: str
) -> None:
    name, kind, plant, said, mend = PLANTED[cause]
    with org_scope(desk.org.pk):
        plant(line)
        desk.refresh()
    page = ask(reviewer, name, kind)
    assert said in verdict(page)
    if mend:
        way = page.partition("data-fails")[2].partition("</li>")[0]
        assert mend in way


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Harbor", "account"),
        ("Workstation", "service"),
        ("Harbor", "vendor-account"),
        ("Agents", "vendor-service"),
    ],
)
def test_e7_with_nothing_in_the_way_it_says_so_and_leads_to_the_lines(
    desk: Books, line: AgreementLine, reviewer: Client, name: str, kind: str
) -> None:
    with org_scope(desk.org.pk):
        desk.refresh()
        card = desk.card(line)
    page = ask(reviewer, name, kind)
    assert verdict(page) == "Nothing is in the way: it is on the dashboard."
    assert f"/o/northgate-it/lines/{card.pk}/" in page


def test_e7_a_missing_customer_is_looked_for_by_sound_and_its_absence_says_where(
    desk: Books, line: AgreementLine, reviewer: Client
) -> None:
    with org_scope(desk.org.pk):
        desk.refresh()
    like = unescape(reviewer.get(HOME, {"q": "Harbour Dentl"}).text)
    assert "with a name like it" in like
    assert "Harbor Dental" in like
    none = unescape(reviewer.get(HOME, {"q": "Zzyzx"}).text)
    assert "Nothing is called “Zzyzx”, or nearly" in none
    assert "Looked for in ConnectWise PSA (" in none
    assert "Veeam (counted" in none
    assert "Start full sync" in none
    both = unescape(reviewer.get(HOME, {"q": "harbor workstation"}).text)
    assert "<h2>Lines</h2>" in both


def test_e7_usage_that_leads_nowhere_is_named_counter_by_counter(
    desk: Books, line: AgreementLine, reviewer: Client
) -> None:
    with org_scope(desk.org.pk):
        source = vendor(line).get()
        desk.usage(source, desk.vendor_service(None, "CloudStorage"), "250.5")
        desk.refresh()
    page = ask(reviewer, "Harbor", "vendor-account")
    assert verdict(page) == "It uses 250.5 of CloudStorage, which is mapped to no service."


def test_e7_an_answer_costs_no_query_per_line(desk: Books, line: AgreementLine, reviewer: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            ask(reviewer, "Harbor", "account")
        return len(asked)

    with org_scope(desk.org.pk):
        desk.refresh()
    few = queries()
    with org_scope(desk.org.pk):
        for number in range(20):
            service = desk.service(f"Service {number}")
            desk.line(line.agreement, service, "3")
        desk.refresh()
    assert queries() == few


def test_e7_a_search_that_finds_no_line_leads_to_the_question(
    desk: Books, line: AgreementLine, reviewer: Client
) -> None:
    page = unescape(reviewer.get("/o/northgate-it/", {"q": "Harbour & Sons"}).text)
    assert 'href="/o/northgate-it/why/?q=Harbour%20%26%20Sons"' in page
    assert "Why is “Harbour & Sons” not here?" in page


def test_a_stranger_to_the_words_gets_an_empty_page(org: Organization, reviewer: Client) -> None:
    assert "Who or what are you missing?" in reviewer.get(HOME).text
    assert reviewer.get(HOME, {"q": "\x00%_"}).status_code == 200


# ---- What is more than one to one (D5) ---------------------------------------------------------------


def test_splits_are_named_from_both_ends(desk: Books, line: AgreementLine, approver: Client) -> None:
    with org_scope(desk.org.pk):
        branch, row = desk.account("Branch office"), VendorAccount.objects.get()
        of = {"org": desk.org, "vendor_account": row, "account": branch}
        AccountSplit.objects.create(field="domain", pattern="branch.example", **of)
        AccountSplit.objects.create(field="name", pattern="old*", until_month=date(2026, 1, 1), **of)
        name = row.name
    page = ask(approver, name, "vendor-account")
    assert "Of it, whoever has the domain branch.example goes to the account Branch office" in page
    assert "old*" not in page
    page = ask(approver, "Branch office", "account")
    assert f"Of {name}, whoever has the domain branch.example counts for it" in page
    assert "No vendor account is mapped to it" not in page


def test_further_services_are_named_from_both_ends(
    desk: Books, line: AgreementLine, approver: Client
) -> None:
    with org_scope(desk.org.pk):
        bundle, counter = desk.service("Care bundle"), VendorService.objects.get()
        AlsoCounts.objects.create(org=desk.org, vendor_service=counter, service=bundle)
        name = counter.name
    assert "It counts to the service Care bundle too" in ask(approver, name, "vendor-service")
    page = ask(approver, "Care bundle", "service")
    assert f"{name} of Veeam is not excluded" in page
    assert "nobody counts it" not in page


def test_the_panel_names_the_vendor_accounts_of_which_a_part_counts(
    desk: Books, line: AgreementLine, approver: Client
) -> None:
    with org_scope(desk.org.pk):
        row = VendorAccount.objects.get()
        theirs = desk.line(desk.agreement(desk.account("Branch office")), line.service, "1")
        AccountSplit.objects.create(
            org=desk.org,
            vendor_account=row,
            account_id=theirs.account_id,
            field="domain",
            pattern="branch.example",
        )
        desk.refresh()
        cards = [desk.card(one).pk for one in (line, theirs)]
    mine, other = (
        approver.get(f"/o/northgate-it/lines/{pk}/", headers={"HX-Request": "true"}).text for pk in cards
    )
    assert "what no part of it takes" in mine
    assert "those with the domain branch.example" in other
    assert "no vendor account is mapped" not in other


def test_e7_counting_rules_are_said_of_the_service_and_of_the_account(
    line: AgreementLine, desk: Books, approver: Client
) -> None:
    with org_scope(desk.org.pk):
        assert line.service
        steps = Step(do=Do.MINIMUM, by=Decimal(25))
        desk.rule(line.service, steps, account=line.account)
        desk.rule(line.service, Step(do=Do.EXCLUDE, by=Decimal(3)), until_month=date(2026, 1, 1))
    said = "Workstation backup is counted by a rule for Harbor Dental: Sum of all, at least 25"
    for name, kind in (("Workstation backup", "service"), ("Harbor Dental", "account")):
        page = ask(approver, name, kind)
        assert said in page
        assert "minus 3" not in page
        assert "/config/rules/?q=" in page
