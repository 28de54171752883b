"""Fresh sign-in (RELIABILITY §4): sensitive acts need a proof of identity that is only minutes old."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate
from urllib.parse import urlencode, urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import authentication_step_completed, user_logged_in
from django.conf import settings
from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

# In the session of whoever was led away to prove who they are: that they were, and what they had chosen.
ASKED = "asked_for_proof"
KEPT = "kept_meanwhile"
LONGEST_KEPT = 1000
View = Callable[Concatenate[Any, ...], HttpResponse]


def signed_in_lately(request: HttpRequest) -> bool:
    """Say whether this session's person has proved who they are within the minutes of the setting."""
    proofs = get_authentication_records(request, request.user)
    return bool(proofs) and time.time() - proofs[-1]["at"] < settings.FRESH_SIGN_IN_MINUTES * 60


def needs_fresh_sign_in(view: View) -> View:
    """Let the view change something only for who has signed in lately; stands below `member_view`."""
    return keeping()(view)


def keeping(*names: str) -> Callable[[View], View]:
    """Be `needs_fresh_sign_in` for a form whose named fields stand in it again after the proof: see `take_kept`.

    Name no field that may hold a secret: a session is no place for one.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def inner(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method in {"GET", "HEAD"} or signed_in_lately(request):
                return view(request, *args, **kwargs)
            return ask(request, {name: request.POST.get(name, "")[:LONGEST_KEPT] for name in names})

        return inner

    return guard


def take_kept(request: HttpRequest) -> dict[str, str]:
    """Give what was chosen in this page's form before the proof, once; it is still to be sent."""
    path, chosen = request.session.get(KEPT, ("", {}))
    if path != request.path or request.method != "GET":
        return {}
    del request.session[KEPT]
    return dict(chosen)


def ask(request: Any, chosen: dict[str, str] | None = None) -> HttpResponse:
    """Lead to the proof and from there back to the page that was open; nothing was done."""
    request.session[ASKED] = True
    request.session.pop(KEPT, None)
    # Only the page with the form in it can show what was chosen.
    if chosen and urlsplit(_page_behind(request)).path == request.path:
        request.session[KEPT] = (request.path, chosen)
    where = f"{proof_address(request)}?{urlencode({'next': _page_behind(request)})}"
    return HttpResponseClientRedirect(where) if request.htmx else redirect(where)


def must_prove(request: HttpRequest, lines: int) -> bool:
    """Say whether so many lines at once need a fresher sign-in than this one."""
    return lines > settings.FRESH_SIGN_IN_LINES and not signed_in_lately(request)


@receiver(user_logged_in)
def count_signing_up(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Signing up, or joining by invitation, is a proof as well; by itself it leaves none in the session."""
    if not get_authentication_records(request, user):
        record_authentication(request, user, method="signup")


@receiver(authentication_step_completed)
def say_what_comes_next(request: HttpRequest, **kwargs: Any) -> None:
    """Tell whoever was asked and is led back that the act itself is still to be done."""
    if request.session.pop(ASKED, False):
        kept = "What you chose is filled in: send it again." if KEPT in request.session else ""
        messages.info(
            request,
            f"Thank you. Nothing had been changed yet{f'. {kept}' if kept else ': please do it once more.'}",
        )


def proof_address(request: HttpRequest) -> str:
    """Give where this person proves who they are: by password, else by a second factor, else by a new sign-in."""
    ways = get_adapter().get_reauthentication_methods(request.user)
    return str(ways[0]["url"]) if ways else reverse("sign_in_again")


def _page_behind(request: Any) -> str:
    """Give the page that the browser shows, which is not the one that it has posted to."""
    shown = request.htmx.current_url or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(shown, {request.get_host()}, require_https=request.is_secure()):
        return reverse("home")
    parts = urlsplit(shown)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
