"""How a request proves who asks: small objects that give headers, composed into a session."""

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Auth(Protocol):
    """What a session needs of an authentication."""

    def headers(self) -> dict[str, str]:
        """Give the headers for the next request; may fetch a token first."""

    def renew(self) -> bool:
        """After a 401: throw away what was refused; True when the next try will differ."""


@dataclass(frozen=True)
class BasicAuth:
    """User name and password in every request (RFC 7617)."""

    user: str
    password: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Give the Basic header."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def renew(self) -> bool:
        """Never: the same pair would be refused again."""
        return False


@dataclass(frozen=True)
class BearerAuth:
    """A fixed key, sent as a bearer token."""

    token: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Give the Bearer header."""
        return {"Authorization": f"Bearer {self.token}"}

    def renew(self) -> bool:
        """Never: the same key would be refused again."""
        return False


@dataclass(frozen=True)
class Token:
    """A token and the seconds it lives; `refresh` is what gets its successor, where there is one."""

    access: str = field(repr=False)
    seconds: float
    refresh: str = field(default="", repr=False)


class TokenAuth:
    """A bearer token fetched when needed, renewed shortly before its end and once after a 401.

    `fetch` gets the refresh value of the token before ("" at first) and returns a Token or raises
    RemoteError. It is called by one thread at a time.
    """

    EARLY_SECONDS = 60.0

    def __init__(self, fetch: Callable[[str], Token], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._ends = 0.0
        self._sent = threading.local()

    def headers(self) -> dict[str, str]:
        """Give the Bearer header, fetching a token first when there is none or it is about to end."""
        with self._lock:
            token = self._token
            if token is None or self._clock() >= self._ends:
                token = self._take(token.refresh if token else "")
            self._sent.access = token.access
            return {"Authorization": f"Bearer {token.access}"}

    def renew(self) -> bool:
        """Drop the token this thread sent, unless another thread has replaced it already."""
        with self._lock:
            if self._token and self._token.access == getattr(self._sent, "access", None):
                self._ends = self._clock()
        return True

    def _take(self, refresh: str) -> Token:
        self._token = None  # a failed refresh must not be tried with the same value again
        token = self._fetch(refresh)
        self._ends = self._clock() + token.seconds - min(self.EARLY_SECONDS, token.seconds / 2)
        self._token = token
        return token
