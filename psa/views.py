"""PSA configuration: the connections of an organization, connecting one, testing it, and how it bills."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts.fresh import needs_fresh_sign_in
from accounts.roles import Role
from psa.adapters import ADAPTERS
from psa.adapters.base import PsaKind
from psa.billing import agreement_types, agreements_per_type, change_billing
from psa.connecting import NotConnected, entered_credentials, keep, prove, test
from psa.forms import BillingForm, ConnectionForm
from psa.models import Connection
from reconcile.http.verdicts import Answer
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest, member_view

LAST_DAY_CHANGED = " Start a full sync now: end dates were read with the old meaning."


@require_safe
@member_view(Role.VIEWER)
def psa_connections(request: OrgRequest) -> HttpResponse:
    """List the connections and how they do; changing them is for admins."""
    rows = [(row, ADAPTERS.get(row.kind)) for row in Connection.objects.order_by("name")]
    context = {"rows": rows, "may_connect": request.member.may(Role.ADMIN)}
    return render(request, "psa/connections.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN, scoped=False)
@needs_fresh_sign_in
def psa_add(request: OrgRequest) -> HttpResponse:
    """Connect a PSA: nothing is kept until it has answered."""
    chosen = request.POST.get("kind") or request.GET.get("kind") or next(iter(ADAPTERS))
    form = ConnectionForm(request.POST or None, kind=_kind(chosen))
    if request.method == "POST":
        connection = _save_and_test(request, form)
        if connection:
            messages.success(request, f"{connection.name} is connected. Next: start its first full sync.")
            return _go(request, "psa_connection", connection.pk)
    return _show_form(request, form, "psa/add.html")


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN, scoped=False)
@needs_fresh_sign_in
def psa_connection(request: OrgRequest, pk: int) -> HttpResponse:
    """Show a connection's access and permissions, and change its address or keys."""
    connection = _find(request, pk)
    form = ConnectionForm(request.POST or None, kind=_kind(connection.kind), connection=connection)
    if request.method == "POST" and _save_and_test(request, form, connection):
        moved = " The address changed, so what waited to be pushed was stopped." if form.moved else ""
        messages.success(request, f"Saved. {form.cleaned_data['name']} answers.{moved}")
        return _go(request, "psa_connection", pk)
    return _show_form(request, form, "psa/connection.html", connection)


@require_POST
@member_view(Role.ADMIN, scoped=False)
def psa_test(request: OrgRequest, pk: int) -> HttpResponse:
    """Ask the PSA again, with what is stored, who it is and what the keys may do."""
    connection = _find(request, pk)
    kind = _kind(connection.kind)
    verdict = test(connection, request.user)
    connection = _find(request, pk)
    form = ConnectionForm(kind=kind, connection=connection)
    status = 200 if verdict.answer is Answer.OK else 422
    return _show_page(request, "psa/connection.html", form, connection, status, verdict=verdict)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN)
def psa_billing(request: OrgRequest, pk: int) -> HttpResponse:
    """Change currency, way of writing, the meaning of the last day, and the agreement types in scope."""
    connection = get_object_or_404(Connection, pk=pk)
    types = list(agreement_types(connection))
    form = BillingForm(request.POST or None, connection=connection, types=types)
    if request.method == "POST" and form.is_valid():
        changed = change_billing(connection, form, request.user)
        said = "Saved. The lines show it already." if changed else "Nothing was changed."
        messages.success(request, said + (LAST_DAY_CHANGED if "last day billed" in changed else ""))
        return redirect("psa_billing", request.org.slug, pk)
    counts, chosen = agreements_per_type(connection), {str(value) for value in form["types"].value() or []}
    context = {
        "form": form,
        "connection": connection,
        "kind": _kind(connection.kind),
        "types": [(row, counts.get(row.pk, 0), str(row.pk) in chosen) for row in types],
    }
    return render(request, "psa/billing.html", context, status=422 if form.errors else 200)


def _kind(key: str) -> PsaKind:
    if key not in ADAPTERS:
        raise Http404("No such kind of PSA")
    return ADAPTERS[key]


def _find(request: OrgRequest, pk: int) -> Connection:
    with org_scope(request.org.pk):
        return get_object_or_404(Connection, pk=pk)


def _save_and_test(
    request: OrgRequest, form: ConnectionForm, connection: Connection | None = None
) -> Connection | None:
    """Prove what was entered and keep it; None leaves the reason in the form."""
    if not form.is_valid():
        return None
    try:
        proof = prove(form.kind, entered_credentials(form, request.org, connection))
        return keep(request.org, form, proof, request.user, connection.pk if connection else None)
    except NotConnected as failure:
        form.show(failure.verdict)
        return None


def _go(request: OrgRequest, name: str, *args: Any) -> HttpResponse:
    """Lead on to a page, also from a form that htmx has sent."""
    if request.htmx:
        return HttpResponseClientRedirect(reverse(name, args=[request.org.slug, *args]))
    return redirect(name, request.org.slug, *args)


def _show_form(
    request: OrgRequest, form: ConnectionForm, page: str, connection: Connection | None = None
) -> HttpResponse:
    """Show the page, or the form alone when htmx has sent it and something is wrong."""
    template = "psa/connect_form.html" if request.htmx and request.method == "POST" else page
    return _show_page(request, template, form, connection, 422 if form.errors else 200)


def _show_page(
    request: OrgRequest,
    template: str,
    form: ConnectionForm,
    connection: Connection | None,
    status: int,
    **more: Any,
) -> HttpResponse:
    context = {
        "form": form,
        "connection": connection,
        "kind": form.kind,
        "kinds": list(ADAPTERS.values()),
        "addresses": settings.OUTGOING_ADDRESSES,
        "missing": [row for row in _permissions(connection) if row["state"] == "missing"],
        "too_wide": [row for row in _permissions(connection) if row["state"] == "too_wide"],
    }
    with org_scope(request.org.pk):
        return render(request, template, context | more, status=status)


def _permissions(connection: Connection | None) -> list[dict[str, str]]:
    return list(connection.permissions) if connection else []
