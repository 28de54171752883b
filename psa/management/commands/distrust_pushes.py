"""After a database was restored: python manage.py distrust_pushes, before the workers start."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import Organization
from psa import pushes


class Command(BaseCommand):
    """Makes every open push unknown, so that each is looked for in its PSA before anything is sent."""

    help = "Mark all open pushes as unknown after the restore of a backup."

    def handle(self, *args: Any, **options: Any) -> None:
        """Go through the organizations, which only the owner of the tables can list."""
        every = Organization.objects.using("owner").order_by("pk").values_list("pk", flat=True)
        count = sum(pushes.distrust(org_id) for org_id in every)
        self.stdout.write(f"{count} open pushes will be looked for before they are sent.")
