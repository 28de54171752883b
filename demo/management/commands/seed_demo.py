"""`manage.py seed_demo FILE`: the demo organization from the simulators that the file describes."""

import json
from argparse import ArgumentParser, FileType
from typing import IO, Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Creates the demo organization once, and syncs it."""

    help = "Create the demo organization, fed by the simulators that the JSON file describes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, which the demo command writes."""
        parser.add_argument("simulators", type=FileType("r"))

    def handle(self, *args: Any, simulators: IO[str], **options: Any) -> None:
        """Hand both descriptions to the seeding."""
        from demo.seed import seed

        described = json.load(simulators)
        seed(described["connectwise"], described["veeam_vspc"])
