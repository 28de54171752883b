"""Try the matcher on any two lists: python manage.py suggest --accounts FILE.csv --vendor-accounts FILE.csv."""

import io
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vendors import name_lists
from vendors.csv_texts import Unreadable
from vendors.suggest import suggest


class Command(BaseCommand):
    """Reads two CSV files with a `name` column (and `external_id`, `domain`), and writes the advice as CSV."""

    help = "Suggest an account for each vendor account of a list, with confidence and reason, as CSV."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the two files."""
        columns = "CSV with a column “name”, optionally “external_id” and “domain”"
        parser.add_argument("--accounts", type=Path, required=True, help=f"Your accounts: {columns}")
        parser.add_argument("--vendor-accounts", type=Path, required=True, help=f"The vendor's: {columns}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write one row per vendor account, in the file's order; nothing is stored."""
        try:
            accounts = name_lists.read_rows(options["accounts"])
            theirs = name_lists.read_rows(options["vendor_accounts"])
        except Unreadable as error:
            raise CommandError(str(error)) from None
        subjects = name_lists.as_subjects(theirs)
        advice = suggest(subjects, name_lists.as_candidates(accounts), name_lists.WORDS)
        text = io.StringIO()
        name_lists.write_advice(text, subjects, advice)
        self.stdout.write(text.getvalue(), ending="")
