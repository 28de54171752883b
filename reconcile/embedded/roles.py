"""The application role: it reads and writes rows, and owns nothing, so row-level security always binds it."""

from typing import Any

import psycopg
from psycopg import sql

from reconcile.embedded.folder import ServerError

LIMITS = sql.SQL("LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT")


def ensure_role(connection: psycopg.Connection[Any], name: str, password: str = "") -> None:
    """Create the role, or give an existing one the same limits and password."""
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    verb = sql.SQL("ALTER ROLE" if known else "CREATE ROLE")
    secret = sql.SQL("PASSWORD {}").format(sql.Literal(password)) if password else sql.SQL("")
    connection.execute(sql.SQL(" ").join([verb, sql.Identifier(name), LIMITS, secret]))


def grant_rows(connection: psycopg.Connection[Any], name: str) -> None:
    """Let the role use the rows of every table that the connected owner makes in this database from now on.

    Tables that exist already are left as they are: a migration may have taken a right away on purpose.
    """
    role = sql.Identifier(name)
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    for rights in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES"):
        statement = "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT " + rights + " TO {}"
        connection.execute(sql.SQL(statement).format(role))


def ensure_external_role() -> None:
    """On a server of the operator's own: make the application role unless it can sign in already.

    Raises ServerError naming APP_DATABASE_URL when the owner may not make roles.
    """
    from django.conf import settings

    app, owner = settings.DATABASES["default"], settings.DATABASES["owner"]
    if signs_in(app):
        return
    try:
        with connect(owner) as connection:
            ensure_role(connection, app["USER"], app["PASSWORD"])
            grant_rows(connection, app["USER"])
    except psycopg.errors.InsufficientPrivilege:
        raise ServerError(
            f"The role of DATABASE_URL may not create the application role {app['USER']!r}. Create one with "
            "LOGIN, without SUPERUSER and BYPASSRLS, and name its address in APP_DATABASE_URL."
        ) from None
    except psycopg.OperationalError as error:
        raise ServerError(f"The database of DATABASE_URL does not answer: {_first_line(error)}") from None


def signs_in(config: dict[str, Any]) -> bool:
    """Tell whether a connection with this configuration succeeds."""
    try:
        connect(config).close()
    except psycopg.OperationalError:
        return False
    return True


def connect(config: dict[str, Any], database: str = "") -> psycopg.Connection[Any]:
    """Open an autocommit connection from one of Django's database settings."""
    named = {
        "user": config["USER"],
        "password": config["PASSWORD"],
        "host": config["HOST"],
        "port": config["PORT"],
    }
    # As Django reads them: what the address leaves out may stand in its query.
    given = config.get("OPTIONS", {}) | {name: value for name, value in named.items() if value}
    return psycopg.connect(dbname=database or config["NAME"], connect_timeout=10, autocommit=True, **given)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
