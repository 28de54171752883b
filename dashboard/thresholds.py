"""From which amount on a second approver must agree (E10): per line, and over one act on many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.exchange import Exchange
from accounts.models import ReconcileSettings
from accounts.rates import exchange_for
from psa.models import AgreementLine, Push

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


def price_push(push: Push) -> Change:
    """Price what a push writes; that of a line which is not there yet, by the price that was approved."""
    currency = push.for_agreement.currency or push.connection.currency
    if push.line is not None:
        return change_of(push.line, push.seen, push.wanted, currency)
    return Change(None if push.unit_price is None else (push.wanted - push.seen) * push.unit_price, currency)


def who_needs_second(limits: ReconcileSettings, changes: Sequence[Change]) -> list[bool]:
    """Say of each change of one act whether a second person must agree.

    All of an act do when together they reach the amount; raising one line and lowering another cancels nothing.
    Another currency than the threshold's counts at today's rate. What has no price or no rate cannot be compared, so
    it needs one: the safe side.
    """
    if limits.second_from is None:
        return [False] * len(changes)
    amounts = _amounts(limits, changes)
    together = sum((abs(amount) for amount in amounts if amount is not None), ZERO) >= limits.second_from
    return [together or amount is None or abs(amount) >= limits.second_from for amount in amounts]


def _amounts(limits: ReconcileSettings, changes: Sequence[Change]) -> list[Decimal | None]:
    """Give what each change is in the threshold's currency: one query, and none where all are in it."""
    if all(change.currency == limits.second_currency for change in changes):
        return [change.amount for change in changes]
    exchange = exchange_for(limits.org_id, currency=limits.second_currency)
    found = [
        exchange.convert(change.amount, change.currency) if change.amount is not None else None
        for change in changes
    ]
    return [converted.amount if converted else None for converted in found]


def limit_in(
    exchange: Exchange, limit: Decimal, currency: str, currencies: Iterable[str]
) -> dict[str, Decimal]:
    """Give what a limit is in each of some currencies, for a comparison in SQL; one without a rate is left out."""
    found = {code: exchange.convert(limit, currency, code) for code in currencies}
    return {code: converted.amount for code, converted in found.items() if converted}
