"""Sync status: every source's state, its progress while it runs, and the ways to start, stop and decide."""

import json
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Role
from psa.models import Connection
from reconcile.tenancy.views import OrgRequest, member_view, refuse
from sync import ledger, runs
from sync.changes import FEW, MANY, list_changes
from sync.models import SyncRun
from sync.schedule_status import look_at_schedule
from sync.status import look
from vendors.models import Integration, Snapshot

SHOWN = ("all", "action", "running")


@require_safe
@member_view(Role.VIEWER)
def sync_status(request: OrgRequest) -> HttpResponse:
    """Show the page, or for htmx the part of it that moves."""
    return _show(request)


@require_POST
@member_view(Role.REVIEWER)
def sync_start(request: OrgRequest) -> HttpResponse:
    """Start a sync of one source, or of all; a full one is for admins."""
    is_full = request.POST.get("mode") == SyncRun.Mode.FULL
    if is_full and not request.member.may(Role.ADMIN):
        return refuse(request, Role.ADMIN)
    mode = SyncRun.Mode.FULL if is_full else SyncRun.Mode.QUICK
    for source in _chosen(request):
        runs.request(request.org.pk, **source, mode=mode, by=request.user)
    return _answer(request, "")


@require_POST
@member_view(Role.REVIEWER)
def sync_stop(request: OrgRequest, run_id: int) -> HttpResponse:
    """Stop an open run; nothing of it is published."""
    _run_or_404(run_id)
    stopped = runs.stop(request.org.pk, run_id, request.user)
    too_late = "It had ended before it could be stopped. What it has read is used."
    goes_on = SyncRun.objects.filter(pk=run_id, state__in=SyncRun.OPEN).exists()
    return _answer(request, "Stopping. Nothing of this sync is used." if stopped or goes_on else too_late)


@require_POST
@member_view(Role.APPROVER)
def sync_decide(request: OrgRequest, run_id: int) -> HttpResponse:
    """Accept or refuse a held read of a PSA."""
    _run_or_404(run_id)
    accept, reject = runs.accept, runs.refuse
    return _decide(request, run_id, accept, reject)


@require_POST
@member_view(Role.APPROVER)
def snapshot_decide(request: OrgRequest, snapshot_id: int) -> HttpResponse:
    """Accept or refuse a held snapshot of an integration."""
    if not Snapshot.objects.filter(pk=snapshot_id).exists():
        raise Http404("No such snapshot")
    return _decide(request, snapshot_id, ledger.accept, ledger.refuse)


def _decide(request: OrgRequest, pk: int, accept: Any, reject: Any) -> HttpResponse:
    verbs = {"accept": (accept, "Accepted."), "refuse": (reject, "Refused. Nothing was changed.")}
    verb = verbs.get(request.POST.get("verb", ""))
    if verb is None:
        raise Http404("No such decision")
    act, said = verb
    try:
        act(pk, request.user)
    except ledger.NothingHeld:
        said = "Nothing was done: this no longer waits. Somebody has decided, or a newer sync took its place."
    return _answer(request, said)


def _chosen(request: OrgRequest) -> list[dict[str, Any]]:
    """Give the sources that a form names: one connection, one integration, or everything."""
    named: dict[str, type[Connection] | type[Integration]]
    named = {"connection": Connection, "integration": Integration}
    if request.POST.get("everything"):
        return [{noun: row} for noun, model in named.items() for row in model.objects.order_by("pk")]
    for noun, model in named.items():
        number = request.POST.get(noun, "")
        if number.isascii() and number.isdecimal() and len(number) < 19:
            row = model.objects.filter(pk=int(number)).first()
            if row is not None:
                return [{noun: row}]
    raise Http404("No such source")


def _run_or_404(run_id: int) -> None:
    if not SyncRun.objects.filter(pk=run_id).exists():
        raise Http404("No such sync")


def _answer(request: OrgRequest, said: str) -> HttpResponse:
    """Show the moving part anew, close the dialog that asked, and say what was done."""
    if not request.htmx:
        return redirect("sync_status", request.org.slug)
    response = _show(request)
    events: dict[str, object] = {"close-dialogs": {}} | ({"toast": said} if said else {})
    response["HX-Trigger"] = json.dumps(events)
    return response


def _show(request: OrgRequest) -> HttpResponse:
    show = request.GET.get("show", "all")
    overview = look()
    show = show if show in SHOWN else "all"
    context = {
        "overview": overview,
        "shown": overview.shown(show),
        "show": show,
        "everything": "changes" in request.GET,
        "automatic": look_at_schedule(),
        "changes": list_changes(most=MANY if "changes" in request.GET else FEW),
        "may_start": request.member.may(Role.REVIEWER),
        "may_read_all": request.member.may(Role.ADMIN),
        "may_decide": request.member.may(Role.APPROVER),
    }
    return render(request, "sync/swap.html" if request.htmx else "sync/page.html", context)
