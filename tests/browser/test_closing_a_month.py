"""E13: a month of the demo organization is closed by keyboard alone, and its report says what the truth file says."""

import csv
import io
import re
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
from playwright.sync_api import Page, expect

import demo
from dashboard.models import MonthReport
from dashboard.report_pdf import write_pdf
from dashboard.report_tables import report_tables
from demo.seed import EMAIL, PASSWORD
from reconcile.tables import write_xlsx
from reconcile.tenancy.scope import org_scope
from tests.browser.conftest import Product, visiting
from tests.browser.typing import Keyboard
from tests.demo.seeded import seeded_demo

pytestmark = pytest.mark.browser
TRUTH = Path(demo.__file__).parent / "truth.csv"
# As many held lines as are looked at one by one and approved.
CONFIRMED = 2
LONG = 180_000  # milliseconds for forty pushes on a busy machine
Sum = tuple[int, Decimal, Decimal]


def truth(*kinds: str) -> list[dict[str, str]]:
    with TRUTH.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["kind"] in kinds]


def add_up(rows: list[dict[str, str]]) -> Sum:
    """Count differences of the truth file, and add up what they are under and over."""
    effects = [Decimal(row["effect"]) for row in rows if row["effect"]]
    return (
        len(rows),
        sum((e for e in effects if e > 0), Decimal(0)),
        sum((e for e in effects if e < 0), Decimal(0)),
    )


def sign_in(page: Page, keys: Keyboard) -> None:
    page.goto("/account/login/")
    keys.tab_to(page.get_by_label("Work e-mail"))
    keys.type(EMAIL)
    keys.tab_to(page.get_by_label("Password", exact=True))
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Contract reconciliation")).to_be_visible()


def select_all_lines(page: Page, keys: Keyboard) -> None:
    """Select from the last line up to the first."""
    keys.press("k", "x")
    first = page.locator("[data-row]").first
    while not first.evaluate("row => row.hasAttribute('aria-current')"):
        at = page.locator("[data-row][aria-current]").get_attribute("id")
        keys.press("[")
        if page.locator("[data-row][aria-current]").get_attribute("id") == at:
            keys.press("k")
    keys.press("Shift+X")


def open_tab(page: Page, keys: Keyboard, name: str) -> None:
    keys.follow(page.locator("#tabs").get_by_role("link", name=name))
    expect(page.locator("#tabs").get_by_role("link", name=name)).to_have_attribute("aria-current", "page")


def count_of(page: Page, name: str) -> Any:
    return page.locator("#tabs").get_by_role("link", name=name).locator(".count")


def answer(page: Page, keys: Keyboard, title: str) -> None:
    """Confirm a dialog on many lines with Enter, and leave its results with Enter."""
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=title)).to_be_visible()
    keys.press("Enter")
    expect(dialog.get_by_role("button", name="Back to your lines")).to_be_focused(timeout=LONG)
    # Leaving the results reloads the lines; keys that come before that go to lines which are about to vanish.
    with page.expect_navigation():
        keys.press("Enter")
    expect(dialog).to_have_count(0)
    page.wait_for_load_state("networkidle")


def approve_what_differs(page: Page, keys: Keyboard) -> None:
    select_all_lines(page, keys)
    keys.press("Shift+Enter")
    answer(page, keys, "Approve")


def dismiss_new_usage(page: Page, keys: Keyboard) -> None:
    select_all_lines(page, keys)
    keys.press("r")
    answer(page, keys, "Dismiss")
    expect(count_of(page, "To do")).to_have_text("0")


def confirm_held(page: Page, keys: Keyboard, account: str) -> None:
    """Look at a held line, and approve the vendor's quantity with the tick that says it is meant."""
    search(page, keys, account)
    keys.press("j")
    expect(page.locator("[data-row][aria-current]")).to_have_count(1)
    keys.press("e")
    dialog = page.get_by_role("dialog", name="Approve a held line")
    expect(dialog).to_be_visible()
    keys.tab_to(dialog.get_by_role("checkbox"))
    keys.press("Space")
    keys.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.locator("[data-row]", has_text=account)).to_contain_text("Confirmed", timeout=LONG)


def search(page: Page, keys: Keyboard, words: str) -> None:
    keys.press("/", "Control+A")
    keys.type(words)
    # The list follows what is typed, without Enter.
    expect(page.locator("[data-row]", has_text=words)).to_have_count(1)
    expect(page.locator("[data-row]")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    keys.press("Escape")


def clear_search(page: Page, keys: Keyboard, lines: int) -> None:
    keys.press("/", "Control+A", "Delete")
    expect(page.locator("[data-row]")).to_have_count(lines)
    page.wait_for_load_state("networkidle")
    keys.press("Escape")


def test_e13_a_month_is_closed_by_keyboard_and_its_totals_are_the_truth(product: Product) -> None:
    drops = [row for row in truth("held") if row["reason"] in ("drop", "jump")][:CONFIRMED]
    rest = [row for row in truth("held") if row not in drops] + truth("waiting")
    with seeded_demo() as seeded:
        with visiting(product) as page:
            keys = Keyboard(page)
            sign_in(page, keys)
            approve_what_differs(page, keys)
            dismiss_new_usage(page, keys)
            open_tab(page, keys, "Held")
            for row in drops:
                confirm_held(page, keys, row["account"])
            clear_search(page, keys, len(rest))
            select_all_lines(page, keys)
            keys.press("z")
            answer(page, keys, "Snooze")
            close(page, keys)
            sys.stdout.write(
                f"\nA month of {len(truth('adjust', 'new', 'held', 'waiting'))} lines closed with {keys.tally}"
            )
        with org_scope(seeded.org.pk):
            report = MonthReport.objects.get()
    expected = {
        "corrected": add_up(truth("adjust") + drops),
        "dismissed": add_up(truth("new")),
        "snoozed": add_up(rest),
        "found": add_up(truth("adjust", "new", "held", "waiting")),
    }
    assert totals_of(report.open_content()) == expected
    assert_files_say(report, expected["found"])


def close(page: Page, keys: Keyboard) -> None:
    """Wait until nothing is on the way, sign, read the report, and take both of its files along."""
    keys.follow(page.get_by_role("link", name=re.compile(r"Close \w+…")))
    while page.get_by_text("on the way to the PSA").count():
        page.wait_for_timeout(500)
        page.reload()
    keys.tab_to(page.get_by_role("checkbox", name="I looked at what was found", exact=False))
    keys.press("Space")
    keys.follow(page.get_by_role("button", name="Close"))
    expect(page.get_by_text("Locked, and as it was signed", exact=False)).to_be_visible()
    for name in ("PDF", "XLSX"):
        keys.tab_to(page.get_by_role("button", name=name))
        with page.expect_download() as download:
            keys.press("Enter")
        assert download.value.suggested_filename.endswith(f".{name.lower()}")


def totals_of(content: dict[str, Any]) -> dict[str, Sum]:
    return {
        row["part"]: (row["lines"], Decimal(row["under"]), Decimal(row["over"])) for row in content["totals"]
    }


def assert_files_say(report: MonthReport, found: Sum) -> None:
    """Hold the workbook and the printed page to the truth file, read by other programs than those that wrote them."""
    content = report.open_content()
    book = openpyxl.load_workbook(io.BytesIO(write_xlsx(report_tables(content))))
    last = list(book["Totals"].iter_rows(values_only=True))[-1]
    assert (last[1], last[2]) == ("Found in all", found[0])
    assert [round(Decimal(str(value)), 2) for value in last[3:5]] == [round(found[1], 2), round(found[2], 2)]
    by_service: dict[Any, int] = defaultdict(int)
    for service, *_ in book["Lines"].iter_rows(min_row=2, values_only=True):
        by_service[service] += 1
    assert sum(by_service.values()) == len(content["lines"])
    pages = pypdf.PdfReader(io.BytesIO(write_pdf(content, report.digest))).pages
    text = " ".join(page.extract_text() for page in pages)
    assert f"+${found[1]:,.2f}" in text
    assert f"−${-found[2]:,.2f}" in text
