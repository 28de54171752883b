"""The lines of a past day, recomputed (E12) by the rules that judge today's, from histories that nobody overwrites.

What the lines and counts said is that day's: the line history, the usage ledger, its snapshots, names and gaps.
Mappings and counting rules are those of its month. Agreements, units included free and guards are today's; the PSA
keeps no past of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from dashboard import rules
from dashboard.past_counts import Explains, Pair, PastCounts, Span
from dashboard.rules import Count, Guards, Line, Verdict
from psa.models import AgreementLine, LineHistory
from reconcile.period import month_of, next_month
from vendors.counting import Counted, Step


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


@dataclass(frozen=True)
class Sharing:
    """What the lines of a pair share (None: no source counts it), and what each line takes of it, by its id.

    `gives_way`: the rule for every account takes no steps, as each of the lines has its agreement's own. `shares` are
    before those of the agreements, `units` after.
    """

    shared: Decimal | None
    gives_way: bool
    shares: dict[int, Decimal]
    units: dict[int, Decimal]
    ruled: dict[int, "OfAgreement"]


@dataclass(frozen=True)
class OfAgreement:
    """The own rule of an agreement, from what so many of its lines take together."""

    lines: int
    before: Decimal
    steps: tuple[Step, ...]


@dataclass
class Past:
    """Everything that some pairs need to be judged on any day; `dashboard/past_loading.py` makes it."""

    guards: Guards
    counts: PastCounts
    lines: dict[Pair, list[AgreementLine]] = field(default_factory=lambda: defaultdict(list))
    spans: dict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    pairings: dict[int, list[Pairing]] = field(default_factory=lambda: defaultdict(list))
    prices: dict[int, Decimal | None] = field(default_factory=dict)
    memory: dict[Any, dict[str, Verdict]] = field(default_factory=dict)

    def pairs(self) -> list[Pair]:
        """Give the pairs that have lines, and those that a source counts."""
        counted = {(account, service) for account in self.counts.sources for service in self.counts.served}
        return sorted({*self.lines, *counted}, key=lambda pair: (pair[0], pair[1] or 0))

    def judge(self, pair: Pair, day: date, now: datetime | None = None) -> list[Judged]:
        """Judge what stood at the end of a day (UTC), for the invoice of the first of the month after it."""
        moment, bills_from = end_of(day, now), next_month(day.replace(day=1))
        stood = self._stood(pair, moment, bills_from)
        plain = [line for _, _, line in stood]
        count, paired = self.count(pair, moment), self._paired(pair, moment, bills_from)
        served, ruled = self.counts.is_served(pair[1], month_of(moment)), self._ruled(stood, moment)
        key = (pair, tuple(plain), count, tuple(paired.items()), tuple(ruled.items()), served, bills_from)
        if key not in self.memory:
            self.memory[key] = rules.judge(
                plain, count, served=served, day=bills_from, guards=self.guards, paired=paired, ruled=ruled
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
        """Add up what the sources of a pair said at a moment, by its rule; None where no source counts it."""
        return self.counts.count(pair, moment, self._explaining(pair[0], moment))

    def arithmetic(self, pair: Pair, moment: datetime) -> Counted | None:
        """Give how the units of a pair came about at a moment; None where no source counts it."""
        found = self.counts.arithmetic(pair, moment, self._explaining(pair[0], moment))
        return found[0] if found else None

    def share_out(self, pair: Pair, moment: datetime) -> Sharing:
        """Give what each line of a pair took of its count at a moment, and the steps of their agreements' rules."""
        bills_from = next_month(month_of(moment))
        stood = [one for one in self._stood(pair, moment, bills_from) if not rules.hide(one[2], bills_from)]
        plain, ruled, count = (
            [line for _, _, line in stood],
            self._ruled(stood, moment),
            self.count(pair, moment),
        )
        paired = self._paired(pair, moment, bills_from)
        shares = rules.share_out(plain, count, paired, ruled)
        known = [line for line in plain if count or line.remote_id in paired]
        units = rules.step_on(known, shares, ruled)
        return Sharing(
            shared=rules.to_share(plain, count, ruled) if count else None,
            gives_way=count is not None and rules.gives_way(plain, count, ruled),
            shares={row.pk: shares[line.remote_id] for row, _, line in stood},
            units={row.pk: units[line.remote_id] for row, _, line in stood},
            ruled={
                row.pk: _of_agreement(line.agreement, known, shares, ruled[line.agreement])
                for row, _, line in stood
                if line.agreement in ruled
            },
        )

    def _explaining(self, account: int, moment: datetime) -> Explains:
        bills_from = next_month(month_of(moment))
        return lambda service: rules.explains(
            [line for _, _, line in self._stood((account, service), moment, bills_from)], bills_from
        )

    def _ruled(
        self, stood: Sequence[tuple[AgreementLine, Span, Line]], moment: datetime
    ) -> dict[int, tuple[Step, ...]]:
        """Give the steps of the agreements' own rules, by agreement."""
        book, month = self.counts.rules, month_of(moment)
        found = {
            row.agreement_id: book.of_agreement(row.service_id, row.agreement_id, month)
            for row, _, _ in stood
            if row.service_id is not None
        }
        return {agreement: steps for agreement, steps in found.items() if steps is not None}


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
        recurring=agreement.recurring, agreement=agreement.pk,
    )  # fmt: skip


def _of_agreement(
    agreement: int, known: Sequence[Line], shares: dict[str, Decimal], steps: tuple[Step, ...]
) -> OfAgreement:
    its = [shares[line.remote_id] for line in known if line.agreement == agreement]
    return OfAgreement(len(its), sum(its, Decimal(0)), steps)


def _was_there(vanished_at: datetime | None, moment: datetime) -> bool:
    return vanished_at is None or vanished_at > moment
