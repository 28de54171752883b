"""The rig of the drills: the simulated PSA, Redis and Celery workers as real processes around the test database."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from django.db import connections

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from psa import pushes
from psa.adapters import ADAPTERS
from psa.adapters.base import Credentials, LineRecord, PsaAdapter, Way
from psa.connections import build_adapter, store_secret
from psa.models import Account, Agreement, AgreementLine, Connection, Push, Service
from reconcile import embedded
from reconcile.tenancy.scope import org_scope
from tests.psa.simulated import Simulated

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET_FIELD = "private_key"
# Long enough for any machine; a drill ends as soon as it can, and never judges by how long it took.
PATIENCE_SECONDS = 240
WORKER_SETTINGS = {
    "PUSH_LEASE_SECONDS": "8",
    "PUSH_SETTLE_SECONDS": "1",
    "CONNECTWISE_REQUESTS_PER_MINUTE": "1000000",
    "OUTBOUND_PLAIN_ORIGINS": "http://127.0.0.1:*",
    "OUTBOUND_TOTAL_SECONDS": "60",
}
Entry = dict[str, Any]


def until(ready: Callable[[], Any], what: str) -> Any:
    """Wait for something to be true, and give it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if found := ready():
            return found
        time.sleep(0.1)
    raise AssertionError(f"never happened: {what}")


@contextlib.contextmanager
def process_group(command: list[str], environment: dict[str, str]) -> Iterator["Group"]:
    """Run a command as the leader of a process group, and kill the whole group at the end."""
    group = Group(command, environment)
    group.start()
    try:
        yield group
    finally:
        group.kill()


class Group:
    """A worker with all of its children, to be killed and started again."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=os.environ | self._environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if not os.environ.get("DRILL_LOG") else None,
        )

    def kill(self) -> None:
        """Kill -9 the whole group, as a machine that loses its power would."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


def product_worker(folder: Path) -> contextlib.AbstractContextManager[Group]:
    """Run the product's own worker, with its ticks, on the test database."""
    command = [*_celery("reconcile.celery"), "-B", "-s", str(folder / "beat")]
    names = {"DATABASE_URL": "owner", "APP_DATABASE_URL": "default"}
    return process_group(
        command, WORKER_SETTINGS | {name: database_url(alias) for name, alias in names.items()}
    )


def kill_and_start_later(worker: Group) -> None:
    """Kill the naive worker, and start it when Redis may give its tasks away again.

    Celery looks for such tasks at its start and then only every hundred seconds.
    """
    from bench.naive_push import VISIBILITY_SECONDS

    worker.kill()
    time.sleep(VISIBILITY_SECONDS + 1)
    worker.start()


def naive_worker() -> contextlib.AbstractContextManager[Group]:
    """Run the naive push's worker."""
    return process_group(_celery("bench.naive_push"), {"NAIVE_BROKER_URL": embedded.broker_url()})


def database_url(alias: str) -> str:
    """Give the address of the database as this test run uses it, for another process."""
    config = connections[alias].settings_dict
    user, host, name = quote(config["USER"]), str(config["HOST"]), config["NAME"]
    if host.startswith("/"):
        return f"postgresql://{user}@/{name}?host={host}"
    return f"postgresql://{user}:{quote(config['PASSWORD'])}@{host}:{config['PORT']}/{name}"


def flush_redis() -> None:
    """Lose everything that Redis holds for this test run."""
    client = redis.Redis.from_url(embedded.redis_url())
    client.flushdb()
    client.close()


@dataclass
class Rig:
    """One organization connected to the simulated PSA, with the first lines of its world in the mirror."""

    org: Organization
    user: User
    remote: Simulated
    lines: list[AgreementLine]
    day: date

    @property
    def orders(self) -> list[tuple[AgreementLine, Way, Decimal]]:
        """Say what is to be written: every second line in place, the others by a dated split; one unit more."""
        ways = (Way.IN_PLACE, Way.SPLIT)
        return [(line, ways[n % 2], line.quantity + 1) for n, line in enumerate(self.lines)]

    def stage_all(self) -> None:
        """Approve every line in one transaction, as a bulk push does."""
        with org_scope(self.org.pk):
            for line, way, wanted in self.orders:
                pushes.stage(
                    line, seen=line.quantity, wanted=wanted, effective_on=self.day, way=way, by=self.user
                )

    def states(self) -> Counter[str]:
        """Count the pushes by state."""
        with org_scope(self.org.pk):
            return Counter(Push.objects.values_list("state", flat=True))

    def has_finished(self) -> bool:
        """Say whether no push is under way any more."""
        return not set(self.states()) & {state.value for state in Push.RUNNING}

    def effects(self) -> dict[str, list[tuple[str, Decimal]]]:
        """Give what the ledger shows per line that was pushed: quantities set, lines made, lines ended."""
        wanted: dict[str, list[tuple[str, Decimal]]] = {line.remote_id: [] for line in self.lines}
        made = {
            (line.agreement.remote_id, line.service.remote_id): line.remote_id
            for line in self.lines
            if line.service
        }
        for entry in self.remote.writes():
            before, after = entry["before"], entry["after"]
            if before is None:
                origin = made[str(entry["agreement"]), str(after["product"]["id"])]
                wanted[origin].append(("made", Decimal(str(after["quantity"]))))
            elif before["quantity"] != after["quantity"]:
                wanted[str(entry["line"])].append(("set", Decimal(str(after["quantity"]))))
            else:
                wanted[str(entry["line"])].append(("ended", Decimal(str(after["quantity"]))))
        return wanted

    def lost_and_doubled(self) -> tuple[list[str], list[str]]:
        """Compare the ledger with what was approved: lines without their whole effect, and with more than it."""
        lost, doubled, effects = [], [], self.effects()
        for line, way, wanted in self.orders:
            due = [("set", wanted)] if way is Way.IN_PLACE else [("made", wanted), ("ended", line.quantity)]
            found = Counter(effects[line.remote_id])
            lost += [line.remote_id] if Counter(due) - found else []
            doubled += [line.remote_id] if found - Counter(due) else []
        return lost, doubled

    def assert_exactly_once(self) -> None:
        """Hold the ledger, the rows and the audit trail against each other (R1 to R6)."""
        assert self.states() == {Push.State.CONFIRMED: len(self.lines)}
        assert self.lost_and_doubled() == ([], [])
        keys = {(entry["host"], entry["key"]) for entry in self.remote.writes()}
        assert keys == {(self.remote.url.removeprefix("http://"), self.remote.fields["public_key"])}
        with org_scope(self.org.pk):
            verbs = Counter(
                AuditEntry.objects.filter(subject__startswith="push:").values_list("verb", flat=True)
            )
            assert verbs == {"push staged": len(self.lines), "push confirmed": len(self.lines)}
            assert audit.verify(self.org.pk) is None


def connect(org: Organization, user: User, remote: Simulated, lines: Sequence[LineRecord]) -> Rig:
    """Connect the organization to the simulated PSA, and mirror these lines of it."""
    with org_scope(org.pk):
        connection = Connection.objects.create(
            org=org,
            kind="connectwise",
            name="PSA",
            base_url=remote.url,
            fields={name: value for name, value in remote.fields.items() if name != SECRET_FIELD},
        )
        store_secret(connection, SECRET_FIELD, remote.fields[SECRET_FIELD])
    identity = build_adapter(connection).identify()
    with org_scope(org.pk):
        Connection.objects.update(remote_account=identity.remote_account)
        rows = [_mirror(org, connection, line) for line in lines]
    return Rig(org, user, remote, rows, _first_of_next_month())


def speak(remote: Simulated) -> PsaAdapter:
    """Give an adapter that speaks to the simulated PSA for somebody else than our connection."""
    return ADAPTERS["connectwise"].build(
        Credentials(org_id=0, connection_id=0, base_url=remote.url, fields=remote.fields)
    )


def read_plain_lines(remote: Simulated) -> list[LineRecord]:
    """Read open lines whose product stands only once in its agreement, so that the ledger is easy to read."""
    adapter = speak(remote)
    agreements = [each for page in adapter.read_agreements(None, "") for each in page.records if each.active]
    pages = adapter.read_lines([each.remote_id for each in agreements], "")
    lines = [line for page in pages for line in page.records]
    times = Counter((line.agreement_remote_id, line.service_remote_id) for line in lines)
    month = datetime.now(UTC).date().replace(day=1)
    return [
        line
        for line in lines
        if times[line.agreement_remote_id, line.service_remote_id] == 1
        and line.ends_on is None
        and line.starts_on is not None
        and line.starts_on < month
        and line.quantity > 0
    ]


def _mirror(org: Organization, connection: Connection, line: LineRecord) -> AgreementLine:
    row: dict[str, Any] = {"org": org, "connection": connection}
    defaults: dict[str, Any] = {"changed_at": datetime.now(UTC)}
    # One account per agreement: cards are refreshed by account, and real ones have few lines.
    account, _ = Account.objects.get_or_create(
        **row, remote_id=line.agreement_remote_id, defaults=defaults | {"name": "Somebody"}
    )
    agreement, _ = Agreement.objects.get_or_create(
        **row, remote_id=line.agreement_remote_id, defaults=defaults | {"name": "A", "account": account}
    )
    service, _ = Service.objects.get_or_create(
        **row, remote_id=line.service_remote_id, defaults=defaults | {"name": "S"}
    )
    return AgreementLine.objects.create(
        **row,
        **defaults,
        remote_id=line.remote_id,
        account=account,
        agreement=agreement,
        service=service,
        quantity=line.quantity,
        included=line.included,
        starts_on=line.starts_on,
        remote_version=line.remote_version,
    )


def _first_of_next_month() -> date:
    today = datetime.now(UTC).date()
    return date(today.year + today.month // 12, today.month % 12 + 1, 1)


def _celery(app: str) -> list[str]:
    options = ["--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    return [sys.executable, "-m", "celery", "-A", app, "worker", *options, "--loglevel", "WARNING"]
