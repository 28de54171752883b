"""What a person does to one line: approve, look again, undo."""

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from accounts.roles import Role
from dashboard import decisions, undoing
from dashboard.decisions import Doubted, Refused
from dashboard.entries import decimal_in, meant_in, seen_in, timing_in
from dashboard.models import Card
from dashboard.views import ask, find, refuse, refuse_line, show_row
from reconcile.tenancy.views import OrgRequest, member_view


@require_POST
@member_view(Role.APPROVER)
def approve(request: OrgRequest, card_id: int) -> HttpResponse:
    """Approve one line, at the vendor's quantity or an edited one; its push starts at once."""
    find(request, card_id)
    decisions.keep_up(request.org.pk)
    try:
        card = decisions.find(request.org.pk, card_id)
        units = decimal_in(request.POST["units"]) if request.POST.get("units") else None
        choice, sent_on = timing_in(request, card)
        decisions.approve(
            card,
            seen_in(request),
            by=request.user,
            units=units,
            choice=choice,
            sent_on=sent_on,
            sure=request.POST.get("sure") == "yes",
            meant=meant_in(request),
        )
    except Doubted as doubted:
        return ask(request, doubted)
    except Refused as refused:
        return refuse_line(request, refused, card_id)
    return show_row(request, find(request, card_id))


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
        waits = card.state == Card.State.READY
        pushed = card.decision is not None and card.decision.push_id is not None
        if (waits or pushed) and not request.member.may(Role.APPROVER):
            raise Refused("Undoing a push writes to the PSA: that needs the approver role.")
        push = undoing.undo(card, by=request.user)
    except Refused as refused:
        return refuse_line(request, refused, card_id)
    words = "Taken back before anything was written." if push is None or not push.is_open else ""
    return show_row(request, find(request, card_id), words)
