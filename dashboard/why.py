"""Why a card says what it says: line, mapping, count, vendor rows, with as-of times (E7)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from accounts.models import ReconcileSettings
from dashboard import arithmetic, pairing
from dashboard.arithmetic import Arithmetic
from dashboard.decisions import of_card
from dashboard.models import Card, Decision, LinePairing
from dashboard.past import Past
from dashboard.words import HELD, HIDDEN, UNCOMPARED
from psa.adapters.base import Way
from psa.models import Push
from vendors.counting_words import FIELD_WORDS
from vendors.models import AccountMapping, AccountSplit, AlsoCounts, ServiceMapping, UsageCount, VendorAccount

HISTORY = 12


@dataclass(frozen=True)
class Check:
    """One condition on the way to a card, whether it holds, and the screen that mends it (a URL name)."""

    holds: bool
    sentence: str
    mend: str = ""


@dataclass(frozen=True)
class Event:
    """One line of a card's history."""

    at: datetime
    text: str
    who: str
    push: Push | None = None


@dataclass(frozen=True)
class Vendor:
    """A vendor account that counts for the card's account; `part` says how much of it does, if it is split."""

    vendor_account: VendorAccount
    part: str = ""


@dataclass(frozen=True)
class Why:
    """Everything the details panel explains; no `arithmetic`: no source counts it."""

    checks: list[Check]
    arithmetic: Arithmetic | None
    accounts: list[Vendor]
    history: list[Event]
    pairings: list[LinePairing]


def explain(card: Card, whole: Past) -> Why:
    """Gather the reasons for a card, from the account's histories: a fixed number of queries."""
    pairings = list(pairing.counted_to(card))
    found = arithmetic.explain(card, whole, timezone.now(), pairings)
    rules = [Check(holds=True, sentence=rule) for rule in found.rules] if found else []
    return Why(
        checks=[*_checks(card, _sharing(card), rules), *_paired(card, pairings)],
        arithmetic=found,
        accounts=_mapped_accounts(card),
        history=_history(card),
        pairings=pairings,
    )


def _mapped_accounts(card: Card) -> list[Vendor]:
    """Give the vendor accounts that are mapped to the account, and those of which a part goes to it: two queries."""
    rows = AccountMapping.objects.filter(org_id=card.org_id, account_id=card.account_id)
    mapped = [row.vendor_account for row in rows.select_related("vendor_account__integration").order_by("pk")]
    splits = AccountSplit.objects.filter(
        AccountSplit.standing(card.period),
        Q(account=card.account_id) | Q(vendor_account__in=mapped),
        org_id=card.org_id,
    )
    parts = list(splits.select_related("vendor_account__integration").order_by("vendor_account", "pk"))
    split = {part.vendor_account_id for part in parts}
    whole = [Vendor(one, "what no part of it takes" if one.pk in split else "") for one in mapped]
    return whole + [
        Vendor(part.vendor_account, f"those with the {FIELD_WORDS[part.field][0]} {part.pattern}")
        for part in parts
        if part.account_id == card.account_id
    ]


def _sharing(card: Card) -> list[Card]:
    """Give the other lines in play that bill the same service for the same account."""
    if card.line_id is None or card.service_id is None or card.kind == Card.Kind.HIDDEN:
        return []
    rows = Card.objects.filter(org_id=card.org_id, account_id=card.account_id, service_id=card.service_id)
    rows = rows.filter(line__isnull=False).exclude(kind=Card.Kind.HIDDEN).exclude(pk=card.pk)
    return list(rows.select_related("agreement").order_by("pk"))


def _checks(card: Card, others: list[Card], rules: list[Check]) -> list[Check]:
    psa = card.connection.name
    if card.kind == Card.Kind.HIDDEN:
        label, mend = HIDDEN[card.reason]
        return [Check(holds=False, sentence=f"Not compared: {label}", mend=mend)]
    checks = [Check(holds=True, sentence=f"The account is active in {psa}")]
    if card.line_id is None:
        checks.append(Check(holds=False, sentence=f"No line of {psa} bills this service to the account"))
    else:
        checks.append(
            Check(holds=True, sentence="The agreement is active, recurs, and bills this line next month")
        )
    if card.kind == Card.Kind.PSA_ONLY:
        label, mend = HIDDEN[card.reason]
        return [*checks, Check(holds=False, sentence=f"No source counts it: {label}", mend=mend)]
    checks += [Check(holds=True, sentence="Vendor account and vendor service are mapped"), *rules]
    if card.kind == Card.Kind.WAITING:
        mend = UNCOMPARED[card.reason][1]
        return [*checks, Check(holds=False, sentence=HELD[card.reason][1], mend=mend)]
    checks.append(Check(holds=True, sentence="The count is complete and fresh enough"))
    if others:
        checks.append(
            Check(card.reason != "shared", f"{len(others)} more of this account's lines bill this service")
        )
    return [*checks, *_verdict(card)]


def _paired(card: Card, pairings: list[LinePairing]) -> list[Check]:
    """Say by whose word other usage counts to this line, or counted to a line that has ended."""
    checks = [
        Check(
            holds=True,
            sentence=f"{p.service} counts to it too: paired by {p.by or 'somebody'} on {p.at:%-d %b %Y}",
        )
        for p in pairings
    ]
    lost = pairing.explain_lost(card)
    return [*checks, Check(holds=False, sentence=lost)] if lost else checks


def _verdict(card: Card) -> list[Check]:
    if card.kind == Card.Kind.MATCH:
        return [Check(holds=True, sentence="Both sides say the same")]
    if card.kind == Card.Kind.NEW:
        return [Check(holds=False, sentence="Somebody uses it, and nobody is billed for it")]
    if card.reason == "shared":
        return []
    if card.kind == Card.Kind.HELD:
        return [Check(holds=False, sentence=HELD[card.reason][1], mend="settings_reconciliation")]
    return [Check(holds=False, sentence="The two sides differ, within your guards")]


def guard_sentence(card: Card, settings: ReconcileSettings) -> str:
    """Say how large the change is against the guard, in percent of the PSA units."""
    if not card.psa_units or card.delta is None:
        return ""
    percent = abs(card.delta) * 100 / card.psa_units
    limit = settings.guard_percent if card.delta < 0 else settings.jump_percent
    units = settings.guard_units if card.delta < 0 else settings.jump_units
    within = card.kind == Card.Kind.ADJUST
    return f"Change of {percent:.0f}% is {'inside' if within else 'beyond'} your guard of {limit}% and {units} units"


def _history(card: Card) -> list[Event]:
    events = [*_pushes(card), *_counts(card), *_asides(card)]
    return sorted(events, key=lambda e: e.at, reverse=True)[:HISTORY]


def _pushes(card: Card) -> list[Event]:
    # An addition learns which line it is about when it is read back; until then it is about the usage.
    about = Q(way=Way.ADD, line=None, account=card.account_id, service=card.service_id)
    if card.line_id is not None:
        about |= Q(line=card.line_id)
    rows = Push.objects.filter(about, org_id=card.org_id).select_related("requested_by", "second_by")
    return [
        Event(
            at=push.finished_at or push.created_at,
            text=f"{_intent(push)}, {push.get_state_display().lower()}",
            who=str(push.requested_by or "Reconcile"),
            push=push,
        )
        for push in rows.order_by("-id")[:HISTORY]
    ]


def _intent(push: Push) -> str:
    if push.adds:
        return f"Add a line of {push.wanted.normalize():f}"
    return f"{'Undo: ' if push.undoes_id else ''}{push.seen.normalize():f} to {push.wanted.normalize():f}"


def _counts(card: Card) -> list[Event]:
    if card.service_id is None:
        return []
    of_account = {"org_id": card.org_id, "account_id": card.account_id}
    of_service = {"org_id": card.org_id, "service_id": card.service_id}
    month = AccountSplit.standing(card.period)
    accounts = Q(vendor_account__in=AccountMapping.objects.filter(**of_account).values("vendor_account"))
    accounts |= Q(
        vendor_account__in=AccountSplit.objects.filter(month, **of_account).values("vendor_account")
    )
    services = Q(vendor_service__in=ServiceMapping.objects.filter(**of_service).values("vendor_service"))
    services |= Q(vendor_service__in=AlsoCounts.objects.filter(month, **of_service).values("vendor_service"))
    rows = UsageCount.objects.filter(accounts, services, org_id=card.org_id)
    rows = rows.select_related("vendor_service", "integration")
    return [
        Event(
            row.counted_at,
            f"{row.vendor_service.name} counted {row.quantity.normalize():f}",
            row.integration.name,
        )
        for row in rows.order_by("-counted_at", "-id")[:HISTORY]
    ]


def _asides(card: Card) -> list[Event]:
    rows = of_card(card).exclude(verb=Decision.Verb.APPROVE, rule=None).select_related("by", "rule")
    return [Event(d.at, _tell(d), str(d.by or d.rule or "")) for d in rows.order_by("-id")[:HISTORY]]


def _tell(decision: Decision) -> str:
    until = f" until {decision.until:%-d %b %Y}" if decision.until else ""
    return f"{decision.get_verb_display()}{until}" + (f": {decision.reason}" if decision.reason else "")
