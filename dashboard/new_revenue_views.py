"""What a person does with usage that has no line: add one, or count it to one that exists; and back (E2)."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Role
from dashboard import adding, decisions, pairing
from dashboard.decisions import Doubted, Refused
from dashboard.entries import decimal_in, ids_in, meant_in, seen_in
from dashboard.models import Card, LinePairing
from dashboard.views import ask, find, panel_context, refuse, refuse_line, show_row
from reconcile.tenancy.views import OrgRequest, member_view


@require_http_methods(["GET", "POST"])
@member_view(Role.APPROVER)
def add(request: OrgRequest, card_id: int) -> HttpResponse:
    """Offer the agreements that can hold a line for the usage, and add one to the agreement chosen."""
    card = find(request, card_id)
    if request.method == "GET":
        decisions.refuse_closed(request.org.pk)
        if not card.line_id and card.kind == Card.Kind.NEW:
            return render(request, "dashboard/add_dialog.html", _adding(request, card))
        return refuse(request, Refused("A line bills this usage already, or its count is unknown."))
    decisions.keep_up(request.org.pk)
    agreement, _, rest = request.POST.get("place", "").partition("|")
    day, _, price = rest.partition("|")
    try:
        adding.add(
            decisions.find(request.org.pk, card_id),
            seen_in(request),
            f"{agreement}|{day}",
            price=decimal_in(price) if price else None,
            units=decimal_in(request.POST.get("units", "")),
            by=request.user,
            meant=meant_in(request),
        )
    except Doubted as doubted:
        return ask(request, doubted)
    except (Refused, Card.DoesNotExist) as refused:
        return _refuse_usage(request, card_id, refused)
    return show_row(request, find(request, card_id))


@require_http_methods(["GET", "POST"])
@member_view(Role.APPROVER)
def pair(request: OrgRequest, card_id: int) -> HttpResponse:
    """Offer the account's lines, and count the usage to the one chosen; nothing is written to the PSA."""
    card = find(request, card_id)
    if request.method == "GET":
        decisions.refuse_closed(request.org.pk)
        lines = pairing.list_lines(card)
        return render(request, "dashboard/pair_dialog.html", panel_context(request, card) | {"lines": lines})
    decisions.keep_up(request.org.pk)
    try:
        locked = decisions.find(request.org.pk, card_id)
        made = pairing.pair(
            locked, seen_in(request), next(iter(ids_in(request, "line")), None), by=request.user
        )
    except (Refused, Card.DoesNotExist) as refused:
        return _refuse_usage(request, card_id, refused)
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
    """Load the lines anew, because the usage's row is gone and another line counts it, with a way back."""
    words = {"gone": gone, "line": made.line, "pairing": made}
    messages.success(request, render_to_string("dashboard/paired.html", words, request))
    if not request.htmx:
        return redirect("dashboard", request.org.slug)
    target = Card.objects.get(org_id=request.org.pk, line=made.line)
    # Of the page that asked, the view alone: a panel that was open on the usage is one on the line now.
    view = urlsplit(request.htmx.current_url or "").query.replace(f"open={gone.pk}", f"open={target.pk}")
    page = reverse("dashboard", args=[request.org.slug])
    return HttpResponse(headers={"HX-Redirect": f"{page}?{view}" if view else page})


def _refuse_usage(request: OrgRequest, card_id: int, error: Exception) -> HttpResponse:
    """Say why nothing was done, and show the row as it is now where there is still one."""
    if isinstance(error, Refused):
        return refuse_line(request, error, card_id)
    return refuse(request, Refused("This usage has a line by now. Nothing was done: reload the page."))


def _adding(request: OrgRequest, card: Card) -> dict[str, Any]:
    return panel_context(request, card) | {"places": adding.list_places(card)}
