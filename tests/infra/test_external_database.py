"""A database server of the operator's own: the application role is made there, or its making is explained."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from reconcile import embedded

PROJECT = Path(__file__).resolve().parent.parent.parent
CODE = "from reconcile import embedded; embedded.ensure_running(); print('done')"
SHOW = "from django.conf import settings; print(settings.DATABASES['default']['USER'])"


@pytest.fixture
def server():
    """Connect to this run's server as its superuser: it stands in for the operator's."""
    config = embedded.database_settings()["owner"]
    address = {"host": config["HOST"], "port": config["PORT"], "user": config["USER"]}
    with psycopg.connect(dbname="postgres", autocommit=True, **address) as connection:
        yield connection
        connection.execute("DROP DATABASE IF EXISTS operators")
        for role in ("operator", "operators_app", "made_by_hand"):
            connection.execute(f"DROP ROLE IF EXISTS {role}")


def address_of(role: str) -> str:
    return (
        f"postgres://{role}@/operators?host={quote(embedded.database_settings()['owner']['HOST'], safe='')}"
    )


def prepare(server, rights: str) -> None:
    server.execute(f"CREATE ROLE operator LOGIN {rights}")
    server.execute("CREATE DATABASE operators OWNER operator")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "reconcile.settings"} | environment
    return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)


def test_an_owner_who_may_make_roles_makes_the_application_role(server):
    prepare(server, "CREATEROLE")
    for _ in range(2):
        result = run(CODE, DATABASE_URL=address_of("operator"))
        assert result.returncode == 0, result.stderr
    limits = "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = %s"
    assert server.execute(limits, ["operators_app"]).fetchone() == (True, False, False, False)
    assert run(SHOW, DATABASE_URL=address_of("operator")).stdout.strip() == "operators_app"


def test_an_owner_who_may_not_is_told_what_to_name(server):
    prepare(server, "NOCREATEROLE")
    result = run(CODE, DATABASE_URL=address_of("operator"))
    assert result.returncode != 0
    assert "name its address in APP_DATABASE_URL" in result.stderr
    server.execute("CREATE ROLE made_by_hand LOGIN")
    named = {"DATABASE_URL": address_of("operator"), "APP_DATABASE_URL": address_of("made_by_hand")}
    assert run(CODE, **named).stdout.strip() == "done"
    assert run(SHOW, **named).stdout.strip() == "made_by_hand"


def test_a_server_that_is_away_is_named(server):
    result = run(CODE, DATABASE_URL="postgres://somebody@127.0.0.1:1/operators")
    assert result.returncode != 0
    assert "The database of DATABASE_URL does not answer" in result.stderr
