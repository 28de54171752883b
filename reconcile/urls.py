"""Every address of the product."""

from django.urls import include, path

from reconcile.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("account/", include("allauth.urls")),
]
