"""Which addresses may be called at all, and connections that reach the very address that was checked.

Tenants type addresses, so a name may point anywhere, and elsewhere a moment later. The check therefore sits
where the socket is opened: each address the name has is looked at, and the socket goes to one of those.
"""

import contextlib
import ipaddress
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

from reconcile.http.errors import CustomerMustAct, RemoteError, TryLater

DEFAULT_PORTS = {"https": 443, "http": 80}
# 443, and the port Veeam's console listens on by default; an operator may name others.
DEFAULT_HTTPS_PORTS = (443, 1280)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Origin:
    """Scheme, host and port of an address, as compared with the operator's list."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self._bracketed}:{self.port}"

    @property
    def any_port(self) -> str:
        """Give the entry that allows every port of this host."""
        return f"{self.scheme}://{self._bracketed}:*"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_origin(url: str) -> Origin:
    """Read the origin of `url`; raises CustomerMustAct when it is no plain http(s) address of a host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad_address() from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise _bad_address()
    return Origin(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme])


def check_origin(origin: Origin) -> None:
    """Raise CustomerMustAct unless this origin is https on a usual port, or on the operator's list."""
    ports = getattr(settings, "OUTBOUND_HTTPS_PORTS", DEFAULT_HTTPS_PORTS)
    if is_allow_listed(origin) or (origin.scheme == "https" and origin.port in ports):
        return
    if origin.scheme != "https":
        raise CustomerMustAct("The address must begin with https://. Correct it and save again.", unsent=True)
    raise CustomerMustAct(
        f"Port {origin.port} is not allowed for calls out. Correct the address, or ask whoever runs this "
        "installation to allow it.",
        unsent=True,
    )


def is_allow_listed(origin: Origin) -> bool:
    """Tell whether the operator's list names this origin (`http://127.0.0.1:80`, or `:*` for every port)."""
    allowed = {entry.rstrip("/").lower() for entry in settings.OUTBOUND_PLAIN_ORIGINS}
    return not allowed.isdisjoint({str(origin), origin.any_port})


def is_public(address: str) -> bool:
    """Tell whether an IP address is a public unicast one, looking through IPv4 carried inside IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None and ip not in _NAT64:
            return ip in _GLOBAL_V6 and ip not in _SIX_TO_FOUR and ip.is_global
        ip = ip.ipv4_mapped or ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


def resolve(origin: Origin) -> list[str]:
    """Give the addresses of the origin's host, all of them allowed; raises CustomerMustAct otherwise.

    A name without an address and a name with a private one read the same, so that nobody can use the answer
    to find out what names a private network knows.
    """
    try:
        found = socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not (is_allow_listed(origin) or all(map(is_public, addresses))):
        raise CustomerMustAct(
            f"No public address was found for {origin.host}. Check the address for typing errors.",
            unsent=True,
        )
    return addresses


class Deadline:
    """Ends one exchange after a total time, whatever drips in: at the end it shuts the socket down."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self.expired = False

    def __enter__(self) -> "Deadline":
        self._timer.start()
        _current.deadline = self
        return self

    def __exit__(self, *_: object) -> None:
        _current.deadline = None
        self._timer.cancel()
        with self._lock:
            self._socket = None

    @property
    def seconds_left(self) -> float:
        """Give the seconds until the end, never below a thousandth."""
        return max(0.001, self._ends - time.monotonic())

    def watch(self, sock: socket.socket) -> None:
        """Name the socket to shut down at the end."""
        with self._lock:
            self._socket = sock
        if self.expired:
            self._expire()

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # closed already
                    self._socket.shutdown(socket.SHUT_RDWR)


class _Current(threading.local):
    deadline: Deadline | None = None


_current = _Current()


def _bad_address() -> RemoteError:
    return CustomerMustAct(
        "This is not an address that can be called. Correct it and save again.", unsent=True
    )


def _connect(origin: Origin, seconds: float, options: Any) -> socket.socket:
    """Open a socket to one of the checked addresses, the first that answers within `seconds`."""
    deadline = _current.deadline
    for address in resolve(origin)[:4]:
        wait = min(seconds, deadline.seconds_left) if deadline else seconds
        try:
            return create_connection((address, origin.port), timeout=wait, socket_options=options)
        except OSError:
            continue
    raise TryLater(
        f"{origin.host} does not answer on port {origin.port}. Check the address, and whether the server "
        "runs and lets our addresses in.",
        unsent=True,
    )


class _Watched(HTTPConnection):
    """What both connection kinds share: the checked socket, and the total deadline over it."""

    scheme = "http"

    def _new_conn(self) -> socket.socket:
        seconds = self.timeout if isinstance(self.timeout, int | float) else 10.0
        return _connect(Origin(self.scheme, self.host, self.port), seconds, self.socket_options)

    def connect(self) -> None:
        super().connect()
        self._watch()

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._watch()  # a connection kept alive is not connected anew
        super().request(*args, **kwargs)

    def _watch(self) -> None:
        if _current.deadline is not None and self.sock is not None:
            _current.deadline.watch(self.sock)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same under TLS; server name and certificate stay those of the URL's host."""

    scheme = "https"


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class GuardedAdapter(HTTPAdapter):
    """A transport for `requests` whose sockets only ever reach checked addresses, and never a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Build the pool with our connection classes."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *_: Any, **__: Any) -> Any:
        """Refuse every proxy: behind one, the address called is not the address checked."""
        raise AssertionError("calls out never use a proxy")
