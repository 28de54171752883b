"""Pairing usage that has no line of its own with a line of the account, and undo of it; inside the scope."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from dashboard.decisions import Refused, Seen, refuse_closed
from dashboard.models import Card, LinePairing
from dashboard.rules import EXPLAINS_NOTHING
from dashboard.words import HIDDEN
from psa.models import AgreementLine, Push
from reconcile.signals import figures_changed

OPEN = (Card.State.TODO, Card.State.FAILED)


def check_open(card: Card, seen: Seen) -> None:
    """Raise Refused unless this is usage without a line, to be placed, as the person saw it."""
    if card.line_id is not None or card.kind != Card.Kind.NEW:
        raise Refused("A line bills this usage already, or its count is unknown: there is nothing to place.")
    if card.state == Card.State.PUSHING:
        raise Refused("A line is being added for this usage already. Wait until it is confirmed.")
    if card.push is not None and card.push.state == Push.State.PERSON:
        # Placed now, the usage would lose its card, and with it the only row that asks somebody to look.
        raise Refused("A line may have been added for this usage. Look it up in the PSA first.")
    if card.state not in OPEN:
        raise Refused("This usage has been decided already. Undo that first.")
    if card.vendor_units != seen.vendor:
        raise Refused(
            "The count has changed since you opened the page. Nothing was done: look at the new number."
        )


def list_lines(card: Card) -> list[Card]:
    """Give the account's lines that usage can be counted to: those that are compared, or could be."""
    rows = Card.objects.filter(
        org_id=card.org_id, account_id=card.account_id, line__isnull=False, service__isnull=False
    )
    rows = rows.exclude(kind=Card.Kind.HIDDEN).select_related("line", "service", "agreement")
    return list(rows.order_by("service__name", "agreement__name", "pk"))


def pair(card: Card, seen: Seen, line_id: int | None, *, by: User) -> LinePairing:
    """Count this usage to a line of the account from now on; nothing is written to the PSA. Raises Refused."""
    check_open(card, seen)
    target = next((other for other in list_lines(card) if other.line_id == line_id), None)
    if target is None:
        raise Refused(
            "Choose one of the account's lines. If the one you saw is gone, it is not billed any more."
        )
    standing = LinePairing.objects.filter(org_id=card.org_id, account=card.account, service=card.service)
    standing.filter(undone_at=None).update(undone_at=timezone.now())
    try:
        with transaction.atomic():
            pairing = LinePairing.objects.create(
                org_id=card.org_id, account=card.account, service=card.service, line=target.line, by=by
            )
    except IntegrityError:
        raise Refused("Somebody has placed this usage at the same moment. Look at it again.") from None
    _tell(pairing, "paired usage", by, new={"units": card.vendor_units})
    return pairing


def unpair(org_id: int, pairing_id: int, *, by: User) -> LinePairing:
    """Take a pairing back: the usage is new revenue again, unless something else explains it. Raises Refused."""
    audit.hold(org_id)
    refuse_closed(org_id)
    rows = LinePairing.objects.filter(org_id=org_id, pk=pairing_id, undone_at=None)
    pairing = rows.select_related("account", "service", "line").first()
    if pairing is None or not rows.update(undone_at=timezone.now()):
        raise Refused("This pairing has been undone already.")
    _tell(pairing, "undid pairing", by, new={})
    return pairing


def counted_to(card: Card) -> QuerySet[LinePairing]:
    """Give the pairings that add usage to this card's line now."""
    rows = LinePairing.objects.filter(org_id=card.org_id, line_id=card.line_id, undone_at=None)
    if card.line_id is None or card.kind == Card.Kind.HIDDEN:
        return rows.none()
    return rows.exclude(Exists(_own_lines())).select_related("service", "by").order_by("pk")


def paired_services() -> ArraySubquery:
    """Give of each card in a query the services whose usage counts to its line now, by name; none of a hidden line."""
    hidden = Card.objects.filter(org_id=OuterRef("org_id"), line=OuterRef("line_id"), kind=Card.Kind.HIDDEN)
    rows = LinePairing.objects.filter(org_id=OuterRef("org_id"), line_id=OuterRef("line_id"), undone_at=None)
    counted = rows.exclude(Exists(hidden)).exclude(Exists(_own_lines()))
    return ArraySubquery(counted.order_by("service__name").values("service__name"))


def _own_lines() -> QuerySet[Card]:
    """Give the lines that explain, by themselves, the usage of a pairing in a query."""
    lines = Card.objects.filter(
        org_id=OuterRef("org_id"),
        account_id=OuterRef("account_id"),
        service_id=OuterRef("service_id"),
        line__isnull=False,
    )
    return lines.exclude(kind=Card.Kind.HIDDEN, reason__in=EXPLAINS_NOTHING)


def explain_lost(card: Card) -> str:
    """Say of usage without a line that it was paired once, and why that has ended; empty when it was not."""
    if card.line_id is not None or card.service_id is None:
        return ""
    rows = LinePairing.objects.filter(
        org_id=card.org_id, account_id=card.account_id, service_id=card.service_id, undone_at=None
    )
    pairing = rows.select_related("line__service", "by").first()
    if pairing is None:
        return ""
    said = (
        f"{pairing.by or 'Somebody'} paired it with the line {_name(pairing.line)} on {pairing.at:%-d %b %Y}"
    )
    return f"{said}; {_why_ended(pairing.line)}"


def _why_ended(line: AgreementLine) -> str:
    if line.vanished_at is not None:
        return "its line ended: no longer in the PSA"
    its = Card.objects.filter(org_id=line.org_id, line=line).first()
    return f"its line ended: {HIDDEN[its.reason][0]}" if its and its.reason in HIDDEN else "its line ended"


def _name(line: AgreementLine) -> str:
    return str(line.service or line.description or line.remote_id)


def _tell(pairing: LinePairing, verb: str, by: User, new: dict[str, object]) -> None:
    audit.record(
        pairing.org_id, actor=by, verb=verb, subject=f"pairing:{pairing.pk}",
        label=f"{pairing.account}, {pairing.service}", old={}, new={"line": _name(pairing.line)} | new,
    )  # fmt: skip
    figures_changed.send(LinePairing, org_id=pairing.org_id, account_ids=[pairing.account_id])
