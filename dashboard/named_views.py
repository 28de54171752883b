"""Everybody behind a line (C7): the page, and its export."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.exports import export
from accounts.roles import Role
from dashboard import pairing, past_loading
from dashboard.filters import number
from dashboard.models import Card
from dashboard.named_lists import names_table, show_page
from dashboard.past_views import read_search
from dashboard.people_behind import Sources, find_sources
from dashboard.views import find
from reconcile.tables import Table
from reconcile.tenancy.views import OrgRequest, member_view


@require_GET
@member_view(Role.VIEWER)
def names(request: OrgRequest, card_id: int) -> HttpResponse:
    """List everybody behind a line, billed or not, with why not."""
    card = find(request, card_id)
    query, _ = read_search(request.GET)
    page = show_page(_sources(card), query, int(number(request.GET.get("page", "")) or 1) or 1)
    asked = "?" + urlencode({"q": query})
    return render(
        request, "dashboard/names.html", {"card": card, "page": page, "query": query, "asked": asked}
    )


@require_POST
@member_view(Role.VIEWER, scoped=False)
def export_names(request: OrgRequest, card_id: int) -> HttpResponse:
    """Send everybody behind a line that the search in the address finds."""
    query, _ = read_search(request.GET)

    def read(limit: int) -> Table:
        card = find(request, card_id)
        return names_table(card, _sources(card), query, limit)

    return export(request, "names", read)


def _sources(card: Card) -> Sources:
    whole = past_loading.load(card.org_id, card.account_id)
    return find_sources(card, whole, timezone.now(), list(pairing.counted_to(card)))
