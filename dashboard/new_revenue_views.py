"""What a person does with usage that has no line: count it to a line that exists, or take that back (E2)."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Role
from dashboard import decisions, pairing
from dashboard.decisions import Refused
from dashboard.entries import ids_in, seen_in
from dashboard.models import Card, LinePairing
from dashboard.views import find, panel_context, refuse, show_row
from reconcile.tenancy.views import OrgRequest, member_view


@require_http_methods(["GET", "POST"])
@member_view(Role.APPROVER)
def pair(request: OrgRequest, card_id: int) -> HttpResponse:
    """Offer the account's lines, and count the usage to the one chosen; nothing is written to the PSA."""
    card = find(request, card_id)
    if request.method == "GET":
        lines = pairing.list_lines(card)
        return render(request, "dashboard/pair_dialog.html", panel_context(request, card) | {"lines": lines})
    decisions.keep_up(request.org.pk)
    try:
        locked = decisions.find(request.org.pk, card_id)
        made = pairing.pair(
            locked, seen_in(request), next(iter(ids_in(request, "line")), None), by=request.user
        )
    except (Refused, Card.DoesNotExist) as refused:
        return refuse(request, _as_refusal(refused))
    return _show_paired(request, card, made)


@require_POST
@member_view(Role.APPROVER)
def unpair(request: OrgRequest) -> HttpResponse:
    """Take a pairing back; the page is drawn anew, because the usage has a row of its own again."""
    try:
        pairing.unpair(request.org.pk, next(iter(ids_in(request, "pairing")), 0), by=request.user)
    except Refused as refused:
        return refuse(request, refused)
    if not request.htmx:
        return redirect("dashboard", request.org.slug)
    return HttpResponse(headers={"HX-Refresh": "true"})


def _show_paired(request: OrgRequest, gone: Card, made: LinePairing) -> HttpResponse:
    """Answer with the line as it is now, without the row of the usage, and with a way back."""
    target = find(request, Card.objects.get(org_id=request.org.pk, line=made.line).pk)
    response = show_row(request, target)
    context = panel_context(request, target) | {
        "gone": gone, "pairing": made, "swapped": True, "had_panel": request.POST.get("panel") == str(gone.pk)
    }  # fmt: skip
    response.write(render_to_string("dashboard/paired.html", context, request))
    return response


def _as_refusal(error: Exception) -> Refused:
    if isinstance(error, Refused):
        return error
    return Refused("This usage has a line by now. Nothing was done: reload the page.")
