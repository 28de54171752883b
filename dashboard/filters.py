"""What a reviewer asked the dashboard for: tab, grouping, search, filters, order and page, read from the address."""

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Abs
from django.http import QueryDict

from dashboard.models import Card

TABS: dict[str, tuple[str, list[str]]] = {
    "todo": ("To do", [Card.State.TODO, Card.State.FAILED]),
    "held": ("Held", [Card.State.HELD]),
    "ready": ("Ready to push", [Card.State.READY, Card.State.PUSHING]),
    "done": ("Done", [Card.State.DONE]),
    "all": ("All", [s for s in Card.State if s != Card.State.NONE]),
    "other": ("Not compared", [Card.State.NONE]),
}
GROUPS = {"service": "Service", "account": "Account", "agreement": "Agreement"}
SORTS: dict[str, Any] = {
    "account": F("account__name"),
    "agreement": F("agreement__name"),
    "psa": F("psa_units"),
    "vendor": F("vendor_units"),
    "difference": Abs("delta"),
    "price": F("price"),
    "effect": Abs("effect"),
}
KINDS = {k.value: k.label for k in Card.Kind}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """A reviewer's view; unknown values in an address fall back to the default, so no link can break."""

    tab: str = "todo"
    group: str = "service"
    view: str = "list"
    q: str = ""
    source: str = ""
    account: str = ""
    kind: str = ""
    amount: str = ""
    sort: str = "-effect"
    page: int = 1
    open: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Read a view from an address."""

        def one_of(name: str, allowed: Any, default: str) -> str:
            value = query.get(name, default)
            return value if value in allowed else default

        sort = query.get("sort", "-effect")
        page = number(query.get("page", "")) or "1"
        return cls(
            tab=one_of("tab", TABS, "todo"),
            group=one_of("group", GROUPS, "service"),
            view=one_of("view", ("list", "cards"), "list"),
            q=query.get("q", "").replace("\x00", "").strip()[:100],
            source=number(query.get("source", "")),
            account=number(query.get("account", "")),
            kind=one_of("kind", KINDS, ""),
            amount=query.get("amount", "") if as_decimal(query.get("amount", "")) else "",
            sort=sort if sort.lstrip("-") in SORTS else "-effect",
            page=int(page) if 0 < int(page) < 10_000 else 1,
            open=number(query.get("open", "")),
        )

    def narrow(self, cards: QuerySet[Card]) -> QuerySet[Card]:
        """Keep the cards that this view shows, of all its pages."""
        cards = cards.filter(state__in=TABS[self.tab][1])
        for term in self.q.split():
            cards = cards.filter(
                Q(account__name__icontains=term)
                | Q(service__name__icontains=term)
                | Q(service__identifier__icontains=term)
                | Q(agreement__name__icontains=term)
            )
        if self.source:
            cards = cards.filter(integration_id=int(self.source))
        if self.account:
            cards = cards.filter(account_id=int(self.account))
        if self.kind:
            cards = cards.filter(kind=self.kind)
        if self.amount:
            limit = as_decimal(self.amount)
            cards = cards.filter(Q(effect__gte=limit) | Q(effect__lte=-limit))
        return cards

    def order(self) -> list[Any]:
        """Give the order inside a group; unknown values come last, and ties keep their place."""
        key = SORTS[self.sort.lstrip("-")]
        first = key.desc(nulls_last=True) if self.sort.startswith("-") else key.asc(nulls_last=True)
        return [first, "id"]

    def address(self, **changes: Any) -> str:
        """Give the query string of this view with some parts changed; defaults are left out."""
        defaults: dict[str, Any] = {"page": 1, "open": ""}
        changed = replace(self, **(defaults | changes))
        default = Filters()
        names = ("tab", "group", "view", "q", "source", "account", "kind", "amount", "sort", "page", "open")
        values = {n: getattr(changed, n) for n in names if getattr(changed, n) != getattr(default, n)}
        return "?" + urlencode(values)

    @cached_property
    def here(self) -> str:
        """Give the query string of this view's first page, for every row of it."""
        return self.address()

    @cached_property
    def opening(self) -> str:
        """Give the query string that opens a line in this view, up to the line's id."""
        return self.address(open="0")[:-1]

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything but the tab limits the list."""
        return bool(self.q or self.source or self.account or self.kind or self.amount)


def number(text: str) -> str:
    """Give the text when it is a plain id, else nothing."""
    return text if text.isascii() and text.isdigit() and len(text) < 19 else ""


def as_decimal(text: str) -> Decimal:
    """Read a limit; nonsense and negatives are no limit."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() and 0 < value < Decimal(10) ** 12 else Decimal(0)
