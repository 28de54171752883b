"""`manage.py servers start|stop|status`: the embedded servers by hand."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reconcile import embedded


class Command(BaseCommand):
    """Starts, stops or shows the embedded PostgreSQL and Redis."""

    help = "Start, stop or show the embedded PostgreSQL and Redis."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to do."""
        parser.add_argument("action", choices=["start", "stop", "status"])

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Do it, and say what runs now."""
        try:
            if action == "start":
                embedded.ensure_running()
            if action == "stop":
                embedded.stop()
        except embedded.ServerError as error:
            raise CommandError(str(error)) from None
        for name, answers in embedded.running().items():
            self.stdout.write(f"{name}: {'running' if answers else 'stopped'}")
        if not embedded.running():
            self.stdout.write("Nothing is embedded here: DATABASE_URL and REDIS_URL name the servers.")
