"""B7 in the browser: a ticket is created from a line by keyboard alone, and its number appears in the row."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from accounts.models import Organization, User
from tests.browser.conftest import Product, visiting
from tests.dashboard.ticketing import Shop, open_shop
from tests.psa.simulated import Simulated, simulate
from tests.screens.test_support_and_addresses import sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def remote() -> Iterator[Simulated]:
    with simulate("connectwise", "--data", "demo", "--fault", "rate_limit_per_minute=0") as running:
        yield running


@pytest.fixture
def shop(committed_db: None, person: Callable[..., User], remote: Simulated, settings) -> Shop:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.CONNECTWISE_REQUESTS_PER_MINUTE = 1_000_000
    return open_shop(Organization.found(name="Northgate IT", owner=person("Alice")), remote)


def work(shop: Shop) -> None:
    """Let a worker make what is due, in a thread of its own: Playwright's loop runs in this one."""

    def run() -> None:
        shop.run_out()
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()


def test_b7_t_creates_a_ticket_and_the_row_shows_its_number(site: str, shop: Shop) -> None:
    with visiting(Product(site)) as page:
        sign_in(page)
        row = page.locator("tr[data-row]")
        row.wait_for()
        page.keyboard.press("j")
        page.keyboard.press("t")
        page.locator("#id_summary:focus").wait_for()
        assert page.input_value("#id_summary") == "Workstation backup: 43 billed, 47 in Veeam"
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        row.get_by_role("img", name="A ticket is being created").wait_for()
        assert not page.locator("#ticket").is_visible()
        work(shop)
        row.locator("button.marks", has_text="1").wait_for()
    (made,) = shop.made()
    assert shop.ticket().remote_id == str(made["id"])
