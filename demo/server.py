"""What the simulators share: routing, JSON replies, fault switches and request counters."""

import copy
import json
import math
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Any, ClassVar
from urllib.parse import parse_qs

from demo.faults import BadFault, FailRule, Faults
from demo.ledger import Ledger

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One received call: decoded query, case-insensitive headers, raw body, the route's parameters."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message
    body: bytes = b""
    raw_query: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""

    def value(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    def json(self) -> Any:
        """The body as JSON; raises ValueError when it is none."""
        return json.loads(self.body)


@dataclass(slots=True)
class Response:
    """One answer: bytes are sent as they are, None as an empty body, anything else as JSON."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        return (
            self.body
            if isinstance(self.body, bytes)
            else json.dumps(self.body, separators=(",", ":")).encode()
        )


class Route:
    """A method and a path pattern bound to a handler: /companies/{id:int}/notes; {name} is any segment."""

    def __init__(self, method: str, pattern: str, handler: Callable[[Request], Response]) -> None:
        self.method = method
        self.shape = pattern.replace(":int}", "}")
        self.handler = handler
        self.depth = pattern.count("/")
        text = re.sub(r"\{(\w+):int\}", r"(?P<\1>\\d{1,18})", pattern)
        text = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text)
        self.pattern = re.compile(text, re.IGNORECASE)


class Simulator:
    """A simulated API: routes, replies in its own words, faults, counters and the ledger.

    A subclass fills `routes` (and `control_routes` below /_sim), gives `default_options` for its sheet's
    open points, words its errors in `failure`, and may check sign-in in `handle` before `dispatch`.
    """

    default_options: ClassVar[Mapping[str, Any]] = {}
    option_choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    default_rate_limit: ClassVar[int] = 0

    def __init__(self, credentials: Mapping[str, str], options: Mapping[str, Any] | None = None) -> None:
        self.credentials = dict(credentials)
        self.ledger = Ledger()
        self.lock = threading.RLock()
        self.routes: list[Route] = []
        self.control_routes: list[Route] = []
        self.faults = Faults(
            rate_limit_per_minute=self.default_rate_limit,
            options=dict(self.default_options),
            choices=self.option_choices,
        )
        self.faults.change({"options": dict(options or {})})
        self.counts = RequestCounts()
        self._initial_faults = self.faults.shown()
        self._index: dict[int, list[Route]] | None = None

    def option(self, name: str) -> Any:
        """The present value of one open point."""
        return self.faults.options[name]

    def set_initial_faults(self, settings: Mapping[str, Any]) -> None:
        """Apply switches given at the start; clearing the faults later comes back to them."""
        self.faults.change(settings)
        self._initial_faults = copy.deepcopy(self.faults.shown())

    def handle(self, request: Request) -> Response:
        """Answer one call; faults have been applied already."""
        return self.dispatch(request)

    def dispatch(self, request: Request, path: str | None = None) -> Response:
        """Run the route that matches the path (by default the request's own)."""
        wanted = request.path if path is None else path
        if len(wanted) > 1:
            wanted = wanted.rstrip("/")
        allowed = []
        for route in self._routes_of_depth(wanted.count("/")):
            if match := route.pattern.fullmatch(wanted):
                if route.method == request.method or (route.method, request.method) == ("GET", "HEAD"):
                    self.counts.add_shape(f"{request.method} {route.shape}")
                    return route.handler(replace(request, params=match.groupdict()))
                allowed.append(route.method)
        self.counts.add_shape(f"{request.method} (no such route)")
        return self.wrong_method(request, allowed) if allowed else self.not_found(request)

    def _routes_of_depth(self, depth: int) -> list[Route]:
        if self._index is None:
            index: dict[int, list[Route]] = {}
            for route in self.routes:
                index.setdefault(route.depth, []).append(route)
            self._index = index
        return self._index.get(depth, [])

    def decorated(self, request: Request, response: Response) -> Response:
        """The response with the headers that all of this API's answers carry, its errors too."""
        return response

    def not_found(self, request: Request) -> Response:
        """No such route."""
        return self.failure(404)

    def wrong_method(self, request: Request, allowed: list[str]) -> Response:
        """The path exists, the verb does not."""
        response = self.failure(405)
        response.headers["Allow"] = ", ".join(dict.fromkeys(allowed))
        return response

    def failure(self, status: int, seconds: float | None = None) -> Response:
        """The API's own error of this status; `seconds` is how long to wait after a 429."""
        return Response(status, {"message": f"Error {status}"})

    def too_many(self, form: str, seconds: float) -> Response:
        """A 429 that says when to come back: in seconds, as a date, in the body alone, or nowhere."""
        response = self.failure(429, seconds)
        response.headers.pop("Retry-After", None)
        if form == "429_seconds":
            response.headers["Retry-After"] = str(max(1, math.ceil(seconds)))
        elif form == "429_date":
            response.headers["Retry-After"] = time.strftime(
                "%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + seconds)
            )
        elif form == "429_bare":
            response.body = None
        return response

    def spoiled(self, rule: FailRule) -> Response:
        """The answer of a rule that gives one: an error of the API or a page of HTML."""
        form = rule.form or ""
        if form.startswith("429"):
            return self.too_many(form, 30 if rule.seconds is None else rule.seconds)
        if form.startswith("html"):
            page = b"<!DOCTYPE html><html><title>Bad gateway</title><body><h1>502</h1></body></html>"
            return Response(int(form[-3:]), page, {"Content-Type": "text/html; charset=utf-8"})
        if form.startswith("500"):
            return self.failure(500)
        if rule.status == 429:
            return self.too_many("429_seconds", 30 if rule.seconds is None else rule.seconds)
        return self.failure(rule.status or 500)

    def control(self, request: Request) -> Response:
        """Answer a call below /_sim: faults, request counts, the ledger and the simulator's own switches."""
        name = request.path.removeprefix("/_sim/").rstrip("/")
        if name == "faults":
            return self._control_faults(request)
        if name == "requests":
            if request.method == "DELETE":
                self.counts.clear()
            return Response(200, self.counts.shown())
        if name == "ledger" and request.method == "GET":
            return Response(200, self.ledger.text().encode(), {"Content-Type": "application/x-ndjson"})
        for route in self.control_routes:
            if route.method == request.method and route.pattern.fullmatch(request.path.rstrip("/")):
                return route.handler(request)
        return Response(404, {"message": "No such control."})

    def _control_faults(self, request: Request) -> Response:
        try:
            if request.method == "POST":
                self.faults.change(request.json())
            elif request.method == "DELETE":
                self.faults.change(self._initial_faults)
        except (BadFault, ValueError, AttributeError, TypeError) as error:
            return Response(400, {"message": str(error)})
        return Response(200, self.faults.shown())


class RequestCounts:
    """How many calls came in, by method and path shape, by status, and how many at once at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Start counting from zero."""
        with self._lock:
            self._shapes: Counter[str] = Counter()
            self._statuses: Counter[str] = Counter()
            self._in_flight = self._most_in_flight = 0

    def enter(self) -> None:
        """A call has come in."""
        with self._lock:
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)

    def leave(self, outcome: str) -> None:
        """A call has ended with this status or, when no whole answer was sent, this fault form."""
        with self._lock:
            self._in_flight = max(0, self._in_flight - 1)
            self._statuses[outcome] += 1

    def add_shape(self, shape: str) -> None:
        """A call reached this route."""
        with self._lock:
            self._shapes[shape] += 1

    def shown(self) -> dict[str, Any]:
        """The counts as JSON."""
        with self._lock:
            return {
                "total": self._statuses.total(),
                "counts": dict(self._shapes),
                "statuses": dict(self._statuses),
                "most_in_flight": self._most_in_flight,
            }


def make_request(method: str, target: str, headers: Message, body: bytes) -> Request:
    """Build a request from the request line's target, headers and body."""
    path, _, raw_query = target.partition("?")
    query = parse_qs(raw_query, keep_blank_values=True) if raw_query else {}
    return Request(method, path, query, headers, body, raw_query, request_id=str(uuid.uuid4()))
