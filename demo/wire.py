"""The simulators' HTTP/1.1 server on loopback, with the faults that need the bare socket."""

import http
import http.server
import select
import signal
import socket
import string
import struct
import sys
import threading
import time
import traceback
import urllib.parse
from collections.abc import Callable
from types import FrameType
from typing import Any

from demo.faults import FORMS_AFTER, FailRule
from demo.server import JSON, Request, Response, Simulator, make_request

LOOPBACK = "127.0.0.1"
LONGEST_HANG_SECONDS = 300.0
DRIP_SECONDS = 0.25
LONGEST_BODY = 64 * 1024 * 1024
LONGEST_LINE = 64 * 1024


class SimulatorServer(http.server.ThreadingHTTPServer):
    """Serves one simulator on 127.0.0.1; port 0 takes any free one."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        self.simulator = simulator
        self.stopping = threading.Event()
        super().__init__((LOOPBACK, port), _Connection)

    def server_bind(self) -> None:
        """Bind without the reverse name look-up of the standard server, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is no error; anything else is shown as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def run(simulator: Simulator, port: int, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is called with the address when it listens."""
    server = SimulatorServer(simulator, port)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.stopping.set()
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    announce(server.url)
    server.serve_forever(poll_interval=0.1)
    server.server_close()


class _CutOff(Exception):
    """The client left before its whole body had come."""


class _Connection(http.server.BaseHTTPRequestHandler):
    """One client connection, kept alive between calls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SimulatorServer

    def answer(self) -> None:
        """Read one call, let the control plane, the faults or the simulator answer it."""
        try:
            body = self._read_body()
        except _CutOff:
            self.close_connection = True
            return
        except ValueError:
            self.send_error(400)
            return
        request = make_request(self.command, _own_target(self.path), self.headers, body)
        simulator = self.server.simulator
        if request.path.startswith("/_sim"):
            self._send(simulator.control(request))
            return
        simulator.counts.enter()
        outcome = "broken"
        try:
            outcome = self._answer_with_faults(simulator, request)
        finally:
            simulator.counts.leave(outcome)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every verb is read the same way: which ones exist is the simulated API's business."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no HTTP in the API's own words, and close: what follows cannot be trusted."""
        self.close_connection = True
        self._send(self.server.simulator.failure(code))

    def _answer_with_faults(self, simulator: Simulator, request: Request) -> str:
        if latency := simulator.faults.latency_ms:
            time.sleep(latency / 1000)
        target = f"{request.path}?{urllib.parse.unquote_plus(request.raw_query)}"
        rule = simulator.faults.take(request.method, target)
        seconds = simulator.faults.over_limit()
        if rule is not None and rule.form not in FORMS_AFTER:
            return self._refuse(simulator, request, rule)
        if seconds is None:
            response = _handled(simulator, request)
        else:
            response = simulator.decorated(request, simulator.too_many("429_seconds", seconds))
        if rule is not None and seconds is None:
            return self._spoil(simulator, request, rule, response)
        self._send(response)
        return str(response.status)

    def _refuse(self, simulator: Simulator, request: Request, rule: FailRule) -> str:
        if rule.form == "drop_before":
            self._reset()
        elif rule.form == "hang_before":
            self._hang(rule.seconds)
        else:
            response = simulator.decorated(request, simulator.spoiled(rule))
            self._send(response)
            return str(response.status)
        return rule.form

    def _spoil(self, simulator: Simulator, request: Request, rule: FailRule, response: Response) -> str:
        """The call was carried out; lose or damage its answer."""
        form = rule.form or ""
        payload = response.payload()
        if form == "500_after":
            self._send(simulator.decorated(request, simulator.failure(500)))
        elif form == "empty":
            self._send(Response(response.status, b"", response.headers))
        elif form == "truncated":
            self.connection.sendall(self._head(response, len(payload)) + payload[: len(payload) // 2])
            self.close_connection = True
        elif form == "headers_only":
            self.connection.sendall(self._head(response, max(1, len(payload))))
            self.close_connection = True
        elif form == "drop_after":
            self._reset()
        elif form == "hang":
            self._hang(rule.seconds)
        else:
            self._drip(self._head(response, len(payload)) + payload, rule.seconds)
        return form

    def _read_body(self) -> bytes:
        """The whole body; raises ValueError for a length that cannot be one, _CutOff when some is missing."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        return self._read_exactly(_size(self.headers.get("Content-Length") or "0", 10))

    def _read_chunks(self) -> bytes:
        parts = []
        while size := _size(self._read_line().split(b";")[0].decode("latin-1"), 16):
            parts.append(self._read_exactly(size))
            self._read_line()
        while self._read_line().strip():
            pass
        return b"".join(parts)

    def _read_exactly(self, size: int) -> bytes:
        content = self.rfile.read(size)
        if len(content) < size:
            raise _CutOff
        return content

    def _read_line(self) -> bytes:
        line = self.rfile.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise _CutOff
        return line

    def _head(self, response: Response, length: int) -> bytes:
        phrase = http.HTTPStatus(response.status).phrase if response.status in _PHRASES else "Unknown"
        lines = [f"HTTP/1.1 {response.status} {phrase}", f"Date: {self.date_time_string()}"]
        headers = {"Content-Type": JSON, **response.headers} if length else dict(response.headers)
        if response.status != 204:
            headers["Content-Length"] = str(length)
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        elif self.request_version == "HTTP/1.0":
            # A 1.0 client that asked to be kept waits for this word, or else for the end of the stream.
            lines.append("Connection: keep-alive")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, response: Response) -> None:
        payload = response.payload()
        head = self._head(response, len(payload))
        self.connection.sendall(head if self.command == "HEAD" or response.status == 204 else head + payload)

    def _reset(self) -> None:
        """Close so that the other side gets a reset, not an end of file."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True

    def _hang(self, seconds: float | None) -> None:
        """Say nothing until the client leaves, the time is over or the server stops; then reset."""
        end = time.monotonic() + (LONGEST_HANG_SECONDS if seconds is None else seconds)
        while time.monotonic() < end and not self.server.stopping.is_set():
            if select.select([self.connection], [], [], 0.2)[0]:
                break
        self._reset()

    def _drip(self, content: bytes, seconds: float | None) -> None:
        pause = DRIP_SECONDS if seconds is None else seconds
        for byte in content:
            if self.server.stopping.wait(pause):
                break
            self.connection.sendall(bytes([byte]))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on the terminal: the counters tell what came in."""


def _size(text: str, base: int) -> int:
    """A length as the client gives it; raises ValueError unless it is a whole number within reason."""
    digits = text.strip()
    if not digits.isalnum() or (size := int(digits, base)) > LONGEST_BODY:
        raise ValueError(f"bad length {text!r}")
    return size


def _own_target(target: str) -> str:
    """Path and query as the simulators read them.

    A target may name scheme and host, as for a proxy, and hold bytes of UTF-8 that ought to be escaped.
    """
    if target[:7].lower() == "http://":
        target = "/" + target[7:].partition("/")[2]
    return urllib.parse.quote(target.encode("latin-1"), safe=string.punctuation)


def _handled(simulator: Simulator, request: Request) -> Response:
    """The simulator's answer; a fault of its own is shown on the terminal and answered with 500."""
    try:
        return simulator.handle(request)
    except Exception:
        traceback.print_exc()
        return simulator.decorated(request, simulator.failure(500))


_PHRASES = {status.value for status in http.HTTPStatus}
