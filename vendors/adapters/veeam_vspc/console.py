"""The wire to one console: tokens, asynchronous answers and whole lists (sheet §1-§5)."""

import time
import uuid
from collections.abc import Callable, Hashable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from reconcile.http.auth import Auth, BearerAuth, Token, TokenAuth
from reconcile.http.budget import Budget
from reconcile.http.errors import CustomerMustAct, OurBug, TryLater
from reconcile.http.paginate import ListMoved, Offset
from reconcile.http.reply import Reply
from reconcile.http.session import RemoteSession
from vendors.adapters.base import VendorCredentials
from vendors.adapters.veeam_vspc.errors import NOT_A_CONSOLE, SECOND_FACTOR, explain, unknown_shape

BASE = "/api/v3"
PAGE_ROWS = 500
# A list that moves is read anew this often before the run gives up until the next try.
READINGS = 4
ASYNC_SECONDS = 180.0
ASYNC_FIRST_PAUSE = 0.2
ASYNC_LONGEST_PAUSE = 5.0

Row = dict[str, Any]
Heard = Callable[[int, int], None]


def nobody(_done: int, _total: int) -> None:
    """Hear of progress and do nothing."""


class ConsoleClient:
    """Reads from one console. Every method raises only RemoteError and none of them writes."""

    def __init__(self, credentials: VendorCredentials) -> None:
        self._fields = credentials.fields
        address = api_address(credentials.base_url)
        self.host = urlsplit(address).netloc
        self._session = RemoteSession(
            address,
            auth=self._auth(),
            budget=Budget(f"veeam_vspc:{self.host}", settings.VEEAM_REQUESTS_PER_MINUTE),
            verify=credentials.verify,
            explain=explain,
        )

    def read_one(self, path: str) -> Row:
        """Return the `data` object of an answer."""
        data = _data(self._ask(path, {}).json())
        if not isinstance(data, dict):
            raise unknown_shape(f"{path}: {type(data).__name__} in place of an object")
        return data

    def count_of(self, path: str) -> int:
        """Return how many rows a list has, from reading one of them."""
        return _total(self._ask(path, {"limit": 1, "offset": 0}).json())

    def read_list(
        self,
        path: str,
        key: Callable[[Row], Hashable],
        params: Mapping[str, Any] | None = None,
        heard: Heard = nobody,
    ) -> list[Row]:
        """Return a whole list, each row once; raises TryLater when it never stands still.

        `key` tells rows apart; `heard` gets how many rows have come, and of how many.
        """
        for _ in range(READINGS - 1):
            try:
                return self._read_once(path, key, params or {}, heard)
            except ListMoved:
                continue
        return self._read_once(path, key, params or {}, heard)

    def _read_once(
        self, path: str, key: Callable[[Row], Hashable], params: Mapping[str, Any], heard: Heard
    ) -> list[Row]:
        stated = 0

        def total(value: Any) -> int:
            nonlocal stated
            stated = _total(value)
            return stated

        offset = Offset(limit=PAGE_ROWS, total=total, rows=_rows, key=key)
        found: list[Row] = []
        for page in offset.pages(self._ask, path, params):
            found += page
            heard(len(found), stated)
        return found

    def _ask(self, path: str, params: Mapping[str, Any]) -> Reply:
        """Read one answer, waiting for it where the console answers 202 (sheet §4)."""
        request_id = str(uuid.uuid4())
        reply = self._session.get(path, params, headers={"X-Request-id": request_id})
        return self._wait_for(request_id) if reply.status == 202 else _whole(reply)

    def _wait_for(self, action_id: str) -> Reply:
        ends, pause = time.monotonic() + ASYNC_SECONDS, ASYNC_FIRST_PAUSE
        while (status := self._status_of(action_id)) == "running":
            if time.monotonic() >= ends:
                raise TryLater(
                    "The Veeam console took too long to prepare its answer. Reconcile tries again."
                )
            time.sleep(pause)
            pause = min(ASYNC_LONGEST_PAUSE, pause * 2)
        if status in ("failed", "canceled"):
            raise TryLater(
                f"The Veeam console {status} the preparation of its answer. Reconcile tries again; "
                "if it stays, look at the console.",
                detail=f"action {action_id}: {status}",
            )
        if status != "succeed":
            raise unknown_shape(f"action status {status!r}")
        return _whole(self._about_action(f"asyncActions/{action_id}/result"))

    def _status_of(self, action_id: str) -> str:
        data = _data(self._about_action(f"asyncActions/{action_id}").json())
        return str(data.get("status")) if isinstance(data, dict) else ""

    def _about_action(self, path: str) -> Reply:
        try:
            return self._session.get(path, headers={"X-Request-id": str(uuid.uuid4())})
        except CustomerMustAct as error:
            if error.status != 404:
                raise
            raise TryLater(
                "The Veeam console has forgotten an answer it promised. Reconcile tries again.",
                status=404,
                detail=path,
            ) from None

    def _auth(self) -> Auth:
        if self._fields.get("api_key"):
            return BearerAuth(self._fields["api_key"])
        if self._fields.get("username") and self._fields.get("password"):
            return TokenAuth(self._fetch_token)
        raise CustomerMustAct("Enter an API key of the Veeam console, or a user name with its password.")

    def _fetch_token(self, refresh: str) -> Token:
        """Get a read-only token: from the refresh token while it is good, else from the password."""
        if refresh:
            try:
                return self._grant({"grant_type": "refresh_token", "refresh_token": refresh})
            except CustomerMustAct:
                pass  # it has ended as well; the password decides
        names = {name: self._fields[name] for name in ("username", "password")}
        return self._grant({"grant_type": "password", **names})

    def _grant(self, form: Mapping[str, str]) -> Token:
        value = self._session.post_form("token", {**form, "read_only": "true"}).json()
        if not isinstance(value, dict):
            raise CustomerMustAct(NOT_A_CONSOLE).at("base_url")
        if value.get("mfa_token"):
            raise CustomerMustAct(SECOND_FACTOR).at("username")
        if not value.get("access_token"):
            raise CustomerMustAct(NOT_A_CONSOLE).at("base_url")
        seconds = value.get("expires_in")
        return Token(
            access=str(value["access_token"]),
            seconds=float(seconds) if isinstance(seconds, int) and seconds > 0 else 3600.0,
            refresh=str(value.get("refresh_token") or ""),
        )


def api_address(base_url: str) -> str:
    """Return the API's base address, whether or not the path was typed along with the host."""
    address = base_url.strip().rstrip("/")
    return address if address.lower().endswith(BASE) else f"{address}{BASE}"


def _whole(reply: Reply) -> Reply:
    """Refuse the good statuses that promise no data here."""
    if reply.status != 200:
        raise unknown_shape(f"status {reply.status} in place of 200")
    return reply


def _data(value: Any) -> Any:
    """Return what an envelope holds; an answer without one does not come from a console."""
    if not isinstance(value, dict) or "data" not in value:
        raise CustomerMustAct(NOT_A_CONSOLE, detail="an answer without data").at("base_url")
    return value["data"]


def _rows(value: Any) -> list[Row]:
    rows = _data(value) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unknown_shape("a list that holds something else than objects")
    return rows


def _total(value: Any) -> int:
    try:
        total = value["meta"]["pagingInfo"]["total"]
    except (KeyError, TypeError):
        raise unknown_shape("a list without paging information") from None
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise OurBug(
            "The Veeam console counts its list in a way Reconcile does not know. Support must look at it."
        )
    return total
