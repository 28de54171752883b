"""Settings, Sign-in and access (A2): how members of this organization must sign in."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.fresh import needs_fresh_sign_in
from accounts.mfa import has_mfa, who_has_mfa
from accounts.models import Membership, Organization
from accounts.people import Refused, must_own
from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view

OWN_FIRST = "Set up your own second step first, or you would lock yourself out. Nothing was changed."


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.VIEWER, writes_from=Role.OWNER)
@needs_fresh_sign_in
def access(request: OrgRequest) -> HttpResponse:
    """Show how members sign in; an owner may require a second step of everybody."""
    if request.method == "POST":
        try:
            require(request, on=request.POST.get("require_mfa") == "on")
        except Refused as refused:
            messages.error(request, f"{refused} Nothing was changed.")
        return redirect("access", request.org.slug)
    members = list(Membership.objects.filter(org_id=request.org.pk).values_list("user_id", flat=True))
    context = {
        "required": request.org.require_mfa,
        "owns": request.member.may(Role.OWNER),
        "lacking": len(members) - len(who_has_mfa(members)),
        "own": has_mfa(request.user),
    }
    return render(request, "people/access.html", context)


def require(request: OrgRequest, *, on: bool) -> None:
    """Switch the requirement and write it down; it counts from everybody's next click on."""
    org_id = request.org.pk
    must_own(org_id, request.user)
    was = Organization.objects.get(pk=org_id).require_mfa
    if on and not has_mfa(request.user):
        messages.error(request, OWN_FIRST)
    elif on == was:
        messages.success(request, "Nothing was changed.")
    else:
        Organization.objects.filter(pk=org_id).update(require_mfa=on)
        audit.record(
            org_id, actor=request.user, verb="changed required MFA", subject=f"access:{org_id}",
            label=request.org.name, old={"MFA for everybody": was}, new={"MFA for everybody": on},
        )  # fmt: skip
        messages.success(
            request, "Everybody needs a second step now." if on else "A second step is optional now."
        )
