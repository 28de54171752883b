"""What a person does to many lines at once: look at a preview, approve, send what was collected, undo all of it."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts.fresh import ask, must_prove
from accounts.rates import exchange_for
from accounts.roles import Role
from dashboard import bulk, cards, decisions, selection, totals, undoing
from dashboard.alone import find_alone
from dashboard.bulk import Timing
from dashboard.entries import LATER, ids_in, sending_day_in
from dashboard.lists import with_names
from dashboard.models import Card
from dashboard.releasing import release as release_pushes
from dashboard.releasing import why_not_released
from dashboard.rows import Row
from dashboard.views import sending_days
from psa.adapters.base import Way
from reconcile.clock import read_clock
from reconcile.tenancy.views import OrgRequest, member_view

CONFIRMED_LATER = "Each line turns to Confirmed when the PSA has been read back."


@require_POST
@member_view(Role.APPROVER)
def preview(request: OrgRequest) -> HttpResponse:
    """Show what approving the selected lines would write, line by line; nothing is written by this."""
    decisions.keep_up(request.org.pk)
    selected = selection.read(request)
    chosen = bulk.preview(request.org.pk, selected.ids, bulk.why_not_in_bulk)
    context = {
        "preview": chosen,
        "beyond": selected.beyond,
        "packed": selection.pack(chosen.cards),
        "rows": [Row(card) for card in chosen.cards],
        "effect": totals.add_effects(chosen.cards, exchange_for(request.org.pk)),
        "bills_from": cards.bills_from(),
    }
    if request.POST.get("dated"):
        context |= {"dated": True, "periods": sum(1 for card in chosen.cards if offers_period(card))}
        context |= sending_days()
    return render(request, "dashboard/approve_dialog.html", context)


def offers_period(card: Card) -> bool:
    """Say whether a change of this line can begin with a billing period."""
    return any(choice.way == Way.SPLIT for choice in decisions.list_choices(card))


@require_POST
@member_view(Role.APPROVER)
def approve_many(request: OrgRequest) -> HttpResponse:
    """Approve the lines of a preview; each line says for itself what became of it."""
    seen, timing = selection.unpack(request), _timing(request)
    if must_prove(request, lines=len(seen)):
        return ask(request)
    decisions.keep_up(request.org.pk)
    act = uuid4()
    done, left_out = bulk.approve_many(request.org.pk, seen, by=request.user, act=act, timing=timing)
    return show_results(request, f"{len(done)} approved", CONFIRMED_LATER, left_out, act if done else None)


def _timing(request: OrgRequest) -> Timing:
    """Read from when the changes count, as the dialog of a selection asks."""
    way = request.POST.get("way", "")
    if way == LATER:
        return Timing(Way.IN_PLACE, sending_day_in(request))
    return Timing(Way(way)) if way in list(Way) else bulk.USUAL


@require_GET
@member_view(Role.APPROVER)
def push_dialog(request: OrgRequest) -> HttpResponse:
    """Show the collected pushes before they are sent."""
    decisions.refuse_closed(request.org.pk)
    ready = with_names(Card.objects.filter(org_id=request.org.pk, state=Card.State.READY))
    found = list(ready.order_by("account__name", "service__name", "pk"))
    today = read_clock().date()
    rows = [Row(card) for card in found if not why_not_released(card, today)]
    left = [(card, reason) for card in found if (reason := why_not_released(card, today))]
    waits = {card.pk for card in find_alone(request.org.pk, [row.card for row in rows], request.user)}
    sent = [row for row in rows if row.id not in waits]
    effect = totals.add_effects((row.write for row in sent), exchange_for(request.org.pk))
    context = {"rows": rows, "sent": len(sent), "effect": effect, "left": left, "waits": len(waits)}
    return render(request, "dashboard/push_dialog.html", context)


@require_POST
@member_view(Role.APPROVER)
def release(request: OrgRequest) -> HttpResponse:
    """Send the collected pushes that the dialog listed."""
    pushes = ids_in(request, "push")
    if must_prove(request, lines=len(pushes)):
        return ask(request)
    decisions.keep_up(request.org.pk)
    sent, left_out = release_pushes(request.org.pk, pushes, by=request.user)
    words = f"{len(sent)} push{'' if len(sent) == 1 else 'es'} on the way"
    return show_results(request, words, CONFIRMED_LATER, left_out)


@require_POST
@member_view(Role.REVIEWER)
def undo_act(request: OrgRequest, act: UUID) -> HttpResponse:
    """Take back all that one act decided; a line that cannot be taken back says why."""
    if must_prove(request, lines=undoing.count_pushes(request.org.pk, act)):
        return ask(request)
    # What offers this undo on the next page is answered by it.
    list(messages.get_messages(request))
    done, left_out = undoing.undo_act(
        request.org.pk, act, by=request.user, may_push=request.member.may(Role.APPROVER)
    )
    writes = sum(1 for one in done if one.is_written_back)
    more = f"{writes} of them are written back to the PSA, and read back after." if writes else ""
    return show_results(request, f"{len(done)} taken back", more or "Nothing was written.", left_out)


def show_results(
    request: OrgRequest,
    done: str,
    more: str,
    left_out: Sequence[tuple[Card, str]],
    act: UUID | None = None,
) -> HttpResponse:
    """Say what became of the lines of an act; `act` names what Undo takes back, here and on the page after."""
    if act:
        messages.success(request, f"{done}.", extra_tags=str(act))
    context = {"done": done, "more": more, "left_out": left_out, "act": act}
    return render(request, "dashboard/results.html", context)
