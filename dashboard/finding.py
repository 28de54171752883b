"""Finds what a person asks about, by name or id: accounts, services and lines of the PSA, and the vendors' own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from rapidfuzz import fuzz, process

from dashboard.models import Card
from psa.models import Account, Connection, Service
from vendors.models import Integration, VendorAccount, VendorService
from vendors.names import fold

# Of each kind so many are shown; a name that nobody has leads to so many like it.
MOST, LIKE = 8, 5
# How alike, in percent, a name must sound to what was typed.
LIKENESS = 80
SHORTEST = 2


@dataclass(frozen=True)
class Kind:
    """A kind of thing to ask about: its model, what people call it, and the view that answers."""

    key: str
    title: str
    model: Any
    source: str
    fields: Sequence[str]

    @property
    def view(self) -> str:
        """The name of the view that answers for one of them."""
        return f"why_{self.key}"

    def rows(self, org_id: int) -> QuerySet[Any]:
        """Give all of them, with the name of their source."""
        rows: QuerySet[Any] = self.model.objects.filter(org_id=org_id).select_related(self.source)
        return rows


KINDS = {
    kind.key: kind
    for kind in (
        Kind("account", "Accounts in the PSA", Account, "connection", ("name", "identifier", "remote_id")),
        Kind(
            "vendor_account",
            "Vendor accounts",
            VendorAccount,
            "integration",
            ("name", "external_id", "crm_ref"),
        ),
        Kind(
            "service",
            "Services in the PSA",
            Service,
            "connection",
            ("name", "identifier", "part_number", "vendor_sku"),
        ),
        Kind("vendor_service", "Vendor services", VendorService, "integration", ("name", "external_id")),
    )
}


@dataclass(frozen=True)
class Hits:
    """What was found of one kind, and whether there is more; `alike`: nothing has the words, these only sound so."""

    kind: Kind
    rows: list[Any]
    more: bool = False
    alike: bool = False


@dataclass(frozen=True)
class Finding:
    """Everything that a search has found. `asked` are the sources in which it was looked for."""

    hits: list[Hits]
    lines: list[Card]
    asked: list[Connection | Integration]

    @property
    def is_empty(self) -> bool:
        return not self.hits and not self.lines


def find(org_id: int, text: str) -> Finding:
    """Look for words of a name, an id or a part number; where no name has them, for names like it."""
    asked: list[Any] = [
        *Connection.objects.filter(org_id=org_id).order_by("name"),
        *Integration.objects.filter(org_id=org_id).order_by("name"),
    ]
    terms = text.split()
    if len(text) < SHORTEST:
        return Finding([], [], asked)
    hits = [_hits(kind, org_id, terms) for kind in KINDS.values()]
    if not any(one.rows for one in hits):
        hits = [_alike(kind, org_id, text) for kind in KINDS.values()]
    return Finding([one for one in hits if one.rows], _lines(org_id, terms), asked)


def _hits(kind: Kind, org_id: int, terms: Sequence[str]) -> Hits:
    rows = kind.rows(org_id)
    for term in terms:
        has = Q()
        for name in kind.fields:
            has |= Q(**{f"{name}__icontains": term})
        rows = rows.filter(has)
    found = list(rows.order_by("name", "pk")[: MOST + 1])
    return Hits(kind, found[:MOST], len(found) > MOST)


def _alike(kind: Kind, org_id: int, text: str) -> Hits:
    names = dict(kind.model.objects.filter(org_id=org_id).values_list("pk", "name"))
    like = process.extract(text, names, scorer=fuzz.WRatio, processor=fold, score_cutoff=LIKENESS, limit=LIKE)
    ids = [pk for _, _, pk in like]
    rows = kind.rows(org_id).in_bulk(ids)
    return Hits(kind, [rows[pk] for pk in ids], alike=True)


def _lines(org_id: int, terms: Sequence[str]) -> list[Card]:
    """Find lines by account and service together: "harbor backup"."""
    if len(terms) < SHORTEST:
        return []
    cards = Card.objects.filter(org_id=org_id).select_related("account", "service", "agreement")
    for term in terms:
        cards = cards.filter(
            Q(account__name__icontains=term)
            | Q(service__name__icontains=term)
            | Q(agreement__name__icontains=term)
        )
    return list(cards.order_by("account__name", "service__name", "pk")[:MOST])
