"""The lines of a past day, recomputed (E12) by the rules that judge today's, from histories that nobody overwrites.

What the lines and counts said is that day's: the line history, the usage ledger, its snapshots and gaps. Mappings,
agreements, units included free and guards are today's; the PSA keeps no past of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import ReconcileSettings
from dashboard import rules
from dashboard.models import LinePairing
from dashboard.period import next_month
from dashboard.rules import Count, Guards, Line, Verdict
from psa.models import AgreementLine, LineHistory, Service
from vendors.models import AccountMapping, GapHistory, ServiceMapping, Snapshot, UsageCount

# (account, service): what shares a count.
Pair = tuple[int, int | None]


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
class Source:
    """A vendor account that counts for an account: its integration, and when its counts were unknown."""

    id: int
    integration: int
    gaps: Sequence[tuple[datetime, datetime | None]]

    def is_silent(self, moment: datetime) -> bool:
        return any(since <= moment and (until is None or moment < until) for since, until in self.gaps)


@dataclass(frozen=True)
class Pairing:
    """A person's word, for a time, that the usage of a service counts to a line of the account."""

    service: int
    line: int
    at: datetime
    undone_at: datetime | None

    def stands(self, moment: datetime) -> bool:
        return self.at <= moment and (self.undone_at is None or moment < self.undone_at)


@dataclass(frozen=True)
class Judged:
    """A line as it stood: what it billed, at what price, and what the rules say; `line` None: usage without one."""

    line: int | None
    quantity: Decimal | None
    price: Decimal | None
    verdict: Verdict


@dataclass
class Past:
    """Everything that some pairs need to be judged on any day; made by `load`."""

    guards: Guards
    stale: timedelta
    lines: dict[Pair, list[AgreementLine]] = field(default_factory=lambda: defaultdict(list))
    spans: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    sources: dict[int, list[Source]] = field(default_factory=lambda: defaultdict(list))
    # By service: the vendor services that stand for it, with their integration.
    served: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[tuple[int, int], list[Span]] = field(default_factory=lambda: defaultdict(list))
    snapshots: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    pairings: dict[int, list[Pairing]] = field(default_factory=lambda: defaultdict(list))
    prices: dict[int, Decimal | None] = field(default_factory=dict)
    memory: dict[Any, dict[str, Verdict]] = field(default_factory=dict)

    def pairs(self) -> list[Pair]:
        """Give the pairs that have lines, and those that a source counts."""
        counted = {(account, service) for account in self.sources for service in self.served}
        return sorted({*self.lines, *counted}, key=lambda pair: (pair[0], pair[1] or 0))

    def judge(self, pair: Pair, day: date, now: datetime | None = None) -> list[Judged]:
        """Judge what stood at the end of a day (UTC), for the invoice of the first of the month after it."""
        moment, bills_from = end_of(day, now), next_month(day.replace(day=1))
        stood = self._stood(pair, moment, bills_from)
        plain = [line for _, _, line in stood]
        count, paired = self.count(pair, moment), self._paired(pair, moment, bills_from)
        served = pair[1] is not None and bool(self.served.get(pair[1]))
        key = (pair, tuple(plain), count, tuple(paired.items()), bills_from)
        if key not in self.memory:
            self.memory[key] = rules.judge(
                plain, count, served=served, day=bills_from, guards=self.guards, paired=paired
            )
        verdicts = self.memory[key]
        judged = [
            Judged(line.pk, span.quantity, span.price, verdicts[line.remote_id]) for line, span, _ in stood
        ]
        price = self.prices.get(pair[1]) if pair[1] is not None else None
        target = self._paired_with(pair, moment, bills_from)
        usage = rules.judge_usage(plain, count, price=price, day=bills_from, paired_with=target)
        return judged + ([Judged(None, None, price, usage)] if usage else [])

    def _stood(
        self, pair: Pair, moment: datetime, bills_from: date
    ) -> list[tuple[AgreementLine, Span, Line]]:
        """Give the lines of a pair that were there at a moment, with what they said."""
        found = [(line, self._span(line.pk, moment)) for line in self.lines.get(pair, ())]
        return [(line, span, _plain(line, span, moment, bills_from)) for line, span in found if span]

    def _paired(self, pair: Pair, moment: datetime, bills_from: date) -> dict[str, Count]:
        """Add up what people counted to the lines of a pair from services that no line of their own explained."""
        names = {line.pk: line.remote_id for line in self.lines.get(pair, ())}
        found: dict[str, list[Count]] = defaultdict(list)
        for pairing in self.pairings.get(pair[0], ()):
            if pairing.line not in names or not pairing.stands(moment):
                continue
            own = [line for _, _, line in self._stood((pair[0], pairing.service), moment, bills_from)]
            count = self.count((pair[0], pairing.service), moment)
            if count is not None and not rules.explains(own, bills_from):
                found[names[pairing.line]].append(count)
        return {name: total for name, counts in found.items() if (total := rules.add_up(counts))}

    def _paired_with(self, pair: Pair, moment: datetime, bills_from: date) -> Line | None:
        """Give the line, as it stood, to which people counted the usage of a pair."""
        for pairing in self.pairings.get(pair[0], ()):
            if pairing.service == pair[1] and pairing.stands(moment):
                every = [one for other in self.lines if other[0] == pair[0] for one in self.lines[other]]
                line = next((one for one in every if one.pk == pairing.line), None)
                span = self._span(pairing.line, moment)
                return _plain(line, span, moment, bills_from) if line and span else None
        return None

    def _span(self, line_id: int, moment: datetime) -> Span | None:
        return next((span for span in self.spans.get(line_id, ()) if span.covers(moment)), None)

    def count(self, pair: Pair, moment: datetime) -> Count | None:
        """Add up what the sources of a pair said at a moment; None where no source counts it."""
        account, service = pair
        if service is None:
            return None
        found = [
            (source, vendor_service)
            for source in self.sources.get(account, ())
            for vendor_service, integration in self.served.get(service, ())
            if integration == source.integration
        ]
        if not found:
            return None
        units = sum(
            (
                span.quantity
                for source, service_id in found
                for span in self.counts.get((source.id, service_id), ())
                if span.covers(moment)
            ),
            Decimal(0),
        )
        return Count(units=units, gap=self._gap([source for source, _ in found], moment))

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


def end_of(day: date, now: datetime | None = None) -> datetime:
    """Give the last moment of a day in UTC; of a day that has not ended, now."""
    end = datetime.combine(day + timedelta(days=1), time.min, UTC) - timedelta(microseconds=1)
    return min(end, now or timezone.now())


def months_before(day: date, many: int) -> list[date]:
    """Give the last days of the `many` months before the month of `day`, oldest first."""
    days, first = [], day.replace(day=1)
    for _ in range(many):
        last = first - timedelta(days=1)
        days.append(last)
        first = last.replace(day=1)
    return days[::-1]


def first_day(org_id: int) -> date | None:
    """Give the first day of which anything is known: that of the oldest line history; None: nothing was synced."""
    oldest = LineHistory.objects.filter(org_id=org_id).order_by("held_from").first()
    return oldest.held_from.astimezone(UTC).date() if oldest else None


def load(org_id: int, account: int | None = None) -> Past:
    """Read the histories of an organization, or of one account: ten queries, however many lines."""
    limits = ReconcileSettings.objects.get(org_id=org_id)
    past = Past(guards=Guards.of(limits), stale=timedelta(hours=limits.stale_hours))
    of_account = Q() if account is None else Q(account_id=account)
    _load_lines(past, AgreementLine.objects.filter(of_account, org_id=org_id))
    past.prices = dict(Service.objects.filter(org_id=org_id).values_list("pk", "price"))
    for said in LinePairing.objects.filter(of_account, org_id=org_id).order_by("pk"):
        pairing = Pairing(said.service_id, said.line_id, said.at, said.undone_at)
        past.pairings[said.account_id].append(pairing)
    _load_sources(past, AccountMapping.objects.filter(of_account, org_id=org_id))
    mapped = ServiceMapping.objects.filter(org_id=org_id, vendor_service__excluded_at=None)
    rows = mapped.values_list("service_id", "vendor_service_id", "vendor_service__integration_id")
    for service_id, vendor_service, integration in rows:
        past.served[service_id].append((vendor_service, integration))
    _load_counts(past, org_id, narrowed=account is not None)
    return past


def _load_lines(past: Past, lines: QuerySet[AgreementLine]) -> None:
    for line in lines.select_related("agreement__agreement_type", "account").order_by("pk"):
        past.lines[line.account_id, line.service_id].append(line)
    history = LineHistory.objects.filter(line__in=lines.values("pk"))
    rows = history.values_list("line_id", "held_from", "held_until", "quantity", "unit_price")
    for line_id, start, end, quantity, price in rows.order_by("pk"):
        past.spans[line_id].append(Span(start, end, quantity, price))


def _load_sources(past: Past, mappings: QuerySet[AccountMapping]) -> None:
    rows = mappings.filter(vendor_account__excluded_at=None).values_list(
        "account_id", "vendor_account_id", "vendor_account__integration_id", "vendor_account__gap_since",
        "vendor_account__gap_reason",
    )  # fmt: skip
    ended: dict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    gaps = GapHistory.objects.filter(vendor_account__in=mappings.values("vendor_account_id"))
    for vendor_account, began, until in gaps.values_list("vendor_account_id", "since", "until"):
        ended[vendor_account].append((began, until))
    for account, vendor_account, integration, since, reason in rows.order_by("pk"):
        now_silent = [(since, None)] if reason and since is not None else []
        past.sources[account].append(
            Source(vendor_account, integration, [*ended[vendor_account], *now_silent])
        )


def _load_counts(past: Past, org_id: int, *, narrowed: bool) -> None:
    usage = UsageCount.objects.filter(org_id=org_id, metric="used")
    if narrowed:
        wanted = [source.id for sources in past.sources.values() for source in sources]
        usage = usage.filter(vendor_account__in=wanted)
    rows = usage.values_list(
        "vendor_account_id", "vendor_service_id", "counted_at", "superseded_at", "quantity"
    )
    for vendor_account, vendor_service, start, end, quantity in rows.order_by("pk"):
        past.counts[vendor_account, vendor_service].append(Span(start, end, quantity))
    published = Snapshot.objects.filter(org_id=org_id, state=Snapshot.State.PUBLISHED)
    for integration, taken_at in published.values_list("integration_id", "taken_at"):
        past.snapshots[integration].append(taken_at)


def _plain(line: AgreementLine, span: Span, moment: datetime, bills_from: date) -> Line:
    agreement, account = line.agreement, line.account
    # An agreement that has ended since was active until then; one that was cancelled does not say since when.
    ended = agreement.ends_on is not None and bills_from <= agreement.ends_on < timezone.now().date()
    was_active = agreement.active or ended
    return Line(
        remote_id=line.remote_id, quantity=span.quantity, included=line.included, unit_price=span.price,
        starts_on=line.starts_on, ends_on=line.ends_on, billable=line.billable,
        account_active=account.active and _was_there(account.vanished_at, moment),
        type_in_scope=agreement.agreement_type is None or agreement.agreement_type.in_scope,
        agreement_active=was_active and _was_there(agreement.vanished_at, moment),
        agreement_starts_on=agreement.starts_on, agreement_ends_on=agreement.ends_on,
        recurring=agreement.recurring,
    )  # fmt: skip


def _was_there(vanished_at: datetime | None, moment: datetime) -> bool:
    return vanished_at is None or vanished_at > moment
