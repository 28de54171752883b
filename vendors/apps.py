"""The vendors app: tells the navigation how much waits for a mapping."""

from django.apps import AppConfig


class VendorsConfig(AppConfig):
    """Adds its number to the shell around every page."""

    name = "vendors"

    def ready(self) -> None:
        """Count what is unmapped beside Advanced config."""
        from accounts.models import Organization
        from accounts.shell import COUNTERS, Count
        from vendors.mapping_lists import count_waiting

        def count_mapping(org: Organization) -> Count:
            return Count(count_waiting(org.pk))

        COUNTERS["mapping"] = count_mapping
