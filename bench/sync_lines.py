"""How long 20,000 agreement lines take from a simulated ConnectWise to the screen's tables, beside what the API allows.

    python -m bench.sync_lines [--lines 20000] [--latency 100]

It uses servers and data of its own, and removes them. The floor is the time in which a client that costs
nothing could make the same calls: so many at a time, so many in any minute, each as slow as the API.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLES = ("psa_account", "psa_service", "psa_agreement", "psa_agreementline", "psa_invoice", "psa_board")


@dataclass(frozen=True)
class Measured:
    """One sync: seconds, calls made, and the seconds that the API allows for as many."""

    seconds: float
    calls: int
    floor: float

    def tell(self, what: str, lines: int) -> str:
        """Say it in one line."""
        return (
            f"{what}: {self.seconds:.1f} s, {lines / self.seconds:,.0f} lines/s, {self.calls:,} calls; "
            f"floor {self.floor:.1f} s, ratio {self.seconds / self.floor:.2f}"
        )


def floor_seconds(calls: int, *, latency: float, workers: int, per_minute: int) -> float:
    """Give the least time for so many calls: `workers` at once, `per_minute` in any sliding minute."""
    begun: list[float] = []
    for number in range(calls):
        earliest = begun[number - workers] + latency if number >= workers else 0.0
        if number >= per_minute:
            earliest = max(earliest, begun[number - per_minute] + 60.0)
        begun.append(earliest)
    return (begun[-1] if begun else 0.0) + latency


@contextmanager
def simulator(lines: int, latency_ms: int) -> Iterator[dict[str, str]]:
    """Run the simulated ConnectWise with so many lines until the block ends."""
    command = [sys.executable, "manage.py", "simulate", "connectwise", "--port", "0"]
    command += ["--data", f"scale:{lines}", "--fault", f"latency_ms={latency_ms}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


@contextmanager
def own_servers() -> Iterator[None]:
    """Start PostgreSQL and Redis in a folder of their own, and build the tables."""
    folder = Path(tempfile.mkdtemp(prefix="reconcile-bench-"))
    folder.chmod(0o711)
    # Never anybody's real database.
    for name in ("DATABASE_URL", "APP_DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {
        "RECONCILE_DATA": str(folder),
        "DJANGO_SETTINGS_MODULE": "reconcile.settings",
        "OUTBOUND_PLAIN_ORIGINS": "http://127.0.0.1:*",
        "LOG_LEVEL": "ERROR",
    }
    import django

    django.setup()
    from django.core.management import call_command

    from reconcile import embedded

    try:
        embedded.ensure_running()
        call_command("migrate", database="owner", verbosity=0)
        yield
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


def connect(remote: dict[str, str]) -> Any:
    """Found an organization and connect it to the simulator."""
    from accounts.models import Organization, User
    from psa.connections import store_secret
    from psa.models import Connection
    from reconcile.tenancy.scope import org_scope

    owner = User.objects.create_user("owner@bench.example")
    org = Organization.found(name="Bench MSP", owner=owner)
    with org_scope(org.pk):
        row = Connection.objects.create(
            org=org,
            kind="connectwise",
            name="ConnectWise PSA",
            base_url=remote["url"],
            fields={name: remote[name] for name in ("company", "public_key", "client_id")},
        )
        store_secret(row, "private_key", remote["private_key"])
    return row


def sync(connection: Any, url: str, latency: float) -> Measured:
    """Sync once, completely, and measure it."""
    from django.conf import settings

    from reconcile.tenancy.scope import org_scope
    from sync import runs
    from sync.models import SyncRun

    control(url, "DELETE", "requests")
    began = time.perf_counter()
    run = runs.request(connection.org_id, connection=connection, mode=SyncRun.Mode.FULL, by=None)
    runs.run(connection.org_id, run.pk)
    seconds = time.perf_counter() - began
    with org_scope(connection.org_id):
        run.refresh_from_db()
    if run.state != SyncRun.State.DONE:
        raise SystemExit(f"the sync is {run.state}: {run.cause} {run.cure}")
    calls = control(url, "GET", "requests")["total"]
    floor = floor_seconds(
        calls,
        latency=latency,
        workers=settings.CONNECTWISE_PARALLEL_READS,
        per_minute=settings.CONNECTWISE_REQUESTS_PER_MINUTE,
    )
    return Measured(seconds, calls, floor)


def control(url: str, method: str, name: str, body: Any = None) -> Any:
    """Use one of the simulator's own switches."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_sim/{name}", data, method=method)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read() or b"null")


def versions(org_id: int) -> dict[tuple[str, int], tuple[str, str]]:
    """Give where each mirror row stands and which transaction wrote it: both move when it is rewritten."""
    from django.db import connection

    from reconcile.tenancy.scope import org_scope

    found = {}
    with org_scope(org_id), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT id, ctid::text, xmin::text FROM {table}")
            found |= {(table, row_id): (place, writer) for row_id, place, writer in cursor.fetchall()}
    return found


def measure(lines: int, latency_ms: int) -> None:
    """Print the three measurements."""
    from django.conf import settings

    parallel, per_minute = settings.CONNECTWISE_PARALLEL_READS, settings.CONNECTWISE_REQUESTS_PER_MINUTE
    print(f"{lines:,} lines, {latency_ms} ms a call, {parallel} calls at a time, {per_minute} a minute")
    with simulator(lines, latency_ms) as remote:
        connection = connect(remote)
        first = sync(connection, remote["url"], latency_ms / 1000)
        print(first.tell("First sync, within the allowed rate", lines))
        # Without the rate limit, what our own work costs cannot hide behind waiting.
        settings.CONNECTWISE_REQUESTS_PER_MINUTE = 1_000_000
        control(remote["url"], "POST", "faults", {"rate_limit_per_minute": 0})
        before = versions(connection.org_id)
        again = sync(connection, remote["url"], latency_ms / 1000)
        rewritten = sum(before.get(key) != version for key, version in versions(connection.org_id).items())
        print(again.tell("Nothing changed, without the rate limit", lines))
        print(f"Rows rewritten when nothing changed: {rewritten} of {len(before):,}")


def main() -> None:
    """Measure with servers of its own."""
    parser = argparse.ArgumentParser(description="Measure the sync of many agreement lines.")
    parser.add_argument("--lines", type=int, default=20_000)
    parser.add_argument("--latency", type=int, default=100, help="milliseconds a call")
    options = parser.parse_args()
    with own_servers():
        measure(options.lines, options.latency)


if __name__ == "__main__":
    main()
