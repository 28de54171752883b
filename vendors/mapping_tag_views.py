"""Asks for a tag for the accounts or services that selected rows of Advanced config are mapped to (D8)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.roles import Role
from psa import tags
from reconcile.tenancy.views import OrgRequest, member_view
from vendors.mapping import ACCOUNTS, Refused
from vendors.mapping_forms import ROWS_AT_ONCE, read_pick
from vendors.mapping_views import refuse, side_in


@require_GET
@member_view(Role.REVIEWER)
def tag(request: OrgRequest) -> HttpResponse:
    """Show what stands behind the rows, and on how many lines a tag would be; rows that are not mapped are left out."""
    side = side_in(request.GET.get("side", ACCOUNTS.key))
    try:
        ids = [read_pick(text)[0] for text in request.GET.getlist("row")][:ROWS_AT_ONCE]
        targets = side.targets(request.org.pk, ids)
        if not targets:
            raise Refused(f"A tag is on the {side.noun} that a row is mapped to. Select a mapped row first.")
    except Refused as refused:
        return refuse(request, refused)
    context = {
        "wearers": [tags.gather(request.org.pk, side.noun, set(targets.values()))],
        "tag_names": tags.list_worn(request.org.pk),
        "unmapped": len(ids) - len(targets),
    }
    return render(request, "psa/tag_dialog.html", context)
