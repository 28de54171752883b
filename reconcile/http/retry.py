"""When to ask again: the other side's own wish first, then a growing, jittered pause. For reads only."""

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from reconcile.http.errors import BudgetSpent, TryLater

BASE_SECONDS = 0.5
CAP_SECONDS = 30.0
# Whoever wants to be left alone for longer than this is asked again by the queue, not by a waiting worker.
PATIENCE_SECONDS = 90.0
_SENTENCE = re.compile(r"(?:try again|retry)\s+(?:in|after)\s+(\d{1,6})\s*s", re.IGNORECASE)
_FIELDS = ("retryAfter", "retry_after", "retryAfterSeconds")

T = TypeVar("T")


def retry_after(headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> float | None:
    """Read for how many seconds the other side wants to be left alone: from the header, else the body."""
    header = headers.get("Retry-After", "").strip()
    if header:
        return _seconds(header) if header[:1].isdigit() else _until(header, now or datetime.now(UTC))
    text = body[:4096].decode("utf-8", "replace")
    try:
        stated = _find(json.loads(text), 0)
    except (ValueError, RecursionError):
        stated = None
    if stated is not None:
        return stated
    found = _SENTENCE.search(text)
    return float(found[1]) if found else None


def pause_seconds(attempt: int, hint: float | None, draw: Callable[[], float] = random.random) -> float:
    """Give the pause after the `attempt`-th failure: the hint, else 0.5 s doubling to 30 s, jittered."""
    if hint is not None:
        return hint + draw() * 0.5
    return min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt - 1, 10)) * (0.5 + draw() / 2)


def read_with_retries(call: Callable[[], T], tries: int, sleep: Callable[[float], None] | None = None) -> T:
    """Call until it succeeds, at most `tries` times; raises the last TryLater, any other error at once."""
    for attempt in range(1, tries):
        try:
            return call()
        except BudgetSpent:
            raise
        except TryLater as error:
            if (error.retry_after or 0) > PATIENCE_SECONDS:
                raise
            (sleep or time.sleep)(pause_seconds(attempt, error.retry_after))
    return call()


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 86_400 * 7 else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _find(value: Any, depth: int) -> float | None:
    """Look for a retry field in a small JSON value, at most three levels down."""
    if depth > 3:
        return None
    if isinstance(value, dict):
        for name in _FIELDS:
            if name in value:
                return _seconds(str(value[name]))
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for child in children if (found := _find(child, depth + 1)) is not None), None)
