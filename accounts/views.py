"""The way in: home, and choosing or founding an organization."""

from typing import cast

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Membership, Organization, User
from accounts.signup import OrganizationFields
from reconcile.tenancy.scope import user_scope
from reconcile.tenancy.views import find_membership

LAST_USED = "organization"


def memberships(user: User) -> list[Membership]:
    """Give the person's memberships with their organizations, by name."""
    with user_scope(user.pk):
        own = Membership.objects.filter(user=user)
        return list(own.select_related("org").order_by("org__name", "org_id"))


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the only organization, or to the one last chosen, or to the choice."""
    own = memberships(cast(User, request.user))
    last_used = [member for member in own if member.org.slug == request.session.get(LAST_USED)]
    if len(own) == 1 or last_used:
        return redirect("dashboard", (last_used or own)[0].org.slug)
    return organizations(request)


@login_required
@require_safe
def organizations(request: HttpRequest) -> HttpResponse:
    """Show the person's organizations: a page to choose on, or the switcher's menu for htmx."""
    template = "account/organizations.html#menu" if request.htmx else "account/organizations.html"  # type: ignore[attr-defined]
    context = {"memberships": memberships(cast(User, request.user)), "form": OrganizationFields()}
    return render(request, template, context)


@login_required
@require_POST
def switch_organization(request: HttpRequest) -> HttpResponse:
    """Remember the organization chosen and go there; a stranger's choice is a 404."""
    member = find_membership(
        cast(User, request.user), request.POST.get("organization", "").replace("\x00", "")
    )
    request.session[LAST_USED] = member.org.slug
    return redirect("dashboard", member.org.slug)


@login_required
@require_POST
def found_organization(request: HttpRequest) -> HttpResponse:
    """Found an organization with this person as its owner, and go there."""
    user = cast(User, request.user)
    form = OrganizationFields(request.POST)
    if not form.is_valid():
        context = {"memberships": memberships(user), "form": form}
        return render(request, "account/organizations.html", context, status=422)
    org = Organization.found(name=form.cleaned_data["organization"], owner=user)
    request.session[LAST_USED] = org.slug
    return redirect("dashboard", org.slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_again(request: HttpRequest) -> HttpResponse:
    """Let a person with neither password nor second factor prove who they are: by signing in once more."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    if not url_has_allowed_host_and_scheme(wanted, None):
        wanted = reverse("home")
    if request.method == "POST":
        logout(request)
        return redirect(f"{reverse('account_login')}?{urlencode({'next': wanted})}")
    return render(request, "account/sign_in_again.html", {"next": wanted})
