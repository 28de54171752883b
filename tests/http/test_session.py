"""The guarded session: what it sends, what it reads, and how each way of failing reads to people."""

import gzip
import json
import socket
from dataclasses import replace
from decimal import Decimal

import pytest

from reconcile.http.auth import BasicAuth, Token, TokenAuth
from reconcile.http.errors import CustomerMustAct, OurBug, TryLater
from reconcile.http.reply import Reply, dump_json
from reconcile.http.session import Limits, RemoteSession
from tests.http.origin import drip, ok, serve


def _say_nothing(sock: socket.socket) -> None:
    sock.recv(1)


def test_get_sends_auth_and_params_and_reads_exact_numbers(limits: Limits) -> None:
    with serve(ok('{"quantity": 0.1, "n": 3}', headers="x-cw-request-id: r-1\r\n")) as origin:
        session = RemoteSession(origin.url + "/apis/3.0", auth=BasicAuth("alice", "pw"), limits=limits)
        reply = session.get("finance/agreements", {"conditions": 'name="A & B"'})
    assert reply.json() == {"quantity": Decimal("0.1"), "n": 3}
    assert isinstance(reply.json()["quantity"], Decimal)
    assert reply.request_id == "r-1"
    head = origin.asked[0].decode()
    assert head.startswith("GET /apis/3.0/finance/agreements?conditions=name%3D%22A+%26+B%22 HTTP/1.1")
    assert "Authorization: Basic YWxpY2U6cHc=" in head


def test_a_connection_is_kept_alive(limits: Limits) -> None:
    with serve(ok("[]")) as origin:
        session = RemoteSession(origin.url, limits=limits)
        for _ in range(3):
            session.get("x")
    assert (len(origin.asked), origin.connections) == (3, 1)


def test_write_sends_exact_json_once(limits: Limits) -> None:
    with serve(ok('{"id": 1}', status="201 Created")) as origin:
        session = RemoteSession(origin.url, limits=limits)
        session.write("POST", "/x", json={"quantity": Decimal("45.10"), "name": 'a"b'})
    assert len(origin.asked) == 1
    assert origin.asked[0].endswith(b'{"quantity":45.10,"name":"a\\"b"}')
    assert b"Content-Type: application/json" in origin.asked[0]


def test_a_write_is_never_repeated(limits: Limits) -> None:
    with serve(ok("{}", status="500 Oops"), ok("{}")) as origin:
        session = RemoteSession(origin.url, limits=replace(limits, tries=5))
        with pytest.raises(TryLater):
            session.write("PATCH", "/x", json=[])
    assert len(origin.asked) == 1


def test_a_write_whose_connection_breaks_is_not_repeated(limits: Limits) -> None:
    with serve(lambda _sock: None) as origin:
        session = RemoteSession(origin.url, limits=replace(limits, tries=5))
        with pytest.raises(TryLater) as caught:
            session.write("PATCH", "/x", json=[])
    assert len(origin.asked) == 1
    assert caught.value.unsent is False


def test_a_write_does_not_depend_on_a_kept_connection_that_dies_as_it_leaves(limits: Limits) -> None:
    def answer_and_close_on_the_next_request(sock: socket.socket) -> None:
        sock.sendall(ok("{}"))
        sock.recv(1)

    with serve(answer_and_close_on_the_next_request, ok("{}")) as origin:
        session = RemoteSession(origin.url, limits=limits)
        session.get("x")
        session.write("POST", "/x", json={})
    assert [request.split()[0] for request in origin.asked] == [b"GET", b"POST"]
    assert origin.connections == 2


def test_reads_are_repeated_on_what_may_pass(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    answers = (
        ok("{}", status="500 Oops"),
        ok("<html>", status="502 Bad"),
        ok("<html>busy</html>"),
        ok('{"cut": '),
    )
    with serve(*answers, ok("[1]")) as origin:
        session = RemoteSession(origin.url, limits=replace(limits, tries=5))
        assert session.get("x").json() == [1]
    assert len(origin.asked) == 5


def test_an_address_that_does_not_answer_is_named_and_surely_unsent(limits: Limits) -> None:
    with serve(ok("{}")) as origin:
        url = origin.url
    with pytest.raises(TryLater, match=r"127\.0\.0\.1 does not answer on port") as caught:
        RemoteSession(url, limits=limits).write("POST", "x", json={})
    assert caught.value.unsent is True


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n",
    ],
    ids=["body", "headers", "status line", "chunk"],
)
def test_the_total_deadline_holds_against_a_drip(limits: Limits, head: bytes) -> None:
    with serve(drip(head)) as origin:
        session = RemoteSession(origin.url, limits=replace(limits, total_seconds=0.3))
        with pytest.raises(TryLater, match="took too long"):
            session.get("x")


def test_a_silent_server_times_out(limits: Limits) -> None:
    with serve(_say_nothing) as origin:
        session = RemoteSession(origin.url, limits=replace(limits, read_seconds=0.1))
        with pytest.raises(TryLater, match="took too long"):
            session.get("x")


def test_a_body_cut_short_is_an_error_not_a_shorter_list(limits: Limits) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n[1, 2]"
    with serve(lambda sock: sock.sendall(cut)) as origin, pytest.raises(TryLater, match="broke off"):
        RemoteSession(origin.url, limits=limits).get("x")


def test_the_size_cap_counts_unpacked_bytes(limits: Limits) -> None:
    packed = gzip.compress(b" " * 5_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with serve(head + packed) as origin, pytest.raises(TryLater, match="more than 1 MB"):
        RemoteSession(origin.url, limits=limits).get("x")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "an empty answer"),
        ("  <!DOCTYPE html><p>Sign in", "a web page"),
        ('[{"id": 1}, {"id"', "cut short or garbled"),
        ('{"quantity": NaN}', "cut short or garbled"),
        ('{"quantity": -Infinity}', "cut short or garbled"),
        ("[" * 100_000, "cut short or garbled"),
        ("9" * 5_000, "cut short or garbled"),
    ],
)
def test_a_200_that_is_no_json_is_an_error(limits: Limits, body: str, words: str) -> None:
    with serve(ok(body)) as origin, pytest.raises(TryLater, match=words):
        RemoteSession(origin.url, limits=limits).get("x")


@pytest.mark.parametrize(
    ("status", "kind"),
    [("401 No", CustomerMustAct), ("403 No", CustomerMustAct), ("302 Found", CustomerMustAct),
     ("404 No", OurBug),
     ("400 Bad", OurBug), ("429 Slow", TryLater), ("408 Late", TryLater), ("503 Down", TryLater)],
)  # fmt: skip
def test_each_status_has_its_kind_and_keeps_its_proof(
    limits: Limits, status: str, kind: type[Exception]
) -> None:
    answer = ok('{"password": "hunter2", "m": "why"}', status=status, headers="x-request-id: r-9\r\n")
    with serve(answer) as origin, pytest.raises(kind) as caught:
        RemoteSession(origin.url, limits=limits).get("x")
    error = caught.value
    assert (error.status, error.request_id) == (int(status[:3]), "r-9")  # type: ignore[attr-defined]
    assert "why" in error.detail  # type: ignore[attr-defined]
    assert "hunter2" not in error.detail  # type: ignore[attr-defined]


def test_a_redirect_is_not_followed(limits: Limits) -> None:
    with (
        serve(ok("[]")) as elsewhere,
        serve(ok("", status="301 Moved", headers=f"Location: {elsewhere.url}/\r\n")) as origin,
    ):
        with pytest.raises(CustomerMustAct, match="Enter that address itself"):
            RemoteSession(origin.url, limits=limits).get("x")
        assert elsewhere.asked == []


def test_a_link_to_another_origin_is_not_followed(limits: Limits) -> None:
    with serve(ok("[]")) as origin:
        session = RemoteSession(origin.url, auth=BasicAuth("alice", "pw"), limits=limits)
        assert session.get(origin.url + "/next?page=2").json() == []
        with pytest.raises(CustomerMustAct, match="another address"):
            session.get("http://127.0.0.1:1/next")


def test_the_adapter_reads_a_failure_first(limits: Limits) -> None:
    def explain(reply: Reply) -> CustomerMustAct | None:
        return CustomerMustAct("Switch the key on.") if reply.json().get("errors") else None

    with serve(ok('{"errors": [1]}')) as origin, pytest.raises(CustomerMustAct, match="Switch the key on"):
        RemoteSession(origin.url, limits=limits, explain=explain).get("x")


def test_cookies_of_the_other_side_are_not_kept(limits: Limits) -> None:
    with serve(ok("[]", headers="Set-Cookie: who=alice; Path=/\r\n")) as origin:
        session = RemoteSession(origin.url, limits=limits)
        session.get("x")
        session.get("x")
    assert b"ookie" not in origin.asked[1]


def test_environment_proxies_are_ignored(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with serve(ok("[]")) as origin:
        assert RemoteSession(origin.url, limits=limits).get("x").json() == []


def test_a_token_is_fetched_once_and_renewed_after_a_401(limits: Limits) -> None:
    answers = (
        ok('{"access_token": "t1", "expires_in": 3600}'),
        ok("[]"),
        ok("{}", status="401 Ended"),
        ok('{"access_token": "t2", "expires_in": 3600}'),
        ok("[2]"),
    )
    with serve(*answers) as origin:
        tokens = RemoteSession(origin.url, limits=limits)

        def fetch(refresh: str) -> Token:
            value = tokens.post_form("token", {"grant_type": "password"}).json()
            return Token(value["access_token"], value["expires_in"])

        session = RemoteSession(origin.url, auth=TokenAuth(fetch), limits=limits)
        assert session.get("x").json() == []
        assert session.get("x").json() == [2]
    sent = [line for request in origin.asked for line in request.split(b"\r\n") if b"Bearer" in line]
    assert [line.split()[-1] for line in sent] == [b"t1", b"t1", b"t2"]


@pytest.mark.django_db
def test_no_call_goes_out_inside_a_transaction_of_a_tenant(limits: Limits) -> None:
    from reconcile.tenancy.scope import org_scope

    with serve(ok("[]")) as origin:
        with org_scope(1), pytest.raises(OurBug, match="in the middle of a transaction"):
            RemoteSession(origin.url, limits=limits).get("x")
        assert origin.asked == []


def test_dump_json_keeps_decimals_exact_and_refuses_floats() -> None:
    assert json.loads(dump_json({"a": [Decimal("1E+2"), None, True, "x"]})) == {"a": [100, None, True, "x"]}
    for wrong in (1.5, Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(ValueError, match=r"number|Decimals"):
            dump_json({"a": wrong})
