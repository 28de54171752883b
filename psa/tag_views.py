"""Puts a tag on the accounts or services that a dialog named, or takes it off (D8)."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from accounts.roles import Role
from psa import tags
from psa.tags import TagRefused
from reconcile.tenancy.views import OrgRequest, member_view


@require_POST
@member_view(Role.REVIEWER)
def tag(request: OrgRequest) -> HttpResponse:
    """Tag many at once, and say on how many; the answer can take back exactly what this changed."""
    noun, taking = request.POST.get("on", ""), request.POST.get("act") == "take_off"
    if noun not in tags.WEARERS:
        raise Http404("Nothing else wears tags")
    ids = [int(text) for text in request.POST.get(noun, "").split() if text.isascii() and text.isdigit()]
    try:
        name = tags.read_name(request.POST.get("name", ""))
        moved = (tags.take_off if taking else tags.put_on)(request.org.pk, noun, ids, name, by=request.user)
    except TagRefused as refused:
        return render(request, "psa/tag_refused.html", {"sentence": refused.sentence}, status=409)
    context = {"name": name, "taking": taking, "moved": tags.gather(request.org.pk, noun, moved)}
    return render(request, "psa/tagged_dialog.html", context)
