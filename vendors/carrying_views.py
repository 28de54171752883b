"""Carry mappings over (B9): look at every counterpart, then at what happens to the lines, then do it; with undo."""

from collections import Counter

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Role
from psa.models import Connection
from reconcile.tenancy.views import OrgRequest, member_view
from vendors import carrying
from vendors.carrying import ORDER
from vendors.carrying_acts import Acts, Done, carry, check_way, last_act, take_back
from vendors.mapping import Change, Refused, Side, UnknownRow
from vendors.mapping_effect import foresee_together
from vendors.mapping_forms import UNREADABLE, read_pick
from vendors.mapping_views import refuse

NOTHING = "Nothing is ticked or chosen. Tick a row or choose a counterpart first. Nothing was changed."
OUTDATED = (
    "What is sure on other pages is not what it was when you loaded this page. Nothing was changed. "
    "Reload the page, then look again."
)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN)
def carry_over(request: OrgRequest, old: int, new: int) -> HttpResponse:
    """Show what everything mapped to one connection may be in another; a POST carries over what was chosen."""
    way = _find(request, old), _find(request, new)
    if request.method != "POST":
        return render(request, "vendors/carry.html", _context(request, *way))
    try:
        done = carry(request.org.pk, *way, _asked(request, *way), by=request.user)
    except Refused as refused:
        return refuse(request, refused)
    except UnknownRow as unknown:
        raise Http404("No such row") from unknown
    told = f"Carried over: {_numbers(done)}." if done.entry else "It was like this already."
    return _answer(request, *way, told, done)


@require_POST
@member_view(Role.ADMIN)
def carry_look(request: OrgRequest, old: int, new: int) -> HttpResponse:
    """Show what carrying over would do to the lines; nothing is changed by this."""
    way = _find(request, old), _find(request, new)
    try:
        asked = _asked(request, *way)
        check_way(request.org.pk, *way, asked)
        effect = foresee_together(request.org.pk, asked)
    except Refused as refused:
        return refuse(request, refused)
    except UnknownRow as unknown:
        raise Http404("No such row") from unknown
    numbers = {side.key: len(changes) for side, changes in asked.items()}
    left = 0 if old == new else carrying.count_mapped(request.org.pk, way[0]) - sum(numbers.values())
    context = {
        "old": way[0],
        "new": way[1],
        "effect": effect,
        "numbers": _numbers(Done(numbers, None)),
        "several": _shared_targets(asked),
        "left": left,
        "also_left": "" if old == new else _words(carrying.count_left(request.org.pk, way[0])),
        "names_psa": old != new,
        "side": ORDER[-1],
    }
    return render(request, "vendors/carry_look.html", context)


@require_POST
@member_view(Role.ADMIN)
def carry_undo(request: OrgRequest, old: int, new: int) -> HttpResponse:
    """Lead everything that an act carried over back to where it was."""
    way = _find(request, old), _find(request, new)
    act = request.POST.get("act", "")
    try:
        if not (act.isascii() and act.isdigit() and len(act) < 19):
            raise Refused(UNREADABLE)
        done = take_back(request.org.pk, int(act), by=request.user)
    except Refused as refused:
        return refuse(request, refused)
    except UnknownRow as unknown:
        raise Http404("No such act") from unknown
    told = f"Taken back: {_numbers(done)}." if done.entry else "It was taken back already."
    return _answer(request, *way, told)


def _find(request: OrgRequest, pk: int) -> Connection:
    return get_object_or_404(Connection, org_id=request.org.pk, pk=pk)


def _context(request: OrgRequest, old: Connection, new: Connection) -> dict[str, object]:
    plan = carrying.plan(request.org.pk, old, new) if new.read_at else carrying.Plan([])
    number = request.GET.get("page", "1")
    page = plan.page(int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1)
    return {
        "old": old,
        "new": new,
        "is_within": old.pk == new.pk,
        "plan": plan,
        "page": page,
        "act": last_act(request.org.pk, old, new),
        "gone": sum(row.is_gone for row in plan.rows),
    }


def _answer(
    request: OrgRequest, old: Connection, new: Connection, told: str, done: Done | None = None
) -> HttpResponse:
    context = _context(request, old, new) | {"swapped": True, "told": told, "undo": done and done.entry}
    return render(request, "vendors/carry_changed.html", context)


def _asked(request: OrgRequest, old: Connection, new: Connection) -> Acts:
    """Read what was ticked and chosen, and what is sure on other pages when that was ticked; raises Refused."""
    form = request.POST
    asked = {side: _changes(side, form) for side in ORDER}
    if form.get("rest"):
        number = form.get("page", "")
        page = carrying.plan(request.org.pk, old, new).page(int(number) if number.isdecimal() else 1)
        if page.mark != form["rest"]:
            raise Refused(OUTDATED)
        for row in page.rest:
            if row.sure:
                asked[row.side] += row.changes_to(row.sure.candidate.id)
    if not any(asked.values()):
        raise Refused(NOTHING)
    return {side: changes for side, changes in asked.items() if changes}


def _changes(side: Side, form: QueryDict) -> list[Change]:
    """Read the values of one side: each holds the changes of all that is mapped to one account or service."""
    changes = {}
    for text in ",".join(filter(None, form.getlist(side.key))).split(","):
        if text:
            row, seen, wanted = read_pick(text)
            if wanted is None:
                raise Refused(UNREADABLE)
            changes[row] = Change(row, seen, wanted)
    return list(changes.values())


def _shared_targets(asked: Acts) -> int:
    """Count the accounts and services that several of the old connection would become."""
    pairs = {(side, c.seen.target, c.wanted.target) for side, changes in asked.items() for c in changes}
    return sum(number > 1 for number in Counter((side, wanted) for side, _, wanted in pairs).values())


def _numbers(done: Done) -> str:
    """Write how many mappings of each kind: "12 vendor accounts and 3 vendor services"."""
    return _words({f"vendor {side.noun}": done.numbers.get(side.key, 0) for side in reversed(ORDER)})


def _words(numbers: dict[str, int]) -> str:
    """Write numbers of things in one line, without those that there are none of."""
    words = [f"{number:,} {noun}{'' if number == 1 else 's'}" for noun, number in numbers.items() if number]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
