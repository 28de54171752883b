"""Starting and stopping what is embedded; with DATABASE_URL set, giving that server its application role."""

from collections.abc import Collection

from reconcile.embedded import postgres, valkey
from reconcile.embedded.addresses import is_embedded_database, is_embedded_redis
from reconcile.embedded.folder import locked
from reconcile.embedded.roles import ensure_external_role


def ensure_running() -> set[str]:
    """Start what is embedded and not running yet; return the names of what this call started.

    Raises ServerError with a sentence that says what to do.
    """
    started = set()
    with locked():
        if is_embedded_database() and postgres.start():
            started.add("postgres")
        if is_embedded_redis() and valkey.start():
            started.add("redis")
    if not is_embedded_database():
        ensure_external_role()
    return started


def stop(names: Collection[str] = ("postgres", "redis")) -> None:
    """Stop the named embedded servers; one that is not running is left alone."""
    with locked():
        if "redis" in names and is_embedded_redis():
            valkey.stop()
        if "postgres" in names and is_embedded_database():
            postgres.stop()


def running() -> dict[str, bool]:
    """Tell which embedded servers answer now."""
    state = {}
    if is_embedded_database():
        state["postgres"] = postgres.answers()
    if is_embedded_redis():
        state["redis"] = valkey.answers()
    return state
