"""Addresses of the database and of Redis, named or embedded; nothing is started here."""

import hashlib
import hmac
import os
from typing import Any
from urllib.parse import quote

import environ
from django.core.exceptions import ImproperlyConfigured

from reconcile.embedded.folder import socket_folder

DATABASE = "reconcile"
OWNER = "reconcile_owner"
APPLICATION = "reconcile_app"
# A socket has no port, but PostgreSQL names its file after one.
SOCKET_NUMBER = "5432"


def is_embedded_database() -> bool:
    """Tell whether the project runs its own PostgreSQL."""
    return not os.environ.get("DATABASE_URL")


def is_embedded_redis() -> bool:
    """Tell whether the project runs its own Redis-compatible server."""
    return not os.environ.get("REDIS_URL")


def database_settings(secret_key: str = "") -> dict[str, dict[str, Any]]:
    """Return Django's databases: `default`, the application role, and `owner`, which owns and migrates.

    The secret key gives the application role its password where only DATABASE_URL is set.
    """
    owner = _embedded_owner() if is_embedded_database() else _database("DATABASE_URL")
    # Without this Django would have the owner's test database wait for the mirror of itself.
    owner["TEST"] = {"DEPENDENCIES": []}
    default = _application(owner, secret_key) | {"TEST": {"MIRROR": "owner"}}
    return {"default": default, "owner": owner}


def _application(owner: dict[str, Any], secret_key: str) -> dict[str, Any]:
    if is_embedded_database():
        return owner | {"USER": APPLICATION, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    if os.environ.get("APP_DATABASE_URL"):
        return _database("APP_DATABASE_URL")
    derived = {"USER": f"{owner['NAME']}_app", "PASSWORD": application_password(secret_key)}
    return owner | derived


def _embedded_owner() -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": OWNER,
        "PASSWORD": "",
        "HOST": str(socket_folder("postgres")),
        "PORT": SOCKET_NUMBER,
    }


def _database(variable: str) -> dict[str, Any]:
    config: dict[str, Any] = dict(environ.Env().db(variable))
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(
            f"{variable} must be a postgresql:// address: nothing else isolates tenants."
        )
    return {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True} | config


def application_password(secret_key: str) -> str:
    """Derive the application role's password from the secret key: one secret less to keep."""
    return hmac.new(secret_key.encode(), b"reconcile application role", hashlib.sha256).hexdigest()


def redis_url() -> str:
    """Return the address of Redis as redis-py reads it."""
    if not is_embedded_redis():
        return os.environ["REDIS_URL"]
    return f"unix://{quote(str(socket_folder('redis') / 'redis.sock'))}?db=0"


def broker_url() -> str:
    """Return the address of Redis as Celery reads it: it spells sockets its own way."""
    url = redis_url()
    if not url.startswith("unix://"):
        return url
    return "redis+socket://" + url.removeprefix("unix://").replace("?db=", "?virtual_host=")
