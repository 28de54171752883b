"""Settling by hand an added line that nobody could tell of: the dialog, and what a person found in the PSA (B5)."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.roles import Role
from dashboard import decisions
from dashboard.decisions import Refused
from dashboard.views import refuse
from psa import push_settling
from psa.models import Push
from psa.push_settling import NotSettled
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest, member_view

OTHER, ABSENT = "other", "absent"
SETTLED = {
    Push.State.CONFIRMED: "Settled: {push.connection} shows the line, and it is compared from now on.",
    Push.State.FAILED: "Settled: the line is not there. Nothing was sent; add it again if it is still wanted.",
}


@require_http_methods(["GET", "POST"])
@member_view(Role.APPROVER, scoped=False)
def settle(request: OrgRequest, push_id: int) -> HttpResponse:
    """Ask which line it is, or that there is none; the PSA is read before either is believed."""
    try:
        with org_scope(request.org.pk):
            push = _find(request, push_id)
            if request.method == "GET":
                context = {"push": push, "candidates": push_settling.list_candidates(push)}
                return render(request, "dashboard/settle_addition_dialog.html", context)
        push = _settle(request, push)
    except (Refused, NotSettled) as refused:
        with org_scope(request.org.pk):
            field = "line_id" if request.POST.get("line") == OTHER else "answer"
            return refuse(request, Refused(refused.sentence, field))
    messages.success(request, SETTLED[Push.State(push.state)].format(push=push))
    if not request.htmx:
        return redirect("dashboard", request.org.slug)
    return HttpResponse(headers={"HX-Refresh": "true"})


def _find(request: OrgRequest, push_id: int) -> Push:
    """Give the push, when it is an addition that waits for a person in a month that is open; else refuse, or 404."""
    pushes = Push.objects.select_related("connection", "account", "agreement", "service")
    push = pushes.filter(org_id=request.org.pk, pk=push_id).first()
    if push is None:
        raise Http404("No such push")
    decisions.refuse_closed(request.org.pk)
    if not push.adds or push.state != Push.State.PERSON:
        raise Refused(push_settling.MEANWHILE)
    return push


def _settle(request: OrgRequest, push: Push) -> Push:
    said = request.POST.get("line", "")
    if said == ABSENT:
        return push_settling.say_absent(push.org_id, push.pk, by=request.user)
    line_id = request.POST.get("line_id", "") if said == OTHER else said
    return push_settling.say_there(push.org_id, push.pk, line_id.strip().removeprefix("#"), by=request.user)
