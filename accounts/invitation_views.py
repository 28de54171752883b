"""Inviting by e-mail (A4), for owners; and the page that the link in the mail opens, for whoever holds the mailbox."""

import smtplib
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.utils import perform_login
from allauth.core.internal.ratelimit import consume_or_429
from django.contrib import messages
from django.core.mail import send_mail
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_POST

from accounts import invitations
from accounts.fresh import keeping, needs_fresh_sign_in, take_kept
from accounts.invite_form import InviteForm, NewPersonForm
from accounts.models import Invitation, Organization
from accounts.people import Refused
from accounts.roles import Role
from accounts.views import LAST_USED
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest, member_view

APP = "allauth.account"


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.OWNER, scoped=False)
@keeping("email", "role")
def people_invite(request: OrgRequest) -> HttpResponse:
    """Invite somebody; the answer is the same whether or not they have an account elsewhere."""
    form = InviteForm(request.POST or None, initial={"role": Role.REVIEWER} | take_kept(request))
    if request.method == "POST" and form.is_valid():
        if limited := _limit(request):
            return limited
        try:
            with org_scope(request.org.pk):
                made = invitations.invite(request.org.pk, **form.cleaned_data, by=request.user)
            _send(request, *made)
            return redirect("people_page", request.org.slug)
        except Refused as refused:
            form.add_error("email", str(refused))
    with org_scope(request.org.pk):
        context = {"form": form, "roles": reversed(Role)}
        return render(request, "people/invite.html", context, status=422 if form.errors else 200)


@require_POST
@member_view(Role.OWNER, scoped=False)
@needs_fresh_sign_in
def people_resend(request: OrgRequest, pk: int) -> HttpResponse:
    """Send an invitation again, with a new link and new time; the old link is void."""
    if limited := _limit(request):
        return limited
    try:
        with org_scope(request.org.pk):
            renewed = invitations.renew(request.org.pk, pk, by=request.user)
        _send(request, *renewed)
    except Invitation.DoesNotExist:
        raise Http404("No such invitation") from None
    except Refused as refused:
        messages.error(request, f"{refused} Nothing was sent.")
    return redirect("people_page", request.org.slug)


@require_POST
@member_view(Role.OWNER)
@needs_fresh_sign_in
def people_revoke(request: OrgRequest, pk: int) -> HttpResponse:
    """Take an invitation back: its link leads nowhere from now on."""
    try:
        gone = invitations.revoke(request.org.pk, pk, by=request.user)
        messages.success(request, f"The invitation of {gone.email} is revoked. Its link no longer works.")
    except Invitation.DoesNotExist:
        raise Http404("No such invitation") from None
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("people_page", request.org.slug)


def _limit(request: OrgRequest) -> HttpResponse | None:
    """Count what an organization sends: the product is not a way to send mail to strangers."""
    limited: HttpResponse | None = consume_or_429(
        request, app=APP, action="send_invitation", key=f"org:{request.org.pk}"
    )
    return limited


def _send(request: OrgRequest, invitation: Invitation, token: str) -> None:
    """Send the mail, outside of any transaction; when that fails the invitation stays and can be sent again."""
    link = request.build_absolute_uri(reverse("invitation", args=[token]))
    words = {"invitation": invitation, "org": request.org, "by": request.user, "link": link}
    subject = " ".join(render_to_string("people/mail/invitation_subject.txt", words).split())
    try:
        send_mail(
            subject,
            render_to_string("people/mail/invitation_message.txt", words, request),
            None,
            [invitation.email],
        )
        messages.success(request, f"The invitation is on its way to {invitation.email}.")
    except (OSError, smtplib.SMTPException):
        messages.error(
            request,
            f"{invitation.email} is invited, but the mail could not be sent. Send it again in a few minutes.",
        )


Invited = Callable[[HttpRequest, Invitation, str], HttpResponse]


def invited_view(view: Invited) -> Callable[[HttpRequest, str], HttpResponse]:
    """Give the view the invitation of a token that still works; any other gets one and the same page."""

    @wraps(view)
    def inner(request: HttpRequest, token: str) -> HttpResponse:
        response: HttpResponse | None = consume_or_429(
            request, app=APP, action="open_invitation", limit_get=True
        )
        if response is None:
            invitation = _look_up(token)
            if invitation is None:
                response = render(request, "people/invitation_void.html", status=404)
            else:
                response = view(request, invitation, token)
        add_never_cache_headers(response)
        return response

    return inner


def _look_up(token: str) -> Invitation | None:
    org_id = invitations.find_organization(token)
    if org_id is None:
        return None
    with org_scope(org_id):
        found = invitations.find(token)
    return found if found and found.is_usable else None


@require_http_methods(["GET", "HEAD"])
@invited_view
def invitation(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    """Say who invites to what, and offer the way in that fits: join, sign in, or make an account."""
    return _show(request, found, token, NewPersonForm(email=found.email))


@require_POST
@invited_view
def invitation_accept(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    """Make the person who is signed in a member; whoever is somebody else is told so."""
    if not request.user.is_authenticated:
        return redirect("invitation", token)
    try:
        with org_scope(found.org_id):
            invitations.accept(found.org_id, token, request.user)
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("invitation", token)
    return _enter(request, found.org)


@require_POST
@invited_view
def invitation_join(request: HttpRequest, found: Invitation, token: str) -> HttpResponse:
    """Make an account for the address invited, sign the person in, and found nothing."""
    form = NewPersonForm(request.POST, email=found.email)
    if request.user.is_authenticated or not form.is_valid():
        return _show(request, found, token, form)
    try:
        with org_scope(found.org_id):
            user = invitations.join_newly(
                found.org_id, token, form.cleaned_data["name"], form.cleaned_data["password1"]
            )
    except Refused as refused:
        form.add_error(None, str(refused))
        return _show(request, found, token, form)
    request.session[LAST_USED] = found.org.slug
    response: HttpResponse = perform_login(
        request, user, redirect_url=reverse("dashboard", args=[found.org.slug])
    )
    return response


def _enter(request: HttpRequest, org: Organization) -> HttpResponse:
    request.session[LAST_USED] = org.slug
    messages.success(request, f"Welcome to {org}.")
    return redirect("dashboard", org.slug)


def _show(request: HttpRequest, found: Invitation, token: str, form: Any) -> HttpResponse:
    mine = request.user.is_authenticated and invitations.holds(request.user, found.email)
    context = {
        "invitation": found,
        "org": found.org,
        "role": Role(found.role),
        "token": token,
        "form": form,
        "mine": mine,
    }
    return render(request, "people/invitation.html", context, status=422 if form.errors else 200)
