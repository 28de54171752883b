"""What a reviewer asked the dashboard for: tab, grouping, search, filters, order and page, read from the address."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.db.models.functions import Abs, Coalesce
from django.http import QueryDict
from django.utils import timezone

from accounts.models import ReconcileSettings
from dashboard.models import Card
from dashboard.notes import has_note
from dashboard.words import HIDDEN
from psa.adapters.base import Way
from psa.models import AccountTag, ServiceTag, Ticket

Contracts = ReconcileSettings.ContractView
TABS: dict[str, tuple[str, list[str]]] = {
    "todo": ("To do", [Card.State.TODO, Card.State.FAILED]),
    "held": ("Held", [Card.State.HELD]),
    "ready": ("Ready to push", [Card.State.READY, Card.State.PUSHING]),
    "snoozed": ("Snoozed", [Card.State.SNOOZED]),
    "done": ("Done", [Card.State.DONE]),
    "all": ("All", [s for s in Card.State if s != Card.State.NONE]),
    "other": ("Not compared", [Card.State.NONE]),
}
GROUPS = {"service": "Service", "account": "Account", "agreement": "Agreement"}
# A change in place takes effect now and has no day, unless it is sent on a chosen one; a dated one on that of its push,
# else on the next invoice.
EFFECTIVE = Case(
    When(push__release_on__isnull=False, state__in=TABS["ready"][1], then=F("push__release_on")),
    When(push__way=Way.SPLIT, state__in=TABS["ready"][1], then=F("push__effective_on")),
    When(connection__way=Way.SPLIT, then=F("agreement__next_invoice_on")),
)
# `change` and `amount` are what a row prints, by `lists.with_writes`.
SORTS: dict[str, Any] = {
    "account": F("account__name"),
    "agreement": F("agreement__name"),
    "psa": F("psa_units"),
    "vendor": F("vendor_units"),
    "difference": Abs("change"),
    "price": F("price"),
    "effect": Abs("amount"),
    "effective": EFFECTIVE,
    "counted": Coalesce(F("unknown_since"), F("integration__counted_at")),
}
KINDS = {k.value: k.label for k in Card.Kind}
MARKS = {"note": "a note", "ticket": "a ticket"}
FRESHNESS = {"day": "in the last day", "older": "more than a day ago", "unknown": "too old, or never"}


def at_least(field: str, text: str) -> Q:
    """Keep what is this far from zero, on either side."""
    limit = as_decimal(text)
    return Q(**{f"{field}__gte": limit}) | Q(**{f"{field}__lte": -limit})


def counted(fresh: str) -> Q:
    """Keep what was counted then; a count that is too old to compare is unknown, however old it is."""
    unknown = Q(kind=Card.Kind.WAITING) | Q(integration__isnull=True) | Q(integration__counted_at=None)
    if fresh == "unknown":
        return Q(kind=Card.Kind.WAITING)
    yesterday = timezone.now() - timedelta(days=1)
    recent = Q(integration__counted_at__gte=yesterday)
    return (recent if fresh == "day" else ~recent) & ~unknown


def wears(tag: str) -> Q:
    """Keep the lines whose account or service wears the tag."""
    of_tag = {"org_id": OuterRef("org_id"), "tag_id": int(tag)}
    return Q(Exists(AccountTag.objects.filter(**of_tag, account_id=OuterRef("account_id")))) | Q(
        Exists(ServiceTag.objects.filter(**of_tag, service_id=OuterRef("service_id")))
    )


def has_ticket() -> Exists:
    """Keep the lines from which a ticket was created in this period."""
    about = Q(line=OuterRef("line_id")) | Q(line__isnull=True, service=OuterRef("service_id"))
    of_card = {name: OuterRef(name) for name in ("org_id", "account_id", "period")}
    return Exists(Ticket.objects.filter(about, **of_card))


# What each filter keeps; one that is empty keeps everything.
CONDITIONS: dict[str, Callable[[str], Q]] = {
    "source": lambda value: Q(integration_id=int(value)),
    "account": lambda value: Q(account_id=int(value)),
    "type": lambda value: Q(agreement__agreement_type_id=int(value)),
    "tag": wears,
    "kind": lambda value: Q(kind=value),
    "why": lambda value: Q(reason=value),
    "fresh": counted,
    "units": lambda value: at_least("delta", value),
    "amount": lambda value: at_least("effect", value),
    "mark": lambda value: Q(has_note() if value == "note" else has_ticket()),
}
IDS = ("source", "account", "type", "tag", "open")
LIMITS = ("units", "amount")
WORDS: dict[str, Any] = {
    "tab": TABS,
    "group": GROUPS,
    "view": ("list", "cards"),
    "kind": KINDS,
    "why": HIDDEN,
    "fresh": FRESHNESS,
    "mark": MARKS,
    "contracts": Contracts.values,
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """A reviewer's view; unknown values in an address fall back to the default, so no link can break."""

    tab: str = "todo"
    group: str = "service"
    view: str = "list"
    contracts: str = ""
    q: str = ""
    source: str = ""
    account: str = ""
    type: str = ""
    tag: str = ""
    kind: str = ""
    why: str = ""
    fresh: str = ""
    units: str = ""
    amount: str = ""
    mark: str = ""
    sort: str = "-effect"
    page: int = 1
    open: str = ""
    # The organization's own contract view (E5), which holds while the address names none. Not part of the address.
    usual: str = Contracts.MAPPED

    @classmethod
    def read(cls, query: QueryDict, usual: str) -> Self:
        """Read a view from an address; `usual` is the organization's contract view."""
        found: dict[str, Any] = {name: number(query.get(name, "")) for name in IDS}
        for name in LIMITS:
            found[name] = query.get(name, "") if as_decimal(query.get(name, "")) else ""
        for name, allowed in WORDS.items():
            if (value := query.get(name, "")) in allowed:
                found[name] = value
        if found.get("contracts") == usual:
            del found["contracts"]
        if (sort := query.get("sort", "")).removeprefix("-") in SORTS:
            found["sort"] = sort
        page = number(query.get("page", "")) or "1"
        found["page"] = int(page) if 0 < int(page) < 10_000 else 1
        return cls(q=query.get("q", "").replace("\x00", "").strip()[:100], usual=usual, **found)

    @property
    def shows_all(self) -> bool:
        """Say whether lines that no source counts are listed, too (E5)."""
        return (self.contracts or self.usual) == Contracts.ALL

    @property
    def states(self) -> list[str]:
        """The states of the cards that this tab lists."""
        states = TABS[self.tab][1]
        return [*states, Card.State.NONE] if self.tab == "all" and self.shows_all else states

    @property
    def tabs(self) -> list[tuple[str, str]]:
        """The tabs and their words; lines without a source have one of their own while they are listed."""
        shown = self.shows_all or self.tab == "other"
        return [(name, label) for name, (label, _) in TABS.items() if shown or name != "other"]

    def narrow(self, cards: QuerySet[Card]) -> QuerySet[Card]:
        """Keep the cards that this view shows, of all its pages."""
        cards = cards.filter(state__in=self.states)
        for term in self.q.split():
            cards = cards.filter(
                Q(account__name__icontains=term)
                | Q(service__name__icontains=term)
                | Q(service__identifier__icontains=term)
                | Q(agreement__name__icontains=term)
            )
        for name, condition in CONDITIONS.items():
            if value := getattr(self, name):
                cards = cards.filter(condition(value))
        return cards

    def order(self) -> list[Any]:
        """Give the order inside a group; unknown values come last, and ties keep their place."""
        key = SORTS[self.sort.removeprefix("-")]
        first = key.desc(nulls_last=True) if self.sort.startswith("-") else key.asc(nulls_last=True)
        return [first, "id"]

    def values(self, **changes: Any) -> dict[str, Any]:
        """Give what an address of this view names, with some parts changed; defaults are left out."""
        starting_over: dict[str, Any] = {"page": 1, "open": ""}
        changed, default = replace(self, **(starting_over | changes)), Filters()
        if changed.contracts == self.usual:
            changed = replace(changed, contracts="")
        names = [one.name for one in fields(self) if one.name != "usual"]
        return {n: getattr(changed, n) for n in names if getattr(changed, n) != getattr(default, n)}

    def address(self, **changes: Any) -> str:
        """Give the query string of this view with some parts changed.

        It is never empty: an empty address opens a person's own first view.
        """
        return "?" + (urlencode(self.values(**changes)) or "tab=todo")

    @cached_property
    def here(self) -> str:
        """Give the query string of this view's first page, for every row of it."""
        return self.address()

    @property
    def query(self) -> str:
        """Give what a saved view keeps."""
        return self.here.removeprefix("?")

    @cached_property
    def opening(self) -> str:
        """Give the query string that opens a line in this view, up to the line's id."""
        return self.address(open="0")[:-1]

    @property
    def cleared(self) -> str:
        """Give the query string of this view without its search and filters."""
        return self.address(q="", **dict.fromkeys(CONDITIONS, ""))

    @property
    def is_narrowed(self) -> bool:
        """Say whether anything but the tab limits the list."""
        return bool(self.q) or any(getattr(self, name) for name in CONDITIONS)


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
