"""Faults of the simulated ConnectWise API in the vendor's own words (sheet §4, §11)."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.demo.connectwise_client import Client, running

LINE = "/finance/agreements/871/additions/3589"


def test_too_many_requests_names_its_error_and_the_seconds(connectwise: Client) -> None:
    connectwise.fail("GET /company", status=429, seconds=30)
    reply = connectwise.get("/company/companies")
    assert reply.status_code == 429
    assert reply.json() == {
        "error": "ConnectWiseAPI",
        "message": "Too many requests. Please try again in 30 seconds.",
    }
    assert reply.headers["Retry-After"] == "30"
    assert reply.headers["x-cw-request-id"]
    assert connectwise.get("/company/companies").status_code == 200


def test_the_counter_of_the_minute(connectwise: Client) -> None:
    assert connectwise.control("GET", "faults").json()["rate_limit_per_minute"] == 1000
    connectwise.faults(rate_limit_per_minute=3)
    replies = [connectwise.get("/system/info") for _ in range(5)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429, 429]
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 61
    connectwise.faults(rate_limit_per_minute=0)
    assert connectwise.get("/system/info").status_code == 200


def test_the_misspelt_timeout_and_a_record_in_use(connectwise: Client) -> None:
    connectwise.fail("PATCH additions", form="500")
    reply = connectwise.patch(LINE, quantity=50)
    assert (reply.status_code, reply.json()) == (
        500,
        {"code": "ConnectWiseApi", "message": "A timeout has occured. Please try again."},
    )
    connectwise.fail("PATCH additions", status=409)
    assert connectwise.patch(LINE, quantity=50).status_code == 409
    assert connectwise.ledger() == []


@pytest.mark.parametrize("form", ["drop_after", "truncated", "headers_only", "empty", "500_after"])
def test_a_write_that_succeeds_and_loses_its_answer_is_in_the_ledger(connectwise: Client, form: str) -> None:
    connectwise.fail("PATCH additions", form=form)
    try:
        spoiled = connectwise.patch(LINE, quantity=50)
    except requests.RequestException:
        spoiled = None
    assert spoiled is None or spoiled.status_code == 500 or spoiled.content == b""
    assert connectwise.get(LINE).json()["quantity"] == 50
    assert len(connectwise.ledger()) == 1


def test_a_write_that_never_arrives_is_not(connectwise: Client) -> None:
    connectwise.fail("PATCH additions", form="drop_before")
    with pytest.raises(requests.ConnectionError):
        connectwise.patch(LINE, quantity=50)
    assert connectwise.get(LINE).json()["quantity"] == 42.0
    assert connectwise.ledger() == []


def test_the_ledger_file_survives_the_simulator(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for quantity in (50, 51, 52):
        with running("-m", "tests.demo.sample_connectwise", "--ledger", str(path)) as client:
            client.patch(LINE, quantity=quantity)
            assert path.read_text() == client.control("GET", "ledger").text
        # The next start takes out a line that was cut off with the power: it was never answered.
        with path.open("a") as cut_off:
            cut_off.write('{"time": "2025-')
    assert [json.loads(line)["after"]["quantity"] for line in path.read_text().splitlines()[:3]] == [
        50,
        51,
        52,
    ]


def test_writes_at_the_same_moment_follow_one_another_in_the_ledger(connectwise: Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda quantity: connectwise.patch(LINE, quantity=quantity), range(1, 41)))
    assert {reply.status_code for reply in replies} == {200}
    entries = connectwise.ledger()
    assert sorted(entry["after"]["quantity"] for entry in entries) == [*range(1, 41)]
    states = [42.0, *(entry["after"]["quantity"] for entry in entries)]
    assert [entry["before"]["quantity"] for entry in entries] == states[:-1]
    assert connectwise.get(LINE).json()["quantity"] == states[-1]


def test_requests_are_counted_by_method_and_shape(connectwise: Client) -> None:
    connectwise.get(LINE)
    connectwise.get("/finance/agreements/872/additions/3591")
    connectwise.get("/nothing")
    shown = connectwise.control("GET", "requests").json()
    assert shown["counts"] == {
        "GET /finance/agreements/{parent}/additions/{id}": 2,
        "GET (no such route)": 1,
    }
    assert (shown["total"], shown["statuses"]) == (3, {"200": 2, "404": 1})
    assert connectwise.control("DELETE", "requests").json()["total"] == 0


def test_the_command_serves_an_empty_system_with_its_set_up_tables() -> None:
    command = [
        "manage.py",
        "simulate",
        "connectwise",
        "--data",
        "empty",
        "--company",
        "northgate",
        "--fault",
        "S5=0",
    ]
    with running(*command) as client:
        assert set(client.credentials) == {"url", "company", "public_key", "private_key", "client_id"}
        assert client.credentials["company"] == "northgate"
        for path in ("/company/companies", "/procurement/catalog", "/finance/agreements", "/service/tickets"):
            assert client.get(path).json() == []
        tables = ["/company/companies/statuses", "/company/companies/types", "/finance/billingCycles"]
        tables += [
            "/service/info/boards",
            "/service/priorities",
            "/service/sources",
            "/finance/agreements/types",
        ]
        assert all(client.get(path).json() for path in tables)
        assert client.control("GET", "faults").json()["options"]["S5"] == 0
