"""A loopback server that answers each connection with bytes a test wrote down, however broken they are."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Answer = bytes | Callable[[socket.socket], None]


def ok(body: str, *, status: str = "200 OK", headers: str = "") -> bytes:
    """Write a whole answer with a right length."""
    data = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
    )
    return head.encode() + data


def drip(head: bytes, pieces: int = 10_000, seconds: float = 0.02) -> Callable[[socket.socket], None]:
    """Send `head`, then one byte at a time for far longer than any deadline in a test."""

    def send(sock: socket.socket) -> None:
        sock.sendall(head)
        for _ in range(pieces):
            sock.sendall(b"a")
            time.sleep(seconds)

    return send


@dataclass
class ScriptedOrigin:
    """Gives its answers in turn, the last one for ever, and keeps what was asked."""

    answers: list[Answer]
    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def serve(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[ScriptedOrigin]:
    """Listen on a free loopback port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = ScriptedOrigin(list(answers), port=listener.getsockname()[1])
    accepting = threading.Thread(target=_accept, args=(listener, origin, tls), daemon=True)
    accepting.start()
    try:
        yield origin
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
        listener.close()


def _accept(listener: socket.socket, origin: ScriptedOrigin, tls: ssl.SSLContext | None) -> None:
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        origin.connections += 1
        threading.Thread(target=_talk, args=(sock, origin, tls), daemon=True).start()


def _talk(sock: socket.socket, origin: ScriptedOrigin, tls: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        stack.callback(sock.close)
        if tls is not None:
            sock = stack.enter_context(tls.wrap_socket(sock, server_side=True))
        while request := _read_request(sock):
            origin.asked.append(request)
            answer = origin.answers.pop(0) if len(origin.answers) > 1 else origin.answers[0]
            if callable(answer):
                answer(sock)
                return
            sock.sendall(answer)


def _read_request(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65_536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
    while missing > 0:
        piece = sock.recv(65_536)
        missing -= len(piece)
        data += piece
    return data
