"""What people leave on a line for each other: notes, and the tags of its account or its service (D8)."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from accounts.roles import Role
from dashboard import notes, selection
from dashboard.decisions import Refused
from dashboard.filters import number
from dashboard.models import Card
from dashboard.views import find, refuse, show_row
from psa import tags
from psa.tags import TagRefused
from reconcile.tenancy.views import OrgRequest, member_view


@require_POST
@member_view(Role.REVIEWER)
def note(request: OrgRequest, card_id: int) -> HttpResponse:
    """Write a note on a line, or take away one of one's own that `delete` names."""
    card = find(request, card_id)
    try:
        if "delete" in request.POST:
            notes.delete(card, int(number(request.POST["delete"]) or 0), by=request.user)
        else:
            notes.add(card, request.POST.get("text", ""), by=request.user)
    except Refused as refused:
        return refuse(request, refused)
    return show_row(request, find(request, card_id))


@require_POST
@member_view(Role.REVIEWER)
def tag(request: OrgRequest, card_id: int) -> HttpResponse:
    """Put a tag on a line's account or service, or take one off."""
    card = find(request, card_id)
    noun, name = request.POST.get("on", "account"), request.POST.get("name", "")
    if noun not in tags.WEARERS:
        raise Http404("Nothing else wears tags")
    try:
        move = tags.take_off if request.POST.get("act") == "take_off" else tags.put_on
        moved = move(request.org.pk, noun, wearers(card, noun), name, by=request.user)
    except TagRefused as refused:
        return refuse(request, Refused(refused.sentence))
    lines = Card.objects.filter(org_id=request.org.pk, **{f"{noun}_id__in": moved}).count()
    words = "It was like this already." if not moved else f"On all lines of this {noun}: {lines}."
    return show_row(request, find(request, card_id), words)


@require_POST
@member_view(Role.REVIEWER)
def tag_many(request: OrgRequest) -> HttpResponse:
    """Ask for a tag for the accounts or the services of the selected lines, and say how many; nothing is done yet."""
    selected = selection.read(request)
    pairs = Card.objects.filter(org_id=request.org.pk, pk__in=selected.ids).values_list(
        "account_id", "service_id"
    )
    if not pairs:
        return refuse(request, Refused("Nothing is selected. Select the lines first."))
    groups = zip(tags.WEARERS, zip(*pairs, strict=True), strict=False)
    context = {
        "wearers": [tags.gather(request.org.pk, noun, {pk for pk in ids if pk}) for noun, ids in groups],
        "tag_names": tags.list_worn(request.org.pk),
        "left_out": selected.beyond,
    }
    return render(request, "psa/tag_dialog.html", context)


def wearers(card: Card, noun: str) -> list[int]:
    """Give the account or the service of a card; a line may have no service."""
    found = card.account_id if noun == "account" else card.service_id
    return [found] if found else []
