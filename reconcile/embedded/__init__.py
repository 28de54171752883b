"""The project's own PostgreSQL and Redis, for machines that name none in the environment."""

from reconcile.embedded.addresses import (
    broker_url,
    database_settings,
    is_embedded_database,
    is_embedded_redis,
    redis_url,
)
from reconcile.embedded.folder import ServerError, data_folder
from reconcile.embedded.lifecycle import ensure_running, running, stop

__all__ = [
    "ServerError",
    "broker_url",
    "data_folder",
    "database_settings",
    "ensure_running",
    "is_embedded_database",
    "is_embedded_redis",
    "redis_url",
    "running",
    "stop",
]
