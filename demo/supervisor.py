"""Runs the whole product with the demo organization, and stops all that it started and nothing else."""

import contextlib
import fcntl
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connections

from demo.processes import Children
from demo.simulations import Simulation, port_is_free
from reconcile import embedded

HEALTHY_WITHIN_SECONDS = 60


class DemoError(Exception):
    """The demo cannot run; the message says what to do."""


class Supervisor:
    """One run of the demo: servers, simulators, web, worker and beat."""

    def __init__(self, port: int, say: Callable[[str], None]) -> None:
        self.port = port
        self.say = say
        self.folder = embedded.data_folder() / "demo"
        self.children = Children(embedded.data_folder() / "logs")
        self.started: set[str] = set()

    @property
    def address(self) -> str:
        """Where the product is served."""
        return f"http://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Start all, say Ready, start again what dies; stop all when a child keeps dying or a signal comes."""
        with self._alone():
            if not port_is_free(self.port):
                raise DemoError(f"Port {self.port} is in use. Choose another: make demo PORT={self.port + 1}")
            try:
                self._start()
                while True:
                    self.children.revive(self.say)
                    time.sleep(0.3)
            finally:
                self._stop()

    def _start(self) -> None:
        began = time.monotonic()
        self.say(f"Logs are in {self.children.logs}")
        self.say("Starting the database and Redis ...")
        self.started = {name for name, answers in embedded.running().items() if not answers}
        embedded.ensure_running()
        self._migrate()
        self.say("Starting the simulated PSA and the simulated vendor console ...")
        simulators = self._start_simulators()
        self.say("Starting web, worker and beat ...")
        self._start_product(product_environment(simulators))
        self.say("Preparing the demo organization (the first start takes a full sync) ...")
        self._seed(simulators)
        self._await_health()
        self._welcome(time.monotonic() - began)

    def _migrate(self) -> None:
        with (self.children.logs / "migrate.log").open("w") as log:
            call_command("migrate", database="owner", interactive=False, stdout=log)
        connections.close_all()

    def _start_simulators(self) -> dict[str, dict[str, Any]]:
        simulations = [Simulation(name, self.folder) for name in ("connectwise", "veeam_vspc")]
        for one in simulations:
            self.children.start(f"simulate-{one.name}", one.command, os.environ, answers=one.announced)
        return {one.name: self._until(one.read_announcement, f"simulator {one.name}") for one in simulations}

    def _start_product(self, env: dict[str, str]) -> None:
        celery = ["-m", "celery", "-A", "reconcile.celery"]
        worker = [
            "worker",
            "--concurrency",
            "3",
            "--loglevel",
            "INFO",
            "--without-gossip",
            "--without-mingle",
        ]
        web = ["-m", "gunicorn", "reconcile.wsgi", "--bind", f"127.0.0.1:{self.port}", "--threads", "8"]
        self.children.start("web", [*web, "--access-logfile", "-"], env)
        self.children.start("worker", [*celery, *worker], env)
        self.children.start("beat", [*celery, "beat", "--loglevel", "INFO", "--pidfile="], env)

    def _seed(self, simulators: dict[str, dict[str, Any]]) -> None:
        described = self.folder / "simulators.json"
        described.touch(mode=0o600)
        described.write_text(json.dumps(simulators))
        env = product_environment(simulators)
        self.children.finish(self.children.start("seed", ["manage.py", "seed_demo", str(described)], env))

    def _await_health(self) -> None:
        self._until(lambda: read_health(self.address).get("status") == "ok", "the product", every=0.3)

    def _until(self, ready: Callable[[], Any], what: str, every: float = 0.05) -> Any:
        """Return what `ready` gives as soon as it is something, while the children live."""
        deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            self.children.check()
            if found := ready():
                return found
            time.sleep(every)
        raise DemoError(f"{what} is not ready after {HEALTHY_WITHIN_SECONDS} s; see {self.children.logs}.")

    def _welcome(self, seconds: float) -> None:
        from demo.seed import EMAIL, PASSWORD

        self.say(f"Ready: {self.address}")
        self.say(
            f"Sign in as {EMAIL} with the password {PASSWORD} (started in {seconds:.0f} s; Ctrl-C stops)"
        )

    def _stop(self) -> None:
        # A second Ctrl-C would leave half of them behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.say("Stopping ...")
        self.children.stop()
        connections.close_all()
        embedded.stop(self.started)
        self.say("Stopped.")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the data folder's demo: two at once would feed one database from two simulators."""
        for folder in (self.folder, self.children.logs):
            folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoError(
                    f"The demo runs already on {embedded.data_folder()}. Stop it, or give this one a folder of its "
                    "own: RECONCILE_DATA=/some/folder make demo PORT=8001"
                ) from None
            yield


def product_environment(simulators: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Let the product call the simulators, and nothing else that is not public."""
    origins = [os.environ.get("OUTBOUND_PLAIN_ORIGINS", "")]
    for one in simulators.values():
        parts = urlsplit(one["url"])
        origins.append(f"{parts.scheme}://{parts.netloc}")
    return {
        **os.environ,
        "RECONCILE_ENV": "development",
        "OUTBOUND_PLAIN_ORIGINS": ",".join(filter(None, origins)),
        "CONNECTWISE_CLIENT_ID": str(simulators["connectwise"]["client_id"]),
        "PYTHONUNBUFFERED": "1",
    }


def read_health(address: str) -> dict[str, Any]:
    """Ask the health page; an empty answer while nobody listens yet."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/healthz", timeout=5) as reply:
            return dict(json.load(reply))
    except (urllib.error.URLError, OSError, ValueError):
        return {}


def project_folder() -> Path:
    """Return the checkout, which manage.py's commands start from."""
    return Path(__file__).resolve().parent.parent
