"""The health page: what answers and what does not, for load balancers and for people; it names no secrets."""

from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reconcile import heartbeat

# Beat ticks every ten seconds; three missed ticks are a fault.
LATE_AFTER_SECONDS = 35
PARTS = ("worker", "beat")


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 with each part's state, or 503 when the database, without which no page works, is down."""
    database = "ok" if database_answers() else "down"
    parts: dict[str, Any] = {"database": database} | describe_queue(heartbeat.read_ages())
    states = [part if isinstance(part, str) else part["state"] for part in parts.values()]
    status = "down" if database == "down" else "ok" if set(states) == {"ok"} else "degraded"
    return JsonResponse({"status": status, **parts}, status=503 if status == "down" else 200)


def database_answers() -> bool:
    """Tell whether the database answers a query of the application role."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        connection.close()
        return False
    return True


def describe_queue(ages: dict[str, int] | None) -> dict[str, Any]:
    """Describe Redis, worker and beat by the seconds since their last signs of life; None: Redis is away."""
    if ages is None:
        return {"redis": "down"} | {part: {"state": "unknown", "seconds": None} for part in PARTS}
    return {"redis": "ok"} | {part: _describe(ages.get(part)) for part in PARTS}


def _describe(seconds: int | None) -> dict[str, Any]:
    if seconds is None:
        return {"state": "never seen", "seconds": None}
    return {"state": "ok" if seconds <= LATE_AFTER_SECONDS else "late", "seconds": seconds}
