"""Which months are closed, and the lines carried over as exceptions; called inside the organization's scope."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import audit
from accounts.models import User
from dashboard.models import Card, CarryOver, MonthReport
from reconcile.period import month_of

# What may be carried over. What is ready or on its way to the PSA must first be sent, finished or taken back.
OPEN = (Card.State.TODO, Card.State.FAILED, Card.State.HELD)
UNKNOWN = Value(Decimal(-1))


def find_closed(org_id: int, period: date | None = None) -> MonthReport | None:
    """Give the report that closes a month (the current one, unless named); None while it is open. One query."""
    period = period or month_of(timezone.now())
    reports = MonthReport.objects.filter(org_id=org_id, period=period).defer("content").order_by("-version")
    newest = reports.annotate(reopened_at=F("reopenings__at")).select_related("closed_by").first()
    return newest if newest is not None and newest.reopened_at is None else None


def sentence_of(report: MonthReport) -> str:
    """Say why nothing is decided in a closed month, and who must act."""
    return f"{report.period:%B} is closed. An admin can reopen it."


def previous_month(period: date) -> date:
    """Give the first day of the month before."""
    return (period - timedelta(days=1)).replace(day=1)


def with_marks(cards: QuerySet[Any], period: date | None = None) -> QuerySet[Any]:
    """Add to each card why it is carried over (`carrying`), and why it was, the month before (`carried`); "" for not.

    A mark stands for the numbers that were seen: when one of them moves, the line is open again.
    """
    period = period or month_of(timezone.now())
    before = previous_month(period)
    same = Q(line=OuterRef("line")) | Q(
        line__isnull=True, account=OuterRef("account"), service=OuterRef("service")
    )
    marks = CarryOver.objects.filter(same, org_id=OuterRef("org_id"), undone_at__isnull=True)
    standing = marks.filter(period=period).annotate(
        psa=Coalesce(F("psa_units"), UNKNOWN), vendor=Coalesce(F("vendor_units"), UNKNOWN)
    )
    standing = standing.filter(
        psa=Coalesce(OuterRef("psa_units"), UNKNOWN), vendor=Coalesce(OuterRef("vendor_units"), UNKNOWN)
    )
    was_closed = Exists(MonthReport.objects.filter(org_id=OuterRef("org_id"), period=before))
    came_over = marks.filter(was_closed, period=before)
    marked: QuerySet[Any] = cards.annotate(
        carrying=Coalesce(Subquery(standing.values("reason")[:1]), Value("")),
        carried=Coalesce(Subquery(came_over.values("reason")[:1]), Value("")),
    )
    return marked


def carry(org_id: int, chosen: QuerySet[Card], reason: str, *, by: User) -> int:
    """Carry open lines over into the next month, as exceptions; say how many. Nothing is written to a PSA."""
    audit.hold(org_id)
    found = list(
        with_marks(chosen.filter(org_id=org_id, state__in=OPEN)).filter(carrying="").select_related(
            "account", "service"
        )
    )  # fmt: skip
    mark(org_id, found, reason, by=by)
    notes = [
        audit.Note(
            f"card:{card.pk}", _label(card), new={"reason": reason},
            old={"psa": card.psa_units, "vendor": card.vendor_units},
        )
        for card in found
    ]  # fmt: skip
    audit.record_all(org_id, actor=by, verb="carried over", notes=notes)
    return len(found)


def take_back(org_id: int, chosen: QuerySet[Card], *, by: User) -> int:
    """Take back that lines are carried over, so that they are open again; say how many."""
    audit.hold(org_id)
    marked = (
        with_marks(chosen.filter(org_id=org_id)).exclude(carrying="").select_related("account", "service")
    )
    found = list(marked)
    end_marks(org_id, found)
    notes = [audit.Note(f"card:{card.pk}", _label(card), old={"reason": card.carrying}) for card in found]
    audit.record_all(org_id, actor=by, verb="no longer carried over", notes=notes)
    return len(found)


def mark(org_id: int, found: Sequence[Any], reason: str, *, by: User) -> None:
    """Mark cards, or lines of a month that is over, as carried over; a mark that was there before ends."""
    end_marks(org_id, found)
    CarryOver.objects.bulk_create([_mark(card, reason, by) for card in found], batch_size=500)


def _mark(card: Any, reason: str, by: User) -> CarryOver:
    return CarryOver(
        org_id=card.org_id, line_id=card.line_id, account_id=card.account_id, service_id=card.service_id,
        period=card.period, psa_units=card.psa_units, vendor_units=card.vendor_units, reason=reason, by=by,
    )  # fmt: skip


def end_marks(org_id: int, found: Sequence[Any]) -> None:
    """End what stands for these cards, also marks whose numbers have moved since."""
    lines = {card.line_id for card in found if card.line_id}
    pairs = {(card.account_id, card.service_id) for card in found if not card.line_id}
    standing = CarryOver.objects.filter(org_id=org_id, undone_at__isnull=True)
    standing = standing.filter(period__in={card.period for card in found})
    rows: Any = standing.filter(Q(line__in=lines) | Q(line=None, account__in={a for a, _ in pairs}))
    ended = [
        r.pk for r in rows if r.line_id in lines or (not r.line_id and (r.account_id, r.service_id) in pairs)
    ]
    CarryOver.objects.filter(pk__in=ended).update(undone_at=timezone.now())


def _label(card: Card) -> str:
    return f"{card.account}, {card.service or 'no service'}"
