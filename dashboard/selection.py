"""Which lines a person selected: those that were ticked, or all of a view, also on pages that were never opened."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.http import QueryDict

from accounts.models import ReconcileSettings
from dashboard.decisions import Refused, Seen
from dashboard.entries import decimal_in, ids_in
from dashboard.filters import Filters
from dashboard.lists import with_writes
from dashboard.models import Card
from dashboard.templatetags.lines import plain
from reconcile.tenancy.views import OrgRequest

UNREADABLE = "That selection could not be read. Reload the page and select again."


@dataclass(frozen=True)
class Selection:
    """Ids of cards, at most settings.BULK_LINES of them; `beyond` counts those that were more."""

    ids: list[int]
    beyond: int = 0


def read(request: OrgRequest) -> Selection:
    """Read the selection of a form: with `view` the address of a view, all its lines, the largest amounts first."""
    view = request.POST.get("view", "")
    if not view:
        ids = ids_in(request, "card")
    else:
        usual = ReconcileSettings.objects.get(org_id=request.org.pk).contract_view
        filters = Filters.read(QueryDict(view.removeprefix("?")), usual)
        found = with_writes(filters.narrow(Card.objects.filter(org_id=request.org.pk)), filters).order_by(
            *filters.order()
        )
        ids = list(found.values_list("pk", flat=True))
    return Selection(ids[: settings.BULK_LINES], max(0, len(ids) - settings.BULK_LINES))


def pack(cards: Sequence[Card]) -> str:
    """Write lines with the numbers that a preview shows, for `unpack`: one field, however many lines."""
    return " ".join(f"{c.pk}|{plain(c.psa_units)}|{plain(c.vendor_units)}" for c in cards)


def pack_pushes(cards: Sequence[Card]) -> str:
    """Write lines with the pushes that a preview shows, for `unpack_pushes`."""
    return " ".join(f"{card.pk}|{card.push_id}" for card in cards)


def unpack_pushes(request: OrgRequest) -> dict[int, int]:
    """Read the lines of a preview with the push of each that the person saw."""
    try:
        pairs = [text.split("|") for text in " ".join(request.POST.getlist("line")).split()]
        seen = {int(card_id): int(push_id) for card_id, push_id in pairs}
    except ValueError:
        raise Refused(UNREADABLE) from None
    _refuse_too_many(len(seen))
    return seen


def unpack(request: OrgRequest) -> dict[int, Seen]:
    """Read the lines of a preview with the numbers that the person saw; an empty one was a dash."""
    seen = {}
    try:
        for text in " ".join(request.POST.getlist("line")).split():
            card_id, psa, vendor = text.split("|")
            seen[int(card_id)] = Seen(*(decimal_in(units) if units else None for units in (psa, vendor)))
    except (ValueError, Refused):
        raise Refused(UNREADABLE) from None
    _refuse_too_many(len(seen))
    return seen


def _refuse_too_many(lines: int) -> None:
    if lines > settings.BULK_LINES:
        raise Refused(f"That is more than {settings.BULK_LINES:,} lines at once. Select fewer.")
