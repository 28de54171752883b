"""From which amount on a second approver must agree (E10): per line, and over one act on many."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import ReconcileSettings
from psa.models import AgreementLine

ZERO = Decimal(0)


@dataclass(frozen=True)
class Change:
    """What one write changes on the next invoice; no amount where the line has no price."""

    amount: Decimal | None
    currency: str


def change_of(line: AgreementLine, seen: Decimal, wanted: Decimal, currency: str) -> Change:
    """Price a change of quantity; units included free cost nothing."""
    if line.unit_price is None:
        return Change(None, currency)
    billed = [max(units - line.included, ZERO) for units in (seen, wanted)]
    return Change((billed[1] - billed[0]) * line.unit_price, currency)


def who_needs_second(limits: ReconcileSettings, changes: Sequence[Change]) -> list[bool]:
    """Say of each change of one act whether a second person must agree.

    All of an act do when together they reach the amount; raising one line and lowering another cancels nothing.
    What has no price, or none in the threshold's currency, cannot be compared, so it needs one: the safe side.
    """
    if limits.second_from is None:
        return [False] * len(changes)
    amounts = [_comparable(change, limits) for change in changes]
    together = sum((abs(amount) for amount in amounts if amount is not None), ZERO) >= limits.second_from
    return [together or amount is None or abs(amount) >= limits.second_from for amount in amounts]


def _comparable(change: Change, limits: ReconcileSettings) -> Decimal | None:
    return change.amount if change.currency == limits.second_currency else None
