"""Who is behind the units of a line (C7): the named units of its sources, who came and went, who is left out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.utils.text import capfirst

from dashboard.models import Card, LinePairing
from dashboard.past import Past
from reconcile.period import month_of
from reconcile.templatetags.figures import units as say_units
from vendors import counting
from vendors.counting import ZERO, Combine, Counted
from vendors.counting_words import say_filters, say_not_taken
from vendors.models import NamedUnit, UsageCount, VendorService

# Vendor account and vendor service.
Pair = tuple[int, int]
# So many changes are shown in the panel; the page of the names has everybody.
CHANGES_SHOWN = 12
NOUNS = {"user": ("person", "people"), "device": ("device", "devices")}


@dataclass(frozen=True)
class Change:
    """Somebody who came to a count or went from it, and the day."""

    name: str
    came: bool
    on: date
    service: str


@dataclass(frozen=True)
class Behind:
    """What the details say of the people and devices behind a line; `changes` are those after the day `since`."""

    since: date
    is_first_reading: bool
    changes: list[Change]
    earlier: int
    total: int
    left_out: int
    nouns: tuple[str, str]
    remarks: list[str]

    @property
    def noun(self) -> str:
        return self.nouns[self.total != 1]


@dataclass(frozen=True)
class Sources:
    """The pairs whose counts a line bills, with the arithmetic that knows who is left out of them."""

    org_id: int
    counted: Sequence[Counted]
    parts: Mapping[int, "Part"]

    @property
    def pairs(self) -> set[Pair]:
        return {_pair(one.source) for counted in self.counted for one in counted.addends}

    def units(self) -> QuerySet[NamedUnit]:
        """Give the named units of these sources, of all times, before splits are looked at."""
        pairs = self.pairs
        return NamedUnit.objects.filter(
            org_id=self.org_id,
            vendor_account__in={account for account, _ in pairs},
            vendor_service__in={service for _, service in pairs},
        )

    def hold(self, unit: NamedUnit) -> bool:
        """Say whether a unit is behind this line: of one of its pairs, and in the part that a split gives it."""
        part = self.parts.get(unit.vendor_account_id)
        return pair_of(unit) in self.pairs and (part is None or part.holds(unit.traits))

    def not_billed(self) -> dict[int, str]:
        """Give the ids of the named units that the vendor counts and a counting rule does not, with why."""
        found: dict[int, str] = {}
        for counted in self.counted:
            why = f"Left out: {say_filters(counted.rule.filters)}"
            for one in counted.addends:
                found |= dict.fromkeys((named.id for named in one.left_out), why)
                if not counted.is_taken(one.source):
                    not_taken = capfirst(say_not_taken(counted.rule.combine))
                    found |= dict.fromkeys((named.id for named in one.kept), not_taken)
            if counted.rule.combine is Combine.DISTINCT:
                found |= _say_doubles(counted)
        return found


@dataclass(frozen=True)
class Part:
    """What a line's account gets of a vendor account that is split; `mine` has None for what no split takes."""

    splits: Sequence[counting.Split]
    mine: frozenset[int | None]

    def holds(self, traits: Mapping[str, str]) -> bool:
        ordered = sorted(self.splits, key=lambda one: one.id)
        taken = (one.id for one in ordered if counting.matches(traits.get(one.field), one.pattern))
        return next(taken, None) in self.mine


@dataclass(frozen=True)
class _Known:
    """What is known of the names of one pair: since when, and how many units of the vendor's count they are."""

    first: datetime
    now: int
    named: Decimal
    kind: str


def find_sources(card: Card, whole: Past, moment: datetime, pairings: Sequence[LinePairing]) -> Sources:
    """Give the sources of a card's units, and of usage that people paired with its line: no query besides `whole`."""
    services = [card.service_id, *(one.service_id for one in pairings)]
    every = [whole.arithmetic((card.account_id, service), moment) for service in services]
    return Sources(card.org_id, [one for one in every if one], _parts(card, whole, month_of(moment)))


def _parts(card: Card, whole: Past, month: date) -> dict[int, Part]:
    found: dict[int, Part] = {}
    here = [one for one in whole.counts.sources.get(card.account_id, ()) if one.standing.covers(month)]
    for source in here:
        splits = [one for one, months in whole.counts.splits.get(source.id, ()) if months.covers(month)]
        if splits:
            found[source.id] = Part(splits, frozenset(one.split for one in here if one.id == source.id))
    return found


def look(sources: Sources, now: datetime) -> Behind | None:
    """Give who came and went since the end of last month; None where no vendor names anybody. At most five queries."""
    if not sources.pairs:
        return None
    rows = VendorService.objects.filter(
        org_id=sources.org_id, pk__in={service for _, service in sources.pairs}
    )
    services = {row.pk: row for row in rows}
    known = _read_known(sources)
    if not known and not any(row.names_gap for row in services.values()):
        return None
    last = datetime.combine(month_of(now), time(), UTC) - timedelta(microseconds=1)
    baselines = _baselines(sources, known, services, last)
    changes = find_changes(filter(sources.hold, _read_moves(sources, last)), baselines, services)
    since = min(baselines.values(), default=last)
    kinds = {one.kind for one in known.values()}
    return Behind(
        since=since.astimezone(UTC).date(),
        is_first_reading=since > last,
        changes=changes[-CHANGES_SHOWN:],
        earlier=max(0, len(changes) - CHANGES_SHOWN),
        total=_count_names(sources, known),
        left_out=len(sources.not_billed()),
        nouns=NOUNS.get(kinds.pop(), ("name", "names")) if len(kinds) == 1 else ("name", "names"),
        remarks=[*_say_gaps(services.values()), *_say_missing(sources, known, services)],
    )


def _pair(source: counting.Source) -> Pair:
    return source.vendor_account, source.vendor_service


def _say_doubles(counted: Counted) -> dict[int, str]:
    """Say of whom a rule counts once, all but the first time, that they were counted before."""
    kept = [(_pair(one.source), named) for one in counted.addends for named in one.kept]
    first: dict[str, int] = {}
    for _, named in sorted(kept, key=lambda one: (one[1].key, one[0], one[1].name, one[1].id)):
        first.setdefault(named.key, named.id)
    return {named.id: "Counted once already" for _, named in kept if first[named.key] != named.id}


def pair_of(unit: NamedUnit) -> Pair:
    return unit.vendor_account_id, unit.vendor_service_id


def _read_known(sources: Sources) -> dict[Pair, _Known]:
    here = Q(gone_at=None, counts=True)
    rows = (
        sources.units()
        .values_list("vendor_account", "vendor_service")
        .annotate(
            first=Min("named_at"),
            now=Count("pk", filter=here),
            named=Sum("quantity", filter=here, default=ZERO),
            kind=Min("kind"),
        )
    )
    return {
        (account, service): _Known(first, now, named, kind)
        for account, service, first, now, named, kind in rows
        if (account, service) in sources.pairs
    }


def _read_moves(sources: Sources, last: datetime) -> Iterable[NamedUnit]:
    """Read who came or went after a moment; a name that was never there for a day is nobody."""
    moved = sources.units().filter(Q(named_at__gt=last) | Q(gone_at__gt=last), counts=True)
    return moved.exclude(gone_at=F("named_at")).order_by("pk")


def _baselines(
    sources: Sources, known: Mapping[Pair, _Known], services: Mapping[int, VendorService], last: datetime
) -> dict[Pair, datetime]:
    """Give the moment after which each pair's names can have come: the end of last month, or their first reading.

    The first names of a pair came with its count where the vendor's names were read before there was a count.
    """
    counts = UsageCount.objects.filter(
        org_id=sources.org_id,
        vendor_account__in={account for account, _ in known},
        vendor_service__in={service for _, service in known},
        quantity__gt=0,
    )
    rows = counts.values_list("vendor_account", "vendor_service").annotate(first=Min("counted_at"))
    counted = {(account, service): first for account, service, first in rows}
    found = {}
    for pair, one in known.items():
        named_from = services[pair[1]].named_from
        is_new = named_from is not None and named_from < one.first <= counted.get(pair, one.first)
        found[pair] = last if is_new else max(last, one.first)
    return found


def find_changes(
    units: Iterable[NamedUnit], baselines: Mapping[Pair, datetime], services: Mapping[int, VendorService]
) -> list[Change]:
    """List who came and went, oldest first. Who ends and begins at one moment has only been described anew."""
    came: dict[tuple[Pair, str, datetime], NamedUnit] = {}
    went: dict[tuple[Pair, str, datetime], NamedUnit] = {}
    for unit in units:
        pair = pair_of(unit)
        if unit.named_at > baselines[pair]:
            came[pair, unit.external_id, unit.named_at] = unit
        if unit.gone_at is not None and unit.gone_at > baselines[pair]:
            went[pair, unit.external_id, unit.gone_at] = unit
    moves = [(key[2], True, unit) for key, unit in came.items() if key not in went]
    moves += [(key[2], False, unit) for key, unit in went.items() if key not in came]
    several = len({service for _, service in baselines}) > 1
    return [
        Change(
            unit.name,
            came,
            at.astimezone(UTC).date(),
            services[unit.vendor_service_id].name if several else "",
        )
        for at, came, unit in sorted(moves, key=lambda move: (move[0], not move[1], move[2].name))
    ]


def _count_names(sources: Sources, known: Mapping[Pair, _Known]) -> int:
    """Count who is named now; of a split vendor account only who is in this line's part."""
    if not sources.parts:
        return sum(one.now for one in known.values())
    here = sources.units().filter(gone_at=None, counts=True)
    return sum(sources.hold(unit) for unit in here)


def _say_gaps(services: Iterable[VendorService]) -> list[str]:
    reasons = dict.fromkeys(row.names_gap for row in services if row.names_gap)
    return [f"The names are those that were read last. {reason}" for reason in reasons]


def _say_missing(
    sources: Sources, known: Mapping[Pair, _Known], services: Mapping[int, VendorService]
) -> list[str]:
    """Say where the names are not all that the vendor counts; a split count is compared before it is split."""
    said = []
    for counted in sources.counted:
        for one in counted.addends:
            pair = _pair(one.source)
            if pair in known and pair[0] not in sources.parts and known[pair].named != one.source.units:
                said.append(
                    f"{services[pair[1]].name}: the vendor counts {say_units(one.source.units)} and names "
                    f"{say_units(known[pair].named)}, so a rule that looks at names cannot count it."
                )
    return said
