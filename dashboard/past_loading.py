"""Reads the histories that any day of an organization, or of one account, is recomputed from."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from accounts.models import ReconcileSettings
from dashboard.models import LinePairing
from dashboard.past import Pairing, Past
from dashboard.past_counts import PastCounts, Served, Source, Span, Standing
from dashboard.rules import Guards
from psa.models import AgreementLine, LineHistory, Service
from vendors import rulebook
from vendors.counting import Named, Split
from vendors.models import (
    AccountMapping,
    AccountSplit,
    AlsoCounts,
    CountingRule,
    GapHistory,
    MappingSpan,
    NamedUnit,
    ServiceMapping,
    Snapshot,
    UsageCount,
    VendorAccount,
    VendorService,
)
from vendors.rulebook import Rulebook
from vendors.rulebook import Span as Months

Gaps = dict[int, list[tuple[datetime, datetime | None]]]


def load(
    org_id: int,
    account: int | None = None,
    rules: Iterable[CountingRule] | None = None,
    *,
    with_names: bool = False,
) -> Past:
    """Read the histories of an organization, or of one account: a fixed number of queries, however many lines.

    `rules` are counted by instead of those that are stored: a rule is tried before it is saved. `with_names` gives
    the named units also where no rule looks at them.
    """
    limits = ReconcileSettings.objects.get(org_id=org_id)
    book = rulebook.load(org_id) if rules is None else Rulebook.of(rules)
    past = Past(
        guards=Guards.of(limits),
        counts=PastCounts(timedelta(hours=limits.stale_hours), book, with_names=with_names),
    )
    of_account = Q() if account is None else Q(account_id=account)
    _load_lines(past, AgreementLine.objects.filter(of_account, org_id=org_id))
    past.prices = dict(Service.objects.filter(org_id=org_id).values_list("pk", "price"))
    for said in LinePairing.objects.filter(of_account, org_id=org_id).order_by("pk"):
        pairing = Pairing(said.service_id, said.line_id, said.at, said.undone_at)
        past.pairings[said.account_id].append(pairing)
    _load_sources(past.counts, org_id, account)
    _load_served(past.counts, org_id)
    _load_counts(past.counts, org_id, narrowed=account is not None)
    return past


def _load_lines(past: Past, lines: QuerySet[AgreementLine]) -> None:
    for line in lines.select_related("agreement__agreement_type", "account").order_by("pk"):
        past.lines[line.account_id, line.service_id].append(line)
    history = LineHistory.objects.filter(line__in=lines.values("pk"))
    rows = history.values_list("line_id", "held_from", "held_until", "quantity", "unit_price")
    for line_id, start, end, quantity, price in rows.order_by("pk"):
        past.spans[line_id].append(Span(start, end, quantity, price))


def _load_sources(counts: PastCounts, org_id: int, account: int | None) -> None:
    """Read which vendor accounts, and which parts of them, count for which account in which months."""
    mine = Q() if account is None else Q(vendor_account__in=_whose_counts(org_id, account))
    spans: dict[int, list[tuple[Months, int | None]]] = defaultdict(list)
    for row in MappingSpan.objects.filter(mine, org_id=org_id, vendor_account__isnull=False).order_by("pk"):
        spans[row.vendor_account_id or 0].append((Months(row.from_month, row.until_month), row.account_id))
    found: list[tuple[int, int, Standing, int | None]] = [
        (target, vendor_account, standing, None)
        for vendor_account, target, standing in _dated(
            AccountMapping.objects.filter(mine, org_id=org_id).values_list("vendor_account_id", "account_id"),
            spans,
        )
    ]
    for split in AccountSplit.objects.filter(mine, org_id=org_id).order_by("pk"):
        months = Months(split.from_month, split.until_month)
        plain = Split(id=split.pk, field=split.field, pattern=split.pattern)
        counts.splits[split.vendor_account_id].append((plain, months))
        found.append((split.account_id, split.vendor_account_id, Standing(months), split.pk))
    wanted = [one for one in found if account is None or one[0] == account]
    _add_sources(counts, org_id, wanted)


def _whose_counts(org_id: int, account: int) -> set[int]:
    """Give the vendor accounts that count for an account, in whatever months and by whatever part."""
    of = {"org_id": org_id, "account_id": account, "vendor_account__isnull": False}
    found = AccountMapping.objects.filter(**of).values_list("vendor_account_id")
    spans = MappingSpan.objects.filter(**of).values_list("vendor_account_id")
    splits = AccountSplit.objects.filter(**of).values_list("vendor_account_id")
    return {vendor_account for (vendor_account,) in found.union(spans, splits)}


def _dated(
    current: Iterable[tuple[int, int]], spans: dict[int, list[tuple[Months, int | None]]]
) -> list[tuple[int, int, Standing]]:
    """Give row, target and months: today's mapping stands wherever no span takes its place."""
    found = [
        (row, target, Standing(but=tuple(months for months, _ in spans.get(row, ()))))
        for row, target in sorted(current)
    ]
    return found + [
        (row, target, Standing(months)) for row, many in spans.items() for months, target in many if target
    ]


def _add_sources(
    counts: PastCounts, org_id: int, wanted: Sequence[tuple[int, int, Standing, int | None]]
) -> None:
    ids = {vendor_account for _, vendor_account, _, _ in wanted}
    accounts = VendorAccount.objects.filter(org_id=org_id, excluded_at=None, pk__in=ids)
    gaps: Gaps = defaultdict(list)
    ended = GapHistory.objects.filter(org_id=org_id, vendor_account__in=ids)
    for vendor_account, began, until in ended.values_list("vendor_account_id", "since", "until"):
        gaps[vendor_account].append((began, until))
    integrations = {}
    for row in accounts.only("pk", "integration_id", "gap_since", "gap_reason"):
        integrations[row.pk] = row.integration_id
        if row.gap_reason and row.gap_since is not None:
            gaps[row.pk].append((row.gap_since, None))
    for target, vendor_account, standing, split in wanted:
        if vendor_account in integrations:
            source = Source(
                vendor_account, integrations[vendor_account], gaps[vendor_account], standing, split
            )
            counts.sources[target].append(source)


def _load_served(counts: PastCounts, org_id: int) -> None:
    """Read which vendor services count towards which services in which months; those excluded count nowhere."""
    spans: dict[int, list[tuple[Months, int | None]]] = defaultdict(list)
    for row in MappingSpan.objects.filter(org_id=org_id, vendor_service__isnull=False).order_by("pk"):
        spans[row.vendor_service_id or 0].append((Months(row.from_month, row.until_month), row.service_id))
    mapped = ServiceMapping.objects.filter(org_id=org_id)
    found: list[tuple[int, int, bool, Standing]] = [
        (vendor_service, service, True, standing)
        for vendor_service, service, standing in _dated(
            mapped.values_list("vendor_service_id", "service_id"), spans
        )
    ]
    for also in AlsoCounts.objects.filter(org_id=org_id).order_by("pk"):
        months = Months(also.from_month, also.until_month)
        found.append((also.vendor_service_id, also.service_id, False, Standing(months)))
    rows = VendorService.objects.filter(org_id=org_id, excluded_at=None)
    known = {}
    for pk, integration, unnamed_since in rows.values_list("pk", "integration_id", "names_gap_since"):
        known[pk] = integration
        if unnamed_since is not None:
            counts.unnamed_since[pk] = unnamed_since
    for vendor_service, service, own, standing in found:
        if vendor_service in known:
            served = Served(vendor_service, service, known[vendor_service], own, standing)
            counts.served[service].append(served)
            counts.serves[vendor_service].append(served)


def _whose_names(counts: PastCounts) -> Q:
    """Narrow named units to those that a rule or a split looks at: they are many."""
    if counts.with_names:
        return Q()
    services = counts.rules.services_by_names()
    counters = {one.vendor_service for service in services for one in counts.served.get(service, ())}
    return Q(vendor_service__in=counters) | Q(vendor_account__in=list(counts.splits))


def _load_counts(counts: PastCounts, org_id: int, *, narrowed: bool) -> None:
    usage = UsageCount.objects.filter(org_id=org_id, metric="used")
    named = NamedUnit.objects.filter(_whose_names(counts), org_id=org_id, counts=True)
    if narrowed:
        wanted = {source.id for sources in counts.sources.values() for source in sources}
        usage, named = usage.filter(vendor_account__in=wanted), named.filter(vendor_account__in=wanted)
    rows = usage.values_list(
        "vendor_account_id", "vendor_service_id", "counted_at", "superseded_at", "quantity"
    )
    for vendor_account, vendor_service, start, end, quantity in rows.order_by("pk"):
        counts.counts[vendor_account, vendor_service].append(Span(start, end, quantity))
    names = named.values_list(
        "vendor_account_id",
        "vendor_service_id",
        "named_at",
        "gone_at",
        "key",
        "name",
        "quantity",
        "traits",
        "pk",
    )
    for vendor_account, vendor_service, start, end, key, name, quantity, traits, pk in names.order_by("pk"):
        one = Named(key=key, name=name, quantity=quantity, traits=traits, id=pk)
        counts.named[vendor_account, vendor_service].append((start, end, one))
    published = Snapshot.objects.filter(org_id=org_id, state=Snapshot.State.PUBLISHED)
    for integration, taken_at in published.values_list("integration_id", "taken_at"):
        counts.snapshots[integration].append(taken_at)
