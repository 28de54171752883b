"""Erasing closed organizations for good, as the owner of the tables: every row of theirs, whatever table it is in.

Which tables those are, and in which order they can be emptied, is asked of the database: a table that is added
later is erased too.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connections, transaction

from accounts.deletion import grace
from accounts.models import Erasure, Membership, Organization, User

OWNER = "owner"
TENANT_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
"""
# Who refers to whom; what refers to itself is emptied in one statement anyway.
REFERENCES = """
SELECT DISTINCT k.conrelid::regclass::text, k.confrelid::regclass::text FROM pg_constraint k
WHERE k.contype = 'f' AND k.conrelid <> k.confrelid
"""


@dataclass(frozen=True)
class Erased:
    """What was erased: the organization's number, its rows, and the people who belonged to no other."""

    organization: int
    rows: int
    people: int


def list_due(now: datetime) -> list[int]:
    """Give the organizations whose time to be restored is over."""
    due = Organization.objects.using(OWNER).filter(closing_since__lte=now - grace())
    return list(due.order_by("pk").values_list("pk", flat=True))


def erase(org_id: int, now: datetime) -> Erased | None:
    """Erase one organization in one transaction; None when it was restored or erased meanwhile."""
    with transaction.atomic(using=OWNER):
        due = Organization.objects.using(OWNER).select_for_update().filter(pk=org_id)
        if not due.filter(closing_since__lte=now - grace()).exists():
            return None
        members = list(
            Membership.objects.using(OWNER).filter(org_id=org_id).values_list("user_id", flat=True)
        )
        rows = _empty_tables(org_id)
        due.delete()
        erased = Erased(org_id, rows, _remove_people(members))
        Erasure.objects.using(OWNER).create(organization=org_id, at=now, rows=rows, people=erased.people)
        return erased


def _empty_tables(org_id: int) -> int:
    with connections[OWNER].cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(TENANT_TABLES)
        tables = [name for (name,) in cursor.fetchall()]
        cursor.execute(REFERENCES)
        rows = 0
        for table in order(tables, cursor.fetchall()):
            cursor.execute(f'DELETE FROM "{table}" WHERE org_id = %s', [org_id])  # noqa: S608 - from the catalogue
            rows += cursor.rowcount
        return rows


def order(tables: Iterable[str], references: Iterable[tuple[str, str]]) -> list[str]:
    """Put tables so that none is emptied before those that refer to it, as far as they do not refer to each other."""
    left = set(tables)
    referring = [(one, other) for one, other in references if one in left and other in left]
    ordered: list[str] = []
    while left:
        held = {other for one, other in referring if one in left and other in left}
        ready = sorted(left - held) or [min(left)]
        ordered += ready
        left -= set(ready)
    return ordered


def _remove_people(user_ids: Iterable[int]) -> int:
    """Remove the accounts of those who belong to no organization any more, unless another one's records name them."""
    people = User.objects.using(OWNER).filter(pk__in=user_ids, membership=None, is_staff=False)
    removed = 0
    for person in people.order_by("pk"):
        if not _is_named_elsewhere(person):
            person.delete(using=OWNER)
            removed += 1
    return removed


def _is_named_elsewhere(person: User) -> bool:
    """Say whether a row of an organization names the person; also one that would be deleted or emptied with them."""
    related = [
        field
        for field in User._meta.related_objects
        if any(one.name == "org" for one in field.related_model._meta.fields)
    ]
    return any(
        field.related_model._default_manager.using(OWNER).filter(**{field.field.name: person}).exists()
        for field in related
    )
