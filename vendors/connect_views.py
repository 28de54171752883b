"""Integrations: the connected vendor instances of an organization, connecting one, changing and testing it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, F, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.fresh import needs_fresh_sign_in
from accounts.models import ReconcileSettings
from accounts.roles import Role
from reconcile.http.verdicts import Answer
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest, member_view
from vendors.adapters import ADAPTERS
from vendors.adapters.base import VendorKind
from vendors.connecting import NotConnected, entered_credentials, keep, prove, test
from vendors.forms import IntegrationForm
from vendors.models import Integration, VendorAccount


@require_safe
@member_view(Role.VIEWER)
def integrations(request: OrgRequest) -> HttpResponse:
    """List the integrations and how they do; changing them is for admins."""
    hours = ReconcileSettings.objects.get(org_id=request.org.pk).stale_hours
    fresh_from = timezone.now() - timedelta(hours=hours)
    accounts = _count_accounts()
    rows = [
        (row, ADAPTERS.get(row.kind), accounts.get(row.pk)) for row in Integration.objects.order_by("name")
    ]
    context = {"rows": rows, "fresh_from": fresh_from, "may_connect": request.member.may(Role.ADMIN)}
    return render(request, "vendors/integrations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN, scoped=False)
@needs_fresh_sign_in
def integration_add(request: OrgRequest) -> HttpResponse:
    """Connect a vendor instance: nothing is kept until it has answered."""
    kind = _kind(request.POST.get("kind") or request.GET.get("kind") or next(iter(ADAPTERS)))
    form = IntegrationForm(request.POST or None, kind=kind, name=_free_name(request, kind))
    if request.method == "POST":
        integration = _save_and_test(request, form)
        if integration:
            messages.success(
                request, f"{integration.name} is connected. Next: sync it, then map its accounts."
            )
            return _go(request, "integration", integration.pk)
    return _show_form(request, form, "vendors/integration_add.html")


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN, scoped=False)
@needs_fresh_sign_in
def integration(request: OrgRequest, pk: int) -> HttpResponse:
    """Show an integration, and change its name, address or the way it signs in."""
    found = _find(request, pk)
    form = IntegrationForm(request.POST or None, kind=_kind(found.kind), integration=found)
    if request.method == "POST" and _save_and_test(request, form, found):
        messages.success(request, f"Saved. {form.cleaned_data['name']} answers.")
        return _go(request, "integration", pk)
    return _show_form(request, form, "vendors/integration.html", found)


@require_POST
@member_view(Role.ADMIN, scoped=False)
def integration_test(request: OrgRequest, pk: int) -> HttpResponse:
    """Ask the vendor again, with what is stored, who it is."""
    found = _find(request, pk)
    kind = _kind(found.kind)
    verdict = test(found, request.user)
    found = _find(request, pk)
    form = IntegrationForm(kind=kind, integration=found)
    status = 200 if verdict.answer is Answer.OK else 422
    return _show_page(request, "vendors/integration.html", form, found, status, verdict=verdict)


def _kind(key: str) -> VendorKind:
    if key not in ADAPTERS:
        raise Http404("No such kind of vendor")
    return ADAPTERS[key]


def _find(request: OrgRequest, pk: int) -> Integration:
    with org_scope(request.org.pk):
        return get_object_or_404(Integration, pk=pk)


def _count_accounts() -> dict[int, Any]:
    """Count the vendor accounts that are there, and those that wait for a mapping, by integration."""
    rows = VendorAccount.objects.filter(vanished_at=None).values(key=F("integration_id"))
    waiting = Q(mappings__isnull=True, excluded_at__isnull=True)
    counted = rows.annotate(
        total=Count("pk", distinct=True), unmapped=Count("pk", filter=waiting, distinct=True)
    )
    return {row["key"]: row for row in counted}


def _free_name(request: OrgRequest, kind: VendorKind) -> str:
    """Offer a name that no other integration has: a second one of a vendor is number 2."""
    with org_scope(request.org.pk):
        taken = set(Integration.objects.values_list("name", flat=True))
    names = (kind.label if number == 1 else f"{kind.label} {number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _save_and_test(
    request: OrgRequest, form: IntegrationForm, found: Integration | None = None
) -> Integration | None:
    """Prove what was entered and keep it; None leaves the reason in the form."""
    if not form.is_valid():
        return None
    try:
        identity = prove(form.kind, entered_credentials(form, request.org, found))
        kept = keep(request.org, form, identity, request.user, found.pk if found else None)
    except NotConnected as failure:
        form.show(failure.verdict)
        return None
    for warning in identity.warnings:
        messages.warning(request, warning)
    return kept


def _go(request: OrgRequest, name: str, *args: Any) -> HttpResponse:
    """Lead on to a page, also from a form that htmx has sent."""
    if request.htmx:
        return HttpResponseClientRedirect(reverse(name, args=[request.org.slug, *args]))
    return redirect(name, request.org.slug, *args)


def _show_form(
    request: OrgRequest, form: IntegrationForm, page: str, found: Integration | None = None
) -> HttpResponse:
    """Show the page, or the form alone when htmx has sent it and something is wrong."""
    template = "vendors/integration_form.html" if request.htmx and request.method == "POST" else page
    return _show_page(request, template, form, found, 422 if form.errors else 200)


def _show_page(
    request: OrgRequest,
    template: str,
    form: IntegrationForm,
    found: Integration | None,
    status: int,
    **more: Any,
) -> HttpResponse:
    context = {
        "form": form,
        "integration": found,
        "kind": form.kind,
        "kinds": list(ADAPTERS.values()),
        "addresses": settings.OUTGOING_ADDRESSES,
    }
    with org_scope(request.org.pk):
        return render(request, template, context | more, status=status)
