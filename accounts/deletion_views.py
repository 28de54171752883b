"""Settings, Delete this organization (A3): what happens and when, the name typed, and the way back."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import deletion
from accounts.fresh import needs_fresh_sign_in
from accounts.people import Refused
from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.OWNER, while_closed=True)
@needs_fresh_sign_in
def organization_delete(request: OrgRequest) -> HttpResponse:
    """Say what deleting means, and close the organization when its name is typed."""
    refused = ""
    if request.method == "POST":
        try:
            deletion.close(request.org.pk, request.POST.get("name", ""), by=request.user)
            return redirect("organization_delete", request.org.slug)
        except Refused as error:
            refused = f"{error} Nothing was changed."
    context = {"org": request.org, "days": settings.ORGANIZATION_GRACE_DAYS, "refused": refused}
    context["erased_from"] = request.org.erased_from
    return render(request, "people/delete.html", context, status=422 if refused else 200)


@require_POST
@member_view(Role.OWNER, while_closed=True)
@needs_fresh_sign_in
def organization_restore(request: OrgRequest) -> HttpResponse:
    """Open a closed organization again."""
    try:
        restored = deletion.restore(request.org.pk, by=request.user)
    except Refused as error:
        messages.error(request, f"{error} Nothing was changed.")
        return redirect("organization_delete", request.org.slug)
    messages.success(request, "Restored. Everything is as it was." if restored else "It was not closed.")
    return redirect("organization_delete", request.org.slug)
