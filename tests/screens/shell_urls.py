"""Addresses for the tests of the shell: the product's own, and a bare page behind each entry of the navigation."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path

from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view
from reconcile.urls import urlpatterns as product

ENTRIES = [
    "integrations",
    "mapping_accounts",
    "sync_status",
    "activity",
    "settings_reconciliation",
    "psa_connections",
]


@member_view(Role.VIEWER)
def bare(request: OrgRequest) -> HttpResponse:
    return render(request, "base.html")


@member_view(Role.ADMIN)
def admins_only(request: OrgRequest) -> HttpResponse:
    return render(request, "base.html")


def broken(request: object) -> HttpResponse:
    raise RuntimeError("planted")


urlpatterns = [
    path("o/<slug:slug>/", bare, name="dashboard"),
    *[path(f"o/<slug:slug>/{name}/", bare, name=name) for name in ENTRIES],
    path("o/<slug:slug>/admins/", admins_only, name="settings_admins"),
    path("broken/", broken),
    *product,
]
