"""A person's whole way through the product, in a real browser, against both simulators."""

import re
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from demo.seed import EMAIL, PASSWORD
from tests.browser.conftest import Product, visiting
from tests.demo.seeded import seeded_demo
from tests.psa.simulated import Simulated, simulate

pytestmark = pytest.mark.browser
FULL_WAY = 240_000  # milliseconds for a first full sync on a busy machine


def sign_in(page: Page) -> None:
    page.goto("/account/login/")
    page.get_by_label("Work e-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def quantities(ledger: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """Give what each applied write changed: the line's quantity before and after."""
    return [(write["before"]["quantity"], write["after"]["quantity"]) for write in ledger]


def row_of(page: Page, account: str) -> Any:
    return page.locator("tr[data-row]", has_text=account).first


def approve_and_undo(page: Page, psa: Simulated, account: str) -> tuple[float, float]:
    """Approve a line and undo it; exactly one write each, the second the opposite of the first."""
    row = row_of(page, account)
    row.get_by_role("button", name="Approve", exact=True).click()
    expect(row.get_by_text("Confirmed")).to_be_visible()
    written = quantities(psa.writes())
    assert len(written) == 1
    row.get_by_role("button", name="Undo").click()
    expect(row.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    before, after = written[0]
    assert quantities(psa.writes()) == [(before, after), (after, before)]
    return before, after


def run_full_sync(page: Page) -> None:
    page.get_by_role("link", name="Sync status").click()
    page.get_by_role("button", name="Full sync…").click()
    page.get_by_role("dialog").get_by_role("button", name="Start", exact=False).first.click()
    # Live progress: how many records so far, of how many where the PSA says so.
    expect(page.locator("#live .running").first).to_contain_text(re.compile(r"\d+ (of \d+|\w+ so far)"))
    expect(page.locator("#live").get_by_text("Running", exact=True)).to_have_count(0, timeout=FULL_WAY)
    expect(page.locator("#live tr .state", has_text="Done")).to_have_count(2, timeout=FULL_WAY)


def test_from_sign_in_to_one_right_write_and_back(product: Product) -> None:
    with seeded_demo() as demo:
        demo.psa.control("POST", "faults", {"latency_ms": 200})
        with visiting(product) as page:
            sign_in(page)
            expect(page.get_by_role("heading", name="Contract reconciliation")).to_be_visible()
            run_full_sync(page)
            map_an_account(page, "Yonderby Glassworks")
            page.get_by_role("link", name="Reconciliation").click()
            before, after = approve_and_undo(page, demo.psa, "Saltmarrow Bakery")
            assert (before, after) == (7, 6)


def test_a_psa_that_moved_first_stops_the_push_and_says_so(product: Product) -> None:
    with seeded_demo() as demo, visiting(product) as page:
        sign_in(page)
        change_by_hand(demo.psa, "Dunmarrow Marine", "BKP-MBX", 113)
        row_of(page, "Dunmarrow Marine").locator("[data-key=open]").click()
        page.locator(".panel").get_by_role("button", name="Approve", exact=False).click()
        stopped = page.locator("tr.open", has_text="The PSA has moved")
        expect(stopped).to_contain_text("the line says 113, not 112")
        assert quantities(demo.psa.writes()) == [(112, 113)]
        row_of(page, "Dunmarrow Marine").get_by_role("button", name="Try again").click()
        expect(page.locator(".panel").get_by_text("Confirmed 131")).to_be_visible()
        expect(stopped).to_have_count(0)
        assert quantities(demo.psa.writes()) == [(112, 113), (113, 131)]


def change_by_hand(psa: Simulated, account: str, product: str, quantity: int) -> None:
    """Change a line in the PSA as somebody else would."""
    name = f"{psa.fields['company']}+{psa.fields['public_key']}"
    with requests.Session() as session:
        session.auth, session.headers["clientId"] = (name, psa.fields["private_key"]), psa.fields["client_id"]
        agreements = f"{psa.url}/v4_6_release/apis/3.0/finance/agreements"
        for agreement in session.get(agreements, params={"conditions": f'company/name="{account}"'}).json():
            lines = f"{agreements}/{agreement['id']}/additions"
            for line in session.get(lines, params={"conditions": f'product/identifier="{product}"'}).json():
                change = [{"op": "replace", "path": "quantity", "value": quantity}]
                assert session.patch(f"{lines}/{line['id']}", json=change).status_code == 200


def map_an_account(page: Page, name: str) -> None:
    """Accept the one suggestion for an account: its usage shows on the dashboard at once, with no sync."""
    page.get_by_role("link", name="Advanced config").click()
    row = row_of(page, name)
    row.get_by_role("button", name="Accept").click()
    expect(row.get_by_text("Mapped", exact=True)).to_be_visible()
    page.get_by_role("link", name="Reconciliation").click()
    page.get_by_role("searchbox", name="Search lines").fill(name)
    expect(page.locator("#lines-count")).not_to_contain_text("0 lines")
    expect(row_of(page, name)).to_be_visible()
    page.get_by_role("searchbox", name="Search lines").fill("")


def test_a_new_organization_from_nothing_to_its_first_push(product: Product) -> None:
    with (
        simulate("connectwise", "--data", "demo") as psa,
        simulate("veeam_vspc", "--data", "demo") as veeam,
        visiting(product) as page,
    ):
        sign_up(page)
        connect_psa(page, psa)
        connect_veeam(page, veeam)
        wait_for_first_syncs(page)
        map_everything_sure(page)
        map_a_service(page, "ManagedServerAgents", "Managed Server Backup")
        page.get_by_role("link", name="Reconciliation").click()
        approve_and_undo(page, psa, "Saltmarrow Bakery")


def sign_up(page: Page) -> None:
    page.goto("/account/signup/")
    page.get_by_label("Organization").fill("Fresh Fields IT")
    page.get_by_label("Work e-mail").fill("owner@freshfields.example")
    page.get_by_label("Password", exact=True).fill("a few words that differ")
    page.get_by_role("button", name="Create the organization").click()
    expect(page.get_by_role("heading", name="Set up Reconcile")).to_be_visible()


def connect_psa(page: Page, psa: Simulated) -> None:
    page.get_by_label("On our own server").check()
    page.get_by_label("Site address").fill(psa.url)
    page.get_by_label("Company id").fill(psa.fields["company"])
    page.get_by_label("Public key").fill(psa.fields["public_key"])
    page.get_by_label("Client id").fill(psa.fields["client_id"])
    page.get_by_label("Private key").fill("not the key")
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_text("Nothing was saved.")).to_be_visible()
    page.get_by_label("Private key").fill(psa.fields["private_key"])
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_role("button", name="Test again")).to_be_visible()


def connect_veeam(page: Page, veeam: Simulated) -> None:
    page.get_by_role("link", name="Integrations").click()
    page.get_by_role("link", name="Connect").first.click()
    page.get_by_label("Address").fill(veeam.url)
    page.get_by_label("API key", exact=True).fill(veeam.fields["api_key"])
    page.get_by_role("button", name="Save and test").click()
    expect(page.get_by_role("button", name="Test again")).to_be_visible()


def wait_for_first_syncs(page: Page) -> None:
    page.get_by_role("link", name="Sync status").click()
    page.get_by_role("button", name="Quick sync all").click()
    expect(page.locator("#live tr .state", has_text="Done")).to_have_count(2, timeout=FULL_WAY)


def map_everything_sure(page: Page) -> None:
    page.get_by_role("link", name="Advanced config").click()
    page.get_by_role("button", name="Accept", exact=False).first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("button[type=submit]").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def map_a_service(page: Page, counter: str, service: str) -> None:
    page.locator(".tabs").get_by_role("link", name="Services").click()
    row = row_of(page, counter)
    row.get_by_role("button", name="Choose…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("searchbox").fill(service)
    expect(dialog.locator("#choices .item")).to_have_count(1)
    dialog.get_by_role("button", name=service).click()
    expect(row_of(page, counter).get_by_text("Mapped", exact=True)).to_be_visible()
