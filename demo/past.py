"""A year before the demo's first sync, invented, so that its charts and proposals show something.

Lines that match moved together with their counts; lines that differ have differed for one to three invoices.
Everything follows from the rows' own ids, so each demo has the same past.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import Organization
from dashboard.models import Card
from demo import past_names
from psa.models import LineHistory
from vendors.models import AccountMapping, Integration, ServiceMapping, Snapshot, UsageCount

YEAR = 12
# A step back in time: what was billed and used until then, of each hundred units of today.
STEPS = (100, 97, 92, 88)


def invent(org: Organization) -> None:
    """Write a year of history before what the first syncs have read. Needs the organization's scope."""
    now = timezone.now()
    _snapshots(org, now)
    usages = _only_counts(org)
    current = {row.line_id: row for row in LineHistory.objects.filter(org=org, held_until=None)}
    cards = Card.objects.filter(org=org, kind__in=["match", "adjust"], line__isnull=False).order_by("pk")
    lines, counts = [], []
    for card in cards.select_related("line"):
        usage = usages.get((card.account_id, card.service_id))
        if usage is None or usage.quantity != card.vendor_units:
            continue
        chance = random.Random(card.line.remote_id)
        moments = sorted(_month_end(now, months) for months in chance.sample(range(1, YEAR), len(STEPS) - 1))
        starts = [now - timedelta(days=366), *moments]
        billed = [_earlier(card.line.quantity, len(moments) - n) for n in range(len(starts))]
        lines += list(_line_spans(current[card.line.pk], starts, billed))
        if card.delta:
            began = _month_end(now, chance.randint(0, 2)) - timedelta(days=3)
            kept = [(start, units) for start, units in zip(starts, billed, strict=True) if start < began]
            starts, billed = [*(start for start, _ in kept), began], [*(q for _, q in kept), usage.quantity]
        counts += list(_count_spans(usage, starts, billed))
    LineHistory.objects.bulk_create(lines, batch_size=500)
    UsageCount.objects.bulk_create(counts, batch_size=500)
    past_names.invent(org, counts)


def _month_end(now: datetime, months: int) -> datetime:
    """Give a moment two days before the end of the month that many months ago."""
    total = now.year * 12 + now.month - months
    return datetime(total // 12, total % 12 + 1, 1, 7, tzinfo=UTC) - timedelta(days=2)


def _snapshots(org: Organization, now: datetime) -> None:
    weeks = [now - timedelta(weeks=n) for n in range(1, 54)]
    Snapshot.objects.bulk_create(
        Snapshot(org=org, integration=source, taken_at=at, state=Snapshot.State.PUBLISHED)
        for source in Integration.objects.filter(org=org)
        for at in weeks
    )


def _only_counts(org: Organization) -> dict[tuple[int, int | None], UsageCount]:
    """Give the one count behind each account and service; those that several add up to are left out."""
    accounts = dict(AccountMapping.objects.filter(org=org).values_list("vendor_account", "account"))
    services = dict(ServiceMapping.objects.filter(org=org).values_list("vendor_service", "service"))
    found: dict[tuple[int, int | None], list[UsageCount]] = defaultdict(list)
    for row in UsageCount.objects.filter(org=org, metric="used", superseded_at=None):
        if row.vendor_account_id in accounts and row.vendor_service_id in services:
            found[accounts[row.vendor_account_id], services[row.vendor_service_id]].append(row)
    return {pair: rows[0] for pair, rows in found.items() if len(rows) == 1}


def _earlier(quantity: Decimal, step: int) -> Decimal:
    return (quantity * STEPS[step] / 100).to_integral_value() if quantity > 1 else quantity


def _line_spans(current: LineHistory, starts: list[datetime], billed: list[Decimal]) -> Iterator[LineHistory]:
    for start, end, quantity in zip(starts, [*starts[1:], current.held_from], billed, strict=True):
        yield LineHistory(
            org_id=current.org_id, line_id=current.line_id, quantity=quantity, unit_price=current.unit_price,
            held_from=start, held_until=end,
        )  # fmt: skip


def _count_spans(current: UsageCount, starts: list[datetime], used: list[Decimal]) -> Iterator[UsageCount]:
    for start, end, quantity in zip(starts, [*starts[1:], current.counted_at], used, strict=True):
        yield UsageCount(
            org_id=current.org_id, integration_id=current.integration_id, quantity=quantity,
            vendor_account_id=current.vendor_account_id, vendor_service_id=current.vendor_service_id,
            snapshot_id=current.snapshot_id, counted_at=min(start, current.counted_at),
            superseded_at=max(min(start, current.counted_at), end),
        )  # fmt: skip
