"""PSA configuration, Tickets (B7): board, status and priority of the tickets that cards make, chosen once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Role
from psa.connections import UnknownKind, build_adapter, find_kind
from psa.models import Board, Connection, TicketPlace
from psa.tickets import Place, boards_of, choose_place, keep_priorities, place_of
from reconcile.credential_form import offer
from reconcile.http.errors import RemoteError
from reconcile.secrets import SecretUnreadable
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest, member_view

AS_BOARD = "as the board sets it"


class PlaceForm(forms.Form):
    """Asks where tickets go: one choice of board with its status, and one of priority."""

    board = forms.ChoiceField(
        label="Board and status",
        error_messages={
            "required": "Choose a board.",
            "invalid_choice": "This board or status is gone from the PSA. Choose again.",
        },
    )
    priority = forms.ChoiceField(
        label="Priority",
        required=False,
        error_messages={"invalid_choice": "This priority is gone from the PSA. Choose again."},
    )

    def __init__(self, data: Any = None, *, boards: list[Board], place: TicketPlace) -> None:
        chosen = f"{place.board_remote_id}|{place.status_remote_id}" if place.board_remote_id else ""
        super().__init__(data, initial={"board": chosen, "priority": place.priority_remote_id})
        groups: list[Any] = [("", "Choose a board")]
        for board in boards:
            statuses = [(f"{board.remote_id}|{pk}", f"{board.name}, {name}") for pk, name in board.statuses]
            groups.append((board.name, [(f"{board.remote_id}|", f"{board.name}, {AS_BOARD}"), *statuses]))
        offer(self, "board", groups)
        offer(self, "priority", [("", AS_BOARD.capitalize()), *map(tuple, place.priorities)])
        # Where the PSA has told of no board, its own default takes the ticket.
        self.fields["board"].required = bool(boards)

    def place(self) -> Place:
        """Give what was chosen."""
        board, _, status = self.cleaned_data["board"].partition("|")
        return Place(board=board, status=status, priority=self.cleaned_data["priority"])


def describe(place: TicketPlace, boards: list[Board]) -> str:
    """Say in words where tickets go: "Billing, New, priority High"; empty while nobody has chosen."""
    board = next((one for one in boards if one.remote_id == place.board_remote_id), None)
    if board is None:
        return ""
    statuses, priorities = dict(map(tuple, board.statuses)), dict(map(tuple, place.priorities))
    parts = [board.name, statuses.get(place.status_remote_id, "")]
    priority = priorities.get(place.priority_remote_id, "")
    return ", ".join(part for part in [*parts, f"priority {priority}" if priority else ""] if part)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN)
def psa_tickets(request: OrgRequest, pk: int) -> HttpResponse:
    """Show and change where the connection's tickets go."""
    connection = get_object_or_404(Connection, pk=pk)
    boards, place = boards_of(connection), place_of(connection)
    form = PlaceForm(request.POST or None, boards=boards, place=place)
    if request.method == "POST" and form.is_valid():
        changed = choose_place(connection, form.place(), by=request.user)
        messages.success(request, "Saved. The next ticket goes there." if changed else "Nothing was changed.")
        return redirect("psa_tickets", request.org.slug, pk)
    context = {
        "form": form,
        "connection": connection,
        "kind": find_kind(connection),
        "boards": boards,
        "place": place,
        "missing": [
            row for row in connection.permissions if row["need"] == "Tickets" and row["state"] == "missing"
        ],
    }
    return render(request, "psa/tickets.html", context, status=422 if form.errors else 200)


@require_POST
@member_view(Role.ADMIN, scoped=False)
def psa_priorities(request: OrgRequest, pk: int) -> HttpResponse:
    """Read the PSA's ticket priorities, so that one can be chosen."""
    with org_scope(request.org.pk):
        connection = get_object_or_404(Connection, pk=pk)
    try:
        read = getattr(build_adapter(connection), "read_priorities", tuple)
        found = [list(one) for one in read()]
    except RemoteError as error:
        messages.error(request, f"No priority was read. {error.sentence}")
    except (UnknownKind, SecretUnreadable):
        messages.error(request, "No priority was read: the credentials of this connection cannot be used.")
    else:
        with org_scope(request.org.pk):
            keep_priorities(connection, found)
        messages.success(request, f"{len(found)} priorities were read.")
    return redirect("psa_tickets", request.org.slug, pk)
