"""The one way out: a guarded session for one remote system, with its auth, budget and retries."""

import logging
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from django.conf import settings

from reconcile.http.auth import Auth
from reconcile.http.budget import PATIENCE_SECONDS, Budget
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.http.guard import Deadline, GuardedAdapter, check_origin, parse_origin
from reconcile.http.redact import redact_text
from reconcile.http.reply import Reply, dump_json
from reconcile.http.retry import read_with_retries, retry_after
from reconcile.tenancy.scope import current_org_id

log = logging.getLogger(__name__)

Explain = Callable[[Reply], RemoteError | None]

# A write waits less long for its turn: it holds a lease, and its caller can come back.
WRITE_PATIENCE_SECONDS = 20.0
_CHUNK = 64 * 1024
_REQUEST_ID_HEADERS = ("x-cw-request-id", "x-request-id", "request-id")
# What to hold back for when a 429 does not say for how long.
_UNSTATED_PAUSE_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Caps on one exchange: seconds to connect, between two pieces of the answer, in all; bytes; tries."""

    connect_seconds: float
    read_seconds: float
    total_seconds: float
    max_bytes: int
    tries: int

    @classmethod
    def from_settings(cls) -> "Limits":
        """Take the operator's caps."""
        return cls(
            connect_seconds=settings.OUTBOUND_CONNECT_SECONDS,
            read_seconds=settings.OUTBOUND_READ_SECONDS,
            total_seconds=settings.OUTBOUND_TOTAL_SECONDS,
            max_bytes=settings.OUTBOUND_MAX_BYTES,
            tries=settings.OUTBOUND_READ_TRIES,
        )


class RemoteSession:
    """Calls to one remote system; safe to share between threads. Raises only RemoteError.

    `explain` is the adapter's reading of a reply: it gets every reply and gives an error, or None when the
    status speaks for itself. `verify` is True, False, or the path of a CA bundle.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: Auth | None = None,
        budget: Budget | None = None,
        headers: Mapping[str, str] | None = None,
        verify: bool | str = True,
        explain: Explain | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.origin = parse_origin(base_url)
        check_origin(self.origin)
        self._auth = auth
        self._budget = budget
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._verify = verify
        self._explain = explain
        self._limits = limits or Limits.from_settings()
        self._http = _open_session()
        if not verify:
            # The choice stands on the connection's screen; a warning per request would only bury the log.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def __repr__(self) -> str:
        """Name the origin alone: a path or query may hold more than a log should."""
        return f"RemoteSession({self.origin})"

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Read, again on what may pass; a 200 has been proved to be JSON.

        `path` may also be a URL of the same origin.
        """

        def attempt() -> Reply:
            reply = self._authorised("GET", path, params=params, headers=headers)
            if reply.status == 200:
                reply.json()
            return reply

        return read_with_retries(attempt, self._limits.tries)

    def write(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        total_seconds: float | None = None,
    ) -> Reply:
        """Send exactly once; after an error without `unsent` only a read tells what it did.

        `total_seconds` replaces the session's own deadline for the whole exchange.
        """
        return self._exchange(
            method,
            path,
            json=json,
            data=data,
            headers=headers,
            total_seconds=total_seconds,
            patience=WRITE_PATIENCE_SECONDS,
        )

    def post_form(self, path: str, data: Mapping[str, str]) -> Reply:
        """Post a form without the session's auth, once: how tokens are fetched."""
        return self._exchange("POST", path, data=data, with_auth=False)

    def _authorised(self, method: str, path: str, **kwargs: Any) -> Reply:
        try:
            return self._exchange(method, path, **kwargs)
        except RemoteError as error:
            if error.status != 401 or self._auth is None or not self._auth.renew():
                raise
        return self._exchange(method, path, **kwargs)

    def _exchange(
        self,
        method: str,
        path: str,
        *,
        with_auth: bool = True,
        total_seconds: float | None = None,
        patience: float = PATIENCE_SECONDS,
        **kwargs: Any,
    ) -> Reply:
        if current_org_id() is not None:
            raise OurBug(
                "Reconcile called out in the middle of a transaction. Support must look at it.", unsent=True
            )
        request = self._prepare(method, path, with_auth=with_auth, **kwargs)
        if self._budget is not None:
            self._budget.wait(patience)
        try:
            reply = self._send(request, total_seconds or self._limits.total_seconds)
            self._judge(reply)
        except RemoteError as error:
            what = f"{method} {self.origin}{urlsplit(request.url or '').path}"
            proof = f"status {error.status}, request {error.request_id or '-'}"
            log.warning("%s: %s (%s) %s", what, error.kind, proof, error.detail)
            raise
        return reply

    def _prepare(
        self,
        method: str,
        path: str,
        *,
        with_auth: bool,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
    ) -> requests.PreparedRequest:
        every = {**self._headers, **(headers or {})}
        if with_auth and self._auth is not None:
            every.update(self._auth.headers())
        body: Any = data
        if json is not None:
            body = dump_json(json).encode()
            every.setdefault("Content-Type", "application/json")
        request = requests.Request(method, self._url(path), headers=every, params=params, data=body)
        return self._http.prepare_request(request)

    def _url(self, path: str) -> str:
        if "://" not in path.partition("?")[0]:
            return f"{self.base_url}/{path.lstrip('/')}"
        if parse_origin(path) != self.origin:
            raise CustomerMustAct(
                f"{self.origin.host} sends Reconcile on to another address. Check the address it was given.",
                unsent=True,
            )
        return path

    def _send(self, request: requests.PreparedRequest, total_seconds: float) -> Reply:
        limits = self._limits
        with self._line(request) as line, Deadline(total_seconds) as deadline:
            try:
                answer = line.send(
                    request,
                    stream=True,
                    allow_redirects=False,
                    verify=self._verify,
                    timeout=(limits.connect_seconds, limits.read_seconds),
                )
                with answer:
                    body = self._read_body(answer, deadline)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, zlib.error) as error:
                raise self._broken(
                    error, deadline
                ) from None  # the cause's text may hold the URL and its query
        request_id = next((answer.headers[n] for n in _REQUEST_ID_HEADERS if n in answer.headers), "")
        return Reply(answer.status_code, answer.headers, body, str(request.url), request_id)

    def _line(self, request: requests.PreparedRequest) -> AbstractContextManager[requests.Session]:
        """Give the kept connections to reads, and a new one to whatever must not be sent twice.

        A kept connection may be closed by the other side at any moment, also just as the request leaves:
        for a read that costs a repeat, for a write it would leave open what it did.
        """
        return nullcontext(self._http) if request.method == "GET" else _open_session()

    def _read_body(self, answer: requests.Response, deadline: Deadline) -> bytes:
        """Read in pieces no larger than what has arrived, so that neither size nor time can run away."""
        pieces: list[bytes] = []
        size = 0
        while piece := answer.raw.read1(_CHUNK, decode_content=True):
            size += len(piece)
            if size > self._limits.max_bytes:
                raise TryLater(
                    f"{self.origin.host} sent more than {self._limits.max_bytes // 1_000_000} MB in one "
                    "answer. Nothing of it was used.",
                    status=answer.status_code,
                )
            pieces.append(piece)
        if deadline.expired:
            raise OSError("cut off at the deadline")
        return b"".join(pieces)

    def _broken(self, error: Exception, deadline: Deadline) -> RemoteError:
        host = self.origin.host
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return CustomerMustAct(
                f"The certificate of {host} could not be verified. Install the full certificate chain there, "
                "or name the CA that signed it.",
                detail=redact_text(str(error), 200),
                unsent=True,
            )
        if deadline.expired or isinstance(error, requests.Timeout):
            what = f"{host} took too long to answer."
        elif isinstance(error, requests.exceptions.SSLError):
            what = f"No secure connection to {host} could be made or kept."
        else:
            what = f"{host} broke off the connection before its answer was complete."
        return TryLater(f"{what} Reconcile tries again.", detail=type(error).__name__)

    def _judge(self, reply: Reply) -> None:
        """Raise what the adapter, or else the status, says about this reply."""
        stated = retry_after(reply.headers, reply.body) if reply.status in (429, 503) else None
        if reply.status == 429 and self._budget is not None:
            self._budget.pause(
                min(_LONGEST_PAUSE_SECONDS, _UNSTATED_PAUSE_SECONDS if stated is None else stated)
            )
        error = (self._explain and self._explain(reply)) or self._by_status(reply)
        if error is None:
            return
        if isinstance(error, TryLater) and error.retry_after is None:
            error.retry_after = stated
        error.status = reply.status
        error.request_id = error.request_id or reply.request_id
        error.detail = error.detail or reply.text()
        raise error

    def _by_status(self, reply: Reply) -> RemoteError | None:
        host = self.origin.host
        if 200 <= reply.status < 300:
            return None
        if 300 <= reply.status < 400:
            return CustomerMustAct(
                f"{host} sends Reconcile on to another address. Enter that address itself."
            )
        if reply.status == 401:
            return CustomerMustAct(f"{host} refused the credentials. Enter them again.")
        if reply.status == 403:
            return CustomerMustAct(
                f"{host} says that a permission is missing. Give it to the user Reconcile uses."
            )
        if reply.status == 429:
            return TryLater(f"{host} asks Reconcile to slow down. Reconcile tries again.")
        if reply.status in (408, 425) or reply.status >= 500:
            return TryLater(
                f"{host} is overloaded or has a fault (status {reply.status}). Reconcile tries again."
            )
        return OurBug(
            f"{host} did not understand Reconcile (status {reply.status}). Support must look at it."
        )


def _open_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxies and no .netrc of whoever runs the process
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(pool_connections=2, pool_maxsize=16))
    return session
