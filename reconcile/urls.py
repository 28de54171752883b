"""Every address of the product."""

from django.urls import include, path

from reconcile.health import healthz
from reconcile.views import style

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("style/", style, name="style"),
    # Ours first: the profile stands at account/ itself.
    path("", include("accounts.urls")),
    path("account/", include("allauth.urls")),
    path("o/<slug:slug>/", include("dashboard.urls")),
    path("o/<slug:slug>/", include("dashboard.export_urls")),
    path("o/<slug:slug>/", include("dashboard.month_urls")),
    path("o/<slug:slug>/", include("dashboard.setup_urls")),
    path("o/<slug:slug>/", include("psa.urls")),
    path("o/<slug:slug>/", include("vendors.connect_urls")),
    path("o/<slug:slug>/", include("vendors.mapping_urls")),
    path("o/<slug:slug>/", include("accounts.org_urls")),
    path("o/<slug:slug>/", include("accounts.people_urls")),
    path("o/<slug:slug>/", include("sync.urls")),
]
