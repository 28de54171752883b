"""Creating a ticket from a card (B7): the dialog, and asking for it."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.roles import Role
from dashboard.models import Card
from dashboard.tickets import draft, mark_of, subject_of
from dashboard.views import find, show_row
from psa.models import TicketPlace
from psa.ticket_views import PlaceForm, describe
from psa.tickets import LONGEST_SUMMARY, Place, TicketRefused, boards_of, choose_place, place_of
from psa.tickets import request as ask
from reconcile.tenancy.views import OrgRequest, member_view


class TicketForm(forms.Form):
    """Asks for the ticket's words."""

    summary = forms.CharField(
        label="Summary",
        max_length=LONGEST_SUMMARY,
        widget=forms.TextInput({"autofocus": True, "autocomplete": "off"}),
        error_messages={
            "required": "Say in a few words what it is about.",
            "max_length": f"A summary has at most {LONGEST_SUMMARY} characters.",
        },
    )
    body = forms.CharField(
        label="Description",
        max_length=8000,
        widget=forms.Textarea({"class": "input", "rows": 10}),
        error_messages={"required": "Say what is to be done."},
    )


@require_http_methods(["GET", "POST"])
@member_view(Role.REVIEWER)
def line_ticket(request: OrgRequest, card_id: int) -> HttpResponse:
    """Show the dialog with the card's numbers; then ask for the ticket, which a worker makes."""
    card = find(request, card_id)
    words = dict(zip(("summary", "body"), draft(card, request.org.slug), strict=True))
    form = TicketForm(request.POST or None, initial=words)
    place = place_of(card.connection)
    boards = boards_of(card.connection)
    chosen = describe(place, boards)
    where = PlaceForm(request.POST or None, boards=boards, place=place)
    if request.method == "POST" and form.is_valid() and (chosen or where.is_valid()):
        return _ask(request, card, form, _stored(place) if chosen else where.place(), is_chosen=bool(chosen))
    context = _dialog(request, card, form, where, chosen)
    return render(
        request, "dashboard/ticket_dialog.html", context, status=422 if request.method == "POST" else 200
    )


def _ask(request: OrgRequest, card: Card, form: TicketForm, place: Place, *, is_chosen: bool) -> HttpResponse:
    # What all tickets of a connection do is a setting, and settings are an admin's.
    if not is_chosen and place.board and request.member.may(Role.ADMIN):
        choose_place(card.connection, place, by=request.user)
    try:
        ask(subject_of(card), place, by=request.user, **form.cleaned_data)
    except TicketRefused as refused:
        response = show_row(request, find(request, card.pk), refused.sentence)
        # htmx swaps it in, as it does a form with its errors.
        response.status_code = 422
        return response
    return show_row(request, find(request, card.pk), f"A ticket is being created in {card.connection}.")


def _stored(place: TicketPlace) -> Place:
    return Place(
        board=place.board_remote_id, status=place.status_remote_id, priority=place.priority_remote_id
    )


def _dialog(
    request: OrgRequest, card: Card, form: TicketForm, where: PlaceForm, chosen: str
) -> dict[str, Any]:
    lacks = [
        row for row in card.connection.permissions if row["need"] == "Tickets" and row["state"] == "missing"
    ]
    return {
        "card": card,
        "row_id": card.pk,
        "ticket": mark_of(card),
        "form": form,
        "where": where,
        "chosen": chosen,
        "lacks": lacks[0] if lacks else None,
        "may_set": request.member.may(Role.ADMIN),
    }
