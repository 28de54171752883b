"""The rules of a card as pure functions over plain values: what `refresh_cards.sql` does to a whole organization.

Kept apart from the ORM so that the rules can be read, and property-tested against the SQL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

ZERO = Decimal(0)
# A line hidden for one of these reasons does not explain usage: the usage is new revenue.
EXPLAINS_NOTHING = frozenset({"account_inactive", "agreement_inactive", "line_ended"})
NO_VENDOR = frozenset({"no_vendor_service", "no_vendor_account"})


@dataclass(frozen=True, kw_only=True)
class Guards:
    """Limits beyond which a change is held: percent of the PSA units, or units, whichever is larger."""

    drop_percent: int = 20
    drop_units: int = 5
    jump_percent: int = 100
    jump_units: int = 20


@dataclass(frozen=True, kw_only=True)
class Line:
    """An agreement line with what its account and agreement say about it. Units are Decimals."""

    remote_id: str
    quantity: Decimal
    included: Decimal = ZERO
    unit_price: Decimal | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    billable: bool = True
    account_active: bool = True
    type_in_scope: bool = True
    agreement_active: bool = True
    agreement_starts_on: date | None = None
    agreement_ends_on: date | None = None
    recurring: bool = True


@dataclass(frozen=True, kw_only=True)
class Count:
    """What the vendors say of one service of one account. `gap` set: no fresh count, `units` are the last known."""

    units: Decimal
    gap: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The derived part of a card. None units are unknown, never zero."""

    kind: str
    reason: str
    vendor_units: Decimal | None
    effect: Decimal | None


def hide(line: Line, day: date) -> str:
    """Say why a line is not compared for the invoice of `day`; empty when it is."""
    before_start = line.agreement_starts_on is not None and line.agreement_starts_on > day
    after_end = line.agreement_ends_on is not None and line.agreement_ends_on < day
    reasons = (
        (not line.account_active, "account_inactive"),
        (not line.type_in_scope, "agreement_out_of_scope"),
        (not line.agreement_active or before_start or after_end, "agreement_inactive"),
        (not line.recurring, "not_recurring"),
        (not line.billable, "not_billed"),
        (line.ends_on is not None and line.ends_on < day, "line_ended"),
        (line.starts_on is not None and line.starts_on > day, "line_future"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def order(lines: Sequence[Line]) -> list[Line]:
    """Put lines that share a count in the order in which they take from it: oldest first."""
    return sorted(lines, key=lambda x: (x.starts_on or date.min, len(x.remote_id), x.remote_id))


def share(lines: Sequence[Line], units: Decimal) -> dict[str, Decimal]:
    """Split a count over the lines that bill it: each takes its own quantity, the last takes the rest.

    Conserves units: the shares add up to `units`.
    """
    in_order, left, shares = order(lines), units, {}
    for line in in_order[:-1]:
        shares[line.remote_id] = min(line.quantity, left)
        left -= shares[line.remote_id]
    if in_order:
        shares[in_order[-1].remote_id] = left
    return shares


def guard(psa: Decimal, vendor: Decimal, guards: Guards) -> str:
    """Say why a change from `psa` to `vendor` units waits for a person; empty when it is within the limits."""
    if vendor == 0:
        return "zero"
    if vendor < psa - max(psa * guards.drop_percent / 100, Decimal(guards.drop_units)):
        return "drop"
    if vendor > psa + max(psa * guards.jump_percent / 100, Decimal(guards.jump_units)):
        return "jump"
    return ""


def money(line: Line, vendor: Decimal) -> Decimal | None:
    """Give the change on the next invoice, in the line's currency; units included free cost nothing."""
    if line.unit_price is None:
        return None
    return (max(vendor - line.included, ZERO) - max(line.quantity - line.included, ZERO)) * line.unit_price


def judge_line(line: Line, vendor: Decimal, lines_sharing: int, guards: Guards) -> Verdict:
    """Compare one line with its share of a fresh count."""
    if vendor == line.quantity:
        return Verdict(kind="match", reason="", vendor_units=vendor, effect=money(line, vendor))
    reason = "shared" if lines_sharing > 1 else guard(line.quantity, vendor, guards)
    kind = "held" if reason else "adjust"
    return Verdict(kind=kind, reason=reason, vendor_units=vendor, effect=money(line, vendor))


def judge(
    lines: Sequence[Line], count: Count | None, *, served: bool, day: date, guards: Guards
) -> dict[str, Verdict]:
    """Judge all lines of one service of one account, by remote id.

    `served` says whether any vendor service is mapped to the service; `count` is None when no
    vendor account with such a service is mapped to the account.
    """
    hidden = {line.remote_id: hide(line, day) for line in lines}
    in_play = [line for line in lines if not hidden[line.remote_id]]
    gap = "no_vendor_service" if not served else "no_vendor_account" if count is None else count.gap
    shares = share(in_play, count.units) if count and not gap else {}
    verdicts = {}
    for line in lines:
        if hidden[line.remote_id]:
            verdict = Verdict(kind="hidden", reason=hidden[line.remote_id], vendor_units=None, effect=None)
        elif gap:
            kind = "psa_only" if gap in NO_VENDOR else "waiting"
            verdict = Verdict(kind=kind, reason=gap, vendor_units=None, effect=None)
        else:
            verdict = judge_line(line, shares[line.remote_id], len(in_play), guards)
        verdicts[line.remote_id] = verdict
    return verdicts


def judge_usage(
    lines: Sequence[Line], count: Count | None, *, price: Decimal | None, day: date
) -> Verdict | None:
    """Say whether the usage of one service of one account is new revenue; None when some line explains it."""
    explained = any(hide(line, day) not in EXPLAINS_NOTHING for line in lines)
    if count is None or count.units <= 0 or explained:
        return None
    if count.gap:
        return Verdict(kind="waiting", reason=count.gap, vendor_units=None, effect=None)
    effect = None if price is None else count.units * price
    return Verdict(kind="new", reason="", vendor_units=count.units, effect=effect)
