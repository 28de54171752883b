"""A card as the screens show it: its words, and what can be done with it. No queries: everything is joined before."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from django.utils import timezone

from dashboard.asides import why_not_dismissed, why_not_snoozed
from dashboard.decisions import list_choices
from dashboard.models import Card, Decision
from dashboard.months import OPEN, previous_month
from dashboard.tickets import TicketMark, mark_of
from dashboard.words import HELD, HIDDEN
from dashboard.writes import Write, decided_on, open_effect, write_of
from psa.adapters.base import Choice, Way
from psa.models import Push
from reconcile.period import next_month
from reconcile.templatetags.figures import units


@dataclass(frozen=True)
class Row:
    """One line of the dashboard."""

    card: Card

    @property
    def id(self) -> int:
        return self.card.pk

    @property
    def tags(self) -> list[str]:
        """The tags of its account and its service; only lists ask for them (`lists.with_remarks`)."""
        return [*getattr(self.card, "account_tags", []), *getattr(self.card, "service_tags", [])]

    @property
    def has_note(self) -> bool:
        return getattr(self.card, "has_note", False)

    @property
    def push(self) -> Push | None:
        push: Push | None = self.card.push
        return push

    @cached_property
    def write(self) -> Write:
        """What its open push writes; without one, what approving would."""
        return write_of(self.card)

    @property
    def writes(self) -> bool:
        """Say whether a push of this line is open: what it writes need not be what is counted."""
        return self.is_pushing or self.is_ready

    @property
    def write_words(self) -> str:
        """Say beside the change what the PSA will hold."""
        return f"to {units(self.write.after)}"

    @property
    def is_pushing(self) -> bool:
        return self.card.state == Card.State.PUSHING

    @property
    def is_ready(self) -> bool:
        return self.card.state == Card.State.READY

    @property
    def waits_for_second(self) -> bool:
        """Say whether another approver must agree before this line's push is sent."""
        return self.is_ready and self.push is not None and self.push.waits_for_second

    @property
    def has_stopped(self) -> bool:
        return self.card.state == Card.State.FAILED

    @property
    def is_held(self) -> bool:
        return self.card.state == Card.State.HELD

    @property
    def can_approve(self) -> bool:
        """Say whether one click may write this line: compared, fresh, within the guards, and in an agreement."""
        return self.card.state in (Card.State.TODO, Card.State.FAILED) and self.card.kind == Card.Kind.ADJUST

    @property
    def selectable(self) -> bool:
        """Say whether something can be done to this line together with others."""
        return self.can_snooze or self.waits_for_second

    @property
    def fits(self) -> bool:
        """Say whether this line can be approved together with others, without a look of its own."""
        return self.can_approve and not self.has_stopped

    @property
    def is_open(self) -> bool:
        """Say whether nothing is decided on this line; in a closed month it was carried over, or has moved since."""
        return self.card.state in OPEN

    @property
    def is_new(self) -> bool:
        return self.card.kind == Card.Kind.NEW

    @property
    def can_place(self) -> bool:
        """Say whether this is usage without a line, to be added to an agreement or paired with a line."""
        placeable = self.card.state in (Card.State.TODO, Card.State.FAILED)
        return self.is_new and placeable and not self.waits_for_a_person

    @property
    def can_dismiss(self) -> bool:
        return not why_not_dismissed(self.card)

    @property
    def can_snooze(self) -> bool:
        return not why_not_snoozed(self.card)

    @property
    def is_snoozed(self) -> bool:
        return self.card.state == Card.State.SNOOZED

    @property
    def can_edit(self) -> bool:
        """Say whether a person may choose a quantity: any line in an agreement that nothing is writing."""
        return self.card.line_id is not None and self.card.state in (
            Card.State.TODO, Card.State.FAILED, Card.State.HELD, Card.State.SNOOZED,
        )  # fmt: skip

    @property
    def waits_for_a_person(self) -> bool:
        """Say whether nobody can tell from here if the push was applied."""
        return self.has_stopped and self.push is not None and self.push.state == Push.State.PERSON

    @property
    def has_menu(self) -> bool:
        return self.can_edit or self.can_snooze or self.waits_for_second or self.can_ticket

    @cached_property
    def ticket(self) -> TicketMark | None:
        """The ticket about this line, or its usage, in this month."""
        return mark_of(self.card)

    @property
    def can_ticket(self) -> bool:
        """Say whether there may be something for somebody else to do: a difference, a gap, a line without source."""
        return self.card.kind not in (Card.Kind.MATCH, Card.Kind.HIDDEN)

    @property
    def can_undo(self) -> bool:
        if self.is_ready and self.push is not None and self.push.undoes_id:
            return True
        return self.card.decision_id is not None and (
            self.card.state in (Card.State.READY, Card.State.DONE, Card.State.SNOOZED) or self.begins_later
        )

    @property
    def begins_later(self) -> bool:
        """Say whether this line was added from here, and starts after the next invoice."""
        added = self.push is not None and self.push.adds and self.push.state == Push.State.CONFIRMED
        return added and self.card.reason == "line_future"

    @property
    def undo_words(self) -> str:
        """Say on the button what undo does."""
        added = self.push is not None and self.push.adds and self.push.state == Push.State.CONFIRMED
        return "Undo: set the line to 0 units" if added else "Undo"

    @property
    def was_dismissed(self) -> bool:
        decision = self.card.decision
        return (
            self.card.state == Card.State.DONE and bool(decision) and decision.verb == Decision.Verb.DISMISS
        )

    @property
    def decided(self) -> Decision | None:
        """The approval by which this line is done although the vendor counts something else; None otherwise."""
        return decided_on(self.card)

    @property
    def open_effect(self) -> Decimal | None:
        """What is still to be decided on the next invoice."""
        return open_effect(self.card)

    @property
    def was_confirmed(self) -> bool:
        push = self.push
        return self.card.state == Card.State.DONE and push is not None and push.state == Push.State.CONFIRMED

    @property
    def is_quiet(self) -> bool:
        return self.card.kind in (Card.Kind.MATCH, Card.Kind.WAITING, Card.Kind.PSA_ONLY, Card.Kind.HIDDEN)

    @property
    def state_attr(self) -> str:
        """The row's data-state: how its look differs from the usual."""
        words = {Card.State.PUSHING: "busy", Card.State.DONE: "done", Card.State.FAILED: "failed"}
        return words.get(Card.State(self.card.state), "held" if self.is_held else "")

    @property
    def delta_word(self) -> str:
        """The word beside the difference; empty for the usual ones."""
        if self.is_new:
            return "no line"
        if self.decided:
            return "as approved"
        if self.card.kind == Card.Kind.WAITING:
            return "not compared"
        if self.card.kind in (Card.Kind.PSA_ONLY, Card.Kind.HIDDEN):
            return "no source" if self.card.kind == Card.Kind.PSA_ONLY else "not compared"
        return ""

    @property
    def carried_words(self) -> str:
        """Why this line came over from the month before, or goes over into the next; empty when it does not."""
        if reason := getattr(self.card, "carrying", ""):
            return f"Carried over into {next_month(self.card.period):%B}: {reason}"
        reason = getattr(self.card, "carried", "")
        return f"Carried over from {previous_month(self.card.period):%B}: {reason}" if reason else ""

    @property
    def held_label(self) -> str:
        return HELD.get(self.card.reason, ("", ""))[0]

    @property
    def why_held(self) -> str:
        return HELD.get(self.card.reason, ("", ""))[1]

    @property
    def why_hidden(self) -> str:
        return HIDDEN.get(self.card.reason, ("", ""))[0]

    @cached_property
    def effective(self) -> date | None:
        """The day from which a change is billed; None for "now", in every period not yet invoiced."""
        push = self.push
        if push and push.is_open:
            return push.release_on or (push.effective_on if push.way != Way.IN_PLACE else None)
        choice = self.choice
        return choice.effective_on if choice and choice.way == Way.SPLIT else None

    @cached_property
    def choice(self) -> Choice | None:
        """What one click on Approve would do."""
        return next(iter(list_choices(self.card)), None)

    @property
    def counted_at(self) -> datetime | None:
        """When the vendor units were counted; while they are unknown, since when."""
        if self.card.kind == Card.Kind.WAITING:
            return self.card.unknown_since
        return self.card.integration.counted_at if self.card.integration else None

    @property
    def is_stale(self) -> bool:
        return self.card.kind == Card.Kind.WAITING

    @property
    def psa_read_at(self) -> datetime | None:
        line = self.card.line
        read = self.card.connection.read_at
        confirmed = line.confirmed_at if line else None
        return max(filter(None, (read, confirmed)), default=None)

    @property
    def now(self) -> datetime:
        return timezone.now()

    @property
    def invoice_before(self) -> Decimal | None:
        return self._invoice(self.write.now)

    @property
    def invoice_after(self) -> Decimal | None:
        return self._invoice(self.write.after)

    @property
    def unit_margin(self) -> Decimal | None:
        """Price less cost of one unit; None where the PSA knows one of the two not."""
        cost = self.card.line.unit_cost if self.card.line else None
        return None if cost is None or self.card.price is None else self.card.price - cost

    @property
    def margin_before(self) -> Decimal | None:
        return self._margin(self.write.now)

    @property
    def margin_after(self) -> Decimal | None:
        return self._margin(self.write.after)

    @property
    def margin_change(self) -> Decimal | None:
        before, after = self.margin_before, self.margin_after
        return None if before is None or after is None else after - before

    def _margin(self, units: Decimal | None) -> Decimal | None:
        """Give what is left of one invoice after cost; units included free cost us all the same."""
        invoice, cost = self._invoice(units), self.card.line.unit_cost if self.card.line else None
        return None if invoice is None or units is None or cost is None else invoice - units * Decimal(cost)

    def _invoice(self, units: Decimal | None) -> Decimal | None:
        """Give what this line comes to on one invoice; units included free cost nothing."""
        price: Decimal | None = self.card.price
        if units is None or price is None:
            return None
        included = self.card.line.included if self.card.line else Decimal(0)
        return max(units - included, Decimal(0)) * price
