"""What a second approver does (E10): agree to one change or to many, or turn one down."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from accounts.fresh import ask, must_prove
from accounts.rates import exchange_for
from accounts.roles import Role
from dashboard import bulk, decisions, seconds, selection, totals
from dashboard.bulk_views import CONFIRMED_LATER, show_results
from dashboard.decisions import Refused
from dashboard.entries import push_in
from dashboard.models import Card
from dashboard.rows import Row
from dashboard.views import find, refuse_line, show_row
from reconcile.tenancy.views import OrgRequest, member_view


@require_POST
@member_view(Role.APPROVER)
def agree(request: OrgRequest, card_id: int) -> HttpResponse:
    """Agree to the change on the person's screen as the second one; it is sent when it waits for nothing else."""
    find(request, card_id)
    decisions.keep_up(request.org.pk)
    _, left_out = seconds.agree(request.org.pk, {card_id: push_in(request)}, by=request.user)
    if left_out:
        return refuse_line(request, Refused(left_out[0][1]), card_id)
    return show_row(
        request, find(request, card_id), "Agreed. It is sent as soon as nothing else is waited for."
    )


@require_POST
@member_view(Role.APPROVER)
def turn_down(request: OrgRequest, card_id: int) -> HttpResponse:
    """Turn one change down as the second person, with a reason."""
    find(request, card_id)
    reason = request.POST.get("reason", "").replace("\x00", "").strip()[:200]
    try:
        if not reason:
            raise Refused("Say why: the first approver reads it. Nothing was turned down.")
        seconds.turn_down(decisions.find(request.org.pk, card_id), push_in(request), reason, by=request.user)
    except Refused as refused:
        return refuse_line(request, refused, card_id)
    return show_row(
        request, find(request, card_id), "Turned down. Nothing was written; the line is to do again."
    )


@require_POST
@member_view(Role.APPROVER)
def preview(request: OrgRequest) -> HttpResponse:
    """Show the selected changes that wait for a second approver; nothing is agreed to by this."""
    decisions.keep_up(request.org.pk)
    selected = selection.read(request)

    def why_not(card: Card) -> str:
        return seconds.why_not_agreed(card, request.user)

    chosen = bulk.preview(request.org.pk, selected.ids, why_not)
    rows = [Row(card) for card in chosen.cards]
    context = {
        "preview": chosen,
        "beyond": selected.beyond,
        "packed": selection.pack_pushes(chosen.cards),
        "rows": rows,
        "effect": totals.add_effects((row.write for row in rows), exchange_for(request.org.pk)),
    }
    return render(request, "dashboard/agree_dialog.html", context)


@require_POST
@member_view(Role.APPROVER)
def agree_to_many(request: OrgRequest) -> HttpResponse:
    """Agree to the changes of a preview as the second person."""
    seen = selection.unpack_pushes(request)
    if must_prove(request, lines=len(seen)):
        return ask(request)
    decisions.keep_up(request.org.pk)
    agreed, left_out = seconds.agree(request.org.pk, seen, by=request.user)
    return show_results(request, f"{len(agreed)} agreed to", CONFIRMED_LATER, left_out)
