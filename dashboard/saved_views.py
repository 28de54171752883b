"""Keeps views under names (E6): for oneself, or by an admin for everybody, which the audit trail records."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import audit
from accounts.models import Membership, User
from accounts.roles import Role
from dashboard.decisions import Refused
from dashboard.models import OpeningView, SavedView

LONGEST = 60


def list_for(org_id: int, user: User) -> QuerySet[SavedView]:
    """Give a person's own views and everybody's, by name; `opens` marks the one that they see first."""
    opens = OpeningView.objects.filter(org_id=org_id, user=user, view=OuterRef("pk"))
    mine = SavedView.objects.filter(Q(owner=user) | Q(owner=None), org_id=org_id)
    return mine.annotate(opens=Exists(opens)).order_by("name", "pk")


def opening_query(org_id: int, user: User) -> str:
    """Give the query string with which a person's dashboard opens; empty for the usual one."""
    found = OpeningView.objects.filter(org_id=org_id, user=user).values_list("view__query", flat=True).first()
    return found or ""


def find(org_id: int, view_id: int, member: Membership) -> SavedView:
    """Give a view that the person may change; raises DoesNotExist, and Refused for everybody's."""
    view = list_for(org_id, member.user).get(pk=view_id)
    _check_shared(member, is_shared=view.is_shared)
    return view


def save(org_id: int, name: str, query: str, *, shared: bool, by: Membership) -> SavedView:
    """Keep a view; one of the same name is replaced. Raises Refused."""
    name = read_name(name)
    _check_shared(by, is_shared=shared)
    audit.hold(org_id)
    owner = None if shared else by.user
    view = SavedView.objects.filter(org_id=org_id, owner=owner, name__iexact=name).first()
    old = {"name": view.name, "query": view.query} if view else {}
    view = view or SavedView(org_id=org_id, owner=owner)
    view.name, view.query = name, query
    view.save()
    _record(view, "saved a view", by.user, old=old, new={"name": name, "query": query})
    return view


def rename(view: SavedView, name: str, *, by: Membership) -> None:
    """Give a view another name; raises Refused when another view has it."""
    name = read_name(name)
    audit.hold(view.org_id)
    others = SavedView.objects.filter(org_id=view.org_id, owner=view.owner, name__iexact=name).exclude(
        pk=view.pk
    )
    if others.exists():
        raise Refused(f"There is a view “{name}” already. Nothing was changed.")
    old, view.name = view.name, name
    view.save(update_fields=["name"])
    _record(view, "renamed a view", by.user, old={"name": old}, new={"name": name})


def delete(view: SavedView, *, by: Membership) -> None:
    """Take a view away; whoever opened with it sees the usual one again."""
    audit.hold(view.org_id)
    _record(view, "deleted a view", by.user, old={"name": view.name, "query": view.query})
    OpeningView.objects.filter(org_id=view.org_id, view=view).delete()
    view.delete()


def open_with(org_id: int, view: SavedView | None, *, by: User) -> None:
    """Have a person's dashboard open with a view, or with the usual one."""
    audit.hold(org_id)
    OpeningView.objects.filter(org_id=org_id, user=by).delete()
    if view is not None:
        OpeningView.objects.create(org_id=org_id, user=by, view=view)


def read_name(text: str) -> str:
    """Read a view's name; raises Refused for none, or a long one."""
    name = " ".join(text.replace("\x00", "").split())
    if not name or len(name) > LONGEST:
        raise Refused(f"A view needs a name of at most {LONGEST} characters. Nothing was saved.")
    return name


def _check_shared(member: Membership, *, is_shared: bool) -> None:
    if is_shared and not member.may(Role.ADMIN):
        raise Refused("Views for everybody are kept by an admin. Nothing was changed.")


def _record(view: SavedView, verb: str, by: User, **values: Any) -> None:
    if view.is_shared:
        audit.record(view.org_id, actor=by, verb=verb, subject=f"view:{view.pk}", label=view.name, **values)
