"""What a person does to many lines at once: look at a preview, approve, and send what was collected."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts.roles import Role
from dashboard import bulk, cards, decisions, totals
from dashboard.decisions import Refused, Seen
from dashboard.entries import decimal_in, ids_in
from dashboard.lists import with_names
from dashboard.models import Card
from dashboard.rows import Row
from dashboard.views import refuse
from reconcile.tenancy.views import OrgRequest, member_view


@require_POST
@member_view(Role.APPROVER)
def preview(request: OrgRequest) -> HttpResponse:
    """Show what approving the selected lines would write, line by line; nothing is written by this."""
    decisions.keep_up(request.org.pk)
    chosen = bulk.preview(request.org.pk, ids_in(request, "card"))
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
    done, refused = bulk.approve_many(request.org.pk, seen, by=request.user)
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
    released, left_out = bulk.release(request.org.pk, ids_in(request, "push"), by=request.user)
    return render(request, "dashboard/results.html", {"released": released, "refused": left_out})
