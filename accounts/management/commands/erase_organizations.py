"""To be run daily by the operator's scheduler: python manage.py erase_organizations."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts import erasure
from reconcile.clock import read_clock

log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Erases the organizations that were closed longer ago than they can be restored; the others stay."""

    help = "Erase closed organizations whose time to be restored is over, with all of their rows."

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase one after the other, each in a transaction of its own: what was interrupted goes on at the next run."""
        now = read_clock()
        due, failed = erasure.list_due(now), []
        for org_id in due:
            try:
                erased = erasure.erase(org_id, now)
            except DatabaseError:
                log.exception("organization %s could not be erased", org_id)
                failed.append(str(org_id))
                continue
            if erased:
                self.stdout.write(
                    f"Erased organization {org_id}: {erased.rows:,} rows, {erased.people} people."
                )
        if failed:
            raise CommandError(
                f"Not erased, and nothing of them is gone: {', '.join(failed)}. The log says why."
            )
        if not due:
            self.stdout.write("No organization is due to be erased.")
