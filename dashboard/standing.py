"""The standing rule (E15): finds what is small, complete and unambiguous, and approves it as a person would."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial, reduce
from operator import or_
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Case, DecimalField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Abs
from django.utils import timezone

from accounts import audit
from accounts.exchange import Exchange
from accounts.models import ReconcileSettings, User
from accounts.rates import exchange_for
from dashboard.decisions import Refused, Seen, find_many, intend, keep_up, label, write
from dashboard.models import Card, Decision
from dashboard.months import find_closed
from dashboard.rule_models import StandingRule
from dashboard.thresholds import ZERO, Change, limit_in, price_push
from psa import pushes
from psa.models import Push
from psa.push_undo import WROTE_NOTHING
from reconcile.celery import wake
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope


def current(org_id: int) -> StandingRule:
    """Give the newest version; before there is one, what the form starts from: switched off."""
    newest = StandingRule.objects.filter(org_id=org_id).order_by("-version").first()
    return newest or StandingRule(org_id=org_id, version=0)


def save(rule: StandingRule, *, by: User) -> StandingRule:
    """Write a new version, when it says anything new, and an entry with what was before."""
    audit.hold(rule.org_id)
    before = current(rule.org_id)
    if before.pk and _terms(before) == _terms(rule):
        return before
    rule.pk, rule.version, rule.by = None, before.version + 1, by
    rule.save(force_insert=True)
    audit.record(
        rule.org_id, actor=by, verb="changed standing rule", subject=f"rule:{rule.version}", label=str(rule),
        old=_terms(before) if before.pk else {}, new=_terms(rule),
    )  # fmt: skip
    return rule


def choose(rule: StandingRule, limits: ReconcileSettings) -> list[Card]:
    """Give the lines that the rule approves now: four queries, at most settings.RULE_LINES, the smallest first.

    With all that it has approved this month they stay below the amount from which a second approver must agree (E10):
    a rule that acts after each sync would else split by itself what is too large for one.
    """
    exchange = exchange_for(rule.org_id, currency=limits.second_currency)
    most = _most(rule, limits, exchange)
    share = DecimalField(max_digits=60, decimal_places=30)
    size = Case(
        *(When(currency=c, then=Abs("effect") / Value(m, share)) for c, m in most.items()), output_field=share
    )
    found = _fitting(rule, most).annotate(size=size).order_by("size", "pk")
    chosen: list[Card] = []
    left = _room(rule.org_id, limits, exchange)
    for card in found.select_related("account", "service")[: settings.RULE_LINES]:
        if left is not None:
            left = _less(left, Change(card.effect, card.currency), exchange)
            if left <= 0:
                break
        chosen.append(card)
    return chosen


def _room(org_id: int, limits: ReconcileSettings, exchange: Exchange) -> Decimal | None:
    """Give how much rules may still move this month before a second person had to agree; None: as much as they like."""
    if limits.second_from is None:
        return None
    decided = Decision.objects.filter(org_id=org_id, rule__isnull=False, period=month_of(timezone.now()))
    made = Push.objects.filter(org_id=org_id, pk__in=decided.values("push")).exclude(state__in=WROTE_NOTHING)
    left: Decimal = limits.second_from
    for push in made.select_related("line__agreement", "connection"):
        left = _less(left, price_push(push), exchange)
    return left


def _less(left: Decimal, change: Change, exchange: Exchange) -> Decimal:
    """Take a change's size off; one that cannot be compared leaves nothing: the safe side."""
    counted = exchange.convert(change.amount, change.currency) if change.amount is not None else None
    return left - abs(counted.amount) if counted else min(left, ZERO)


def _most(rule: StandingRule, limits: ReconcileSettings, exchange: Exchange) -> dict[str, Decimal]:
    """Give the rule's limit of money in each currency of the lines; without a rate nobody knows what is small there.

    Nor does anybody where the second approver's amount cannot be compared.
    """
    lines = Card.objects.filter(org_id=rule.org_id).order_by("currency").distinct("currency")
    found = limit_in(exchange, rule.max_money, rule.currency, lines.values_list("currency", flat=True))
    if limits.second_from is None:
        return found
    return {code: most for code, most in found.items() if exchange.find(code)}


def _fitting(rule: StandingRule, most: Mapping[str, Decimal]) -> QuerySet[Card]:
    """Keep what is compared, fresh, inside the guards, small by both limits, and what nobody has touched this period.

    `most` is the limit of money by currency. A difference in any other, or without a price, is not small: nobody knows.
    """
    small = reduce(or_, (Q(currency=c, effect__range=(-m, m)) for c, m in most.items()), Q(pk__in=[]))
    lines = Card.objects.filter(
        small, org_id=rule.org_id, kind=Card.Kind.ADJUST, state=Card.State.TODO, line__isnull=False,
        delta__range=(-rule.max_units, rule.max_units), agreement__active=True,
    )  # fmt: skip
    if rule.direction != StandingRule.Direction.BOTH:
        lines = lines.filter(**{"delta__gt" if rule.direction == "under" else "delta__lt": 0})
    if rule.services:
        lines = lines.filter(service__in=rule.services)
    if rule.accounts:
        lines = lines.filter(account__in=rule.accounts)
    # Undone, dismissed, snoozed or approved once: people decide on this line until the next period.
    decided = Decision.objects.filter(org_id=rule.org_id, line=OuterRef("line"), period=OuterRef("period"))
    stopped = Push.objects.filter(
        org_id=rule.org_id,
        line=OuterRef("line"),
        state__in=Push.STOPPED,
        created_at__date__gte=OuterRef("period"),
    )
    return lines.exclude(Exists(decided)).exclude(Exists(stopped)).exclude(line__ends_on__lt=F("period"))


def follow(org_id: int) -> list[Decision]:
    """Approve what the rule chooses now, through the same checks, decisions and pushes as a person's approval."""
    with org_scope(org_id):
        keep_up(org_id)
        rule = current(org_id)
        if not rule.active or find_closed(org_id):
            return []
        limits = ReconcileSettings.objects.get(org_id=org_id)
        held = find_many(org_id, [card.pk for card in choose(rule, limits)])
        # What was chosen is looked at once more now that it is locked.
        still = {card.pk for card in choose(rule, limits)}
        return _approve(rule, [card for card in held if card.pk in still], act=uuid4())


def _approve(rule: StandingRule, chosen: Sequence[Card], act: UUID) -> list[Decision]:
    wanted: list[tuple[Card, pushes.Intent]] = []
    for card in chosen:
        try:
            wanted.append((card, intend(card, Seen(card.psa_units, card.vendor_units))))
        except Refused:
            continue  # it stays where people see it
    results = write(rule.org_id, wanted, by=None, act=act, rule=rule)
    done = [(card, r) for (card, _), r in zip(wanted, results, strict=True) if isinstance(r, Decision)]
    notes = [
        audit.Note(
            f"card:{card.pk}", label(card), old={"psa": card.psa_units, "vendor": card.vendor_units},
            new={"approved": decision.units, "rule": str(rule), "set by": str(rule.by)},
        )
        for card, decision in done
    ]  # fmt: skip
    if notes:
        audit.record_all(rule.org_id, actor=None, verb="approved by standing rule", notes=notes)
    return [decision for _, decision in done]


def follow_after_commit(org_id: int) -> None:
    """Have a worker follow the rule once this transaction has committed, where one is switched on."""
    if current(org_id).active:
        transaction.on_commit(partial(wake, "dashboard.tasks.follow_rule", org_id), robust=True)


def _terms(rule: StandingRule) -> dict[str, object]:
    return {
        "active": rule.active,
        "units": Decimal(rule.max_units).normalize(),
        "money": Decimal(rule.max_money).normalize(),
        "currency": rule.currency,
        "direction": str(rule.direction),
        "services": sorted(rule.services),
        "accounts": sorted(rule.accounts),
    }
