"""What leads to accounts and services besides mappings: splits, further services, and planned mappings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from vendors.counting_models import AccountSplit, AlsoCounts, MappingSpan
from vendors.counting_words import FIELD_WORDS, say_months
from vendors.mapping import ACCOUNTS, SERVICES, Side


@dataclass(frozen=True)
class Kind:
    """One kind of pointer: where its rows are, which side they lead to, and what people call them."""

    key: str
    noun: str
    verb: str
    model: Any
    side: Side

    @property
    def column(self) -> str:
        return f"{self.side.noun}_id"

    def standing(self, org_id: int, month: date) -> QuerySet[Any]:
        """Give the rows that stand in a month (its first day) or will after it."""
        rows: QuerySet[Any] = self.model.objects.filter(
            Q(until_month=None) | Q(until_month__gt=month),
            org_id=org_id, **{f"{self.side.noun}__isnull": False},
        )  # fmt: skip
        return rows.filter(from_month__isnull=False) if self.model is MappingSpan else rows


SPLITS = Kind("splits", "split", "moved split of", AccountSplit, ACCOUNTS)
FURTHER = Kind("further_services", "further service", "moved further service of", AlsoCounts, SERVICES)
KINDS = (
    SPLITS,
    FURTHER,
    Kind("planned_accounts", "planned mapping", "moved planned account of", MappingSpan, ACCOUNTS),
    Kind("planned_services", "planned mapping", "moved planned service of", MappingSpan, SERVICES),
)


@dataclass(frozen=True)
class Pointer:
    """One row: which vendor row's it is, and what it leads to. `said` is what it is without its target."""

    kind: Kind
    id: int
    owner: int
    owner_name: str
    source: str
    is_excluded: bool
    target: int
    target_name: str
    is_gone: bool
    said: str

    @property
    def words(self) -> str:
        """Say what it is: "e-mail address *@a.example of harbor dental"."""
        return f"{self.said} of {self.owner_name}"


def read_pointers(org_id: int, connection_id: int, month: date, sides: Sequence[Side]) -> list[Pointer]:
    """Give what leads to a connection in a month or later, in the order of its rows: a query for each kind."""
    return [one for kind in KINDS if kind.side in sides for one in _read(kind, org_id, connection_id, month)]


def _read(kind: Kind, org_id: int, connection_id: int, month: date) -> list[Pointer]:
    noun, owner = kind.side.noun, kind.side.owner
    rows = kind.standing(org_id, month).filter(**{f"{noun}__connection_id": connection_id})
    rows = rows.select_related(noun, f"{owner}__integration").order_by("pk")
    return [_pointer(kind, row, getattr(row, owner), getattr(row, noun)) for row in rows]


def _pointer(kind: Kind, row: Any, owner: Any, target: Any) -> Pointer:
    return Pointer(
        kind=kind, id=row.pk, owner=owner.pk, owner_name=str(owner), source=str(owner.integration),
        is_excluded=owner.excluded_at is not None, target=target.pk, target_name=str(target),
        is_gone=target.vanished_at is not None, said=_say(kind, row),
    )  # fmt: skip


def _say(kind: Kind, row: Any) -> str:
    head = f"{FIELD_WORDS[row.field][0]} {row.pattern}" if kind is SPLITS else kind.noun
    return ", ".join(filter(None, [head, say_months(row.from_month, row.until_month)]))
