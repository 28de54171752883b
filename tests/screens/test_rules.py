"""Every kind of counting rule, from the screen that makes it to the sum in the details panel of its line."""

import re
from dataclasses import dataclass, field

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Organization, User
from psa.models import AgreementLine, Service
from reconcile.period import month_of, next_month
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books
from tests.screens.test_accessibility import rows, sign_in
from vendors.models import NamedUnit, VendorAccount, VendorService

__all__ = ["rows"]
pytestmark = pytest.mark.browser

# What is counted of each account: by the console, and by the agents.
COUNTS = {
    "Alder": ("44", "0"), "Birch": ("44", "41"), "Cedar": ("44", "41"), "Elm": ("30", "28"), "Fir": ("30", "28"),
    "Hazel": ("abc", "bc"), "Juniper": ("abs", "s"), "Larch": ("ad", "as"), "Maple": ("12", "3"), "Oak": ("12", "3"),
    "Pine": ("12", "3"),
}  # fmt: skip
NAMES = {"a": "Ana", "b": "Ben", "c": "Cleo", "d": "adm-one", "s": "svc-backup"}


@dataclass
class Town:
    """One service that two sources count, in an account for each kind of rule."""

    books: Books
    service: Service
    console: VendorService
    agents: VendorService
    lines: dict[str, AgreementLine] = field(default_factory=dict)

    def settle(self, name: str, counts: tuple[str, str]) -> None:
        """Add an account with its line; letters are named units, digits a plain count."""
        account = self.books.account(name)
        for what, integration in ((self.console, self.books.veeam), (self.agents, self.agents.integration)):
            said = counts[what is self.agents]
            place = self.books.vendor_account(account, name, integration=integration)
            self.books.usage(place, what, said if said.isdigit() else str(len(said)))
            for letter in "" if said.isdigit() else said:
                self.name(place, what, letter)
        self.lines[name] = self.books.line(
            self.books.agreement(account, f"Care of {name}"), self.service, "40"
        )

    def name(self, place: VendorAccount, what: VendorService, letter: str) -> None:
        NamedUnit.objects.create(
            org=self.books.org, integration_id=place.integration_id, vendor_account=place, vendor_service=what,
            external_id=letter, key=letter, name=NAMES[letter], traits={"name": NAMES[letter].lower()},
            named_at=self.books.now,
        )  # fmt: skip

    def card(self, name: str) -> int:
        with org_scope(self.books.org.pk):
            return self.books.card(self.lines[name]).pk


@pytest.fixture
def town(rows: None) -> Town:
    owner = User.objects.create_user("dana@northgate.example", PASSWORD, name="Dana")
    org = Organization.found(name="Northgate IT", owner=owner)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        agents = books.integration("Agents")
        service = books.service("Managed endpoint")
        made = Town(
            books, service, books.vendor_service(service, "Endpoint"),
            books.vendor_service(service, "Agent", integration=agents),
        )  # fmt: skip
        for name, counts in COUNTS.items():
            made.settle(name, counts)
        books.refresh()
        return made


@dataclass
class Desk:
    """A person at the screens of rules."""

    page: Page
    town: Town
    home: str

    def begin(self, name: str = "", *, agreement: bool = False) -> None:
        """Open the form for an account, for its agreement, or for every account."""
        line = self.town.lines.get(name)
        about = f"&agreement={line.agreement_id}" if line and agreement else ""
        about = about or (f"&account={line.account_id}" if line else "")
        self.page.goto(f"{self.home}config/rules/new/?service={self.town.service.pk}{about}")

    def step(self, n: int, do: str, by: str, note: str = "") -> None:
        """Add step `n` (from 1) and fill it in."""
        self.page.locator("#add-step").click()
        self.page.get_by_label(f"Step {n}: what to do").select_option(label=do)
        self.page.get_by_label(f"Step {n}: number").fill(by)
        if note:
            self.page.get_by_label(f"Step {n}: note").fill(note)

    def filter(self, keeps: str, pattern: str) -> None:
        self.page.locator("#add-filter").click()
        self.page.get_by_label("Filter 1: leave out or keep").select_option(label=keeps)
        self.page.get_by_label("Filter 1: the text").fill(pattern)

    def save(self, words: str) -> None:
        """Go through the trial, which says the rule in these words, and save."""
        self.page.locator("#try").click()
        expect(self.page.locator("#rule-page .kv").first.locator("dd").last).to_contain_text(words)
        self.page.get_by_role("button", name="Save rule").click()
        expect(self.page.locator(".toast").first).to_contain_text("Rule saved")

    def combine(self, name: str, label: str) -> None:
        self.begin(name)
        self.drop_copied()
        self.page.get_by_role("radio", name=label).check()
        self.save(label)

    def drop_copied(self) -> None:
        """Take out the step that was copied from the rule for every account."""
        self.page.get_by_label("Remove step 1").click()
        expect(self.page.locator("[name=step_by]")).to_have_count(0)

    def sum_of(self, name: str) -> list[str]:
        """Give the rows of the sum in the panel: sign, units and words."""
        self.page.goto(f"{self.home}?tab=all&open={self.town.card(name)}")
        lines = self.page.locator(".panel .arith tr").all_inner_texts()
        return [re.sub(r"\s+", " ", line).strip() for line in lines]


@pytest.fixture
def desk(town: Town, site: str, page: Page) -> Desk:
    sign_in(page, site)
    return Desk(page, town, f"{site}/o/{town.books.org.slug}/")


def test_every_kind_of_rule_reaches_the_sum_of_its_line(desk: Desk) -> None:
    """For everybody first; then each account's own, which counts in its place; an agreement's; and one of later."""
    desk.begin()
    desk.step(1, "Plus", "1", "spare")
    desk.save("Sum of all, plus 1 spare; from")
    make_steps(desk)
    desk.combine("Birch", "Larger of the sources")
    desk.combine("Cedar", "Smaller of the sources")
    desk.combine("Elm", "Bundle: as many as its largest part")
    desk.combine("Fir", "Bundle: complete sets only")
    desk.combine("Hazel", "Each user or device once")
    make_filters(desk)
    desk.begin("Maple", agreement=True)
    desk.step(1, "At least", "60", "contract")
    desk.save("At least 60 (contract); from")
    make_later(desk)
    look_at_sums(desk)


def make_steps(desk: Desk) -> None:
    """Give Alder every kind of step, one of them moved into its place with the keyboard."""
    desk.begin("Alder")
    desk.drop_copied()
    steps = [
        ("Plus", "6", "archive mailboxes"), ("Minus", "3", "internal accounts"), ("At most", "40", ""),
        ("At least", "25", ""), ("Percent of it", "50", ""), ("Round up to a multiple of", "3", ""),
        ("Round down to a multiple of", "5", ""), ("Round to the nearest multiple of", "6", ""),
    ]  # fmt: skip
    for n, (do, by, note) in enumerate(steps, 1):
        desk.step(n, do, by, note)
    desk.page.get_by_label("Move step 4 up").focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_label("Step 3: number")).to_have_value("25")
    expect(desk.page.get_by_label("Move step 3 up")).to_be_focused()
    desk.save(
        "Sum of all, plus 6 archive mailboxes, minus 3 internal accounts, at least 25, at most 40, 50 % of it"
    )


def make_filters(desk: Desk) -> None:
    for name, keeps, pattern, words in (
        ("Juniper", "Leave out", "SVC-*", "Sum of all, without names like svc-*"),
        ("Larch", "Only these", "a??", "Sum of all, only names like a??"),
    ):
        desk.begin(name)
        desk.drop_copied()
        desk.filter(keeps, pattern)
        desk.save(words)


def make_later(desk: Desk) -> None:
    later = next_month(month_of(timezone.now()))
    desk.begin("Oak")
    desk.step(2, "At least", "90")
    desk.page.get_by_label("From", exact=True).select_option(value=f"{later:%Y-%m}")
    desk.save(f"Sum of all, plus 1 spare, at least 90; from {later:%B %Y}")


def look_at_sums(desk: Desk) -> None:
    alder = desk.sum_of("Alder")
    for said in (
        "44 Endpoint", "+ 6 archive mailboxes", "− 3 internal accounts", "25 minimum 25, not in play: 47 is above it",
        "40 lowered to the maximum of 40", "20 50 % of 40", "21 rounded up to a multiple of 3",
        "20 rounded down to a multiple of 5", "18 rounded to the nearest multiple of 6", "= 18 units to bill",
    ):  # fmt: skip
        assert any(said in row for row in alder), (said, alder)
    assert not any("spare" in row for row in alder)
    for name, said, total in (
        ("Birch", "larger of two sources: 44, not 41", "44"),
        ("Cedar", "smaller of two sources: 41, not 44", "41"),
        ("Elm", "bundle, larger of two parts: 30, not 28", "30"),
        ("Fir", "bundle, complete sets only: 28, not 30", "28"),
        ("Hazel", "each user or device once: 2 counted more than once", "3"),
        ("Juniper", "left out: svc-backup", "2"),
        ("Larch", "left out: adm-one, svc-backup", "2"),
        ("Maple", "raised to the minimum of 60 (contract)", "60"),
        ("Oak", "+ 1 spare", "16"),
        ("Pine", "+ 1 spare", "16"),
    ):
        found = desk.sum_of(name)
        assert any(said in row for row in found), (name, found)
        assert found[-1] == f"= {total} units to bill", (name, found)
