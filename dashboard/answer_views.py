"""Why is it (not) here (E7): one search over both sides, and the conditions of what was found."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import ReconcileSettings
from accounts.roles import Role
from dashboard import answers, cards, finding
from reconcile.tenancy.views import OrgRequest, member_view


@require_GET
@member_view(Role.VIEWER)
def search(request: OrgRequest) -> HttpResponse:
    """Find what somebody asks about, by name, id or part number."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    return render(request, "dashboard/find.html", {"q": text, "found": finding.find(request.org.pk, text)})


@require_GET
@member_view(Role.VIEWER)
def answer(request: OrgRequest, pk: int, kind: str) -> HttpResponse:
    """Go through the conditions of one thing."""
    cards.refresh_if_outdated(
        request.org.pk, ReconcileSettings.objects.get(org_id=request.org.pk).stale_hours
    )
    row: Any = finding.KINDS[kind].rows(request.org.pk).filter(pk=pk).first()
    if row is None:
        raise Http404(f"No such {kind}")
    return render(request, "dashboard/answer.html", {"answer": answers.answer(kind, row)})
