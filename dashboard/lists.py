"""One page of lines in their groups: four queries, however long the list is."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Case,
    Count,
    DecimalField,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Greatest

from accounts.exchange import Exchange, Total
from accounts.rates import exchange_for
from dashboard.filters import TABS, Filters
from dashboard.models import Card, Decision
from dashboard.months import with_marks
from dashboard.notes import has_note
from dashboard.rows import Row
from dashboard.tickets import ticket_of_card
from psa.models import AccountTag, ServiceTag

UNITS: "DecimalField[Decimal, Decimal]" = DecimalField()
# The states of lines that an open push writes.
WRITES = (Card.State.READY, Card.State.PUSHING)
WITHOUT_SOURCE = (Card.Kind.PSA_ONLY, Card.Kind.HIDDEN)
DIFFER = (Card.Kind.ADJUST, Card.Kind.NEW, Card.Kind.HELD)


@dataclass
class Group:
    """One service, account or agreement with its sums over the whole view, and its rows on this page."""

    id: int | None
    name: str
    source: str
    lines: int
    differ: int
    compared: int
    psa: Decimal | None
    vendor: Decimal | None
    net: Decimal | None
    # What it changes on the next invoices; None where a line has no price: a sum over a gap is a gap.
    effect: Total | None
    rows: list[Row] = field(default_factory=list)

    @property
    def selectable(self) -> int:
        return sum(1 for row in self.rows if row.selectable)

    @property
    def fit_ids(self) -> list[int]:
        """The lines of this page that can be approved together."""
        return [row.id for row in self.rows if row.fits]

    @property
    def standing(self) -> str:
        """How its lines stand, in words; empty when all of them differ."""
        if not self.compared:
            return "none compared"
        if self.differ == self.lines:
            return ""
        return f"{self.differ:,} differ{'s' if self.differ == 1 else ''}" if self.differ else "all match"


@dataclass
class Page:
    """A page of groups. `lines` counts the whole view."""

    groups: list[Group]
    lines: int
    number: int
    last: int

    @property
    def before(self) -> int:
        return self.number - 1

    @property
    def after(self) -> int:
        return self.number + 1


def with_names(cards: QuerySet[Card]) -> QuerySet[Card]:
    """Join what a row prints, so that no row asks for more."""
    named: QuerySet[Card] = with_marks(cards).select_related(
        "account", "service", "agreement", "integration", "connection", "push", "decision", "line"
    )
    return named.annotate(ticket_facts=ticket_of_card())


def with_remarks(cards: QuerySet[Card]) -> QuerySet[Card]:
    """Join what a row of a list prints, its tags and whether it has a note too: still one query."""
    of_account = AccountTag.objects.filter(org_id=OuterRef("org_id"), account_id=OuterRef("account_id"))
    of_service = ServiceTag.objects.filter(org_id=OuterRef("org_id"), service_id=OuterRef("service_id"))
    return with_names(cards).annotate(
        has_note=has_note(),
        account_tags=ArraySubquery(of_account.order_by("tag__name").values("tag__name")),
        service_tags=ArraySubquery(of_service.order_by("tag__name").values("tag__name")),
    )


def list_page(org_id: int, filters: Filters, exchange: Exchange | None = None) -> Page:
    """Give the page of lines that `filters` ask for, groups with the most money first."""
    cards = filters.narrow(Card.objects.filter(org_id=org_id))
    groups = _groups(cards, filters, exchange or exchange_for(org_id))
    total, size = sum(g.lines for g in groups), settings.PAGE_LINES
    last = max(1, -(-total // size))
    number = min(filters.page, last)
    shown, skip = _cut(groups, (number - 1) * size, size)
    for card in _page_of_cards(cards, filters, shown, skip):
        next(g for g in shown if g.id == getattr(card, f"{filters.group}_id")).rows.append(Row(card))
    return Page([g for g in shown if g.rows], total, number, last)


def _groups(cards: QuerySet[Card], filters: Filters, exchange: Exchange) -> list[Group]:
    key = filters.group
    cards = with_writes(cards, filters)
    unknown = Count("id", filter=Q(vendor_units__isnull=True))
    rows = (
        cards.values(key)
        .annotate(
            name=Max(f"{key}__name"),
            source=Max("integration__name"),
            lines=Count("id"),
            differ=Count("id", filter=Q(kind__in=DIFFER)),
            compared=Count("id", filter=Q(kind__in=[*DIFFER, Card.Kind.MATCH])),
            psa=Sum("psa_units"),
            vendor=Sum("vendor_units"),
            net=Sum("change"),
            # How many lines lack a price, or a count. Those without a source have none.
            unpriced=Count("id", filter=Q(amount__isnull=True) & ~Q(kind__in=WITHOUT_SOURCE)),
            unknown=unknown,
        )
        .order_by("name", key)
    )
    worth = _worth(cards, key, exchange)
    found = [_group(row, key, worth[row[key]]) for row in rows]
    return sorted(found, key=lambda group: -max(abs(part.amount) for part in worth[group.id].parts))


def with_writes(cards: QuerySet[Card], filters: Filters) -> QuerySet[Card]:
    """Name what groups add up and lists are sorted by, as each row prints it: its open push, else its difference.

    The SQL of `writes.write_of`; views without such rows join nothing for it.
    """
    if not {*WRITES, Card.State.DONE} & set(TABS[filters.tab][1]):
        return cards.alias(change=F("delta"), amount=F("effect"))
    decided = Q(state=Card.State.DONE, decision__verb=Decision.Verb.APPROVE) & ~Q(kind=Card.Kind.MATCH)
    wanted, seen = F("push__wanted"), F("push__seen")
    billed = [Greatest(units - F("line__included"), Decimal(0)) for units in (wanted, seen)]
    on_line, added = Q(state__in=WRITES, line__isnull=False), Q(state__in=WRITES, line__isnull=True)
    return cards.alias(
        change=Case(When(state__in=WRITES, then=wanted - seen), default=F("delta"), output_field=UNITS),
        amount=Case(
            When(on_line, then=(billed[0] - billed[1]) * F("line__unit_price")),
            When(added, then=(wanted - seen) * F("push__unit_price")),
            When(decided, then=Decimal(0)),
            default=F("effect"),
            output_field=UNITS,
        ),
    )


def _worth(cards: QuerySet[Card], key: str, exchange: Exchange) -> dict[int | None, Total]:
    """Add up what each group changes on the next invoices, in the display currency where rates allow."""
    sums: dict[int | None, dict[str, Decimal]] = defaultdict(dict)
    for row in cards.values(key, "currency").annotate(effect=Sum("amount", default=Decimal(0))).order_by(key):
        sums[row[key]][row["currency"]] = row["effect"]
    return {group: exchange.add(amounts) for group, amounts in sums.items()}


def _group(row: dict[str, Any], key: str, worth: Total) -> Group:
    # A sum over a gap is a gap.
    known = row["unknown"] == 0
    return Group(
        id=row[key],
        name=row["name"] or ("In no agreement" if key == "agreement" else "No service"),
        source=row["source"] or "No source",
        lines=row["lines"],
        differ=row["differ"],
        compared=row["compared"],
        psa=row["psa"],
        vendor=row["vendor"] if known else None,
        net=row["net"] if known else None,
        effect=worth if row["unpriced"] == 0 else None,
    )


def _cut(groups: list[Group], start: int, size: int) -> tuple[list[Group], int]:
    """Give the groups that lines start..start+size touch, and how many lines of the first come before."""
    shown: list[Group] = []
    seen = skip = 0
    for group in groups:
        if seen + group.lines > start and seen < start + size:
            if not shown:
                skip = start - seen
            shown.append(group)
        seen += group.lines
    return shown, skip


def _page_of_cards(cards: QuerySet[Card], filters: Filters, groups: list[Group], skip: int) -> list[Card]:
    if not groups:
        return []
    key = f"{filters.group}_id"
    ids = [g.id for g in groups if g.id is not None]
    here = Q(**{f"{key}__in": ids})
    if len(ids) < len(groups):
        here |= Q(**{f"{key}__isnull": True})
    whens = [
        When(**{key: g.id} if g.id is not None else {f"{key}__isnull": True}, then=Value(n))
        for n, g in enumerate(groups)
    ]
    place = Case(*whens, output_field=IntegerField())
    wanted = with_remarks(with_writes(cards.filter(here), filters)).order_by(place, *filters.order())
    return list(wanted[skip : skip + settings.PAGE_LINES])


def list_whole(
    org_id: int,
    filters: Filters,
    limit: int,
    join: Callable[[QuerySet[Card]], QuerySet[Card]] = with_names,
) -> list[Card]:
    """Give all lines of a view in the order of its pages, `limit` at most, with what `join` adds: five queries."""
    cards = filters.narrow(Card.objects.filter(org_id=org_id))
    place = {group.id: n for n, group in enumerate(_groups(cards, filters, exchange_for(org_id)))}
    people = ("decision__by", "decision__rule", "push__second_by")
    wanted = join(with_writes(cards, filters)).select_related(*people).order_by(*filters.order())
    found = list(wanted[:limit])
    # A group that came between the two queries stands last.
    return sorted(found, key=lambda card: place.get(getattr(card, f"{filters.group}_id"), len(place)))
