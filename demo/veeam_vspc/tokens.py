"""The `/token` endpoint: grants, lifetimes and the bearer check (sheet §2)."""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from demo.veeam_vspc.options import VeeamOptions

FORM = "application/x-www-form-urlencoded"
GRANTS = ("password", "refresh_token", "mfa", "public_key", "authorization_code", "as")
BAD_LOGIN = "Cannot complete login due to incorrect username or password, or no sufficient rights."

Answer = tuple[int, dict[str, object]]


class Refused(Exception):
    """A grant that is not given: OAuth's error word and its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.answer: Answer = (
            400,
            {"error": error, "error_description": description, "error_uri": None},
        )


@dataclass(frozen=True)
class Bearer:
    """Who speaks, until when (monotonic seconds; None: for ever), and whether only to read."""

    user: str
    ends: float | None
    read_only: bool


class TokenOffice:
    """Issues and checks tokens; `clock` gives monotonic seconds."""

    def __init__(self, credentials: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self.credentials = credentials
        self.clock = clock
        self._lock = threading.Lock()
        self._bearers: dict[str, Bearer] = {}
        self._refreshers: dict[str, str] = {}
        self._pending: dict[str, str] = {}

    def bearer(self, authorization: str) -> Bearer | None:
        """Return who the Authorization header speaks for, None when it is missing, wrong or expired."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        if secrets.compare_digest(token.encode(), self.credentials["api_key"].encode()):
            return Bearer(user="api-key", ends=None, read_only=False)
        with self._lock:
            known = self._bearers.get(token)
        alive = known is not None and (known.ends is None or self.clock() < known.ends)
        return known if alive else None

    def revoke_all(self, *, refresh: bool) -> None:
        """Forget every access token, as a console does when it restarts, and the refresh tokens if told."""
        with self._lock:
            self._bearers.clear()
            if refresh:
                self._refreshers.clear()

    def grant(self, content_type: str, body: bytes, options: VeeamOptions) -> Answer:
        """Answer one `POST /token`: (status, body)."""
        try:
            form = self._form(content_type, body)
            kind = form.get("grant_type", "")
            if not kind:
                raise Refused("invalid_request", "grant_type is required.")
            if kind not in GRANTS:
                raise Refused("unsupported_grant_type", f"Grant type {kind} is not supported.")
            user = getattr(self, f"_by_{kind}")(form, options)
            if options.mfa and kind == "password":
                return 200, self._ask_second_factor(user)
            return 200, self._issue(user, form, options)
        except Refused as refused:
            return refused.answer

    @staticmethod
    def _form(content_type: str, body: bytes) -> dict[str, str]:
        if content_type.partition(";")[0].strip().lower() != FORM:
            raise Refused("invalid_request", f"Content type must be {FORM}.")
        text = body.decode(errors="replace")
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}

    def _by_password(self, form: Mapping[str, str], _options: VeeamOptions) -> str:
        given = (form.get("username", ""), form.get("password", ""))
        if given != (self.credentials["username"], self.credentials["password"]):
            raise Refused("invalid_grant", BAD_LOGIN)
        return given[0]

    def _by_refresh_token(self, form: Mapping[str, str], _options: VeeamOptions) -> str:
        user = self._refreshers.get(form.get("refresh_token", ""))
        if user is None:
            raise Refused("invalid_grant", "The refresh token is unknown or has expired.")
        return user

    def _by_mfa(self, form: Mapping[str, str], options: VeeamOptions) -> str:
        user = self._pending.get(form.get("mfa_token", ""))
        if user is None or form.get("mfa_code") != options.mfa_code:
            raise Refused("invalid_grant", "The verification code is wrong.")
        return user

    def _by_as(self, form: Mapping[str, str], options: VeeamOptions) -> str:
        self._by_refresh_token(form, options)
        if not form.get("user_uid"):
            raise Refused("invalid_request", "user_uid is required.")
        return form["user_uid"]

    def _by_public_key(self, form: Mapping[str, str], _options: VeeamOptions) -> str:
        return self._by_secret("public_key", form.get("public_key", ""))

    def _by_authorization_code(self, form: Mapping[str, str], _options: VeeamOptions) -> str:
        return self._by_secret("authorization_code", form.get("code", ""))

    def _by_secret(self, name: str, given: str) -> str:
        if not given or given != self.credentials.get(name):
            raise Refused("invalid_grant", BAD_LOGIN)
        return self.credentials["username"]

    def _ask_second_factor(self, user: str) -> dict[str, object]:
        token = f"mfa-{secrets.token_urlsafe(12)}"
        with self._lock:
            self._pending[token] = user
        return _token_body(access=None, refresh=None, mfa=token, seconds=None)

    def _issue(self, user: str, form: Mapping[str, str], options: VeeamOptions) -> dict[str, object]:
        access, refresh = f"at-{secrets.token_urlsafe(24)}", f"rt-{secrets.token_urlsafe(24)}"
        read_only = form.get("read_only", "").lower() == "true"
        with self._lock:
            self._bearers[access] = Bearer(user, self.clock() + options.token_seconds, read_only)
            self._refreshers[refresh] = user
        return _token_body(access=access, refresh=refresh, mfa=None, seconds=options.token_seconds)


def _token_body(
    *, access: str | None, refresh: str | None, mfa: str | None, seconds: int | None
) -> dict[str, object]:
    return {
        "access_token": access,
        "token_type": "bearer",
        "refresh_token": refresh,
        "mfa_token": mfa,
        "encrypted_code": None,
        "expires_in": seconds,
    }
