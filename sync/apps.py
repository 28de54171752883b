"""The sync app: counts failed sources in the navigation."""

from django.apps import AppConfig


class SyncConfig(AppConfig):
    """Adds its number to the shell."""

    name = "sync"

    def ready(self) -> None:
        """Say how many sources failed."""
        from accounts.models import Organization
        from accounts.shell import COUNTERS, Count
        from sync.status import count_failed

        def count(_org: Organization) -> Count:
            return Count(count_failed(), failed=True)

        COUNTERS["sync"] = count
