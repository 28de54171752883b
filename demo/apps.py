"""The demo app: simulated PSA and vendor servers and the demo organization's data."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """Holds management commands alone; no models."""

    name = "demo"
