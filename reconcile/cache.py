"""The cache, which holds the counters that throttle sign-in: in Redis, or while it is away in each process."""

from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

# Asked once and briefly: a library's own retries would hold a page for seconds.
OPTIONS = {"socket_timeout": 2, "socket_connect_timeout": 2, "retry": Retry(NoBackoff(), 0)}


class SteadyCache(RedisCache):
    """Redis as long as it answers. Without it nobody is locked out, and each process still counts by itself."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache(
            "steady", {name: value for name, value in params.items() if name != "OPTIONS"}
        )

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Give a value, or the default."""
        try:
            return super().get(key, default, version)
        except RedisError:
            return self._own.get(key, default, version)

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        """Keep a value."""
        try:
            super().set(key, value, *args, **kwargs)
        except RedisError:
            self._own.set(key, value, *args, **kwargs)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        """Keep a value unless there is one; say whether it was kept."""
        try:
            return bool(super().add(key, value, *args, **kwargs))
        except RedisError:
            return self._own.add(key, value, *args, **kwargs)

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Forget a value; say whether there was one."""
        try:
            return bool(super().delete(key, version))
        except RedisError:
            return self._own.delete(key, version)

    def forget_own(self) -> None:
        """Forget what this process kept while Redis was away."""
        self._own.clear()
