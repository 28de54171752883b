"""Compares our outgoing addresses with those last announced; a change is then told to every organization."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import addresses


class Command(BaseCommand):
    """Claims a change of the addresses once; beat does the same when it starts."""

    help = "Announce a change of OUTGOING_ADDRESSES to every organization; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was found; a tick of beat then has every organization told."""
        if addresses.announce():
            self.stdout.write(f"Changed. {len(addresses.find_untold())} organizations are told from now on.")
        else:
            self.stdout.write("Nothing has changed.")
