"""Carry mappings over (B9): look at every counterpart, then at what happens to the lines, then do it; with undo."""

from collections import Counter
from collections.abc import Mapping

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Role
from psa.models import Connection
from reconcile.tenancy.views import OrgRequest, member_view
from vendors import carrying
from vendors.carrying import ORDER
from vendors.carrying_acts import Done, carry, foresee, last_act, plan, take_back
from vendors.carrying_along import NOUNS, Along, Asked
from vendors.mapping import Change, Refused, UnknownRow
from vendors.mapping_forms import UNREADABLE, read_pair, read_pick
from vendors.mapping_views import refuse

NOTHING = "Nothing is ticked or chosen. Tick a row or choose a counterpart first. Nothing was changed."
# Of what stays, as many are named as one reads; the others are counted.
STAYS_NAMED = 12
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
    told = f"Carried over: {say_numbers(done.numbers)}." if done.entry else "It was like this already."
    return _answer(request, *way, told, done)


@require_POST
@member_view(Role.ADMIN)
def carry_look(request: OrgRequest, old: int, new: int) -> HttpResponse:
    """Show what carrying over would do to the lines; nothing is changed by this."""
    way = _find(request, old), _find(request, new)
    try:
        asked = _asked(request, *way)
        along = plan(request.org.pk, *way, asked)
        effect = foresee(request.org.pk, asked, along)
    except Refused as refused:
        return refuse(request, refused)
    except UnknownRow as unknown:
        raise Http404("No such row") from unknown
    context = _look(request, *way, asked, along) | {"effect": effect}
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
        done = take_back(request.org.pk, *way, int(act), by=request.user)
    except Refused as refused:
        return refuse(request, refused)
    except UnknownRow as unknown:
        raise Http404("No such act") from unknown
    told = f"Taken back: {say_numbers(done.numbers)}." if done.entry else "It was taken back already."
    return _answer(request, *way, told)


def _find(request: OrgRequest, pk: int) -> Connection:
    return get_object_or_404(Connection, org_id=request.org.pk, pk=pk)


def _context(request: OrgRequest, old: Connection, new: Connection) -> dict[str, object]:
    found = carrying.plan(request.org.pk, old, new) if new.read_at else carrying.Plan([])
    page = found.page(_page_number(request.GET.get("page", "")))
    act = last_act(request.org.pk, old, new)
    return {
        "old": old,
        "new": new,
        "is_within": old.pk == new.pk,
        "plan": found,
        "page": page,
        "act": act,
        "act_words": say_numbers(act.new) if act else "",
        "gone": sum(row.is_gone for row in found.rows),
    }


def _answer(
    request: OrgRequest, old: Connection, new: Connection, told: str, done: Done | None = None
) -> HttpResponse:
    context = _context(request, old, new) | {"swapped": True, "told": told, "undo": done and done.entry}
    return render(request, "vendors/carry_changed.html", context)


def _look(
    request: OrgRequest, old: Connection, new: Connection, asked: Asked, along: Along
) -> dict[str, object]:
    numbers = {side.key: len(changes) for side, changes in asked.changes.items()}
    left = 0 if old == new else carrying.count_mapped(request.org.pk, old) - sum(numbers.values())
    return {
        "old": old,
        "new": new,
        "numbers": say_numbers(numbers) or say_numbers(along.numbers) or "nothing",
        "several": _shared_targets(asked),
        "left": left,
        "along": say_numbers(along.numbers) if any(numbers.values()) else "",
        "twins": bool(along.drafts),
        "also_left": say_numbers(along.left),
        "stays": along.stays[:STAYS_NAMED],
        "stays_more": max(0, len(along.stays) - STAYS_NAMED),
        "names_psa": old != new,
        "side": ORDER[-1],
    }


def _asked(request: OrgRequest, old: Connection, new: Connection) -> Asked:
    """Read what was ticked and chosen, and what is sure on other pages when that was ticked; raises Refused."""
    form = request.POST
    texts = {side: _texts(form.getlist(side.key)) for side in ORDER}
    if form.get("rest"):
        page = carrying.plan(request.org.pk, old, new).page(_page_number(form.get("page", "")))
        if page.mark != form["rest"]:
            raise Refused(OUTDATED)
        for row in page.rest:
            texts[row.side] += _texts([row.sure_value])
    changes = {side: _changes(some) for side, some in texts.items()}
    pairs = {side: dict(read_pair(one) for one in some if one[0] == "=") for side, some in texts.items()}
    asked = Asked({side: some for side, some in changes.items() if some}, pairs)
    if not asked:
        raise Refused(NOTHING)
    return asked


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _texts(values: list[str]) -> list[str]:
    """Take the values of one side apart: each holds all that leads to one account or service."""
    return [text for text in ",".join(values).split(",") if text]


def _changes(texts: list[str]) -> list[Change]:
    changes = {}
    for text in texts:
        if text[0] != "=":
            row, seen, wanted = read_pick(text)
            if wanted is None:
                raise Refused(UNREADABLE)
            changes[row] = Change(row, seen, wanted)
    return list(changes.values())


def _shared_targets(asked: Asked) -> int:
    """Count the accounts and services that several of the old connection would become."""
    pairs = {
        (side, old, new) for side, some in asked.becomes.items() for old, news in some.items() for new in news
    }
    return sum(number > 1 for number in Counter((side, new) for side, _, new in pairs).values())


def say_numbers(numbers: Mapping[str, int]) -> str:
    """Write how many of each kind: "12 vendor accounts, 3 vendor services and 1 counting rule"."""
    nouns = {side.key: f"vendor {side.noun}" for side in reversed(ORDER)} | NOUNS
    words: Counter[str] = Counter()
    for key, noun in nouns.items():
        words[noun] += numbers.get(key, 0)
    said = [f"{number:,} {noun}{'' if number == 1 else 's'}" for noun, number in words.items() if number]
    return " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]]))
