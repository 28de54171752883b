"""Why something is, or is not, on the dashboard (E7): the conditions on its way there, which fail, and what mends each.

Each condition is said as of the sync that it was read in. What is asked about is found in `dashboard.finding`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from accounts.models import ReconcileSettings
from dashboard.models import Card
from dashboard.words import HIDDEN, UNCOMPARED
from psa.models import Account, Service
from reconcile.period import month_of
from reconcile.templatetags.figures import units
from vendors.counting_words import FIELD_WORDS, say_dated
from vendors.models import (
    AccountSplit,
    AlsoCounts,
    CountingRule,
    Integration,
    UsageCount,
    VendorAccount,
    VendorService,
)

# So many rules are said one by one; the list of rules has all.
RULES_SAID = 5

NOT_COMPARED = (Card.Kind.HIDDEN, Card.Kind.PSA_ONLY, Card.Kind.WAITING)


@dataclass(frozen=True)
class Mend:
    """The button beside a condition that fails: where it leads."""

    label: str
    view: str
    query: str = ""


@dataclass(frozen=True)
class Step:
    """One condition: whether it holds, in words, as of when, and what mends it. `asks` is the view that
    answers for another thing, with its id."""

    holds: bool
    sentence: str
    as_of: datetime | None = None
    mend: Mend | None = None
    asks: tuple[str, int] | None = None
    of_lines: bool = False


def holds(sentence: str, as_of: datetime | None = None, asks: tuple[str, int] | None = None) -> Step:
    """Make a condition that holds."""
    return Step(holds=True, sentence=sentence, as_of=as_of, asks=asks)


def fails(
    sentence: str,
    as_of: datetime | None = None,
    mend: Mend | None = None,
    asks: tuple[str, int] | None = None,
) -> Step:
    """Make a condition that fails."""
    return Step(holds=False, sentence=sentence, as_of=as_of, mend=mend, asks=asks)


@dataclass
class Answer:
    """What is asked about, its conditions in order, and the lines that follow from it."""

    title: str
    what: str
    steps: list[Step] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)

    @property
    def failing(self) -> list[Step]:
        return [step for step in self.steps if not step.holds]

    @property
    def compared(self) -> int:
        return sum(card.kind not in NOT_COMPARED for card in self.cards)

    @property
    def verdict(self) -> str:
        """Say it in one sentence: the first thing that is in the way, or that nothing is."""
        if not self.failing:
            return "Nothing is in the way: it is on the dashboard."
        first = self.failing[0].sentence
        if self.compared and self.failing[0].of_lines:
            return f"It is on the dashboard, with {self.compared} of {len(self.cards)} lines. {first}"
        return first


def mapping(view: str, label: str, name: str) -> Mend:
    """Lead to Advanced config with a name in its search."""
    return Mend(label, view, urlencode({"q": name}))


FULL_SYNC = Mend("Start full sync…", "psa_connections")
SYNC = Mend("Sync status", "sync_status")


def answer(kind: str, row: Any) -> Answer:
    """Go through the conditions of one thing; needs the organization's scope. A fixed number of queries."""
    return ANSWERS[kind](row)


def _of_account(account: Account) -> Answer:
    found = Answer(account.name, f"Account in {account.connection}")
    found.steps += _in_psa(account)
    sources = list(
        VendorAccount.objects.filter(org_id=account.org_id, mappings__account=account)
        .select_related("integration")
        .order_by("integration__name", "name")
    )
    parts = _parts(account.org_id, account=account)
    if not sources and not parts:
        say = "No vendor account is mapped to it, so nothing counts for it."
        found.steps.append(fails(say, mend=mapping("mapping_accounts", "Map…", account.name)))
    every = {one.pk: one for one in (*sources, *(part.vendor_account for part in parts))}
    for source in every.values():
        found.steps += _of_source(source)
    for part in parts:
        say = f"Of {part.vendor_account}, {_say_part(part)} counts for it"
        found.steps.append(holds(say, asks=("why_vendor_account", part.vendor_account_id)))
    own = Q(account=account) | Q(agreement__account=account)
    found.steps += _of_rules(account.org_id, account.name, own)
    found.cards = _cards(account.org_id, account=account)
    found.steps += _of_lines(found.cards, account.connection.read_at)
    return found


def _of_service(service: Service) -> Answer:
    found = Answer(service.name, f"Service in {service.connection}")
    found.steps += _in_psa(service)
    also = _further(service.org_id, service=service).values("vendor_service")
    counters = list(
        VendorService.objects.filter(Q(mappings__service=service) | Q(pk__in=also), org_id=service.org_id)
        .select_related("integration")
        .order_by("integration__name", "name")
    )
    if not counters:
        say = "No vendor service is mapped to it, so nobody counts it."
        found.steps.append(fails(say, mend=mapping("mapping_services", "Map…", service.name)))
    for counter in counters:
        found.steps.append(_left_in(counter, "why_vendor_service"))
    found.steps += [_of_integration(one) for one in _integrations(counters)]
    found.steps += _of_rules(service.org_id, service.name, Q(service=service))
    found.cards = _cards(service.org_id, service=service)
    found.steps += _of_lines(found.cards, service.connection.read_at)
    return found


def _of_vendor_account(source: VendorAccount) -> Answer:
    found = Answer(source.name, f"Vendor account in {source.integration}")
    found.steps += _of_source(source)
    mapped = [one.account for one in source.mappings.select_related("account__connection").order_by("pk")]
    if mapped:
        for account in mapped:
            say = f"It is mapped to the account {account.name}"
            found.steps.append(holds(say, asks=("why_account", account.pk)))
            found.steps += [step for step in _in_psa(account) if not step.holds]
    elif source.excluded_at is None:
        say = "It is mapped to no account, so its usage is on no line. It is counted and priced as unmapped usage."
        found.steps.append(fails(say, mend=mapping("mapping_accounts", "Map…", source.name)))
    parts = _parts(source.org_id, vendor_account=source)
    for part in parts:
        say = f"Of it, {_say_part(part)} goes to the account {part.account.name}"
        found.steps.append(holds(say, asks=("why_account", part.account_id)))
    found.steps += _of_usage(source)
    if mapped or parts:
        found.cards = _cards(source.org_id, account__in=[*mapped, *(part.account for part in parts)])
    return found


def _of_vendor_service(counter: VendorService) -> Answer:
    found = Answer(counter.name, f"Vendor service in {counter.integration}")
    found.steps += [_in_source(counter), _of_integration(counter.integration), _left_in(counter, "")]
    mapped = [one.service for one in counter.mappings.select_related("service__connection").order_by("pk")]
    if mapped:
        for service in mapped:
            say = f"It is mapped to the service {service.name}"
            found.steps.append(holds(say, asks=("why_service", service.pk)))
            found.steps += [step for step in _in_psa(service) if not step.holds]
    elif counter.excluded_at is None:
        say = "It is mapped to no service, so its usage is on no line and has no price."
        found.steps.append(fails(say, mend=mapping("mapping_services", "Map…", counter.name)))
    further = [one.service for one in _further(counter.org_id, vendor_service=counter)]
    for service in further:
        say = f"It counts to the service {service.name} too, where a line bills that"
        found.steps.append(holds(say, asks=("why_service", service.pk)))
    used = UsageCount.objects.filter(
        org_id=counter.org_id, vendor_service=counter, metric="used", superseded_at=None, quantity__gt=0
    ).aggregate(accounts=Count("vendor_account", distinct=True), units=Sum("quantity"))
    if used["accounts"]:
        say = f"{used['accounts']} vendor accounts use {units(used['units'])} of it"
        found.steps.append(holds(say, counter.integration.counted_at))
    else:
        found.steps.append(fails("Nobody uses any of it now.", counter.integration.counted_at))
    if mapped or further:
        found.cards = _cards(counter.org_id, service__in=[*mapped, *further])
    return found


ANSWERS: dict[str, Callable[[Any], Answer]] = {
    "account": _of_account,
    "service": _of_service,
    "vendor_account": _of_vendor_account,
    "vendor_service": _of_vendor_service,
}


def _parts(org_id: int, **of: Any) -> list[AccountSplit]:
    """Give the parts of vendor accounts that stand this month, in the order in which they take."""
    month = AccountSplit.standing(month_of(timezone.now()))
    rows = AccountSplit.objects.filter(month, org_id=org_id, **of)
    return list(
        rows.select_related("vendor_account__integration", "account").order_by("vendor_account", "pk")
    )


def _further(org_id: int, **of: Any) -> QuerySet[AlsoCounts]:
    """Give what counts to a service besides what is mapped to it, this month."""
    month = AlsoCounts.standing(month_of(timezone.now()))
    return AlsoCounts.objects.filter(month, org_id=org_id, **of).select_related("service").order_by("pk")


def _say_part(part: AccountSplit) -> str:
    return f"whoever has the {FIELD_WORDS[part.field][0]} {part.pattern}"


def _in_psa(row: Account | Service) -> list[Step]:
    psa, read = row.connection, row.connection.read_at
    noun = "account" if isinstance(row, Account) else "service"
    if row.vanished_at is not None:
        say = (
            f"{psa} no longer shows the {noun} {row.name}: it was deleted there, or may not be seen any more."
        )
        return [fails(say, row.vanished_at, FULL_SYNC)]
    steps = [holds(f"{psa} shows the {noun} {row.name}", read)]
    if not row.active:
        status = f" (status “{row.status}”)" if isinstance(row, Account) and row.status else ""
        say = f"The {noun} {row.name} is not active in {psa}{status}. Make it active there, then sync."
        steps.append(fails(say, read, SYNC))
    return steps


def _of_source(source: VendorAccount) -> list[Step]:
    steps = [_in_source(source), _left_in(source, "why_vendor_account"), _of_integration(source.integration)]
    if source.gap_reason:
        say = (
            f"{source.integration} has lost its connection to {source.name}: the count is unknown, not zero."
        )
        steps.append(fails(say, source.gap_since, SYNC))
    return steps


def _of_rules(org_id: int, name: str, of: Q) -> list[Step]:
    """Say by which counting rules of this month counts become units; a few of many."""
    standing = CountingRule.objects.filter(
        of, CountingRule.standing(month_of(timezone.now())), org_id=org_id, removed_at=None
    )
    rows = list(standing.select_related("service", "account", "agreement").order_by("pk")[: RULES_SAID + 1])
    mend = Mend("See the rules", "counting_rules", urlencode({"q": name}))
    steps = [
        Step(
            holds=True, sentence=f"{row.service} {_say_scope(row)}: {say_dated(row)}", as_of=row.at, mend=mend
        )
        for row in rows[:RULES_SAID]
    ]
    more = Step(holds=True, sentence="More counting rules than these hold for it", mend=mend)
    return [*steps, more] if len(rows) > RULES_SAID else steps


def _say_scope(row: CountingRule) -> str:
    where = row.agreement or row.account
    return f"is counted by a rule for {where}" if where else "is counted by a rule for every account"


def _in_source(row: VendorAccount | VendorService) -> Step:
    if row.vanished_at is not None:
        say = f"{row.integration} no longer lists {row.name}: it counts as zero there."
        return fails(say, row.vanished_at, SYNC)
    return holds(f"{row.integration} lists {row.name}", row.integration.counted_at)


def _left_in(row: VendorAccount | VendorService, asks: str) -> Step:
    side = "accounts" if isinstance(row, VendorAccount) else "services"
    other = (asks, row.pk) if asks else None
    if row.excluded_at is not None:
        say = (
            f"{row.name} of {row.integration} is excluded: it is counted and priced in the hidden total only."
        )
        return fails(say, row.excluded_at, mapping(f"mapping_{side}", "Bring it back…", row.name), other)
    return holds(f"{row.name} of {row.integration} is not excluded", asks=other)


def _of_integration(integration: Integration) -> Step:
    hours = ReconcileSettings.objects.get(org_id=integration.org_id).stale_hours
    counted = integration.counted_at
    if integration.held:
        say = (
            f"The newest count of {integration} is held until somebody looks at it, so its units are unknown."
        )
        return fails(say, counted, Mend("Look at it…", "sync_status"))
    if counted is None:
        return fails(f"{integration} has not been counted yet.", None, SYNC)
    if counted < timezone.now() - timedelta(hours=hours):
        return fails(f"The last complete count of {integration} is too old to act on.", counted, SYNC)
    return holds(f"The count of {integration} is complete and fresh", counted)


def _integrations(counters: list[VendorService]) -> list[Integration]:
    return list({one.integration_id: one.integration for one in counters}.values())


def _of_usage(source: VendorAccount) -> list[Step]:
    rows = UsageCount.objects.filter(
        org_id=source.org_id, vendor_account=source, metric="used", superseded_at=None, quantity__gt=0
    ).select_related("vendor_service")
    used = list(rows.prefetch_related("vendor_service__mappings").order_by("vendor_service__name"))
    counted = source.integration.counted_at
    if not used:
        return [fails(f"{source.integration} counts no usage for it.", counted)]
    steps = []
    for row in used:
        counter = row.vendor_service
        amount = f"It uses {units(row.quantity)} of {counter.name}"
        other = ("why_vendor_service", counter.pk)
        if counter.excluded_at is not None:
            steps.append(fails(f"{amount}, which is excluded.", counted, asks=other))
        elif not counter.mappings.all():
            act = mapping("mapping_services", "Map…", counter.name)
            steps.append(fails(f"{amount}, which is mapped to no service.", counted, act, other))
        else:
            steps.append(holds(amount, counted, asks=other))
    return steps


def _cards(org_id: int, **of: Any) -> list[Card]:
    cards = Card.objects.filter(org_id=org_id, **of).select_related("account", "service", "agreement")
    return list(cards.order_by("account__name", "service__name", "pk")[:200])


def _of_lines(cards: list[Card], read: datetime | None) -> list[Step]:
    """Say how many of the lines are compared, and the reason for each that is not."""
    lines = [card for card in cards if card.line_id is not None]
    if not lines:
        return [fails("No agreement line bills it.", read, SYNC)]
    out: dict[str, int] = {}
    for card in lines:
        if card.kind in NOT_COMPARED:
            out[card.reason] = out.get(card.reason, 0) + 1
    compared = len(lines) - sum(out.values())
    steps = [holds(f"{compared} of {len(lines)} lines are compared", read)] if compared else []
    for reason, number in sorted(out.items(), key=lambda one: -one[1]):
        label, view = {**HIDDEN, **UNCOMPARED}[reason]
        say = f"{number} line{'s are' if number > 1 else ' is'} not compared: {label}."
        steps.append(replace(fails(say, read, Mend("Mend it", view) if view else None), of_lines=True))
    return steps
