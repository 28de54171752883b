"""Advanced config: the lists of vendor accounts and services, the choice of a target, and the acts on them."""

import json
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.roles import Role
from psa.models import Connection
from reconcile.period import month_of, next_month
from reconcile.tenancy.views import OrgRequest, member_view
from vendors import mapping, mapping_lists
from vendors.mapping import ACCOUNTS, SERVICES, SIDES, Change, Refused, Side, State
from vendors.mapping_effect import foresee
from vendors.mapping_entries import Entry, Filters
from vendors.mapping_forms import ROWS_AT_ONCE, changes_in, read_pick, written
from vendors.models import Integration
from vendors.shape_forms import BEGINS

BULK_ACTS = (("exclude", "Exclude"), ("include", "Bring back"), ("unmap", "Unmap"))
CHOICES = 20


@require_GET
@member_view(Role.VIEWER)
def accounts(request: OrgRequest) -> HttpResponse:
    """Show which vendor account belongs to which account of the PSA."""
    return show(request, ACCOUNTS)


@require_GET
@member_view(Role.VIEWER)
def services(request: OrgRequest) -> HttpResponse:
    """Show which vendor service is billed as which service of the PSA."""
    return show(request, SERVICES)


def show(request: OrgRequest, side: Side) -> HttpResponse:
    """Show one page of a list; htmx picks the part that changes from it."""
    context = frame(request, side)
    context["page"] = mapping_lists.list_page(side, request.org.pk, context["filters"], context["overview"])
    return render(request, "vendors/mapping.html", context)


def frame(request: OrgRequest, side: Side) -> dict[str, Any]:
    """Give what stands around the list: the same for the page and for every answer that changes it."""
    org_id, filters = request.org.pk, Filters.read(request.GET)
    overview = mapping_lists.look_over(side, org_id, filters)
    other = SERVICES if side is ACCOUNTS else ACCOUNTS
    psas = list(Connection.objects.filter(org_id=org_id).order_by("pk"))
    return {
        "side": side,
        "filters": filters,
        "overview": overview,
        "groups": overview.groups(),
        "acts": BULK_ACTS,
        **addresses(request, filters),
        "unmapped": {
            side.key: overview.totals["unmapped"].entries, other.key: mapping_lists.count_unmapped(other, org_id)
        },
        "sources": list(Integration.objects.filter(org_id=org_id).order_by("name")),
        "names_psa": len(psas) > 1,
        "currency": psas[0].currency if psas else "USD",
        "may_map": request.member.may(Role.ADMIN),
    }  # fmt: skip


def names_psa(org_id: int) -> bool:
    """Say whether there are several PSAs, so that each account and service is shown with its own: one query."""
    return Connection.objects.filter(org_id=org_id).count() > 1


def addresses(request: OrgRequest, filters: Filters) -> dict[str, str]:
    """Give the addresses that every row names, worked out once; they carry the view for the answer."""
    names = {
        "set_url": "mapping_set",
        "find_url": "mapping_search",
        "preview_url": "mapping_preview",
        "tag_url": "mapping_tag",
        "dated_url": "mapping_dated",
        "shape_undo_url": "mapping_shape_undo",
    }
    return {key: reverse(name, args=[request.org.slug]) + filters.here for key, name in names.items()}


@require_POST
@member_view(Role.ADMIN)
def change(request: OrgRequest) -> HttpResponse:
    """Map, unmap, exclude or bring back one row or many: all of them or, with a sentence, none."""
    side = side_in(request.POST.get("side", ""))
    try:
        changes = changes_in(request.POST)
        done = mapping.apply(
            side, request.org.pk, changes, by=request.user, teaches=request.POST.get("undo") != "1"
        )
    except Refused as refused:
        return refuse(request, refused)
    except mapping.UnknownRow as unknown:
        raise Http404("No such row") from unknown
    return answer(request, side, changes, done)


def answer(request: OrgRequest, side: Side, asked: Sequence[Change], done: Sequence[Change]) -> HttpResponse:
    """Answer with what changed: the row in its place, or for many the list, and all numbers around them."""
    context = frame(request, side) | {"swapped": True, "done": done}
    rows = mapping_lists.list_named(side, request.org.pk, [c.row for c in asked])
    if len(rows) == 1:
        context["entry"] = rows[0]
    else:
        context["page"] = mapping_lists.list_page(
            side, request.org.pk, context["filters"], context["overview"]
        )
    context["told"] = tell(side, done, {row.id: row for row in rows})
    context["undo"] = json.dumps(
        {"side": side.key, "act": "set", "undo": "1", "row": [written(c.reversed) for c in done]},
        ensure_ascii=False,
    )
    response = render(request, "vendors/mapping_changed.html", context)
    if len(rows) > 1:
        response["HX-Trigger"] = "clear-selection"
    return response


def tell(side: Side, done: Sequence[Change], rows: dict[int, Entry]) -> str:
    """Say what was done, in one line."""
    if not done:
        return "It was like this already. Nothing had to change."
    verb = done[0].verb.capitalize()
    if len(done) > 1:
        return f"{verb} {len(done)} vendor {side.noun}s"
    row = rows[done[0].row]
    if done[0].wanted.excluded:
        return f"Excluded {row.name}. It stays out until somebody brings it back."
    return f"{verb} {row.name}" + (f" to {row.target}" if verb == "Mapped" else "")


@require_POST
@member_view(Role.ADMIN)
def preview(request: OrgRequest) -> HttpResponse:
    """Show what an act on many rows would change, line by line; nothing is changed by this."""
    side = side_in(request.POST.get("side", ""))
    act, picked = request.POST.get("act", ""), request.POST.getlist("row")
    try:
        if act == "accept":
            entries = _accepted(side, request.org.pk, picked)
            changes = [Change(e.id, e.state, State(s.candidate.id)) for e in entries if (s := e.advice.sure)]
        else:
            changes = changes_in(request.POST)
            entries = mapping_lists.list_named(side, request.org.pk, [c.row for c in changes])
    except Refused as refused:
        return refuse(request, refused)
    changes = [c for c in changes if c.wanted != c.seen][:ROWS_AT_ONCE]
    said = {
        "act": act,
        "left_out": len(picked) - len(changes) if picked else len(entries) - len(changes),
        "was_accept": act == "accept" or request.POST.get("title") == "accept",
        "was_import": request.POST.get("title") == "import",
    }
    return show_preview(request, side, changes, said, entries)


def show_preview(
    request: OrgRequest,
    side: Side,
    changes: Sequence[Change],
    said: dict[str, Any],
    entries: Sequence[Entry] | None = None,
) -> HttpResponse:
    """Answer with the dialog of many changes; `said` is what the act has to say beside them."""
    try:
        effect = foresee(side, request.org.pk, changes)
    except Refused as refused:
        return refuse(request, refused)
    except mapping.UnknownRow as unknown:
        raise Http404("No such row") from unknown
    if entries is None:
        entries = mapping_lists.list_named(side, request.org.pk, [c.row for c in changes])
    targets = side.target_model.objects.select_related("connection")
    names = targets.in_bulk({c.wanted.target for c in changes if c.wanted.target})
    by_id = {entry.id: entry for entry in entries}
    context = {
        "side": side,
        **addresses(request, Filters.read(request.GET)),
        "rows": [(by_id[c.row], written(c), names.get(c.wanted.target or 0)) for c in changes],
        "values": mapping_lists.sum_values(by_id[c.row] for c in changes),
        "effect": effect,
        "names_psa": names_psa(request.org.pk),
        "verb": changes[0].verb if changes else "",
    } | said
    return render(request, "vendors/mapping_preview.html", context)


def _accepted(side: Side, org_id: int, picked: Sequence[str]) -> list[Entry]:
    """Give the picked entries that have a sure suggestion; with none picked, all that there are."""
    if not picked:
        return mapping_lists.look_over(side, org_id, Filters()).sure
    ids = [row for row, _, _ in map(read_pick, picked)]
    return [
        e for e in mapping_lists.list_named(side, org_id, ids) if e.status == "unmapped" and e.advice.sure
    ]


@require_GET
@member_view(Role.ADMIN)
def search(request: OrgRequest) -> HttpResponse:
    """Offer the accounts or services of the PSA that fit what was typed, for one row or for several."""
    side = side_in(request.GET.get("side", ACCOUNTS.key))
    try:
        picked = [read_pick(text) for text in request.GET.getlist("row")][:ROWS_AT_ONCE]
        if not picked:
            raise Refused("Nothing is selected. Select what to map first.")
    except Refused as refused:
        return refuse(request, refused)
    # Not "q": that is what the list behind the dialog is narrowed to.
    q = request.GET.get("find", "").replace("\x00", "").strip()[:100]
    entries = mapping_lists.list_named(side, request.org.pk, [row for row, _, _ in picked])
    if len(entries) < len({row for row, _, _ in picked}):
        raise Http404("No such row")
    found, total = find_targets(side, request.org.pk, q)
    entry = entries[0] if len(entries) == 1 else None
    context = {
        "side": side,
        **addresses(request, Filters.read(request.GET)),
        "entries": entries,
        "entry": entry,
        **_months(entry, request.GET.get("from", "")),
        "picks": request.GET.getlist("row")[:ROWS_AT_ONCE],
        "q": q,
        "found": found,
        "total": total,
        "names_psa": names_psa(request.org.pk),
        "may_map": True,
    }
    part = "mapping_choices" if request.htmx.target == "choices" else "mapping_search"
    return render(request, f"vendors/{part}.html", context)


def _months(entry: Entry | None, begins: str) -> dict[str, Any]:
    """Give from which month on a row is mapped: another target than before from this month, a first one always.

    A first one of all months is mapped at once; everything else is shown before it is done.
    """
    if entry is None or entry.status == "excluded":
        return {"begins": ""}
    this = month_of(timezone.now())
    stood = entry.mapped_at is not None and month_of(entry.mapped_at) < this
    begins = begins if begins in BEGINS else "this" if stood else "always"
    at_once = begins == "always" and entry.status == "unmapped" and not entry.planned_on
    return {"begins": "" if at_once else begins, "chosen": begins, "this": this, "next": next_month(this)}


def find_targets(side: Side, org_id: int, q: str) -> tuple[list[Any], int]:
    """Give the first accounts or services that hold every word of `q`, and how many there are in all."""
    rows = side.target_model.objects.filter(org_id=org_id, vanished_at=None).select_related("connection")
    for term in q.split():
        fits = Q(name__icontains=term) | Q(identifier__icontains=term) | Q(remote_id=term)
        rows = rows.filter(fits if side is ACCOUNTS else fits | Q(part_number__icontains=term))
    counted = rows.annotate(mapped=Count("mappings")).order_by("-active", "name", "pk")
    return list(counted[:CHOICES]), rows.count()


def side_in(key: str) -> Side:
    """Read which list an act is about; 404 for any other."""
    if key not in SIDES:
        raise Http404("No such list")
    return SIDES[key]


def refuse(request: OrgRequest, refused: Refused) -> HttpResponse:
    """Say why nothing was changed."""
    return render(request, "vendors/mapping_refused.html", {"sentence": refused.sentence}, status=409)
