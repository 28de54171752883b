"""What each filter of the lines offers, and how the one that was chosen reads: asked for when a menu opens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from dashboard.filters import FRESHNESS, KINDS, MARKS, Filters
from dashboard.models import Card
from dashboard.words import HIDDEN
from psa.models import Account, AgreementType
from psa.tags import list_worn
from vendors.models import Integration

# As many as one menu shows; a longer list is searched.
SHOWN = 12


@dataclass(frozen=True)
class Menu:
    """One filter: its word, and the values that it offers, from rows or from a fixed list."""

    word: str
    rows: Callable[[int], QuerySet[Any]] | None = None
    fixed: tuple[tuple[str, str], ...] = ()

    def offer(self, org_id: int, find: str) -> "Offer":
        """Give the first values whose name holds every word of `find`: one query where there are rows."""
        if self.rows is None:
            return Offer(list(self.fixed), 0)
        rows = self.rows(org_id)
        for term in find.split():
            rows = rows.filter(name__icontains=term)
        found = [(str(pk), name) for pk, name in rows.values_list("pk", "name")[: SHOWN + 1]]
        return Offer(found[:SHOWN], len(found) - SHOWN)

    def read(self, org_id: int, value: str) -> str:
        """Say what was chosen; something that this organization lacks has no name."""
        if self.rows is None:
            return dict(self.fixed).get(value, value)
        return self.rows(org_id).filter(pk=int(value)).values_list("name", flat=True).first() or "—"


@dataclass(frozen=True)
class Offer:
    """The values of one menu, and whether there are more than it shows."""

    values: list[tuple[str, str]]
    more: int

    @property
    def has_more(self) -> bool:
        return self.more > 0


@dataclass(frozen=True)
class Chip:
    """A filter as a chip: what was chosen, or an invitation to choose."""

    name: str
    word: str
    chosen: str = ""
    without: str = ""

    @property
    def is_rare(self) -> bool:
        """Say whether it gives way first where there is little room."""
        return self.name not in ("source", "account", "difference")


def _accounts(org_id: int) -> QuerySet[Any]:
    cards = Card.objects.filter(org_id=org_id, account=OuterRef("pk"))
    return Account.objects.filter(Exists(cards), org_id=org_id).order_by("name", "pk")


def _fixed(words: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((value, label[:1].upper() + label[1:]) for value, label in words.items())


MENUS: dict[str, Menu] = {
    "source": Menu("Source", lambda org_id: Integration.objects.filter(org_id=org_id).order_by("name")),
    "account": Menu("Account", _accounts),
    "type": Menu(
        "Type",
        lambda org_id: AgreementType.objects.filter(org_id=org_id, vanished_at=None).order_by("name", "pk"),
    ),
    "tag": Menu("Tag", list_worn),
    "kind": Menu("Kind", fixed=_fixed(KINDS)),
    "fresh": Menu("Freshness", fixed=_fixed(FRESHNESS)),
    "mark": Menu("With", fixed=_fixed(MARKS)),
}


def list_chips(org_id: int, filters: Filters) -> list[Chip]:
    """Give the chips of a view: one query for each filter by a row's name that is on."""
    chips = []
    for name, menu in MENUS.items():
        value = getattr(filters, name)
        chosen = menu.read(org_id, value) if value else ""
        chips.append(Chip(name, menu.word, chosen, filters.address(**{name: ""})))
    # Beside the account, before what is asked for less often.
    chips.insert(2, Chip("difference", "Difference", _sizes(filters), filters.address(units="", amount="")))
    if filters.why:
        chips.append(Chip("why", "Left out", HIDDEN[filters.why][0], filters.address(why="")))
    return chips


def _sizes(filters: Filters) -> str:
    """Say how large a difference must be to be listed; empty while any will do."""
    limits = ((filters.units, "units"), (filters.amount, "of money"))
    return ", ".join(f"{least} or more {what}" for least, what in limits if least)
