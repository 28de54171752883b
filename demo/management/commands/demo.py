"""`manage.py demo`: the product with its demo organization, on PORT (8000), until Ctrl-C."""

import os
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from demo.processes import ChildFailed
from demo.supervisor import DemoError, Supervisor, project_folder
from reconcile.embedded import ServerError


class Command(BaseCommand):
    """Starts everything and stops all that it started."""

    help = "Run the product with the demo organization until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the port."""
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000")

    def handle(self, *args: Any, port: str, **options: Any) -> None:
        """Run until a signal; a failure ends with its sentence."""
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise CommandError(f"PORT must be a number from 1 to 65535, not {port!r}.")
        os.chdir(project_folder())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        try:
            Supervisor(int(port), self.say).run()
        except KeyboardInterrupt:
            return
        except (DemoError, ChildFailed, ServerError) as error:
            raise CommandError(str(error)) from None

    def say(self, sentence: str) -> None:
        """Print a sentence at once, also into a pipe."""
        self.stdout.write(sentence)
        self.stdout.flush()
