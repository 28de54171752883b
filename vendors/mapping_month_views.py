"""Advanced config: from which month on a mapping changes, asked before it is made, and what stays before it."""

from datetime import date
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.roles import Role
from reconcile.period import month_of
from reconcile.tenancy.views import OrgRequest, member_view
from vendors import mapping, mapping_lists, shapes
from vendors.mapping import Change, Refused, Side, UnknownRow
from vendors.mapping_entries import Filters
from vendors.mapping_forms import UNREADABLE, changes_in
from vendors.mapping_views import addresses, frame, refuse, side_in
from vendors.shape_forms import month_of_choice
from vendors.shape_records import Shape, read_shapes, say
from vendors.shapes import Plan


@require_POST
@member_view(Role.ADMIN)
def dated(request: OrgRequest) -> HttpResponse:
    """Show what mapping one row from a month on would do, or (only "save") do it."""
    side, this = side_in(request.POST.get("side", "")), month_of(timezone.now())
    try:
        change = _read(request)
        stands = read_shapes(side, request.org.pk, [change.row])[change.row]
        row = mapping.find_rows(side, request.org.pk, [change.row])[change.row]
        if stands.target != change.seen.target:
            raise Refused(shapes.MOVED)
        month = month_of_choice(request.POST.get("from", ""), this)
        seen = request.POST.get("seen", stands.mark)[:16]
        plan = shapes.plan_target(side, change.row, seen, change.wanted.target, month, this)
        if request.POST.get("go") == "save":
            shapes_done = shapes.make(request.org.pk, plan, this, by=request.user)
            told = _told(side, row, shapes_done.after, month, this)
            return answer_row(request, side, change.row, told, shapes_done.undo)
        return _ask(request, plan, row, stands, change)
    except Refused as refused:
        return refuse(request, refused)
    except UnknownRow as unknown:
        raise Http404("No such row") from unknown


def _read(request: OrgRequest) -> Change:
    changes = changes_in(request.POST)
    if len(changes) != 1:
        raise Refused(UNREADABLE)
    return changes[0]


def _ask(request: OrgRequest, plan: Plan, row: Any, stands: Shape, change: Change) -> HttpResponse:
    """Answer with the dialog that says what stays, what changes, and from when on."""
    org_id, side, this = request.org.pk, plan.side, month_of(timezone.now())
    effect = shapes.foresee(org_id, plan, this)
    after = plan.change(stands, plan.month)
    context = {
        "side": side,
        "dated_url": addresses(request, Filters.read(request.GET))["dated_url"],
        "row": row,
        "change": change,
        "seen": plan.seen,
        "begins": request.POST.get("from", ""),
        "target": _names(side, org_id, after).get(change.wanted.target or 0),
        "before": [say(one, _names(side, org_id, after)) for one in after.spans if one.end],
        "lost": [say(one, _names(side, org_id, stands)) for one in stands.spans if one not in after.spans],
        "later": plan.month if plan.month and plan.month > this else None,
        "month": plan.month,
        "effect": effect,
    }
    return render(request, "vendors/mapping_dated.html", context)


def _names(side: Side, org_id: int, shape: Shape) -> dict[int, str]:
    found = side.target_model.objects.filter(org_id=org_id).in_bulk(shape.targets)
    return {pk: str(target) for pk, target in found.items()}


def _told(side: Side, row: Any, after: Shape, month: date | None, this: date) -> str:
    planned = after.planned
    target = planned.target if planned else after.target
    name = _names(side, row.org_id, after).get(target or 0)
    said = f"{row} is mapped to {name}" if name else f"{row} is mapped to nothing"
    if month is None:
        return f"{said} in all months"
    return f"{said} from {month:%B} on" + ("" if month > this else ". The months before stay as they were.")


def answer_row(request: OrgRequest, side: Side, row: int, told: str, undo: str = "") -> HttpResponse:
    """Answer with one row in its place, all numbers around it, and a toast."""
    (entry,) = mapping_lists.list_named(side, request.org.pk, [row])
    context = frame(request, side) | {
        "swapped": True,
        "done": True,
        "entry": entry,
        "told": told,
        "token": undo,
    }
    return render(request, "vendors/mapping_changed.html", context)
