"""What people decide on cards: approve, with or without another quantity; called inside the organization's scope."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import ReconcileSettings, User
from dashboard import cards, months
from dashboard.models import Card, Decision, StandingRule
from dashboard.rules import Guards, guard
from dashboard.thresholds import change_of, who_needs_second
from psa import pushes
from psa.adapters import ADAPTERS
from psa.adapters.base import Choice
from psa.models import AgreementLine, Push
from reconcile.signals import figures_changed


class Refused(Exception):
    """A decision that was not taken; `sentence` says why and what to do. Nothing was written.

    `field` names what was filled in wrongly, where that is one field of the form.
    """

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field


class Doubted(Refused):
    """A typed quantity that looks like a slip of the finger: a person must say yes to this very number."""

    def __init__(self, sentence: str, counted: Decimal | None, wanted: Decimal) -> None:
        super().__init__(f"{sentence} Nothing was written.", field="units")
        self.counted = counted
        self.wanted = wanted


@dataclass(frozen=True)
class Seen:
    """The numbers that were on the person's screen; None stands for a dash."""

    psa: Decimal | None
    vendor: Decimal | None


def list_choices(card: Card) -> list[Choice]:
    """Give the effective dates that are honest for this line's agreement, the connection's way first."""
    if card.agreement is None:
        return []
    kind = ADAPTERS[card.connection.kind]
    offered = kind.choices(card.agreement.as_record(), timezone.now().date())
    return sorted(offered, key=lambda c: (c.way != card.connection.way, not c.default))


def choose(card: Card, way: str = "", effective_on: date | None = None) -> Choice:
    """Give the offered choice that a person picked, or the first; a date that is not offered is refused."""
    offered = list_choices(card)
    if not offered:
        raise Refused("This line's agreement offers no date on which a change could take effect.")
    if not way:
        return offered[0]
    for choice in offered:
        if choice.way == way and effective_on in (None, choice.effective_on):
            return choice
    raise Refused("That effective date is no longer offered for this agreement. Reload and choose again.")


def keep_up(org_id: int, now: datetime | None = None) -> None:
    """Bring cards up to date that time alone has changed, before one of them is judged: a page may be old."""
    audit.hold(org_id)
    cards.refresh_if_outdated(org_id, ReconcileSettings.objects.get(org_id=org_id).stale_hours, now)


def find(org_id: int, card_id: int) -> Card:
    """Give a card, locked, so that two clicks on it are taken one after the other."""
    for card in find_many(org_id, [card_id]):
        return card
    raise Card.DoesNotExist


def refuse_closed(org_id: int) -> None:
    """Raise Refused while the month is closed: its lines are not decided, nor is anything taken back (E13)."""
    if closed := months.find_closed(org_id):
        raise Refused(months.sentence_of(closed))


def find_many(org_id: int, card_ids: Collection[int]) -> list[Card]:
    """Give those of the cards that there are, locked, by id. Raises Refused while the month is closed."""
    # First in line for the audit trail, as a worker that confirms a push is: the same order, no deadlock.
    audit.hold(org_id)
    refuse_closed(org_id)
    chosen = Card.objects.filter(org_id=org_id, pk__in=card_ids).order_by("pk")
    locked = list(chosen.select_for_update(of=("self",)).values_list("pk", flat=True))
    # What is joined is read after the wait for the locks, not before.
    found = Card.objects.filter(pk__in=locked).order_by("pk")
    return list(
        found.select_related(
            "line", "agreement", "connection", "service", "account", "integration", "push", "decision__push"
        )
    )


def approve(
    card: Card,
    seen: Seen,
    *,
    by: User,
    units: Decimal | None = None,
    choice: Choice | None = None,
    sent_on: date | None = None,
    sure: bool = False,
    meant: Decimal | None = None,
) -> Decision:
    """Approve a quantity for a line and stage its push; `units` is set when the person chose another number.

    Held and uncompared lines ask for `sure`: the reason was looked at. Doubtful units ask that the person has said yes
    to that number: `meant`. Raises Refused, or Doubted; then nothing was written.
    """
    intent = intend(card, seen, units=units, choice=choice, sent_on=sent_on, sure=sure, meant=meant)
    (result,) = write(card.org_id, [(card, intent)], by=by)
    if isinstance(result, Refused):
        raise result
    return result


def intend(
    card: Card,
    seen: Seen,
    *,
    units: Decimal | None = None,
    choice: Choice | None = None,
    sent_on: date | None = None,
    sure: bool = False,
    meant: Decimal | None = None,
) -> pushes.Intent:
    """Give what approving this card would write; raise Refused when that may not be approved."""
    line, psa_units, wanted = _check(card, seen, card.vendor_units if units is None else units, sure=sure)
    # The count itself is not typed: whether it may be right is what a hold asks.
    if units is not None and units not in (meant, card.vendor_units):
        _check_typed(card, psa_units, units)
    picked = choice or choose(card)
    # What is sent on a later day takes effect on that day.
    return pushes.Intent(
        line, psa_units, wanted, sent_on or picked.effective_on, picked.way, release_on=sent_on
    )


def write(
    org_id: int,
    wanted: Sequence[tuple[Card, pushes.Intent]],
    *,
    by: User | None,
    act: UUID | None = None,
    rule: StandingRule | None = None,
) -> list[Decision | Refused]:
    """Stage the pushes and record the decisions, in order; the cards follow once, in as many queries as for one.

    `by` nobody: the standing `rule` approves.
    """
    limits = ReconcileSettings.objects.get(org_id=org_id)
    collect = limits.pushing == ReconcileSettings.Pushing.COLLECT
    changes = [change_of(intent.line, intent.seen, intent.wanted, card.currency) for card, intent in wanted]
    intents = [
        replace(intent, needs_second=needed)
        for (_, intent), needed in zip(wanted, who_needs_second(limits, changes), strict=True)
    ]
    with figures_changed.together(org_id):
        results = pushes.stage_many(intents, by=by, waiting=collect)
        taken = [
            (card, push) for (card, _), push in zip(wanted, results, strict=True) if isinstance(push, Push)
        ]
        # Of these alone: whoever calls this answers a refusal with a page, and the transaction is committed.
        standing = Decision.objects.filter(org_id=org_id, line_id__in=[card.line_id for card, _ in taken])
        standing.filter(undone_at__isnull=True).update(undone_at=timezone.now())
        approved = [
            build(card, Decision.Verb.APPROVE, by=by, units=push.wanted, push=push, act=act, rule=rule)
            for card, push in taken
        ]
        decisions = iter(Decision.objects.bulk_create(approved, batch_size=500))
    return [next(decisions) if isinstance(r, Push) else Refused(r.sentence) for r in results]


def _check(
    card: Card, seen: Seen, wanted: Decimal | None, *, sure: bool
) -> tuple[AgreementLine, Decimal, Decimal]:
    """Give the line, what it bills, and what is wanted, when this may be approved; else raise Refused."""
    if card.line is None or card.psa_units is None:
        raise Refused(
            "No line holds this usage yet. Add it to an agreement, or pair it with a line that bills it."
        )
    if card.state in (Card.State.PUSHING, Card.State.READY):
        raise Refused("A change of this line is already on its way. Undo it first, or wait for it.")
    if card.kind in (Card.Kind.HIDDEN, Card.Kind.PSA_ONLY):
        raise Refused("This line is not compared with any source, so there is nothing to approve.")
    if (card.psa_units, card.vendor_units) != (seen.psa, seen.vendor):
        raise Refused(
            "This line has changed since you opened the page. Nothing was written: look at the new numbers."
        )
    if wanted is None:
        raise Refused("The vendor's count is unknown. Enter the quantity to bill, or wait for a fresh count.")
    if wanted == card.psa_units:
        raise Refused("The PSA already bills that quantity. Nothing was written.")
    if card.kind in (Card.Kind.HELD, Card.Kind.WAITING) and not sure:
        raise Refused("This line is held. Open it, look at the reason, and confirm that you mean it.")
    return card.line, card.psa_units, wanted


def _check_typed(card: Card, psa_units: Decimal, wanted: Decimal) -> None:
    """Hold a typed quantity to the count and to the guards: a slip of the finger writes nothing. Raises Doubted."""
    counted, billed = card.vendor_units, f"{psa_units.normalize():f}"
    if guard(psa_units, wanted, Guards.of(ReconcileSettings.objects.get(org_id=card.org_id))):
        sentence = f"{wanted.normalize():f} is far from the {billed} billed now, beyond your guards."
    elif counted is not None and abs(wanted - counted) > abs(psa_units - counted):
        sentence = f"{wanted.normalize():f} is further from the count than the {billed} billed now."
    else:
        return
    raise Doubted(sentence, counted, wanted)


def of_card(card: Card) -> QuerySet[Decision]:
    """Give the decisions taken on a card, standing or not: by its line, or by account and service."""
    every = Decision.objects.filter(org_id=card.org_id, account_id=card.account_id)
    if card.line_id is not None:
        return every.filter(line_id=card.line_id)
    return every.filter(line__isnull=True, service=card.service)


def build(
    card: Card,
    verb: str,
    *,
    by: User | None,
    units: Decimal | None = None,
    reason: str = "",
    push: Push | None = None,
    until: date | None = None,
    act: UUID | None = None,
    rule: StandingRule | None = None,
) -> Decision:
    """Make the row of a decision on a card, with the numbers that were decided on; not yet saved."""
    return Decision(
        org_id=card.org_id, line_id=card.line_id, account_id=card.account_id, service_id=card.service_id,
        period=card.period, verb=verb, units=units, psa_units=card.psa_units, vendor_units=card.vendor_units,
        reason=reason, by=by, push=push, until=until, act=act, rule=rule,
    )  # fmt: skip


def look_again(card: Card, *, by: User) -> None:
    """Have the push of a line that waits for a person looked up; what surely has not arrived is sent again."""
    if card.push is None or card.push.state != Push.State.PERSON:
        raise Refused("No push of this line waits for a person.")
    try:
        pushes.look_again(card.push, by=by)
    except pushes.PushRefused as refused:
        raise Refused(refused.sentence) from refused


def label(card: Card) -> str:
    """Name a card for the audit trail."""
    return f"{card.account}, {card.service or 'no service'}"
