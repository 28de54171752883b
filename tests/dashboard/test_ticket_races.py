"""B7: many hands at once: clicks, tabs and workers about the same card make one ticket in the PSA."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from accounts.models import Organization, User
from tests.accounts.test_letters import at_once
from tests.dashboard.ticketing import Shop, open_shop
from tests.psa.simulated import Simulated, simulate


@pytest.fixture(scope="module")
def remote() -> Iterator[Simulated]:
    with simulate("connectwise", "--data", "demo", "--fault", "rate_limit_per_minute=0") as running:
        yield running


@pytest.fixture
def shop(committed_db: None, person: Callable[..., User], remote: Simulated, settings) -> Shop:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.CONNECTWISE_REQUESTS_PER_MINUTE = 1_000_000
    settings.PUSH_SETTLE_SECONDS = 0
    return open_shop(Organization.found(name="Northgate IT", owner=person("Alice")), remote)


def test_b7_eight_tabs_that_ask_at_once_and_eight_workers_make_one_ticket(shop: Shop) -> None:
    def click() -> int:
        client = Client()
        client.force_login(User.objects.get())
        return int(shop.ask(client).status_code)

    assert Counter(at_once(click)) == {200: 1, 422: 7}
    at_once(shop.run)
    shop.run_out()
    assert len(shop.made()) == 1
    assert shop.ticket().remote_id == str(shop.made()[0]["id"])


def test_b7_workers_that_race_after_a_lost_answer_make_one_ticket(shop: Shop) -> None:
    client = Client()
    client.force_login(User.objects.get())
    shop.ask(client)
    shop.remote.break_next("POST /service/tickets", "drop_after")
    for _ in range(4):
        shop.pass_time()
        at_once(shop.run)
    assert len(shop.made()) == 1
    assert shop.ticket().state == "created"
