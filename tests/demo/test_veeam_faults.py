"""The simulated Veeam console fails and delays as its sheet says (facts/vendors/veeam_vspc.md §3, §4, §16)."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from demo.veeam_vspc.sample import every_sort
from demo.veeam_vspc.simulator import build
from tests.demo.veeam_client import Client
from tests.vendors.simulated import Simulated, serving

TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def running() -> Iterator[Simulated]:
    """One console with a company of every sort."""
    with serving(build, every_sort(TODAY)) as simulated:
        yield simulated


@pytest.fixture
def client(running: Simulated) -> Client:
    """A client of it, all switches at rest."""
    running.reset()
    return Client(running)


def test_an_answer_may_come_later(client: Client) -> None:
    client.simulated.faults(options={"async_share": 1, "async_polls": 1})
    request_id = str(uuid.uuid4())
    now = client.call("/organizations/companies", X_Request_id=request_id)
    assert (now.status, now.body) == (202, b"")
    assert client.call(f"/asyncActions/{request_id}/result").status == 404
    statuses = [client.call(f"/asyncActions/{request_id}").value["data"]["status"] for _ in range(2)]
    assert statuses == ["running", "succeed"]
    assert request_id in [row["id"] for row in client.call("/asyncActions").rows]
    assert len(client.call(f"/asyncActions/{request_id}/result").rows) == 6


def test_a_share_of_answers_comes_later(client: Client) -> None:
    client.simulated.faults(options={"async_share": 0.25})
    statuses = [client.call("/about").status for _ in range(20)]
    assert statuses.count(202) == 5


def test_a_later_answer_can_be_cancelled(client: Client) -> None:
    client.simulated.faults(options={"async_path": "/about"})
    request_id = str(uuid.uuid4())
    client.call("/about", X_Request_id=request_id)
    assert client.call(f"/asyncActions/{request_id}", method="DELETE").status == 204
    assert client.call(f"/asyncActions/{request_id}").value["data"]["status"] == "canceled"
    assert client.call(f"/asyncActions/{request_id}/result").status == 404


@pytest.mark.parametrize(("form", "error"), [("429_body", {"retryAfter": 25}), ("429_bare", {})])
def test_too_many_requests_are_told_in_the_body(client: Client, form: str, error: dict[str, int]) -> None:
    client.simulated.fail("GET /about", form=form, seconds=25)
    answer = client.call("/about")
    assert answer.status == 429
    assert answer.value == {"errors": [{"type": "transport", "code": 429, **error}]}
    assert "Retry-After" not in answer.headers


def test_a_limit_per_minute_is_kept(client: Client) -> None:
    client.simulated.faults(rate_limit_per_minute=3)
    statuses = [client.call("/about").status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("keep", [True, False])
def test_a_200_may_carry_errors(client: Client, keep: bool) -> None:
    client.simulated.faults(options={"errors_path": "/companies$", "errors_keep_data": keep})
    answer = client.call("/organizations/companies")
    assert answer.status == 200
    assert answer.value["errors"][0]["type"] == "logical"
    assert "\r\n" in answer.value["errors"][0]["message"]
    assert bool(answer.rows) is keep


@pytest.mark.parametrize(("shift", "totals"), [("insert", (5, 6)), ("remove", (6, 5))])
def test_a_list_may_move_between_its_pages(shift: str, totals: tuple[int, int]) -> None:
    with serving(build, every_sort(TODAY), {"shift": shift}) as simulated:
        client = Client(simulated)
        pages = [client.get("/organizations/companies", limit=2, offset=offset).page for offset in (0, 2)]
    assert tuple(total for total, _, _ in pages) == totals
