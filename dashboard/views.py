"""Contract reconciliation: the list, the details panel, the dialogs of a line, and how an act on it is answered."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.models import ReconcileSettings
from accounts.rates import exchange_for
from accounts.roles import Role
from dashboard import (
    adding,
    asides,
    cards,
    decisions,
    following,
    notes,
    past_loading,
    people_behind,
    saved_views,
    totals,
)
from dashboard.choices import list_chips
from dashboard.decisions import Doubted, Refused
from dashboard.filters import GROUPS, Filters
from dashboard.hidden import find_hidden
from dashboard.history import look_back
from dashboard.lists import list_page, with_remarks
from dashboard.models import Card
from dashboard.rights import rights
from dashboard.rows import Row
from dashboard.seconds import has_another_approver
from dashboard.setup import next_step
from dashboard.templatetags.lines import plain
from dashboard.why import explain, guard_sentence
from dashboard.words import DISMISS_REASONS
from psa import tags
from reconcile.period import month_of
from reconcile.tenancy.views import OrgRequest, member_view

DIALOGS = {
    "edit": "dashboard/edit_dialog.html",
    "date": "dashboard/edit_dialog.html",
    "dismiss": "dashboard/dismiss_dialog.html",
    "snooze": "dashboard/snooze_dialog.html",
    "turn-down": "dashboard/turn_down_dialog.html",
}
# A card in one of these states has been approved, perhaps in another tab.
APPROVED = (Card.State.PUSHING, Card.State.READY)


def frame(request: OrgRequest, filters: Filters, limits: ReconcileSettings) -> dict[str, Any]:
    """Give what stands around the lines: the same for the page and for every fragment that changes it."""
    exchange = exchange_for(request.org.pk, currency=request.display.currency)
    return {
        "filters": filters,
        "groups": GROUPS,
        "exchange": exchange,
        "totals": totals.count(request.org.pk, exchange, shows_all=filters.shows_all),
        "unmapped": totals.find_unmapped(request.org.pk).price(exchange),
        "sources": totals.look_at_sources(request.org.pk, limits.stale_hours),
        "period": month_of(timezone.now()),
        "month_before": month_of(timezone.now()) - timedelta(days=1),
        "bills_from": cards.bills_from(),
        "limits": limits,
        **rights(request),
    }


@require_GET
@member_view(Role.VIEWER)
def dashboard(request: OrgRequest) -> HttpResponse:
    """Show the lines of the current period, in groups; htmx picks the part that changes from the page."""
    if not request.GET and (query := saved_views.opening_query(request.org.pk, request.user)):
        return redirect(f"{request.path}?{query}")
    limits = ReconcileSettings.objects.get(org_id=request.org.pk)
    filters = Filters.read(request.GET, limits.contract_view)
    cards.refresh_if_outdated(request.org.pk, limits.stale_hours)
    context = frame(request, filters, limits)
    if not context["sources"].connections:
        return redirect("setup", request.org.slug)
    context |= {
        "page": list_page(request.org.pk, filters, context["exchange"]),
        "chips": list_chips(request.org.pk, filters),
        "hidden": find_hidden(request.org.pk, shows_all=filters.shows_all).price(context["exchange"]),
        "next_step": next_step(request.org.pk),
    }
    if filters.tab == "todo":
        context["lost"] = list(following.list_additions(request.org.pk))
    if filters.open:
        context |= panel_context(request, find(request, int(filters.open)))
    return render(request, "dashboard/page.html", context)


def find(request: OrgRequest, card_id: int) -> Card:
    """Give one card with all that its row prints, or 404."""
    card = with_remarks(Card.objects.filter(org_id=request.org.pk, pk=card_id)).first()
    if card is None:
        raise Http404("No such line")
    return card


def panel_context(request: OrgRequest, card: Card) -> dict[str, Any]:
    """Give what the details panel explains."""
    limits = ReconcileSettings.objects.get(org_id=request.org.pk)
    whole, now = past_loading.load(card.org_id, card.account_id), timezone.now()
    why = explain(card, whole)
    return {
        "card": card,
        "exchange": exchange_for(request.org.pk, currency=request.display.currency),
        "row": Row(card),
        "why": why,
        "behind": people_behind.look(people_behind.find_sources(card, whole, now, why.pairings), now),
        "past": look_back(card, whole),
        "offered": decisions.list_choices(card),
        "can_add": adding.can_add(card),
        "guard": guard_sentence(card, limits),
        "notes": notes.of_card(card),
        "tag_names": tags.list_worn(card.org_id),
        "worn": tags.list_of(card.org_id, card.account_id, card.service_id),
        **rights(request),
        "bills_from": cards.bills_from(),
        "another_approver": has_another_approver(request.org.pk, card.push.requested_by)
        if card.push and card.push.waits_for_second
        else True,
    }


def panel_page(request: OrgRequest, card: Card) -> HttpResponse:
    """Answer with the details panel of one line, alone or inside its page."""
    if not request.htmx:
        page = reverse("dashboard", args=[request.org.slug])
        return redirect(page + Filters(tab="all").address(open=str(card.pk)))
    return render(request, "dashboard/panel.html", panel_context(request, card))


@require_GET
@member_view(Role.REVIEWER)
def dialog(request: OrgRequest, card_id: int, name: str) -> HttpResponse:
    """Show the dialog that edits, dismisses or snoozes one line, or confirms a held one."""
    if name not in DIALOGS:
        raise Http404("No such dialog")
    decisions.refuse_closed(request.org.pk)
    today = timezone.now().date()
    context = panel_context(request, find(request, card_id)) | {"act": name, "reasons": DISMISS_REASONS}
    context |= {"presets": asides.presets(today)} | sending_days()
    return render(request, DIALOGS[name], context)


def sending_days() -> dict[str, Any]:
    """Give the days between which a change may wait to be sent."""
    today = timezone.now().date()
    return {"first_day": today + timedelta(days=1), "last_day": today + timedelta(days=asides.LONGEST_DAYS)}


def read_filters(request: OrgRequest, limits: ReconcileSettings) -> Filters:
    """Give the view of the page that asked for a fragment."""
    asked_from = urlsplit(request.htmx.current_url or "").query
    return Filters.read(QueryDict(asked_from), limits.contract_view)


def show_row(
    request: OrgRequest, card: Card, toast: str = "", *, replaces: int | None = None, offer: str = ""
) -> HttpResponse:
    """Answer with a row and everything whose numbers it changed, drawn as on the page that asked.

    It stands in the place of the row of `replaces`, when that is another card that has gone. `offer`: the rule
    that the toast offers to make, as the query of its form.
    """
    limits = ReconcileSettings.objects.get(org_id=request.org.pk)
    context = frame(request, read_filters(request, limits), limits)
    context |= {"row": Row(card), "swapped": True, "was_stopped": "was_stopped" in request.POST}
    context["replaces"] = replaces if replaces != card.pk else None
    context |= {"toast": toast, "offer": offer}
    if request.POST.get("panel") == str(card.pk):
        context |= panel_context(request, card)
    response = render(request, "dashboard/row_swap.html", context)
    events: dict[str, Any] = {"close-dialogs": True}
    if toast and not offer:
        events["toast"] = {"text": toast}
    if request.method == "POST":
        response["HX-Trigger"] = json.dumps(events)
    return response


def refuse(request: OrgRequest, refused: Refused) -> HttpResponse:
    """Say why nothing was done."""
    return render(request, "dashboard/refused.html", {"refused": refused}, status=409)


def ask(request: OrgRequest, doubted: Doubted) -> HttpResponse:
    """Ask in the dialog whether a doubtful quantity is meant; a page without a script is told why nothing was done."""
    if not request.htmx:
        return refuse(request, doubted)
    # htmx swaps it in, as it does a form with its errors.
    return render(request, "dashboard/doubt.html", {"doubted": doubted}, status=422)


def refuse_line(request: OrgRequest, refused: Refused, card_id: int) -> HttpResponse:
    """Say why nothing was done to a line; one that is not what the person saw is shown as it is now."""
    card = find(request, card_id)
    shown = (request.POST.get("seen_psa"), request.POST.get("seen_vendor"))
    moved_on = card.state in APPROVED or shown != (plain(card.psa_units), plain(card.vendor_units))
    if not (request.htmx and moved_on):
        return refuse(request, refused)
    response = show_row(request, card, refused.sentence)
    # htmx swaps it in, as it does a form with its errors.
    response.status_code = 422
    return response
