"""Answers about pushes whose card has gone: a page that still asks, an addition that a person must look up."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import ReconcileSettings
from accounts.roles import Role
from dashboard import following
from dashboard.filters import number
from dashboard.models import Card
from dashboard.views import find, frame, panel_page, read_filters, show_row
from psa.models import Push
from reconcile.tenancy.views import OrgRequest, member_view


@require_GET
@member_view(Role.VIEWER)
def row(request: OrgRequest, card_id: int) -> HttpResponse:
    """Show one row as it is now; a row that is being pushed asks again every second, and stops when it has gone."""
    card = _look(request, card_id)
    if card is None:
        limits = ReconcileSettings.objects.get(org_id=request.org.pk)
        context = frame(request, read_filters(request, limits), limits)
        return render(request, "dashboard/row_gone.html", context | {"gone": card_id, "swapped": True})
    return show_row(request, card, replaces=card_id)


@require_GET
@member_view(Role.VIEWER)
def details(request: OrgRequest, card_id: int) -> HttpResponse:
    """Show the details panel of one line, alone or inside its page."""
    card = _look(request, card_id)
    return render(request, "dashboard/panel_gone.html") if card is None else panel_page(request, card)


@require_POST
@member_view(Role.APPROVER)
def look_again(request: OrgRequest, push_id: int) -> HttpResponse:
    """Look up in the PSA what became of an added line whose usage has no row any more."""
    if not Push.objects.filter(org_id=request.org.pk, pk=push_id).exists():
        raise Http404("No such push")
    following.look_again(request.org.pk, push_id, by=request.user)
    messages.success(
        request, "It is being looked up. It is sent once more only if the PSA surely does not show it."
    )
    return redirect("dashboard", request.org.slug)


def _look(request: OrgRequest, card_id: int) -> Card | None:
    """Give a card, or what followed it while the push that the page names was on its way; None when nothing did."""
    try:
        return find(request, card_id)
    except Http404:
        pushes = Push.objects.filter(org_id=request.org.pk, pk=int(number(request.GET.get("push", "")) or 0))
        push = pushes.first()
        if push is None:
            raise
    after = following.card_after(push)
    return find(request, after.pk) if after else None
