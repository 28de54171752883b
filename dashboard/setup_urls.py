"""The address of the first-run checklist, below an organization."""

from django.urls import path

from dashboard.setup_views import setup

urlpatterns = [path("setup/", setup, name="setup")]
