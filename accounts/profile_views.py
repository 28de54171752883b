"""A person's own pages: the profile with the ways they sign in, and ending a session (A2)."""

from typing import Any, cast

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for the name and whether single letters work as keys."""

    class Meta:
        model = User
        fields = ("name", "single_keys")
        widgets = {
            "name": forms.TextInput({"class": "input", "autocomplete": "name"}),
            "single_keys": forms.CheckboxInput({"class": "tick"}),
        }


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change what concerns only this person."""
    user = cast(User, request.user)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("profile")
    context: dict[str, Any] = {
        "form": form,
        "steps": steps_of(user),
        "sessions": len(UserSession.objects.purge_and_list(user)),
    }
    return render(request, "account/profile.html", context, status=422 if form.errors else 200)


def steps_of(user: User) -> dict[str, int]:
    """Count the person's second steps by kind."""
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    return {kind: kinds.count(kind) for kind in kinds}


@login_required
@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the person's own sessions elsewhere; the one that asks is ended by signing out."""
    found = UserSession.objects.filter(user=cast(User, request.user), pk=pk).first()
    if found is None or found.is_current():
        raise Http404("No such session")
    found.end()
    messages.success(request, "That browser is signed out.")
    return redirect("usersessions_list")
