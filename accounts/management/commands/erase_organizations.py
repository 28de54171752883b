"""To be run daily by the operator's scheduler: python manage.py erase_organizations."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import erasure
from reconcile.clock import read_clock


class Command(BaseCommand):
    """Erases the organizations that were closed longer ago than they can be restored; the others stay."""

    help = "Erase closed organizations whose time to be restored is over, with all of their rows."

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase one after the other, each in a transaction of its own: what was interrupted goes on at the next run."""
        now = read_clock()
        done = [erased for org_id in erasure.list_due(now) if (erased := erasure.erase(org_id, now))]
        for one in done:
            self.stdout.write(
                f"Erased organization {one.organization}: {one.rows:,} rows, {one.people} people."
            )
        if not done:
            self.stdout.write("No organization is due to be erased.")
