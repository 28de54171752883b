"""Which effective dates are honest for an agreement: fact sheet psa/connectwise.md, sections 6.3 and 7."""

from calendar import monthrange
from datetime import date, timedelta

from psa.adapters.base import AgreementRecord, Choice, Way

_MONTHS = {"monthly": 1, "bimonthly": 2, "quarterly": 3, "semiannual": 6, "yearly": 12}
_WEEKS = {"weekly": 1, "biweekly": 2}


def choices(agreement: AgreementRecord, today: date) -> list[Choice]:
    """Offer the change in place, and dated lines from days on which this agreement bills them as expected."""
    offered = [_in_place(today)]
    if not (agreement.active and agreement.recurring):
        return offered
    if agreement.prorate:
        offered.append(
            _split(today, "prorated", "The agreement prorates, so a line may start inside a period.")
        )
    boundary = next_boundary(agreement, today)
    if boundary is not None:
        offered.append(_split(boundary, "a full period", "It is the first day of the next billing period."))
    return offered


def add_choices(agreement: AgreementRecord, today: date) -> list[Choice]:
    """Offer the days from which this agreement bills a new line as expected; none when it takes no line any more."""
    if not (agreement.active and agreement.recurring):
        return []
    boundary = next_boundary(agreement, today)
    offered = []
    if boundary is not None:
        offered.append(_add(boundary, "a full period", "It is the first day of the next billing period."))
    if agreement.prorate:
        offered.append(
            _add(today, "prorated", "The agreement prorates, so a line may start inside a period.")
        )
    return [each for each in offered if agreement.ends_on is None or each.effective_on <= agreement.ends_on]


def next_boundary(agreement: AgreementRecord, today: date) -> date | None:
    """Give the first day after `today` on which a billing period of this agreement begins; None if unknown.

    Periods are counted from the next invoice's date, else from the agreement's start, else from the month's first.
    """
    anchor = agreement.next_invoice_on or agreement.starts_on or today.replace(day=1)
    cycle = agreement.billing_cycle.casefold().replace("-", "").replace(" ", "")
    if cycle in _WEEKS:
        length = 7 * _WEEKS[cycle]
        return today + timedelta(days=length - (today - anchor).days % length)
    if cycle not in _MONTHS:
        return None
    passed = (today.year - anchor.year) * 12 + today.month - anchor.month
    steps = passed - passed % _MONTHS[cycle]
    while _shifted(anchor, steps) <= today:
        steps += _MONTHS[cycle]
    return _shifted(anchor, steps)


def _in_place(today: date) -> Choice:
    return Choice(
        way=Way.IN_PLACE,
        effective_on=today,
        label="Takes effect now, in every period not yet invoiced",
        help="The quantity changes on the line itself: for the current period and all that are not yet invoiced. "
        "The line keeps no history of it. Push before you invoice.",
        default=True,
    )


def _split(day: date, how: str, why: str) -> Choice:
    before = day - timedelta(days=1)
    return Choice(
        way=Way.SPLIT,
        effective_on=day,
        label=f"Takes effect {day:%-d %b %Y}, {how}",
        help=f"{why} The line ends on {before:%-d %b %Y} and a new one with the full new quantity follows, so the "
        "history stays.",
    )


def _add(day: date, how: str, why: str) -> Choice:
    return Choice(
        way=Way.ADD,
        effective_on=day,
        label=f"Takes effect {day:%-d %b %Y}, {how}",
        help=f"{why} Nothing is billed for days before it.",
        default=how == "a full period",
    )


def _shifted(day: date, months: int) -> date:
    """Give the same day so many months on, or the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
