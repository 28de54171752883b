"""Addresses for these tests: the product's own, and a bare page behind each screen that it has not got yet."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path

from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view
from reconcile.urls import urlpatterns as product


@member_view(Role.VIEWER)
def bare(request: OrgRequest) -> HttpResponse:
    return render(request, "base.html")


def names(patterns: list[URLPattern | URLResolver]) -> set[str]:
    found: set[str] = set()
    for one in patterns:
        found |= names(one.url_patterns) if isinstance(one, URLResolver) else {str(one.name)}
    return found


missing = {"mapping_accounts", "sync_status", "sync_start"} - names(product)
urlpatterns = [*product, *[path(f"o/<slug:slug>/{name}/", bare, name=name) for name in sorted(missing)]]
