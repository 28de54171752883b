"""Serve one simulated API on loopback: python manage.py simulate connectwise|veeam_vspc --port N."""

import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo.connectwise.replay import replay
from demo.faults import BadFault, read_fault_arguments
from demo.ledger import Ledger
from demo.wire import run
from demo.world import World, load

SIMULATORS = ("connectwise", "veeam_vspc")
CREDENTIALS = ("company", "public_key", "private_key", "client_id", "username", "password", "api_key")


class Command(BaseCommand):
    """Prints one JSON line with address and credentials, then serves until SIGTERM or SIGINT."""

    help = "Serve one simulated API on loopback; needs neither database nor Redis."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which simulator, where, on what data, with which faults and credentials."""
        parser.add_argument("name", choices=SIMULATORS)
        parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
        parser.add_argument("--ledger", type=Path, help="file for the writes that were applied (JSON lines)")
        parser.add_argument("--data", default="demo", help="demo, empty or scale:LINES")
        parser.add_argument("--fault", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument(
            "--replay", action="store_true", help="start from the writes that the ledger holds"
        )
        for name in CREDENTIALS:
            parser.add_argument(f"--{name.replace('_', '-')}", help="made up when not given")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build the simulator and serve it."""
        given = {name: options[name] for name in CREDENTIALS if options[name]}
        simulator = import_module(f"demo.{options['name']}.simulator").build(
            load_world(options["data"]), given, {}
        )
        try:
            simulator.set_initial_faults(read_fault_arguments(options["fault"], simulator.faults.options))
        except BadFault as error:
            raise CommandError(str(error)) from error
        if options["ledger"]:
            simulator.ledger = Ledger(options["ledger"])
            # The console is only read: its ledger is empty.
            if options["replay"] and options["name"] == "connectwise":
                replay(simulator, simulator.ledger.text().splitlines())

        def announce(url: str) -> None:
            self.stdout.write(json.dumps({"url": url, **simulator.credentials}))
            self.stdout.flush()

        run(simulator, options["port"], announce)


def load_world(spec: str) -> World:
    """The data set of this name, as of today."""
    try:
        return load(spec, datetime.now(UTC).date())
    except ValueError as error:
        raise CommandError(str(error)) from error
