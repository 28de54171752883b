"""The addresses of settings and activity, below an organization."""

from django.urls import path

from accounts.activity_views import activity, activity_chain
from accounts.settings_views import settings_reconciliation

urlpatterns = [
    path("settings/reconciliation/", settings_reconciliation, name="settings_reconciliation"),
    path("activity/", activity, name="activity"),
    path("activity/chain/", activity_chain, name="activity_chain"),
]
