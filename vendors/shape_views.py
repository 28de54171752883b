"""Advanced config: a vendor account split over accounts, a vendor service that counts to more, and their undo."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Role
from reconcile.period import month_of, next_month
from reconcile.tenancy.views import OrgRequest, member_view
from vendors import mapping, shapes
from vendors.counting_words import FIELD_WORDS
from vendors.mapping import ACCOUNTS, SERVICES, SIDES, Refused, Side, UnknownRow
from vendors.mapping_effect import Effect
from vendors.mapping_month_views import answer_row
from vendors.mapping_views import find_targets, refuse
from vendors.shape_counts import share_out
from vendors.shape_forms import ShapeForm
from vendors.shape_records import Dated, Shape, read_shapes, say
from vendors.shapes import Done, Plan

FOUND = 8


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN)
def shape(request: OrgRequest, row: int, side: str) -> HttpResponse:
    """Ask which parts of a vendor account go elsewhere, or what a vendor service counts to as well."""
    asked = SIDES[side]
    try:
        found = mapping.find_rows(asked, request.org.pk, [row])[row]
        return _answer(request, asked, found)
    except UnknownRow as unknown:
        raise Http404("No such row") from unknown


def _answer(request: OrgRequest, side: Side, row: Any) -> HttpResponse:
    """Do what a button of the form asks for: change it, try it, or (only "save") keep it."""
    this = month_of(timezone.now())
    stands = read_shapes(side, request.org.pk, [row.pk])[row.pk]
    if request.method != "POST":
        return form_page(request, ShapeForm.of(side, stands, this), row, stands, stands.mark)
    form, act = ShapeForm.read(side, request.POST), request.POST.get("act", "try")
    seen = request.POST.get("seen", "")[:16]
    if act not in ("try", "save"):
        form.act(act)
        return form_page(request, form, row, stands, seen)
    try:
        plan = form.plan(row.pk, seen, this)
        if plan is None:
            return form_page(request, form, row, stands, seen, status=422)
        if act == "save":
            return _saved(request, shapes.make(request.org.pk, plan, this, by=request.user))
        return trial_page(request, plan, form, row, shapes.foresee(request.org.pk, plan, this))
    except Refused as refused:
        form.error = refused.sentence
        return form_page(request, form, row, stands, seen, status=422)


def form_page(
    request: OrgRequest, form: ShapeForm, row: Any, stands: Shape, seen: str, status: int = 200
) -> HttpResponse:
    """Show the form as it is filled in, with what each part takes right now."""
    org_id, side = request.org.pk, form.side
    form.mapped = stands.target
    wanted = stands.targets | {one.target for one in form.entries if one.target}
    targets = side.target_model.objects.filter(org_id=org_id).in_bulk(wanted)
    names = {pk: str(target) for pk, target in targets.items()}
    rows = [
        (one, targets.get(one.target or 0), _find(form, org_id, one.target, one.find)) for one in form.entries
    ]
    shares = share_out(row, form.parts) if side is ACCOUNTS else None
    context = _about(side, row, form) | {
        "rows": rows,
        "fresh": _find(form, org_id, None, form.find) if side is SERVICES else None,
        "fields": [(name, words[0].capitalize()) for name, words in FIELD_WORDS.items()],
        "stands": [say(one, names) for one in (*stands.parts, *stands.further)],
        "target": targets.get(stands.target or 0),
        "shares": shares,
        "taken": list(zip(form.filled, shares.parts, strict=True)) if shares else (),
        "names": names,
        "seen": seen,
    }
    return render(request, "vendors/shape_form.html", context, status=status)


def _find(form: ShapeForm, org_id: int, target: int | None, q: str) -> Any:
    """Give what fits a search: nothing for what is chosen; of parts nothing before something is typed."""
    if target or (form.side is ACCOUNTS and not q):
        return {"found": [], "total": 0}
    found, total = find_targets(form.side, org_id, q)
    taken = {form.mapped, *(one.target for one in form.entries)} if form.side is SERVICES else set()
    free = [one for one in found if one.pk not in taken]
    return {"found": free[:FOUND], "total": total - len(found) + len(free)}


def trial_page(request: OrgRequest, plan: Plan, form: ShapeForm, row: Any, effect: Effect) -> HttpResponse:
    """Show what a plan would do to the lines; nothing is kept by this."""
    ids = [one.target for one in form.filled if one.target]
    targets = form.side.target_model.objects.filter(org_id=request.org.pk).in_bulk(ids)
    names = {pk: str(target) for pk, target in targets.items()}
    dated = form.parts if form.side is ACCOUNTS else [Dated(one) for one in ids]
    context = _about(form.side, row, form) | {
        "words": [say(one, names) for one in dated],
        "effect": effect,
        "later": plan.month if form.begins == "next" else None,
        "fields": [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name not in ("act", "csrfmiddlewaretoken")
        ],
    }
    return render(request, "vendors/shape_trial.html", context)


def _about(side: Side, row: Any, form: ShapeForm) -> dict[str, Any]:
    this = month_of(timezone.now())
    return {
        "side": side,
        "row": row,
        "form": form,
        "is_split": side is ACCOUNTS,
        "this": this,
        "next": next_month(this),
    }


def _saved(request: OrgRequest, done: Done) -> HttpResponse:
    messages.success(request, _told(done), extra_tags=done.undo)
    page = (
        reverse(f"mapping_{done.side.key}", args=[request.org.slug]) + "?" + urlencode({"q": done.row.name})
    )
    return HttpResponse(headers={"HX-Redirect": page}) if request.htmx else redirect(page)


def _told(done: Done) -> str:
    standing = [one for one in (*done.after.parts, *done.after.further) if one.end is None]
    if done.side is ACCOUNTS:
        n = len({one.target for one in standing} | {done.after.target})
        return f"Split {done.row} over {n} accounts" if standing else f"The split of {done.row} ends"
    n = len(standing)
    if not n:
        return f"{done.row} counts to no further service"
    return f"{done.row} counts to {n} more service{'' if n == 1 else 's'}"


@require_POST
@member_view(Role.ADMIN)
def undo(request: OrgRequest) -> HttpResponse:
    """Take back what was done to one row's parts, further services or months; a sentence says when it cannot be."""
    try:
        done = shapes.take_back(request.org.pk, request.POST.get("token", ""), by=request.user)
    except Refused as refused:
        return refuse(request, refused)
    except UnknownRow as unknown:
        raise Http404("No such row") from unknown
    return answer_row(request, done.side, done.row.pk, f"Taken back: {done.row} is as it was before.")
