"""Feedback (A5): a small dialog, and a page of its own where a browser runs no script."""

import json

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import support
from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view

THANKS = "Thank you: it is on its way to us. We answer by e-mail, so look into your spam folder, too."
TOO_OFTEN = "That was a lot for one hour, and this one was not kept. Write again later, or send it by e-mail."


class FeedbackForm(forms.Form):
    """Asks for a few words."""

    text = forms.CharField(
        max_length=4000,
        error_messages={
            "required": "Write a few words first. Nothing was sent.",
            "max_length": "This is longer than 4,000 characters. Shorten it, or send it by e-mail.",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.VIEWER)
def feedback(request: OrgRequest) -> HttpResponse:
    """Keep what a member wrote, and pass it on to support; say what is wrong in its place."""
    form = FeedbackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            support.give_feedback(request.member, form.cleaned_data["text"])
            return _thank(request)
        except support.TooOften:
            form.add_error("text", TOO_OFTEN)
    template = "support/feedback_form.html" if request.htmx else "support/feedback.html"
    return render(request, template, {"form": form}, status=422 if form.errors else 200)


def _thank(request: OrgRequest) -> HttpResponse:
    if not request.htmx:
        messages.success(request, THANKS)
        return redirect("dashboard", request.org.slug)
    response = render(request, "support/feedback_form.html", {})
    response["HX-Trigger"] = json.dumps({"close-dialogs": True, "toast": {"text": THANKS}})
    return response
