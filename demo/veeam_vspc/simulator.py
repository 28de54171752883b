"""The simulated Veeam console: authentication, asynchronous answers, paging and error words (sheet §1-§5, §17)."""

import math
import re
import secrets
from collections.abc import Mapping
from typing import Any

from demo.server import Request, Response, Simulator
from demo.veeam_vspc.actions import ActionDesk
from demo.veeam_vspc.console import Console, HasVeeamRows
from demo.veeam_vspc.controls import control_routes
from demo.veeam_vspc.options import DEFAULT_OPTIONS, VeeamOptions
from demo.veeam_vspc.query import BadQuery, page_bounds
from demo.veeam_vspc.routes import api_routes
from demo.veeam_vspc.tokens import TokenOffice

BASE = "/api/v3"
ERRORS = {
    400: ("logical", 400, "The request is not valid."),
    401: ("security", 1101, "The access token is missing, wrong or has expired."),
    403: ("security", 1102, "You do not have permission to perform this operation."),
    404: ("logical", 404, "The requested resource does not exist."),
    500: ("unspecified", 500, "An internal error has occurred.\r\nContact the administrator."),
}

Row = dict[str, Any]


def build(
    world: HasVeeamRows, credentials: Mapping[str, str], options: Mapping[str, Any]
) -> "VeeamSimulator":
    """Build the console on a data set; credentials that are not given are made up."""
    made_up = {
        "username": "reconcile",
        "password": secrets.token_urlsafe(12),
        "api_key": secrets.token_urlsafe(24),
    }
    return VeeamSimulator(Console(world), made_up | dict(credentials), options)


class VeeamSimulator(Simulator):
    """One console, spoken to over HTTP; the API is only read, so its ledger stays empty."""

    default_options = DEFAULT_OPTIONS

    def __init__(self, console: Console, credentials: Mapping[str, str], options: Mapping[str, Any]) -> None:
        super().__init__(credentials, options)
        self.console = console
        self.tokens = TokenOffice(self.credentials)
        self.actions = ActionDesk()
        self.shifted: set[str] = set()
        self.routes = api_routes(self)
        self.control_routes = control_routes(self)

    @property
    def now(self) -> VeeamOptions:
        """The switches in force."""
        return VeeamOptions.read(self.faults.options)

    def handle(self, request: Request) -> Response:
        """Check the bearer, answer at once or park the answer, and spoil it where a switch says so."""
        path, options = plain_path(request.path), self.now
        if path == "/token":
            return self._token(request, options)
        bearer = self.tokens.bearer(request.headers.get("Authorization") or "")
        if bearer is None:
            return self.failure(401)
        if bearer.read_only and request.method not in ("GET", "HEAD"):
            return self.failure(403)
        response = self._answered(request, path)
        if response.status != 200 or request.method != "GET" or path.startswith("/asyncActions"):
            return response
        if options.errors_path and re.search(options.errors_path, path):
            response = _with_errors(response, options)
        return self._parked(request, path, bearer.user, response, options)

    def failure(self, status: int, seconds: float | None = None) -> Response:
        """Word an error as the console does; a 429 says in its body when to come back, if at all."""
        if status == 429:
            error: Row = {"type": "transport", "code": 429}
            if seconds is not None:
                error["retryAfter"] = math.ceil(seconds)
            return Response(429, {"errors": [error]})
        kind, code, message = ERRORS.get(status, ("unspecified", status, f"Error {status}."))
        return Response(status, {"errors": [{"message": message, "type": kind, "code": code}]})

    def too_many(self, form: str, seconds: float) -> Response:
        """The console never sends Retry-After: the body tells, or (concurrency limit) nothing does."""
        return self.failure(429, None if form == "429_bare" else seconds)

    def moved(self, request: Request, rows: list[Row]) -> list[Row]:
        """Let the front of a list change once, between its first page and the next, where a switch says so."""
        options, path = self.now, plain_path(request.path)
        if not options.shift or not re.search(options.shift_path, path):
            return rows
        offset, limit = page_bounds(request.query)
        changed = path in self.shifted
        if offset == 0 and len(rows) > limit:
            self.shifted.add(path)
        gone = changed if options.shift == "remove" else not changed
        return rows[1:] if gone else rows

    def _token(self, request: Request, options: VeeamOptions) -> Response:
        if request.method != "POST":
            return self.wrong_method(request, ["POST"])
        self.counts.add_shape("POST /token")
        status, body = self.tokens.grant(request.headers.get("Content-Type") or "", request.body, options)
        return Response(status, body)

    def _answered(self, request: Request, path: str) -> Response:
        try:
            return self.dispatch(request, path)
        except BadQuery as error:
            return Response(400, {"errors": [{"message": str(error), "type": "logical", "code": 400}]})

    def _parked(
        self, request: Request, path: str, user: str, response: Response, options: VeeamOptions
    ) -> Response:
        """Answer 202 without a body for the GETs that a switch chooses."""
        if not self.actions.wants(path, options):
            return response
        request_id = request.headers.get("X-Request-id") or ""
        self.actions.park(
            request_id,
            name=f"GET {path}",
            query=request.raw_query,
            user=user,
            result=response,
            options=options,
        )
        return Response(202)


def plain_path(path: str) -> str:
    """Return the path below the base; callers differ on whether their base address holds `/api/v3`."""
    while path.lower().startswith(f"{BASE}/"):
        path = path[len(BASE) :]
    return path


def _with_errors(response: Response, options: VeeamOptions) -> Response:
    """Turn a good answer into the 200 that carries `errors` beside its data."""
    error = {"message": "The operation has failed.\r\nTry again.", "type": options.errors_type, "code": 1001}
    kept = response.body if options.errors_keep_data else response.body | {"data": []}
    return Response(200, kept | {"errors": [error]})
