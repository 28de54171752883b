"""The embedded servers: started once, kept apart, reused, cured after a kill, and bound to their roles."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

import psutil
import psycopg
import pytest
import redis

from reconcile.embedded import folder

PROJECT = Path(__file__).resolve().parent.parent.parent
CALL = "import sys, json; from reconcile import embedded; print(json.dumps({}))"
START = CALL.format("sorted(embedded.ensure_running())")
REMOVE = (
    "import shutil; from reconcile.embedded.folder import database_home, socket_folder; "
    "homes = [database_home(), socket_folder('postgres'), socket_folder('redis')]; "
    "[shutil.rmtree(home, ignore_errors=True) for home in homes]"
)
ADDRESSES = CALL.format("[embedded.database_settings()['default']['HOST'], embedded.redis_url()]")


class Checkout:
    """A data folder of its own, driven the way manage.py drives it: from another process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def run(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        env = kept | {"RECONCILE_DATA": str(self.data)} | environment
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, check=False)

    def start(self) -> list[str]:
        result = self.run(START)
        assert result.returncode == 0, result.stderr
        return list(json.loads(result.stdout))

    def stop(self) -> None:
        result = self.run("from reconcile import embedded; embedded.stop()")
        assert result.returncode == 0, result.stderr

    @cached_property
    def addresses(self) -> tuple[str, str]:
        host, url = json.loads(self.run(ADDRESSES).stdout)
        return host, url

    def connect(self, user: str = "reconcile_app") -> psycopg.Connection:
        host = self.addresses[0]
        return psycopg.connect(host=host, port="5432", user=user, dbname="reconcile", autocommit=True)

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.addresses[1])

    def answers(self) -> bool:
        with self.connect() as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)

    def processes(self) -> list[psutil.Process]:
        found = []
        host = self.addresses[0]
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            if str(self.data) in line or host in line:
                found.append(process)
        return found


@pytest.fixture
def checkout():
    made = []

    def make():
        # Not pytest's folder: that one is private, and each run makes it so again for all of them.
        folder = Path(tempfile.mkdtemp(prefix="reconcile-checkout-"))
        folder.chmod(0o711)
        made.append(Checkout(folder))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        one.run(REMOVE)
        shutil.rmtree(one.folder)


def test_second_start_finds_the_servers_running_and_a_later_one_finds_the_data(checkout):
    one = checkout()
    assert one.start() == ["postgres", "redis"]
    assert one.start() == []
    with one.connect("reconcile_owner") as owner:
        owner.execute("CREATE TABLE kept (n int)")
    with one.connect() as app:
        app.execute("INSERT INTO kept VALUES (7)")
    one.redis().set("kept", "yes")
    one.stop()
    assert one.processes() == []
    assert one.start() == ["postgres", "redis"]
    with one.connect() as app:
        assert app.execute("SELECT n FROM kept").fetchall() == [(7,)]
    assert one.redis().get("kept") == b"yes"


def test_two_checkouts_share_nothing(checkout):
    one, other = checkout(), checkout()
    one.start()
    other.start()
    assert one.addresses != other.addresses
    one.redis().set("mine", "1")
    assert other.redis().get("mine") is None
    one.stop()
    assert other.redis().ping()
    assert other.answers()


def test_files_left_by_a_kill_are_cured(checkout):
    one = checkout()
    one.start()
    for process in one.processes():
        process.send_signal(signal.SIGKILL)
    pid_file = next(one.data.glob("postgres/*/postmaster.pid"))
    lines = pid_file.read_text().splitlines()
    # The number now belongs to somebody else who is alive: this test.
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert one.start() == ["postgres", "redis"]
    assert one.answers()


def test_application_role_is_bound_by_row_level_security_and_owns_nothing(checkout):
    one = checkout()
    one.start()
    with one.connect("reconcile_owner") as owner:
        owner.execute("CREATE TABLE rows_of_others (org_id bigint)")
        owner.execute("CREATE SEQUENCE numbers")
    limits = "rolsuper, rolbypassrls, rolcreatedb, rolcreaterole"
    with one.connect() as app:
        found = app.execute(f"SELECT {limits} FROM pg_roles WHERE rolname = current_user").fetchone()
        assert found == (False, False, False, False)
        app.execute("INSERT INTO rows_of_others VALUES (1)")
        app.execute("SELECT nextval('numbers')")
        for refused in (
            "CREATE TABLE mine (n int)",
            "TRUNCATE rows_of_others",
            "ALTER TABLE rows_of_others ADD n int",
            "DROP TABLE rows_of_others",
            "SET ROLE reconcile_owner",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(refused)


def test_a_deep_folder_gets_a_short_socket(checkout):
    one = checkout()
    one.data = one.data / ("deep" * 12) / ("er" * 20)
    one.data.mkdir(parents=True)
    one.start()
    host, url = one.addresses
    socket = unquote(url.removeprefix("unix://").split("?")[0])
    assert max(len(socket), len(f"{host}/.s.PGSQL.5432.lock")) <= folder.LONGEST_SOCKET_PATH
    assert one.redis().ping()
    assert one.answers()


def test_a_private_folder_of_root_is_served_all_the_same(checkout):
    one = checkout()
    one.data = one.data / "private"
    one.data.mkdir(parents=True)
    one.data.parent.chmod(0o700)
    one.start()
    assert one.answers()


def test_no_server_listens_on_a_port(checkout):
    one = checkout()
    one.start()
    processes = one.processes()
    assert len(processes) >= 2
    listening = [c for p in processes for c in p.net_connections(kind="inet") if c.status == "LISTEN"]
    assert listening == []


def test_a_folder_of_somebody_else_is_refused_with_a_sentence(checkout):
    one = checkout()
    one.data.mkdir()
    (one.data / "redis").symlink_to("/tmp")
    result = one.run("from reconcile import embedded; embedded.ensure_running()")
    assert result.returncode != 0
    assert "is a link; remove it." in result.stderr
