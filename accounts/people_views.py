"""Settings, People and roles (A3): who is here, changing a role, removing a member, and leaving."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import people
from accounts.fresh import keeping, needs_fresh_sign_in, take_kept
from accounts.invite_form import RoleForm
from accounts.mfa import who_has_mfa
from accounts.models import Invitation, Membership
from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view


@require_safe
@member_view(Role.VIEWER)
def people_page(request: OrgRequest) -> HttpResponse:
    """List the members to everybody; owners also see how each signs in, and who is invited."""
    owns = request.member.may(Role.OWNER)
    members = Membership.objects.filter(org_id=request.org.pk).select_related("user")
    waiting = Invitation.objects.filter(org_id=request.org.pk, accepted_at=None, revoked_at=None)
    listed = list(members.order_by("-role", "user__name", "user__email"))
    secured = who_has_mfa([one.user_id for one in listed]) if owns else set()
    context = {
        "members": [(one, one.user_id in secured) for one in listed],
        "invitations": waiting.select_related("invited_by").order_by("-sent_at") if owns else [],
        "roles": reversed(Role),
        "owns": owns,
    }
    return render(request, "people/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.OWNER)
@keeping("role")
def people_member(request: OrgRequest, pk: int) -> HttpResponse:
    """Show a member, and give them another role."""
    member = _find(request, pk)
    form = RoleForm(request.POST or None, initial={"role": member.role} | take_kept(request))
    if request.method == "POST" and form.is_valid():
        try:
            changed = people.change_role(request.org.pk, pk, form.cleaned_data["role"], by=request.user)
            now = f"{member.user} is {form.cleaned_data['role'].label.lower()} now."
            messages.success(request, now if changed else "Nothing was changed.")
            return redirect("people_page", request.org.slug)
        except people.Refused as refused:
            form.add_error(None, f"{refused} Nothing was changed.")
    context = {
        "person": member,
        "form": form,
        "roles": reversed(Role),
        "self": member.pk == request.member.pk,
    }
    return render(request, "people/person.html", context, status=422 if form.errors else 200)


@require_POST
@member_view(Role.OWNER)
@needs_fresh_sign_in
def people_remove(request: OrgRequest, pk: int) -> HttpResponse:
    """Take a member out; their work and their entries in the trail stay."""
    _find(request, pk)
    try:
        gone = people.remove(request.org.pk, pk, by=request.user)
        messages.success(request, f"{gone.user} is no longer a member.")
    except people.Refused as refused:
        messages.error(request, f"{refused} Nobody was removed.")
    if pk == request.member.pk:
        return redirect("home")
    return redirect("people_page", request.org.slug)


@require_POST
@member_view(Role.VIEWER)
def people_leave(request: OrgRequest) -> HttpResponse:
    """Let the person go from this organization; their account stays."""
    try:
        people.leave(request.member)
    except people.Refused as refused:
        messages.error(request, f"{refused} You are still a member.")
        return redirect("people_page", request.org.slug)
    messages.success(request, f"You are no longer a member of {request.org}.")
    return redirect("home")


def _find(request: OrgRequest, pk: int) -> Membership:
    member = Membership.objects.select_related("user").filter(org_id=request.org.pk, pk=pk).first()
    if member is None:
        raise Http404("No such member")
    return member
