"""Where the embedded servers keep data and sockets, and the lock that lets one process touch them."""

import fcntl
import hashlib
import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
# Linux allows 107 bytes in the path of a Unix socket, macOS 103.
LONGEST_SOCKET_PATH = 100
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"
# Unlike /tmp it survives a restart of the machine.
KEPT = Path("/var/tmp")  # noqa: S108


class ServerError(Exception):
    """An embedded server cannot be used; the message says what to do about it."""


def data_folder() -> Path:
    """Return the data folder: RECONCILE_DATA, or .data in the checkout."""
    named = os.environ.get("RECONCILE_DATA", "")
    return Path(named).expanduser().resolve() if named else PROJECT / ".data"


def checkout_hash() -> str:
    """Return a short name for this data folder that no other folder on the machine shares."""
    return hashlib.sha256(f"{os.geteuid()}:{data_folder()}".encode()).hexdigest()[:12]


def socket_folder(server: str) -> Path:
    """Return the folder of a server's socket: beside its data, or a short one where that path is too long."""
    beside = database_home() / "run" if server == "postgres" else data_folder() / "run"
    if len(os.fsencode(beside / LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        return beside
    return Path(tempfile.gettempdir()) / f"reconcile-{server[:2]}-{checkout_hash()}"


def database_home() -> Path:
    """Return the folder that holds the database: for root, one that an unprivileged user can reach."""
    if is_root() and not reachable_by_others(data_folder()):
        return KEPT / f"reconcile-{checkout_hash()}"
    return data_folder()


def reachable_by_others(path: Path) -> bool:
    """Tell whether any user may pass through every existing folder down to the path."""
    folders = [folder for folder in (path, *path.parents) if folder.is_dir()]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)


def is_root() -> bool:
    """Tell whether we run as root, whom PostgreSQL refuses to serve."""
    return os.geteuid() == 0


def unprivileged_user() -> pwd.struct_passwd | None:
    """Return the user that PostgreSQL runs as when we are root; None when it can run as ourselves."""
    if not is_root():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError("PostgreSQL does not run as root and there is no user 'postgres' or 'nobody'. Add one.")


def private_folder(path: Path, owner: pwd.struct_passwd | None = None) -> Path:
    """Make a folder that only its owner may enter; refuse one that somebody else put there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink():
        raise ServerError(f"{path} is a link; remove it.")
    found = path.stat().st_uid
    allowed = {os.geteuid(), owner.pw_uid if owner else os.geteuid()}
    if found not in allowed and not (is_root() and data_folder() in path.parents):
        raise ServerError(f"{path} belongs to another user. Run as that user, or remove it to start afresh.")
    path.chmod(0o700)
    if owner and found != owner.pw_uid:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    return path


@contextmanager
def locked() -> Iterator[None]:
    """Hold this data folder's lock; the system lets go of it if we die."""
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "servers.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
