"""The project package as an app: system checks and template tags."""

from django.apps import AppConfig


class ReconcileConfig(AppConfig):
    """Registers the checks that guard tenancy."""

    name = "reconcile"

    def ready(self) -> None:
        """Import the checks and every app's tasks, which register themselves."""
        from reconcile.celery import app
        from reconcile.tenancy import checks  # noqa: F401

        app.autodiscover_tasks(force=True)
