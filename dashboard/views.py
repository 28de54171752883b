"""Contract reconciliation: the list, its rows, the details panel, and the acts on lines."""

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from accounts.models import ReconcileSettings
from accounts.roles import Role
from dashboard import cards, decisions, totals
from dashboard.decisions import Refused, Seen
from dashboard.filters import GROUPS, KINDS, TABS, Filters, number
from dashboard.lists import list_choices, list_page, with_names
from dashboard.models import Card
from dashboard.period import current_period
from dashboard.rows import Row
from dashboard.setup import next_step
from dashboard.templatetags.lines import plain
from dashboard.why import explain, guard_sentence
from dashboard.words import DISMISS_REASONS
from reconcile.tenancy.views import OrgRequest, member_view

# With and without commas between thousands; under a million millions, as the columns are.
QUANTITY = re.compile(r"(\d{1,12}|\d{1,3}(,\d{3}){1,3})(\.\d{1,6})?|\.\d{1,6}", re.ASCII)
# A card in one of these states has been approved, perhaps in another tab.
APPROVED = (Card.State.PUSHING, Card.State.READY)


def frame(request: OrgRequest, filters: Filters, limits: ReconcileSettings) -> dict[str, Any]:
    """Give what stands around the lines: the same for the page and for every fragment that changes it."""
    return {
        "filters": filters,
        "tabs": [(name, label) for name, (label, _) in TABS.items()],
        "groups": GROUPS,
        "kinds": KINDS,
        "totals": totals.count(request.org.pk),
        "unmapped": totals.find_unmapped(request.org.pk),
        "sources": totals.look_at_sources(request.org.pk, limits.stale_hours),
        "period": current_period(timezone.now()),
        "bills_from": cards.bills_from(),
        "may_approve": request.member.may(Role.APPROVER),
        "may_prepare": request.member.may(Role.REVIEWER),
        "limits": limits,
    }


@require_GET
@member_view(Role.VIEWER)
def dashboard(request: OrgRequest) -> HttpResponse:
    """Show the lines of the current period, in groups; htmx picks the part that changes from the page."""
    filters = Filters.read(request.GET)
    limits = ReconcileSettings.objects.get(org_id=request.org.pk)
    cards.refresh_if_outdated(request.org.pk, limits.stale_hours)
    context = frame(request, filters, limits)
    if not context["sources"].connections:
        return redirect("setup", request.org.slug)
    context |= {
        "page": list_page(request.org.pk, filters),
        "choices": list_choices(request.org.pk),
        "next_step": next_step(request.org.pk),
    }
    if filters.open:
        context |= panel_context(request, find(request, int(filters.open)))
    return render(request, "dashboard/page.html", context)


def find(request: OrgRequest, card_id: int) -> Card:
    """Give one card with all that its row prints, or 404."""
    card = with_names(Card.objects.filter(org_id=request.org.pk, pk=card_id)).first()
    if card is None:
        raise Http404("No such line")
    return card


def panel_context(request: OrgRequest, card: Card) -> dict[str, Any]:
    """Give what the details panel explains."""
    limits = ReconcileSettings.objects.get(org_id=request.org.pk)
    return {
        "card": card,
        "row": Row(card),
        "why": explain(card),
        "offered": decisions.list_choices(card),
        "guard": guard_sentence(card, limits),
        "may_approve": request.member.may(Role.APPROVER),
        "may_prepare": request.member.may(Role.REVIEWER),
        "bills_from": cards.bills_from(),
    }


@require_GET
@member_view(Role.VIEWER)
def details(request: OrgRequest, card_id: int) -> HttpResponse:
    """Show the details panel of one line, alone or inside its page."""
    card = find(request, card_id)
    if not request.htmx:
        page = reverse("dashboard", args=[request.org.slug])
        return redirect(page + Filters(tab="all").address(open=str(card_id)))
    return render(request, "dashboard/panel.html", panel_context(request, card))


@require_GET
@member_view(Role.VIEWER)
def row(request: OrgRequest, card_id: int) -> HttpResponse:
    """Show one row as it is now; a row that is being pushed asks again every second."""
    return show_row(request, find(request, card_id))


@require_GET
@member_view(Role.REVIEWER)
def dialog(request: OrgRequest, card_id: int, name: str) -> HttpResponse:
    """Show the dialog that edits or dismisses one line, or confirms a held one."""
    if name not in ("edit", "dismiss"):
        raise Http404("No such dialog")
    context = panel_context(request, find(request, card_id)) | {"reasons": DISMISS_REASONS}
    return render(request, f"dashboard/{name}_dialog.html", context)


def show_row(request: OrgRequest, card: Card, toast: str = "") -> HttpResponse:
    """Answer with a row and everything whose numbers it changed, drawn as on the page that asked."""
    asked_from = urlsplit(request.htmx.current_url or "").query
    limits = ReconcileSettings.objects.get(org_id=request.org.pk)
    context = frame(request, Filters.read(QueryDict(asked_from)), limits)
    context |= {"row": Row(card), "swapped": True, "was_stopped": "was_stopped" in request.POST}
    if request.POST.get("panel") == str(card.pk):
        context |= panel_context(request, card)
    response = render(request, "dashboard/row_swap.html", context)
    events: dict[str, Any] = {"close-dialogs": True}
    if toast:
        events["toast"] = {"text": toast}
    if request.method == "POST":
        response["HX-Trigger"] = json.dumps(events)
    return response


def refuse(request: OrgRequest, refused: Refused) -> HttpResponse:
    """Say why nothing was done."""
    return render(request, "dashboard/refused.html", {"sentence": refused.sentence}, status=409)


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


def seen_in(request: OrgRequest) -> Seen:
    """Read the numbers that the person saw; an empty one was a dash."""

    def read(name: str) -> Decimal | None:
        text = request.POST.get(name, "")
        return None if text == "" else decimal_in(text)

    return Seen(read("seen_psa"), read("seen_vendor"))


def decimal_in(text: str) -> Decimal:
    """Read a quantity: zero or more, at most six decimals; anything else is refused in plain words.

    A comma stands only between thousands: whoever means one and a half by "1,5" must not be billed for 15.
    """
    if not QUANTITY.fullmatch(text.strip()):
        raise Refused(
            f"“{text[:30]}” is not a quantity. Enter a number from 0 up, with at most six decimals after a point."
        )
    return Decimal(text.replace(",", ""))


def day_in(text: str) -> date | None:
    """Read a day that a form names; one that no calendar has is refused."""
    try:
        return parse_date(text) if text else None
    except ValueError:
        raise Refused("That effective date does not exist. Reload the page and choose again.") from None


def ids_in(request: OrgRequest, name: str) -> list[int]:
    """Read the ids of a form, leaving out what is none."""
    return [int(found) for text in request.POST.getlist(name) if (found := number(text))]


@require_POST
@member_view(Role.APPROVER)
def approve(request: OrgRequest, card_id: int) -> HttpResponse:
    """Approve one line, at the vendor's quantity or an edited one; its push starts at once."""
    find(request, card_id)
    decisions.keep_up(request.org.pk)
    try:
        card = decisions.find(request.org.pk, card_id)
        units = decimal_in(request.POST["units"]) if request.POST.get("units") else None
        way, _, day = request.POST.get("way", "").partition("|")
        choice = decisions.choose(card, way, day_in(day))
        decisions.approve(
            card,
            seen_in(request),
            by=request.user,
            units=units,
            choice=choice,
            sure=request.POST.get("sure") == "yes",
        )
    except Refused as refused:
        return refuse_line(request, refused, card_id)
    return show_row(request, find(request, card_id))


@require_POST
@member_view(Role.REVIEWER)
def dismiss(request: OrgRequest, card_id: int) -> HttpResponse:
    """Set one difference aside for this period."""
    find(request, card_id)
    reason = request.POST.get("reason", "").replace("\x00", "").strip()[:200] or DISMISS_REASONS[-1]
    try:
        card = decisions.find(request.org.pk, card_id)
        decisions.dismiss(card, seen_in(request), reason, by=request.user)
    except Refused as refused:
        return refuse_line(request, refused, card_id)
    return show_row(
        request, find(request, card_id), f"Dismissed {card.account}, {card.service}. U takes it back."
    )


@require_POST
@member_view(Role.APPROVER)
def look_again(request: OrgRequest, card_id: int) -> HttpResponse:
    """Look up in the PSA what became of a push that nobody could tell."""
    find(request, card_id)
    try:
        decisions.look_again(decisions.find(request.org.pk, card_id), by=request.user)
    except Refused as refused:
        return refuse(request, refused)
    return show_row(request, find(request, card_id))


@require_POST
@member_view(Role.REVIEWER)
def undo(request: OrgRequest, card_id: int) -> HttpResponse:
    """Take back what was decided; a written quantity is written back, checked, and read back."""
    find(request, card_id)
    try:
        card = decisions.find(request.org.pk, card_id)
        if card.decision and card.decision.push_id and not request.member.may(Role.APPROVER):
            raise Refused("Undoing a push writes to the PSA: that needs the approver role.")
        push = decisions.undo(card, by=request.user)
    except Refused as refused:
        return refuse_line(request, refused, card_id)
    words = "Taken back before anything was written." if push is None or not push.is_open else ""
    return show_row(request, find(request, card_id), words)


@require_POST
@member_view(Role.APPROVER)
def preview(request: OrgRequest) -> HttpResponse:
    """Show what approving the selected lines would write, line by line; nothing is written by this."""
    decisions.keep_up(request.org.pk)
    chosen = decisions.preview(request.org.pk, ids_in(request, "card"))
    context = {
        "preview": chosen,
        "rows": [(Row(card), decisions.choose(card)) for card in chosen.cards],
        "effect": totals.sum_by_currency(chosen.cards),
        "bills_from": cards.bills_from(),
    }
    return render(request, "dashboard/approve_dialog.html", context)


@require_POST
@member_view(Role.APPROVER)
def approve_many(request: OrgRequest) -> HttpResponse:
    """Approve the lines of a preview; each line says for itself what became of it."""
    seen = {}
    try:
        for text in request.POST.getlist("line"):
            card_id, psa, vendor = text.split("|")
            seen[int(card_id)] = Seen(decimal_in(psa), decimal_in(vendor))
    except (ValueError, Refused):
        return refuse(request, Refused("That selection could not be read. Reload the page and select again."))
    decisions.keep_up(request.org.pk)
    done, refused = decisions.approve_many(request.org.pk, seen, by=request.user)
    return render(request, "dashboard/results.html", {"done": done, "refused": refused})


@require_GET
@member_view(Role.APPROVER)
def push_dialog(request: OrgRequest) -> HttpResponse:
    """Show the collected pushes before they are sent."""
    ready = with_names(Card.objects.filter(org_id=request.org.pk, state=Card.State.READY))
    rows = [(Row(card), None) for card in ready.order_by("account__name", "service__name", "pk")]
    effect = totals.sum_by_currency(row.card for row, _ in rows)
    return render(request, "dashboard/push_dialog.html", {"rows": rows, "effect": effect})


@require_POST
@member_view(Role.APPROVER)
def release(request: OrgRequest) -> HttpResponse:
    """Send the collected pushes that the dialog listed."""
    decisions.keep_up(request.org.pk)
    released, left_out = decisions.release(request.org.pk, ids_in(request, "push"), by=request.user)
    return render(request, "dashboard/results.html", {"released": released, "refused": left_out})
