"""The menu of saved views, and the dialogs that save and keep them (E6)."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from accounts.models import ReconcileSettings
from accounts.roles import Role
from dashboard import saved_views
from dashboard.decisions import Refused
from dashboard.filters import Filters
from dashboard.models import SavedView
from dashboard.views import refuse
from reconcile.tenancy.views import OrgRequest, member_view


def read_filters(request: OrgRequest, query: QueryDict) -> Filters:
    """Read a view of this organization from an address."""
    usual = ReconcileSettings.objects.get(org_id=request.org.pk).contract_view
    return Filters.read(query, usual)


@require_GET
@member_view(Role.VIEWER)
def menu(request: OrgRequest) -> HttpResponse:
    """List the views that a person can go to; the address is the view that they look at now."""
    filters = read_filters(request, request.GET)
    views = saved_views.list_for(request.org.pk, request.user)
    return render(request, "dashboard/views_menu.html", {"views": views, "filters": filters})


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.VIEWER)
def save(request: OrgRequest) -> HttpResponse:
    """Ask for a name, and keep the view that the form carries."""
    if request.method != "POST":
        context = {"filters": read_filters(request, request.GET), "may_share": request.member.may(Role.ADMIN)}
        return render(request, "dashboard/view_save_dialog.html", context)
    query = read_filters(request, QueryDict(request.POST.get("query", "")[:1000])).address()
    try:
        view = saved_views.save(
            request.org.pk,
            request.POST.get("name", ""),
            query.removeprefix("?"),
            shared=request.POST.get("shared") == "yes",
            by=request.member,
        )
    except Refused as refused:
        return refuse(request, refused)
    if "again" in request.POST:
        return manage_dialog(request)
    messages.success(request, f"Saved as “{view}”{' for everybody' if view.is_shared else ''}.")
    address = reverse("dashboard", args=[request.org.slug]) + query
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


@require_GET
@member_view(Role.VIEWER)
def manage(request: OrgRequest) -> HttpResponse:
    """Show the dialog that renames and deletes views, and says which one opens first."""
    return manage_dialog(request)


def manage_dialog(request: OrgRequest, **more: Any) -> HttpResponse:
    """Draw the dialog, with what was just deleted where there is such."""
    views = saved_views.list_for(request.org.pk, request.user)
    context = {"views": views, "may_share": request.member.may(Role.ADMIN), **more}
    return render(request, "dashboard/views_dialog.html", context)


@require_POST
@member_view(Role.VIEWER)
def change(request: OrgRequest, view_id: int) -> HttpResponse:
    """Rename or delete a view, or open the dashboard with it from now on."""
    act = request.POST.get("act", "")
    deleted = None
    try:
        if act in ("open", "usual"):
            view = saved_views.list_for(request.org.pk, request.user).get(pk=view_id)
            saved_views.open_with(request.org.pk, view if act == "open" else None, by=request.user)
        else:
            view = saved_views.find(request.org.pk, view_id, request.member)
            if act == "rename":
                saved_views.rename(view, request.POST.get("name", ""), by=request.member)
            elif act == "delete":
                deleted = {"name": view.name, "query": view.query, "shared": "yes" if view.is_shared else ""}
                saved_views.delete(view, by=request.member)
    except SavedView.DoesNotExist as missing:
        raise Http404("No such view") from missing
    except Refused as refused:
        return refuse(request, refused)
    return manage_dialog(request, deleted=deleted)
