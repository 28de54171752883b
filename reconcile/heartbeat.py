"""Signs of life of the worker and of beat, kept in Redis for the health page; they decide nothing else."""

import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from reconcile.embedded import redis_url

KEY = "reconcile:heartbeats"
# A health page must answer while Redis hangs.
SECONDS_TO_ANSWER = 2


def record(part: str) -> None:
    """Note that the part is alive now; a Redis that is away loses the note and harms nobody."""
    client = _client()
    try:
        client.hset(KEY, part, repr(time.time()))
    except redis.exceptions.RedisError:
        return
    finally:
        client.close()


def read_ages() -> dict[str, int] | None:
    """Return each part's seconds since its last sign of life; None when Redis does not answer."""
    client = _client()
    try:
        noted = client.hgetall(KEY)
    except redis.exceptions.RedisError:
        return None
    finally:
        client.close()
    now = time.time()
    return {str(name): max(0, round(now - float(at))) for name, at in noted.items()}


def answers() -> bool:
    """Tell whether Redis answers, asked once: a library's own retries would hold a page for seconds."""
    client = _client()
    try:
        return bool(client.ping())
    except redis.exceptions.RedisError:
        return False
    finally:
        client.close()


def _client() -> redis.Redis:
    seconds = SECONDS_TO_ANSWER
    return redis.Redis.from_url(
        redis_url(),
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    )
