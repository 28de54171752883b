"""What vendors counted on any day, and the billable units that counting rules made of it.

Counts, names, gaps and snapshots are those of the day; mappings, splits and rules those of its month.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from dashboard.rules import Count
from reconcile.period import month_of
from vendors import counting
from vendors.counting import Counted, Named, Split
from vendors.rulebook import Rulebook
from vendors.rulebook import Span as Months

# (account, service): what shares a count.
Pair = tuple[int, int | None]
# Says whether a line of a service of the account explained its usage at a moment.
Explains = Callable[[int], bool]


@dataclass(frozen=True)
class Span:
    """What held from one moment until before another; no end: it still does."""

    start: datetime
    end: datetime | None
    quantity: Decimal
    price: Decimal | None = None

    def covers(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment < self.end)


@dataclass(frozen=True)
class Standing:
    """When a mapping stands: in its months, less those in which another took its place."""

    months: Months = field(default_factory=Months)
    but: tuple[Months, ...] = ()

    def covers(self, month: date) -> bool:
        return self.months.covers(month) and not any(one.covers(month) for one in self.but)


@dataclass(frozen=True)
class Source:
    """A vendor account, or the part of one that a split takes, that counts for an account, and its gaps."""

    id: int
    integration: int
    gaps: Sequence[tuple[datetime, datetime | None]]
    standing: Standing = field(default_factory=Standing)
    split: int | None = None

    def is_silent(self, moment: datetime) -> bool:
        return any(since <= moment and (until is None or moment < until) for since, until in self.gaps)


@dataclass(frozen=True)
class Served:
    """A vendor service that counts towards a service: as what it is mapped to (`own`), or besides that."""

    vendor_service: int
    service: int
    integration: int
    own: bool = True
    standing: Standing = field(default_factory=Standing)


@dataclass
class PastCounts:
    """Everything that some accounts need to be counted on any day; `dashboard/past_loading.py` makes it."""

    stale: timedelta
    rules: Rulebook = field(default_factory=Rulebook)
    sources: dict[int, list[Source]] = field(default_factory=lambda: defaultdict(list))
    served: dict[int, list[Served]] = field(default_factory=lambda: defaultdict(list))
    serves: dict[int, list[Served]] = field(default_factory=lambda: defaultdict(list))
    splits: dict[int, list[tuple[Split, Months]]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[tuple[int, int], list[Span]] = field(default_factory=lambda: defaultdict(list))
    named: dict[tuple[int, int], list[tuple[datetime, datetime | None, Named]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    snapshots: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    # Since when the names of a vendor service cannot be read; before that, and after it, they can.
    unnamed_since: dict[int, datetime] = field(default_factory=dict)
    # Names are many: they are read and given only where a rule or a split looks at them, or somebody asks for all.
    with_names: bool = False

    def count(self, pair: Pair, moment: datetime, explains: Explains) -> Count | None:
        """Add up what the sources of a pair said at a moment, by its rule; None where no source counts it."""
        found = self.arithmetic(pair, moment, explains)
        if found is None or pair[1] is None:
            return None
        return Count.of(*found, is_own=self.rules.is_own(pair[1], pair[0], month_of(moment)))

    def arithmetic(self, pair: Pair, moment: datetime, explains: Explains) -> tuple[Counted, str] | None:
        """Give how the units of a pair came about, and why they were unknown, if they were."""
        account, service = pair
        if service is None:
            return None
        month = month_of(moment)
        found = list(self._here(account, service, month, explains))
        if not found:
            return None
        rule = self.rules.of_pair(service, account, month)
        needs = rule.needs_names
        counted = counting.count(
            (self._say(source, served, moment, needs_names=needs) for source, served in found), rule
        )
        return counted, self._gap([source for source, _ in found], moment)

    def is_served(self, service: int | None, month: date) -> bool:
        """Say whether any vendor service counted towards a service."""
        return service is not None and any(one.standing.covers(month) for one in self.served.get(service, ()))

    def _here(
        self, account: int, service: int, month: date, explains: Explains
    ) -> Iterator[tuple[Source, Served]]:
        services = [one for one in self.served.get(service, ()) if one.standing.covers(month)]
        once = {one.vendor_service: one for one in reversed(services)}
        here = [one for one in once.values() if self._is_here(one, month, explains)]
        for source in self.sources.get(account, ()):
            if source.standing.covers(month):
                yield from ((source, one) for one in here if one.integration == source.integration)

    def _is_here(self, served: Served, month: date, explains: Explains) -> bool:
        """Say whether usage counts here: what counts to several services does so only where a line bills it.

        Where none does, it is new revenue of the service that it is mapped to.
        """
        every = [one for one in self.serves[served.vendor_service] if one.standing.covers(month)]
        if len(every) == 1 and served.own:
            return True
        if explains(served.service):
            return True
        return served.own and not any(explains(one.service) for one in every)

    def _say(self, source: Source, served: Served, moment: datetime, *, needs_names: bool) -> counting.Source:
        key = (source.id, served.vendor_service)
        units = sum((x.quantity for x in self.counts.get(key, ()) if x.covers(moment)), Decimal(0))
        splits = [one for one, months in self.splits.get(source.id, ()) if months.covers(month_of(moment))]
        said = counting.Source(
            integration=source.integration, vendor_account=source.id, vendor_service=served.vendor_service,
            units=units, named=self.names(key, moment) if needs_names or splits or self.with_names else (),
            names_missing=bool(needs_names or splits) and units != 0 and self._has_old_names(key[1], moment),
        )  # fmt: skip
        return counting.take_part(said, splits, source.split)

    def names(self, key: tuple[int, int], moment: datetime) -> tuple[Named, ...]:
        """Give the names behind the count of a vendor account and service at a moment."""
        return tuple(
            one
            for start, end, one in self.named.get(key, ())
            if start <= moment and (end is None or moment < end)
        )

    def _has_old_names(self, vendor_service: int, moment: datetime) -> bool:
        """Say whether the names were read too long ago: they may be others by now, also where they still add up."""
        since = self.unnamed_since.get(vendor_service)
        return since is not None and moment - since > self.stale

    def _gap(self, sources: Iterable[Source], moment: datetime) -> str:
        """Say why the sources' counts were unknown at a moment, in the order in which a card says it."""
        every = list(sources)
        last = [
            max((t for t in self.snapshots.get(s.integration, ()) if t <= moment), default=None)
            for s in every
        ]
        if None in last:
            return "never_counted"
        if any(source.is_silent(moment) for source in every):
            return "source_silent"
        if any(moment - taken > self.stale for taken in last if taken):
            return "source_old"
        return ""
