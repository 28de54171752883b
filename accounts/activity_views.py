"""Activity (A6): the audit trail, newest first, searchable, with the state of its hash chain."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.exports import export
from accounts.models import AuditEntry
from accounts.roles import Role
from reconcile.tables import Table
from reconcile.tenancy.views import OrgRequest, member_view

PAGE = 50
NONE = "—"
# What an undo reads back, and people read as the label.
NOT_SHOWN = frozenset({"from_connection"})
EXPORTED = (
    "Entry", "At (UTC)", "Who", "E-mail", "Verb", "Subject", "Label", "Change", "Old (JSON)", "New (JSON)",
    "The other side said", "Hash", "Previous hash",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One value that an act changed; `old` is None when there was none before."""

    name: str
    old: str | None
    new: str


def changes_of(entry: AuditEntry) -> list[Change]:
    """Give what an entry changed, value by value, in words."""
    names = list(dict.fromkeys([*entry.old, *entry.new]))
    return [
        Change(
            name.replace("_", " "),
            _words(entry.old[name]) if name in entry.old else None,
            _words(entry.new[name]) if name in entry.new else NONE,
        )
        for name in names
        if name not in NOT_SHOWN
    ]


def search(query: str, before: int | None) -> QuerySet[AuditEntry]:
    """Find entries, newest first, by who, what or on which subject; `before` leaves out that number and later ones."""
    found = AuditEntry.objects.order_by("-seq")
    for word in query.split():
        found = found.filter(
            Q(actor_label__icontains=word)
            | Q(actor__name__icontains=word)
            | Q(verb__icontains=word)
            | Q(subject__icontains=word)
            | Q(label__icontains=word)
        )
    return found.filter(seq__lt=before) if before else found


@require_safe
@member_view(Role.VIEWER)
def activity(request: OrgRequest) -> HttpResponse:
    """Show one page of the trail; htmx asks for the list alone while somebody searches."""
    query, before = _asked(request), _number(request.GET.get("before", ""))
    found = list(search(query, before).select_related("actor")[: PAGE + 1])
    rows = found[:PAGE]
    context = {
        "rows": [(entry, changes_of(entry)) for entry in rows],
        "query": query,
        "asked": f"?{urlencode({'q': query})}" if query else "",
        "before": before,
        "older": rows[-1].seq if len(found) > PAGE else None,
    }
    template = "activity/results.html" if request.htmx else "activity/page.html"
    return render(request, template, context)


@require_safe
@member_view(Role.VIEWER)
def activity_chain(request: OrgRequest) -> HttpResponse:
    """Check the whole chain and say what came out; the page asks for it once it is shown."""
    broken = audit.verify(request.org.pk)
    return render(request, "activity/chain.html", {"broken": broken, "from": (broken or 0) + 1})


@require_POST
@member_view(Role.VIEWER, scoped=False)
def activity_export(request: OrgRequest) -> HttpResponse:
    """Send the entries that the search finds, all its pages, with what proves the chain."""
    query = _asked(request)

    def read(limit: int) -> Table:
        found = search(query, None).select_related("actor")[:limit]
        return Table("Activity", EXPORTED, [_exported(entry) for entry in found], [("Search", query or None)])

    return export(request, "activity", read)


def _exported(entry: AuditEntry) -> list[Any]:
    changes = [f"{c.name}: {c.old} to {c.new}" if c.old else f"{c.name}: {c.new}" for c in changes_of(entry)]
    old, new = (json.dumps(value, ensure_ascii=False, sort_keys=True) for value in (entry.old, entry.new))
    return [
        entry.seq, entry.at, str(entry.actor or entry.actor_label), entry.actor_label, entry.verb, entry.subject,
        entry.label, "; ".join(changes), old, new, entry.reply, entry.hash, entry.previous_hash,
    ]  # fmt: skip


def _asked(request: OrgRequest) -> str:
    return request.GET.get("q", "").replace("\x00", "").strip()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or NONE
    return NONE if value in (None, "") else str(value)
