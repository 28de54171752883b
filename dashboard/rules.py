"""The rules of a card as pure functions over plain values: what `refresh_cards.sql` does to a whole organization.

Kept apart from the ORM so that the rules can be read, and property-tested against the SQL.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

from vendors import counting
from vendors.counting import Counted, Step

ZERO = Decimal(0)
# A line hidden for one of these reasons does not explain usage: the usage is new revenue.
EXPLAINS_NOTHING = frozenset({"account_inactive", "agreement_inactive", "line_ended"})
NO_VENDOR = frozenset({"no_vendor_service", "no_vendor_account"})
# Why a count may be unknown; the first that holds is said.
GAPS = ("", "names_missing", "source_old", "source_held", "source_silent", "never_counted")
# The steps of agreements' own rules, by agreement.
Ruled = Mapping[int, Sequence[Step]]


class Limits(Protocol):
    """What an organization's settings say of its guards."""

    guard_percent: int
    guard_units: int
    jump_percent: int
    jump_units: int


@dataclass(frozen=True, kw_only=True)
class Guards:
    """Limits beyond which a change is held: percent of the PSA units, or units, whichever is larger."""

    drop_percent: int = 20
    drop_units: int = 5
    jump_percent: int = 100
    jump_units: int = 20

    @classmethod
    def of(cls, limits: "Limits") -> "Guards":
        """Give the guards that an organization has set."""
        return cls(
            drop_percent=limits.guard_percent,
            drop_units=limits.guard_units,
            jump_percent=limits.jump_percent,
            jump_units=limits.jump_units,
        )


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
    agreement: int = 0


@dataclass(frozen=True, kw_only=True)
class Count:
    """What the vendors say of one service of one account. `gap` set: no fresh count, `units` are the last known.

    `raw` is what they were before the steps of the counting rule; None: the rule has none. `is_own`: the rule is the
    account's, not that for every account.
    """

    units: Decimal
    gap: str = ""
    raw: Decimal | None = None
    is_own: bool = False

    @classmethod
    def of(cls, counted: Counted, gap: str, *, is_own: bool) -> "Count":
        """Give the count that an arithmetic ends in; names that are missing are the least of the gaps.

        Without them what a rule made of the others is no number: what is used stands for it, so that nothing is lost.
        """
        if counted.names_missing:
            return cls(units=counted.used, raw=counted.used, gap=gap or "names_missing")
        return cls(units=counted.units, raw=counted.raw, gap=gap, is_own=is_own)

    @property
    def before_rule(self) -> Decimal:
        return self.units if self.raw is None else self.raw


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


def share(
    lines: Sequence[Line], units: Decimal, taken: Mapping[str, Decimal] = MappingProxyType({})
) -> dict[str, Decimal]:
    """Split a count over the lines that bill it: each takes its own quantity, the last takes the rest.

    A line takes so much less as it has `taken` of other usage. Conserves units: the shares add up to `units`.
    """
    in_order, left, shares = order(lines), units, {}
    for line in in_order[:-1]:
        room = max(line.quantity - taken.get(line.remote_id, ZERO), ZERO)
        shares[line.remote_id] = min(room, left)
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


def explains(lines: Sequence[Line], day: date) -> bool:
    """Say whether some line of a service explains its usage: billed, or on purpose not billed, or not yet."""
    return any(hide(line, day) not in EXPLAINS_NOTHING for line in lines)


def add_up(counts: Sequence[Count]) -> Count | None:
    """Add up the usage that is paired with one line; None when there is none."""
    if not counts:
        return None
    gap = max((count.gap for count in counts), key=GAPS.index)
    return Count(units=sum((count.units for count in counts), ZERO), gap=gap)


def judge(
    lines: Sequence[Line],
    count: Count | None,
    *,
    served: bool,
    day: date,
    guards: Guards,
    paired: Mapping[str, Count] = MappingProxyType({}),
    ruled: Ruled = MappingProxyType({}),
) -> dict[str, Verdict]:
    """Judge all lines of one service of one account, by remote id.

    `served` says whether any vendor service is mapped to the service; `count` is None when no
    vendor account with such a service is mapped to the account. `paired` is the usage of other services
    that people count to these lines.
    """
    in_play = [line for line in lines if not hide(line, day)]
    here = {line.remote_id: paired[line.remote_id] for line in in_play if line.remote_id in paired}
    gaps = {
        line.remote_id: _gap(count, here, line, _together(line, in_play, ruled), served=served)
        for line in in_play
    }
    known = [line for line in in_play if not gaps[line.remote_id]]
    units = step_on(known, share_out(in_play, count, here, ruled), ruled)
    of_agreement = Counter(line.agreement for line in known if line.agreement in ruled)
    verdicts = {}
    for line in lines:
        if reason := hide(line, day):
            verdict = Verdict(kind="hidden", reason=reason, vendor_units=None, effect=None)
        elif gap := gaps[line.remote_id]:
            kind = "psa_only" if gap in NO_VENDOR else "waiting"
            verdict = Verdict(kind=kind, reason=gap, vendor_units=None, effect=None)
        else:
            sharing = len(in_play) if count else of_agreement[line.agreement]
            verdict = judge_line(line, units[line.remote_id], sharing, guards)
        verdicts[line.remote_id] = verdict
    return verdicts


def share_out(
    in_play: Sequence[Line],
    count: Count | None,
    paired: Mapping[str, Count],
    ruled: Ruled,
) -> dict[str, Decimal]:
    """Give the units of each line, what is paired with it included, before the steps of its agreement's own rule."""
    taken = {name: one.units for name, one in paired.items()}
    shares = share(in_play, to_share(in_play, count, ruled), taken) if count else {}
    names = [line.remote_id for line in in_play]
    return {name: shares.get(name, ZERO) + taken.get(name, ZERO) for name in names}


def step_on(lines: Sequence[Line], shares: Mapping[str, Decimal], ruled: Ruled) -> dict[str, Decimal]:
    """Take the steps of each agreement's own rule from what its `lines` take together; give the units of every line.

    Where the steps change that, each line takes its own quantity of it, the last the rest: a minimum of a contract
    is one number, however many lines bill it.
    """
    units, by_agreement = dict(shares), defaultdict(list)
    for line in lines:
        by_agreement[line.agreement].append(line)
    for agreement, its_lines in by_agreement.items():
        before = sum((shares[line.remote_id] for line in its_lines), ZERO)
        after = counting.apply(before, ruled.get(agreement, ()))
        if after != before:
            units |= share(its_lines, after)
    return units


def to_share(in_play: Sequence[Line], count: Count, ruled: Ruled) -> Decimal:
    """Give the units that lines share, before the steps of the rule for every account where those give way."""
    return count.before_rule if gives_way(in_play, count, ruled) else count.units


def gives_way(in_play: Sequence[Line], count: Count, ruled: Ruled) -> bool:
    """Say whether the steps of the rule for every account give way: each line has its agreement's own rule.

    Those of the account's own rule never do: they say what is counted of this account, whatever its contracts say.
    """
    return not count.is_own and bool(in_play) and all(line.agreement in ruled for line in in_play)


def _together(line: Line, in_play: Sequence[Line], ruled: Ruled) -> set[str]:
    """Give the lines whose units one rule of an agreement makes; of a line without one, itself."""
    if line.agreement not in ruled:
        return {line.remote_id}
    return {one.remote_id for one in in_play if one.agreement == line.agreement}


def _gap(
    count: Count | None, paired: Mapping[str, Count], line: Line, together: set[str], *, served: bool
) -> str:
    """Say why the units of a line are unknown; empty when they are known."""
    if count is None and line.remote_id not in paired:
        return "no_vendor_account" if served else "no_vendor_service"
    # Until the paired usage of one of them is known, nobody knows what the others take.
    every = (one.gap for name, one in paired.items() if count or name in together)
    return (count.gap if count else "") or max(every, key=GAPS.index, default="")


def judge_usage(
    lines: Sequence[Line],
    count: Count | None,
    *,
    price: Decimal | None,
    day: date,
    paired_with: Line | None = None,
) -> Verdict | None:
    """Say whether the usage of one service of one account is new revenue; None when some line explains it.

    `paired_with` is the line that people count it to: it does as long as it is compared.
    """
    counted = paired_with is not None and not hide(paired_with, day)
    if count is None or min(count.units, count.before_rule) <= 0 or counted or explains(lines, day):
        return None
    if count.gap:
        return Verdict(kind="waiting", reason=count.gap, vendor_units=None, effect=None)
    effect = None if price is None else count.units * price
    return Verdict(kind="new", reason="", vendor_units=count.units, effect=effect)
