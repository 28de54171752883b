"""A rate budget per remote system, shared by all workers through Redis, with a careful stand-in."""

import logging
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from reconcile.http.errors import BudgetSpent

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60.0
# How long a worker waits for its turn before it gives the work back to the queue.
PATIENCE_SECONDS = 120.0
# Without Redis nobody knows how many workers there are: each takes this part of the whole.
FALLBACK_SHARE = 8
# After the other side said "too many", half the budget is used for this long.
BRAKE_SECONDS = 60.0
_REDIS_REST_SECONDS = 5.0

# Redis' own clock is used, so that workers on machines with different clocks share one window.
_TAKE = """
local pause = redis.call('PTTL', KEYS[2])
if pause > 0 then return pause end
local limit = tonumber(ARGV[1])
if redis.call('EXISTS', KEYS[3]) == 1 then limit = math.max(1, math.floor(limit / 2)) end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local window = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local used = redis.call('ZCARD', KEYS[1])
if used < limit then
  redis.call('ZADD', KEYS[1], now, ARGV[3])
  redis.call('PEXPIRE', KEYS[1], window + 1000)
  return 0
end
local oldest = redis.call('ZRANGE', KEYS[1], used - limit, used - limit, 'WITHSCORES')
return math.max(1, tonumber(oldest[2]) + window - now)
"""


class LocalWindow:
    """A sliding window inside one process: at most `limit` takings in any 60 seconds."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._taken: deque[float] = deque()
        self._paused_until = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Take one turn and give 0.0, or give the seconds to wait before asking again."""
        with self._lock:
            now = self._clock()
            if now < self._paused_until:
                return self._paused_until - now
            while self._taken and self._taken[0] <= now - WINDOW_SECONDS:
                self._taken.popleft()
            if len(self._taken) >= self._limit:
                return self._taken[0] + WINDOW_SECONDS - now
            self._taken.append(now)
            return 0.0

    def pause(self, seconds: float) -> None:
        """Let nobody through for `seconds`."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)


class SharedWindow:
    """The same over Redis, for all workers; raises redis.RedisError when it is away."""

    def __init__(self, name: str, limit: int, url: str) -> None:
        self._limit = limit
        self._keys = [f"budget:{name}:{part}" for part in ("taken", "pause", "brake")]
        self._client = _client(url)

    def take(self) -> float:
        """Take one turn and give 0.0, or give the seconds to wait before asking again."""
        script = self._client.register_script(_TAKE)
        wait = script(keys=self._keys, args=[self._limit, int(WINDOW_SECONDS * 1000), uuid.uuid4().hex])
        return int(wait) / 1000

    def pause(self, seconds: float) -> None:
        """Let nobody through for `seconds`, and only half as many for a minute after."""
        milliseconds = max(1, int(seconds * 1000))
        self._client.set(self._keys[1], 1, px=milliseconds)
        self._client.set(self._keys[2], 1, px=milliseconds + int(BRAKE_SECONDS * 1000))


@dataclass(frozen=True)
class Budget:
    """At most `per_minute` requests in any minute to the remote system `name`, from all workers together.

    Name it after the remote instance, not after the tenant: two tenants who share one share its limit.
    """

    name: str
    per_minute: int

    def wait(self, patience: float = PATIENCE_SECONDS, sleep: Callable[[float], None] = time.sleep) -> None:
        """Return when a request may be sent; raises BudgetSpent if that would take over `patience` seconds."""
        waited = 0.0
        while (wait := self._take()) > 0:
            if waited + wait > patience:
                raise BudgetSpent(
                    "The other system's request limit is used up for now. Reconcile goes on by itself.",
                    retry_after=wait,
                    unsent=True,
                )
            wait += random.random() * 0.1  # noqa: S311 - spreads the waiters, hides nothing
            sleep(wait)
            waited += wait

    def pause(self, seconds: float) -> None:
        """Hold all workers back for `seconds`: the other side said "too many requests"."""
        _fallback(self.name, self.per_minute).pause(seconds)
        if not _redis_rest.is_on():
            try:
                SharedWindow(self.name, self.per_minute, settings.REDIS_URL).pause(seconds)
            except redis.RedisError as error:
                _redis_rest.begin(error)

    def _take(self) -> float:
        if not _redis_rest.is_on():
            try:
                return SharedWindow(self.name, self.per_minute, settings.REDIS_URL).take()
            except redis.RedisError as error:
                _redis_rest.begin(error)
        return _fallback(self.name, self.per_minute).take()


class _Rest:
    """Leaves Redis alone for some seconds after a failure, to spare each request a timeout."""

    def __init__(self) -> None:
        self._until = 0.0

    def is_on(self) -> bool:
        return time.monotonic() < self._until

    def begin(self, error: Exception) -> None:
        log.warning("rate budget: Redis is away (%s); a part of each budget is used in this process", error)
        self._until = time.monotonic() + _REDIS_REST_SECONDS


_redis_rest = _Rest()


@lru_cache(maxsize=8)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))


_windows: dict[tuple[str, int], LocalWindow] = {}


def _fallback(name: str, per_minute: int) -> LocalWindow:
    return _windows.setdefault((name, per_minute), LocalWindow(max(1, per_minute // FALLBACK_SHARE)))
