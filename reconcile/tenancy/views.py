"""The one decorator of every view inside an organization: who is this, may they, and in whose scope."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, Protocol, cast

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from accounts.models import DisplaySettings, Membership, Organization, User
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope, user_scope


class OrgRequest(HttpRequest):
    """A request inside an organization, as `member_view` hands it on."""

    org: Organization
    member: Membership
    display: DisplaySettings
    user: User
    htmx: Any


class _View(Protocol):
    required_role: Role

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse: ...


def find_membership(user: User, slug: str) -> Membership:
    """Give the person's membership of the organization `slug`; a stranger gets the 404 of a missing one."""
    with user_scope(user.pk):
        member = Membership.objects.select_related("org", "user").filter(user=user, org__slug=slug).first()
    if member is None:
        raise Http404("No such organization")
    return member


def member_view(
    role: Role, *, writes_from: Role | None = None, scoped: bool = True, while_closed: bool = False
) -> Callable[[Callable[Concatenate[OrgRequest, ...], HttpResponse]], _View]:
    """Give the view to members who may do what `role` may; POST asks for `writes_from` when that is higher.

    A stranger gets 404, a member whose role is too low a 403 page that names the role needed. The view
    runs inside the organization's scope, rendering included; with `scoped=False` it opens
    `org_scope(request.org.pk)` itself, step by step, because it makes calls to other systems. An organization
    that is being deleted shows nothing but the views `while_closed`, and those only to members who may use them.
    """

    def decorate(view: Callable[Concatenate[OrgRequest, ...], HttpResponse]) -> _View:
        @wraps(view)
        def inner(request: OrgRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            request.member = find_membership(request.user, slug)
            request.org = request.member.org
            if request.member.lacks_mfa:
                return lead_to_mfa(request)
            needed = writes_from if writes_from and request.method not in {"GET", "HEAD"} else role
            if request.org.closing_since and not (while_closed and request.member.may(needed)):
                return say_closed(request)
            with _reading(request, scoped=scoped):
                allowed = request.member.may(needed)
                response = view(request, *args, **kwargs) if allowed else refuse(request, needed)
            add_never_cache_headers(response)
            return response

        guarded = cast(_View, login_required(cast(Any, inner)))
        guarded.required_role = role
        return guarded

    return decorate


def lead_to_mfa(request: OrgRequest) -> HttpResponse:
    """Say what the organization asks for before it opens, and lead there; the person's others stay open."""
    response = render(request, "account/mfa_needed.html", {"org_name": request.org.name}, status=403)
    add_never_cache_headers(response)
    return response


def say_closed(request: OrgRequest) -> HttpResponse:
    """Say that the organization is being deleted, until when it can be restored, and by whom."""
    context = {
        "org_name": request.org.name,
        "erased_from": request.org.erased_from,
        "owns": request.member.may(Role.OWNER),
        "delete_url": reverse("organization_delete", args=[request.org.slug]),
    }
    response = render(request, "account/closing.html", context, status=403)
    add_never_cache_headers(response)
    return response


@contextmanager
def _reading(request: OrgRequest, *, scoped: bool) -> Iterator[None]:
    """Show times in the organization's zone for the length of a request, in its scope or (not `scoped`) outside."""
    with org_scope(request.org.pk):
        request.display = DisplaySettings.objects.get(org_id=request.org.pk)
        if scoped:
            with timezone.override(request.display.zone):
                yield
            return
    with timezone.override(request.display.zone):
        yield


def refuse(request: OrgRequest, needed: Role) -> HttpResponse:
    """Say plainly which role this needs; nothing was done."""
    with org_scope(request.org.pk):
        return render(request, "403.html", {"needed": needed, "member": request.member}, status=403)
