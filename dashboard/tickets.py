"""A card's ticket (B7): what it is about, what it says, and the mark on the card's row."""

from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, F, OuterRef, Q, Subquery
from django.db.models.functions import Cast, JSONObject
from django.urls import reverse

from accounts import letters
from dashboard.models import Card
from dashboard.templatetags.lines import plain
from psa.models import Ticket
from psa.tickets import LONGEST_SUMMARY, Subject
from reconcile.templatetags.figures import GAP, moment, money, signed, signed_money, units


@dataclass(frozen=True)
class TicketMark:
    """What a row shows of its ticket."""

    state: str
    number: str
    reason: str

    @property
    def is_pending(self) -> bool:
        return self.state in Ticket.OPEN

    @property
    def has_failed(self) -> bool:
        return self.state == Ticket.State.FAILED


def ticket_of_card() -> Subquery:
    """Join a card's ticket as one value, so that no row of a list asks for more."""
    usage = Q(line__isnull=True, service=OuterRef("service_id"))
    about = Ticket.objects.filter(
        usage | Q(line=OuterRef("line_id")),
        org_id=OuterRef("org_id"),
        account=OuterRef("account_id"),
        period=OuterRef("period"),
    )
    facts = JSONObject(state=F("state"), number=Cast("remote_id", CharField()), reason=F("reason"))
    return Subquery(about.order_by("id").values(facts=facts)[:1])


def mark_of(card: Card) -> TicketMark | None:
    """Give the mark of a card that was read with `ticket_of_card`; None where there is no ticket."""
    facts: dict[str, Any] | None = getattr(card, "ticket_facts", None)
    return TicketMark(facts["state"], facts["number"], facts["reason"]) if facts else None


def subject_of(card: Card) -> Subject:
    """Say what a ticket from this card is about."""
    return Subject(
        connection=card.connection,
        account=card.account,
        line=card.line,
        service=card.service,
        period=card.period,
        agreement_remote_id=card.agreement.remote_id if card.agreement else "",
    )


def draft(card: Card, slug: str) -> tuple[str, str]:
    """Write the ticket's summary and body from the card's numbers; a person may change both."""
    source = str(card.integration) if card.integration else "no source"
    name = str(card.service or "No service")
    numbers = f": {units(card.psa_units)} billed, {units(card.vendor_units)} in {source}"
    room = LONGEST_SUMMARY - len(numbers)
    summary = (name if len(name) <= room else name[: room - 1] + "…") + numbers
    counted = card.integration.counted_at if card.integration else None
    lines = [
        f"Account: {card.account}",
        f"Agreement: {card.agreement or GAP}",
        f"Service: {name}",
        f"Billed in {card.connection}: {units(card.psa_units)}",
        f"Counted by {source}: {units(card.vendor_units)} ({moment(counted)})",
        f"Difference: {signed(card.delta)}",
        f"Price per unit: {money(card.price, card.currency or 'USD')}",
        f"On the next invoice: {signed_money(card.effect, card.currency or 'USD')}",
        f"Month: {card.period:%B %Y}",
    ]
    if card.vendor_units is None and card.last_units is not None:
        lines.append(f"The count is unknown; the last one was {plain(card.last_units)}.")
    where = letters.full_address(reverse("line_details", args=[slug, card.pk]))
    if where.startswith("http"):
        lines.append(f"In Reconcile: {where}")
    return summary[:LONGEST_SUMMARY], "\n".join(lines)
