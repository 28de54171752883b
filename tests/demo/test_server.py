"""What all simulators share: fault forms on the wire, the control plane, chunked bodies, kept-alive connections."""

import http.client
import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from demo.faults import BadFault, Faults, read_fault_arguments
from tests.demo.connectwise_client import Client

INFO = "/system/info"


@pytest.mark.parametrize(
    ("form", "status", "header"),
    [("429_seconds", 429, "5"), ("429_date", 429, "GMT"), ("429_body", 429, None), ("429_bare", 429, None)],
)
def test_the_forms_of_429(connectwise: Client, form: str, status: int, header: str | None) -> None:
    connectwise.fail(f"GET {INFO}", form=form, seconds=5)
    reply = connectwise.get(INFO)
    assert reply.status_code == status
    shown = reply.headers.get("Retry-After")
    assert shown is None if header is None else header in str(shown)
    assert bool(reply.content) is (form != "429_bare")


@pytest.mark.parametrize(("form", "status"), [("html_502", 502), ("html_200", 200)])
def test_a_page_of_html(connectwise: Client, form: str, status: int) -> None:
    connectwise.fail(f"* {INFO}", form=form)
    reply = connectwise.get(INFO)
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, "text/html; charset=utf-8")


def test_an_empty_body_and_a_truncated_one(connectwise: Client) -> None:
    connectwise.fail(f"GET {INFO}", form="empty")
    reply = connectwise.get(INFO)
    assert (reply.status_code, reply.content) == (200, b"")
    connectwise.fail(f"GET {INFO}", form="truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        connectwise.get(INFO)


def test_a_hang_ends_when_its_time_is_over(connectwise: Client) -> None:
    connectwise.fail(f"GET {INFO}", form="hang_before", seconds=0)
    with pytest.raises(requests.ConnectionError):
        connectwise.get(INFO)
    connectwise.fail(f"GET {INFO}", form="hang")
    with pytest.raises(requests.ReadTimeout):
        connectwise.get(INFO, timeout=0.2)


def test_drip_sends_the_whole_answer_byte_by_byte(connectwise: Client) -> None:
    connectwise.fail(f"GET {INFO}", form="drip", seconds=0)
    assert connectwise.get(INFO).json()["isCloud"] is True


def test_rules_skip_repeat_and_run_out(connectwise: Client) -> None:
    connectwise.fail(f"GET {INFO}", status=500, skip=1, every=2, times=2)
    statuses = [connectwise.get(INFO).status_code for _ in range(7)]
    assert statuses == [200, 200, 500, 200, 500, 200, 200]
    (rule,) = connectwise.control("GET", "faults").json()["fail_next"]
    assert rule["hits"] == 2
    connectwise.fail("* /", status=500, times=None)
    assert connectwise.control("DELETE", "faults").json()["fail_next"] == []
    assert connectwise.get(INFO).status_code == 200


@pytest.mark.parametrize(
    "settings",
    [
        {"nonsense": 1},
        {"latency_ms": -1},
        {"latency_ms": "slow"},
        {"options": {"S99": 1}},
        {"fail_next": [{"match": "GET /"}]},
        {"fail_next": [{"match": "GET /", "form": "unheard_of"}]},
        {"fail_next": [{"match": "GET (", "status": 500}]},
        {"fail_next": [{"wrong": 1}]},
    ],
)
def test_switches_that_do_not_exist_are_refused_and_change_nothing(
    connectwise: Client, settings: object
) -> None:
    before = connectwise.control("GET", "faults").json()
    assert connectwise.control("POST", "faults", settings).status_code == 400
    assert connectwise.control("GET", "faults").json() == before


def test_fault_arguments_of_the_command_line() -> None:
    arguments = ["latency_ms=20", "S2=exclusive", 'fail_next=[{"match": "GET /x", "status": 500}]']
    settings = read_fault_arguments(arguments, {"S2": "inclusive"})
    faults = Faults(options={"S2": "inclusive"})
    faults.change(settings)
    assert (faults.latency_ms, faults.options) == (20, {"S2": "exclusive"})
    assert faults.fail_next[0].status == 500
    with pytest.raises(BadFault):
        read_fault_arguments(["latency_ms"], {})


@pytest.fixture
def connection(connectwise: Client) -> Iterator[http.client.HTTPConnection]:
    """A bare connection to the simulator."""
    address = urlsplit(connectwise.url)
    found = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    yield found
    found.close()


def test_a_chunked_body_on_a_connection_that_is_kept(
    connectwise: Client, connection: http.client.HTTPConnection
) -> None:
    body = json.dumps({"latency_ms": 1}).encode()
    for _ in range(2):
        connection.request("POST", "/_sim/faults", iter([body[:4], body[4:]]), encode_chunked=True)
        first = connection.sock
        reply = connection.getresponse()
        assert json.loads(reply.read())["latency_ms"] == 1
        assert connection.sock is first


def test_head_has_the_headers_and_no_body(connectwise: Client) -> None:
    reply = connectwise.call("HEAD", INFO)
    assert (reply.status_code, reply.content) == (200, b"")
    assert int(reply.headers["Content-Length"]) > 0


def test_it_listens_on_loopback_alone(connectwise: Client) -> None:
    address = urlsplit(connectwise.url)
    assert address.hostname == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", address.port or 0), timeout=5)
