"""Differences set aside: dismissed for the period, or snoozed until a day, one or many. Nothing is written to a PSA."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import User
from dashboard import cards
from dashboard.decisions import Refused, Seen, build, find_many, label
from dashboard.models import Card, Decision
from reconcile.period import next_month

LONGEST_DAYS = 366
OPEN = (Card.State.TODO, Card.State.FAILED, Card.State.HELD, Card.State.SNOOZED)


@dataclass(frozen=True)
class Aside:
    """How differences are set aside: dismissed, or snoozed `until` a day; and why, in the person's words."""

    reason: str
    until: date | None = None

    @property
    def verb(self) -> Decision.Verb:
        return Decision.Verb.SNOOZE if self.until else Decision.Verb.DISMISS


def why_not_dismissed(card: Card) -> str:
    """Say why a line cannot be dismissed; empty when it can."""
    if card.kind == Card.Kind.WAITING and card.state in OPEN:
        return "Its count is unknown, so there is no difference to dismiss. Snooze it instead."
    return "" if card.state in OPEN else "There is nothing to dismiss on this line."


def why_not_snoozed(card: Card) -> str:
    """Say why a line cannot be snoozed; empty when it can. Held lines and those without a count may be."""
    return "" if card.state in OPEN else "There is nothing to snooze on this line."


def check_day(until: date, today: date) -> date:
    """Give the day back when a line may be snoozed until then; else raise Refused."""
    if until <= today:
        raise Refused("Choose a day after today. The line comes back in the morning of that day.")
    if until > today + timedelta(days=LONGEST_DAYS):
        raise Refused("That is more than a year away. Choose an earlier day, or dismiss the line.")
    return until


def presets(today: date) -> list[tuple[str, date]]:
    """Give the days that are offered first: tomorrow, next Monday, and the first of the next month."""
    monday = today + timedelta(days=7 - today.weekday())
    return [("Tomorrow", today + timedelta(days=1)), ("Monday", monday), ("The 1st", next_month(today))]


def set_aside(card: Card, seen: Seen, aside: Aside, *, by: User) -> Decision:
    """Set one difference aside until its period ends, its day comes, or one of its numbers changes."""
    if refusal := why_not(card, seen, aside):
        raise Refused(refusal)
    (decision,) = _write(card.org_id, [card], aside, by=by)
    return decision


def set_many_aside(
    org_id: int, seen: Mapping[int, Seen], aside: Aside, *, by: User, act: UUID
) -> tuple[list[Decision], list[tuple[Card, str]]]:
    """Set a selection aside; a line that cannot be is reported, the others go on."""
    fit: list[Card] = []
    refused: list[tuple[Card, str]] = []
    for card in find_many(org_id, seen):
        if refusal := why_not(card, seen[card.pk], aside):
            refused.append((card, refusal))
        else:
            fit.append(card)
    return _write(org_id, fit, aside, by=by, act=act), refused


def why_not(card: Card, seen: Seen, aside: Aside) -> str:
    """Say why a line that a person saw with these numbers cannot be set aside; empty when it can."""
    if (card.psa_units, card.vendor_units) != (seen.psa, seen.vendor):
        return "This line has changed since you opened the page. Look at the new numbers first."
    return why_not_snoozed(card) if aside.until else why_not_dismissed(card)


def _write(
    org_id: int, chosen: Sequence[Card], aside: Aside, *, by: User, act: UUID | None = None
) -> list[Decision]:
    """Record the decisions and their entries; the cards follow once."""
    if not chosen:
        return []
    _close_standing(org_id, chosen)
    made = [
        build(card, aside.verb, by=by, reason=aside.reason, until=aside.until, act=act) for card in chosen
    ]
    decisions = Decision.objects.bulk_create(made, batch_size=500)
    said = {"reason": aside.reason} | ({"until": aside.until} if aside.until else {})
    notes = [
        audit.Note(
            f"card:{card.pk}", label(card), old={"psa": card.psa_units, "vendor": card.vendor_units}, new=said
        )
        for card in chosen
    ]
    audit.record_all(org_id, actor=by, verb="snoozed" if aside.until else "dismissed", notes=notes)
    cards.refresh(org_id, sorted({card.account_id for card in chosen}))
    return decisions


def _close_standing(org_id: int, chosen: Sequence[Card]) -> None:
    """End what was decided on these cards before, by their line, or by account and service."""
    lines = [card.line_id for card in chosen if card.line_id]
    pairs = {(card.account_id, card.service_id) for card in chosen if not card.line_id}
    open_ones = Decision.objects.filter(org_id=org_id, undone_at__isnull=True)
    without_line = open_ones.filter(line__isnull=True, account__in=[account for account, _ in pairs])
    ids = [d.pk for d in without_line if (d.account_id, d.service_id) in pairs]
    open_ones.filter(Q(line__in=lines) | Q(pk__in=ids)).update(undone_at=timezone.now())
