"""The list of counting rules: by service, with what stands this month, what comes, what has ended, what was removed."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict

from dashboard.filters import number
from vendors.counting_rules import scope_words
from vendors.counting_words import say_dated
from vendors.models import CountingRule

PAGE = 100
STATUSES = {"now": "In force", "later": "Begin later", "ended": "Ended", "removed": "Removed"}


@dataclass(frozen=True, kw_only=True)
class View:
    """What a person asked the list for; unknown values in an address fall back to the default."""

    status: str = ""
    q: str = ""
    page: int = 1

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Read a view from an address."""
        status, page = query.get("status", ""), number(query.get("page", "")[:5])
        return cls(
            status=status if status in STATUSES else "",
            q=query.get("q", "").replace("\x00", "").strip()[:100],
            page=max(1, int(page)) if page else 1,
        )

    def address(self, **changes: Any) -> str:
        """Give the query string of this view with some parts changed; defaults are left out."""
        changed, default = replace(self, **({"page": 1} | changes)), View()
        names = ("status", "q", "page")
        return "?" + urlencode(
            {n: getattr(changed, n) for n in names if getattr(changed, n) != getattr(default, n)}
        )


@dataclass(frozen=True)
class Entry:
    """A rule as the list shows it."""

    row: Any
    status: str

    @property
    def scope(self) -> str:
        return scope_words(self.row)

    @property
    def words(self) -> str:
        return say_dated(self.row)

    @property
    def state(self) -> str:
        """Say where it stands; one that another took the place of has ended too."""
        if self.status == "ended" and self.row.covered and not self.row.until_month:
            return "Replaced"
        return {"now": "In force", "later": "Begins later", "ended": "Ended", "removed": "Removed"}[
            self.status
        ]


@dataclass(frozen=True)
class Group:
    """The rules of one service on one page."""

    service: str
    entries: list[Entry]


@dataclass(frozen=True)
class Page:
    """One page of the list, with how many rules there are of each status."""

    groups: list[Group]
    counts: dict[str, int]
    found: int
    number: int

    @property
    def last(self) -> int:
        return max(1, -(-self.found // PAGE))

    @property
    def before(self) -> int:
        return self.number - 1

    @property
    def next(self) -> int:
        return self.number + 1

    @property
    def statuses(self) -> list[tuple[str, tuple[str, int]]]:
        """Each status with its label and how many rules have it."""
        return [(name, (label, self.counts[name])) for name, label in STATUSES.items()]

    @property
    def kept(self) -> int:
        """How many there are that were not removed."""
        return sum(number for status, number in self.counts.items() if status != "removed")


def list_page(org_id: int, view: View, period: date) -> Page:
    """Read one page of the rules: six queries, however many rules."""
    every = CountingRule.objects.filter(org_id=org_id).annotate(covered=Exists(_covering(period)))
    fits = {name: _of(name, every, period) for name in STATUSES}
    counts = {name: rows.count() for name, rows in fits.items()}
    wanted = fits[view.status] if view.status else every.filter(removed_at=None)
    found = _search(wanted, view.q)
    many = found.count()
    number = min(view.page, max(1, -(-many // PAGE)))
    rows = found.select_related("service", "account", "agreement__account", "by").order_by(
        "service__name", "service", F("account__name").asc(nulls_first=True),
        F("agreement__name").asc(nulls_first=True), F("from_month").asc(nulls_first=True), "pk",
    )[(number - 1) * PAGE : number * PAGE]  # fmt: skip
    groups: dict[int, Group] = {}
    for row in rows:
        group = groups.setdefault(row.service_id, Group(str(row.service), []))
        group.entries.append(Entry(row, _status(row, period)))
    return Page(list(groups.values()), counts, many, number)


def _covering(period: date) -> QuerySet[CountingRule]:
    """Give the rules about the very same that stand in the place of a row this month."""
    same = CountingRule.objects.filter(
        CountingRule.standing(period), org_id=OuterRef("org_id"), service=OuterRef("service"), removed_at=None
    ).annotate(
        same_account=Coalesce("account_id", Value(0)),
        same_agreement=Coalesce("agreement_id", Value(0)),
        begins=Coalesce("from_month", Value(date.min)),
    )
    mine = Coalesce(OuterRef("from_month"), Value(date.min))
    return same.filter(
        Q(begins__gt=mine) | Q(begins=mine, pk__gt=OuterRef("pk")),
        same_account=Coalesce(OuterRef("account_id"), Value(0)),
        same_agreement=Coalesce(OuterRef("agreement_id"), Value(0)),
    )


def _of(status: str, rows: QuerySet[Any], period: date) -> QuerySet[Any]:
    if status == "removed":
        return rows.exclude(removed_at=None)
    kept = rows.filter(removed_at=None)
    if status == "later":
        return kept.filter(from_month__gt=period)
    begun = kept.exclude(from_month__gt=period)
    over = Q(until_month__lte=period) | Q(covered=True)
    return begun.filter(over) if status == "ended" else begun.exclude(over)


def _status(row: Any, period: date) -> str:
    if row.removed_at:
        return "removed"
    if row.from_month and row.from_month > period:
        return "later"
    return "ended" if row.covered or (row.until_month and row.until_month <= period) else "now"


def _search(rows: QuerySet[Any], q: str) -> QuerySet[Any]:
    for term in q.split():
        rows = rows.filter(
            Q(service__name__icontains=term)
            | Q(account__name__icontains=term)
            | Q(agreement__name__icontains=term)
            | Q(agreement__account__name__icontains=term)
            | Q(note__icontains=term)
        )
    return rows
