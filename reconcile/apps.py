"""The project package as an app: system checks and template tags."""

from django.apps import AppConfig


class ReconcileConfig(AppConfig):
    """Registers the checks that guard tenancy."""

    name = "reconcile"

    def ready(self) -> None:
        """Import the checks, which register themselves."""
        from reconcile.tenancy import checks  # noqa: F401
