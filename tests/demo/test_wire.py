"""What clients of every age put on the wire: the server answers them, and carries out no half request."""

import base64
import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.demo.connectwise_client import Client

BASE = "/v4_6_release/apis/3.0"
TICKET = json.dumps({"summary": "Sent in pieces", "company": {"id": 250}}).encode()
JSON_BODY = ("Content-Type: application/json",)


def headers(client: Client, *more: str) -> bytes:
    """The header lines of a signed-in call, with the empty line after them."""
    given = client.credentials
    names = f"{given['company']}+{given['public_key']}:{given['private_key']}"
    token = base64.b64encode(names.encode()).decode()
    lines = ("Host: sim", f"Authorization: Basic {token}", f"clientId: {given['client_id']}", *more, "", "")
    return "\r\n".join(lines).encode()


def exchange(client: Client, content: bytes) -> bytes:
    """Send these bytes, then nothing more, and read until the server closes."""
    address = urlsplit(client.url)
    with socket.create_connection((str(address.hostname), address.port or 0), timeout=10) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("missing", [1, 40])
def test_a_body_that_was_cut_off_changes_nothing(connectwise: Client, missing: int) -> None:
    length = f"Content-Length: {len(TICKET) + missing}"
    line = f"POST {BASE}/service/tickets HTTP/1.1\r\n".encode()
    assert exchange(connectwise, line + headers(connectwise, *JSON_BODY, length) + TICKET) == b""
    assert connectwise.get("/service/tickets/count").json() == {"count": 0}
    assert connectwise.ledger() == []


def test_a_chunked_body_without_its_last_chunk_changes_nothing(connectwise: Client) -> None:
    chunk = b"%x\r\n%s\r\n" % (len(TICKET), TICKET)
    line = f"POST {BASE}/service/tickets HTTP/1.1\r\n".encode()
    head = line + headers(connectwise, *JSON_BODY, "Transfer-Encoding: chunked")
    assert exchange(connectwise, head + chunk) == b""
    assert connectwise.ledger() == []
    assert status(exchange(connectwise, head + chunk + b"0\r\n\r\n")) == 201
    assert len(connectwise.ledger()) == 1


@pytest.mark.parametrize(
    "line", ["Content-Length: many", "Content-Length: -1", "Content-Length: 99999999999999"]
)
def test_a_length_that_is_none_is_refused(connectwise: Client, line: str) -> None:
    answer = exchange(
        connectwise, f"POST {BASE}/service/tickets HTTP/1.1\r\n".encode() + headers(connectwise, line)
    )
    assert status(answer) == 400
    assert b"Connection: close" in answer


def test_a_chunk_size_that_is_none_is_refused(connectwise: Client) -> None:
    head = f"POST {BASE}/service/tickets HTTP/1.1\r\n".encode()
    answer = exchange(connectwise, head + headers(connectwise, "Transfer-Encoding: chunked") + b"zz\r\n")
    assert status(answer) == 400


def test_a_client_of_http_1_0_is_told_whether_it_is_kept(connectwise: Client) -> None:
    line = f"GET {BASE}/system/info HTTP/1.0\r\n".encode()
    kept = exchange(connectwise, line + headers(connectwise, "Connection: keep-alive"))
    assert b"\r\nConnection: keep-alive\r\n" in kept
    assert b"\r\nConnection: close\r\n" in exchange(connectwise, line + headers(connectwise))


def test_a_target_may_name_scheme_and_host(connectwise: Client) -> None:
    line = f"GET {connectwise.url}{BASE}/company/companies/count?page=1 HTTP/1.1\r\n".encode()
    assert status(exchange(connectwise, line + headers(connectwise))) == 200


def test_a_target_may_hold_unescaped_utf_8(connectwise: Client) -> None:
    assert connectwise.patch("/company/companies/250", name="Éclat").status_code == 200
    target = f'{BASE}/company/companies/count?conditions=name="Éclat"'
    answer = exchange(connectwise, f"GET {target} HTTP/1.1\r\n".encode() + headers(connectwise))
    assert answer.endswith(b'{"count":1}')


def test_a_body_comes_after_the_100_that_it_waits_for(connectwise: Client) -> None:
    line = f"POST {BASE}/service/tickets HTTP/1.1\r\n".encode()
    more = (*JSON_BODY, f"Content-Length: {len(TICKET)}", "Expect: 100-continue")
    answer = exchange(connectwise, line + headers(connectwise, *more) + TICKET)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 ")


@pytest.mark.parametrize("verb", ["TRACE", "PROPFIND", "get"])
def test_a_verb_nobody_knows_is_405_in_the_apis_words(connectwise: Client, verb: str) -> None:
    line = f"{verb} {BASE}/company/companies HTTP/1.1\r\n".encode()
    head, body = exchange(connectwise, line + headers(connectwise)).split(b"\r\n\r\n", 1)
    assert status(head) == 405
    assert json.loads(body)["code"] == "ConnectWiseApi"


@pytest.mark.parametrize(
    ("line", "expected"), [(b"GET /%s HTTP/1.1" % (b"a" * 70_000), 414), (b"one two three four", 400)]
)
def test_what_is_no_request_is_refused_in_the_apis_words(
    connectwise: Client, line: bytes, expected: int
) -> None:
    head, body = exchange(connectwise, line + b"\r\n\r\n").split(b"\r\n\r\n", 1)
    assert status(head) == expected
    assert json.loads(body)["code"] == "ConnectWiseApi"
