"""One vendor account or service as Advanced config shows it, and the view of the list that a person asked for."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self
from urllib.parse import urlencode

from django.http import QueryDict

from reconcile.templatetags.figures import GAP, units
from vendors.adapters.base import AccountKind
from vendors.mapping import State
from vendors.suggest import Advice, Suggestion

STATUSES = {"unmapped": "Unmapped", "excluded": "Excluded", "mapped": "Mapped"}
SORTS = ("name", "source", "target", "money")
# What a person must know before such an account is mapped; its badge stands beside its name.
CAUTIONS: dict[str, str] = {
    AccountKind.RESELLER.value: "a reseller, whose companies have rows of their own",
    AccountKind.PROVIDER.value: "the provider itself, so its usage is internal",
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What a person asked the list for; unknown values in an address fall back to the default."""

    status: str = ""
    source: str = ""
    q: str = ""
    sort: str = "-money"
    page: int = 1

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        """Read a view from an address."""
        status, source, sort = query.get("status", ""), query.get("source", ""), query.get("sort", "-money")
        page = query.get("page", "1")
        return cls(
            status=status if status in STATUSES else "",
            source=source if source.isascii() and source.isdigit() and len(source) < 19 else "",
            q=query.get("q", "").replace("\x00", "").strip()[:100],
            sort=sort if sort.removeprefix("-") in SORTS else "-money",
            page=int(page) if page.isascii() and page.isdigit() and 0 < int(page[:9]) < 10_000 else 1,
        )

    def address(self, **changes: Any) -> str:
        """Give the query string of this view with some parts changed; defaults are left out."""
        changed, default = replace(self, **({"page": 1} | changes)), Filters()
        names = ("status", "source", "q", "sort", "page")
        return "?" + urlencode(
            {n: getattr(changed, n) for n in names if getattr(changed, n) != getattr(default, n)}
        )

    @property
    def here(self) -> str:
        """The query string of this very page."""
        return self.address(page=self.page)

    @property
    def is_narrowed(self) -> bool:
        """Say whether a search or a source limits the list."""
        return bool(self.q or self.source)

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "status": self.status, "source": int(self.source or 0), "terms": self.q.lower().split(), "sort": self.sort
        }  # fmt: skip


@dataclass(kw_only=True)
class Entry:
    """A vendor's account or service as the list shows it. `value` is an estimate in `currency`; None is unknown."""

    id: int
    name: str
    external_id: str
    key: str
    kind: str
    integration_id: int
    source: str
    counted_at: datetime | None
    gap_reason: str
    excluded_at: datetime | None
    created_at: datetime
    is_gone: bool
    target_id: int | None
    target: str | None
    target_key: str | None
    target_psa: str | None
    target_active: bool
    mapped_at: datetime | None
    counts: int
    unpriced: int
    unmapped: int
    mixed: bool
    currency: str | None
    value: Decimal | None
    what: str | None
    unit: str | None
    quantity: Decimal | None
    spread: int | None
    status: str
    noun: str
    shares: int
    shares_change: date | None
    planned_on: date | None
    planned: str | None
    tags: list[str]
    advice: Advice = field(default_factory=Advice)

    @property
    def state(self) -> State:
        return State(self.target_id, self.excluded_at is not None)

    @property
    def badge(self) -> str:
        """What kind of account it is, unless it is the usual one."""
        return self.kind.capitalize() if self.kind in CAUTIONS else ""

    @property
    def is_unknown(self) -> bool:
        """Say whether there is no count at all: never counted, or silent without a last one."""
        return not self.counts and (self.counted_at is None or bool(self.gap_reason))

    @property
    def usage(self) -> str:
        """The largest count in words, and how many more there are; "0 in use" was reported, a dash was not."""
        if self.is_unknown:
            return GAP
        if not self.counts:
            return "0 in use"
        amount = units(round(self.quantity or Decimal(0), 2))
        if self.unit in ("GB", "TB"):
            amount += f" {self.unit}"
        if self.spread:
            return f"{amount} in {units(self.spread)} account{'' if self.spread == 1 else 's'}"
        more = f" + {self.counts - 1} more" if self.counts > 1 else ""
        return f"{amount} {self.what}{more}"

    @property
    def why_no_value(self) -> str:
        """Why there is no price, in two words: a dash always has its reason beside it."""
        if self.is_unknown:
            return "no count"
        if self.mixed:
            return "no sum"
        if not self.unmapped:
            return "no price"
        return "no service" if self.spread is None else "not mapped"

    @property
    def why_no_value_long(self) -> str:
        """The same as a sentence."""
        return {
            "no count": "Nothing was counted, so nothing is priced.",
            "no sum": "Its services are priced in several currencies.",
            "no price": "The catalogue of your PSA has no price for it.",
            "no service": "No PSA service stands for what it uses, so no price is known.",
            "not mapped": "No PSA service stands for it, so no price is known.",
        }[self.why_no_value]

    @property
    def unpriced_words(self) -> str:
        """Which part of the usage an estimate leaves out; empty when it holds all of it."""
        if not self.unpriced or self.value is None:
            return ""
        verb = "has no price and is" if self.unpriced == 1 else "have no price and are"
        return f"{self.unpriced} of {self.counts} counts {verb} left out"

    @property
    def shape_words(self) -> str:
        """Say that it is split, or counts to more services, and what it becomes later; empty when it is one to one."""
        n, parts = self.shares, []
        if n and self.noun == "account":
            parts.append(f"Split over {n + 1} accounts")
        elif n:
            parts.append(f"Counts to {n} more service{'' if n == 1 else 's'}")
        if self.shares_change:
            what = "split" if self.noun == "account" else "further services"
            change = f"changes in {self.shares_change:%B}" if n else f"from {self.shares_change:%B} on"
            parts.append(f"{what} {change}" if parts else f"{what.capitalize()} {change}")
        if self.planned_on:
            parts.append(f"from {self.planned_on:%B}: {self.planned or 'mapped to nothing'}")
        said = ", ".join(parts)
        return said[:1].upper() + said[1:]

    @property
    def first(self) -> Suggestion | None:
        return self.advice.first

    @property
    def why(self) -> str:
        """Why this is suggested, or why nothing is."""
        if self.first:
            return self.advice.doubt or self.first.reason
        return self.advice.doubt or ("No same key, no name like it" if self.key else "No name like it")

    @property
    def is_ranked(self) -> bool:
        """Say whether several answers stand below the row for a person to choose from."""
        return self.advice.sure is None and len(self.advice.suggestions) > 1
