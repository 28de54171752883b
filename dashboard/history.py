"""Twelve months of one card (E12): both sides at the end of each, drawn, and what past invoices missed."""

from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from dashboard import back_billing, past
from dashboard.back_billing import Proposal
from dashboard.chart import Chart, Point, draw
from dashboard.models import Card
from dashboard.past import Past

MONTHS = 12


@dataclass(frozen=True)
class History:
    """The year behind a card.

    `since` is the first day of which anything is known, `month_before` the last day of the month before this one,
    `missed` what to bill or to credit.
    """

    chart: Chart | None
    since: date | None
    month_before: date
    missed: Proposal | None


def look_back(card: Card, whole: Past) -> History:
    """Recompute twelve month ends of a card, the last one being today, from the account's histories."""
    today = timezone.now().date()
    days = [*past.months_before(today, MONTHS - 1), today]
    missed = back_billing.propose(whole, today, back_billing.settled_through(card.org_id))
    return History(
        chart=draw([_point(whole, card, day) for day in days]),
        since=past.first_day(card.org_id),
        month_before=days[-2],
        missed=next((one for one in missed if one.line == card.line_id), None),
    )


def _point(whole: Past, card: Card, day: date) -> Point:
    pair = (card.account_id, card.service_id)
    if card.line_id is None:
        count = whole.count(pair, past.end_of(day))
        return Point(day, None, count.units if count and not count.gap else None)
    found = next((one for one in whole.judge(pair, day) if one.line == card.line_id), None)
    return Point(day, found.quantity, found.verdict.vendor_units) if found else Point(day, None, None)
