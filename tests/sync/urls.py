"""Addresses for the tests of Sync status: the product's own, and a bare page behind each entry not yet included."""

from django.http import HttpResponse
from django.urls import include, path

from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view
from reconcile.urls import urlpatterns as product

ENTRIES = ["integrations", "mapping_accounts", "activity", "settings_reconciliation", "psa_connections"]


@member_view(Role.VIEWER)
def bare(request: OrgRequest, pk: int = 0) -> HttpResponse:
    return HttpResponse(f"{pk}")


urlpatterns = [
    *product,
    path("o/<slug:slug>/", include("sync.urls")),
    *[path(f"o/<slug:slug>/bare/{name}/", bare, name=name) for name in ENTRIES],
    *[
        path(f"o/<slug:slug>/bare/{name}/<int:pk>/", bare, name=name)
        for name in ("psa_connection", "integration")
    ],
]
