"""What a vendor's pull changes in the ledger, as pure functions: unknown is not zero, and much gone at once waits.

Quantities are compared as the ledger keeps them, with six decimals.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from vendors.adapters.base import AccountKind, CountRecord, Outcome, UsagePull, VendorAccountRecord

# Account, service and metric, by the vendor's own ids.
Key = tuple[str, str, str]

SMALLEST = Decimal("0.000001")
# More than this no column holds, whatever its unit.
MOST = Decimal(10) ** 13
WHOLE_UNITS = frozenset(
    [
        *(
            "account",
            "agent",
            "database",
            "device",
            "domain",
            "endpoint",
            "group",
            "licence",
            "license",
            "machine",
        ),
        *(
            "mailbox",
            "object",
            "seat",
            "server",
            "site",
            "team",
            "tenant",
            "user",
            "vm",
            "workload",
            "workstation",
        ),
    ]
)
# Bytes of any size, times, points, and what a vendor has not explained: large numbers are ordinary there.
UNBOUNDED_UNITS = frozenset(
    [
        *("", "b", "byte", "bytes", "kb", "mb", "gb", "tb", "pb", "kib", "mib", "gib", "tib", "pib"),
        *("time", "second", "seconds", "hour", "hours", "point", "points", "unit"),
    ]
)
# Fewer counts than this may go to zero without a question.
FEW = 5


@dataclass(frozen=True)
class Standing:
    """A count that the ledger holds now."""

    row_id: int
    quantity: Decimal
    counted_at: datetime


@dataclass(frozen=True)
class Change:
    """A count that the ledger does not hold yet. `absent`: a zero that follows from absence in a complete pull."""

    key: Key
    before: Standing | None
    after: Decimal
    at: datetime
    absent: bool = False
    source_refs: tuple[str, ...] = ()

    @property
    def is_gone(self) -> bool:
        """Say whether something that was counted is zero now."""
        return self.before is not None and self.before.quantity > 0 and self.after == 0

    @property
    def is_told(self) -> bool:
        """Say whether people are told of it: a count of 0 where there was none is the same as before to them."""
        return self.before is not None or self.after > 0


def key_of(count: CountRecord) -> Key:
    """Name a count."""
    return count.account_external_id, count.service_external_id, count.metric.value


def kept(quantity: Decimal) -> Decimal:
    """Give a quantity as the ledger keeps it."""
    return quantity.quantize(SMALLEST, ROUND_HALF_UP)


def find_repeated(counts: Iterable[CountRecord]) -> list[Key]:
    """Name the counts that a pull holds twice, which an adapter must never give."""
    return [key for key, times in Counter(map(key_of, counts)).items() if times > 1]


def find_impossible(usage: UsagePull, limit: int) -> dict[str, str]:
    """Say for each account with a count that cannot be what is wrong with it."""
    units = {service.external_id: service.unit for service in usage.services}
    wrong: dict[str, str] = {}
    for count in usage.counts:
        problem = _problem(count.quantity, units.get(count.service_external_id, ""), limit)
        if problem:
            wrong.setdefault(
                count.account_external_id,
                f"It reports {count.quantity} for {count.service_external_id}, {problem}.",
            )
    return wrong


def find_gaps(
    accounts: Sequence[VendorAccountRecord], usage: UsagePull, impossible: Mapping[str, str]
) -> dict[str, str]:
    """Say for each account whose counts are unknown why; what counts through others is no gap."""
    resellers = {account.external_id for account in accounts if account.kind is AccountKind.RESELLER}
    gaps = {
        one.account_external_id: one.reason or "The source could not count it."
        for one in usage.outcomes
        if one.outcome is not Outcome.OK
        and not (one.outcome is Outcome.SKIPPED and one.account_external_id in resellers)
    }
    return gaps | dict(impossible)


def as_of(usage: UsagePull, gaps: Collection[str]) -> datetime:
    """Give the moment that the whole pull speaks for: the oldest of its counts that are not gaps."""
    moments = [count.as_of for count in usage.counts if count.account_external_id not in gaps]
    return min(moments, default=usage.taken_at)


def compare(
    standing: Mapping[Key, Standing], usage: UsagePull, gaps: Collection[str], impossible: Collection[str]
) -> list[Change]:
    """List what a complete pull changes; accounts with a gap keep what they have."""
    changes = []
    for count in usage.counts:
        key, account = key_of(count), count.account_external_id
        before = standing.get(key)
        # The last known number of a silent account is worth keeping where there is none yet.
        if account in impossible or (account in gaps and before is not None):
            continue
        after = kept(count.quantity)
        if before is None or before.quantity != after:
            at = max(count.as_of, before.counted_at) if before else count.as_of
            changes.append(Change(key, before, after, at, source_refs=count.source_refs))
    reported = set(map(key_of, usage.counts))
    moment = as_of(usage, gaps)
    changes += [
        Change(key, before, Decimal(0), max(moment, before.counted_at), absent=True)
        for key, before in standing.items()
        if before.quantity > 0 and key not in reported and key[0] not in gaps
    ]
    return changes


def reason_to_hold(
    standing: Mapping[Key, Standing],
    changes: Iterable[Change],
    *,
    known_accounts: int,
    accounts: int,
    counts: int,
    percent: int,
) -> str:
    """Say why a person must look before this pull is believed; empty when nobody must."""
    counted = sum(one.quantity > 0 for one in standing.values())
    gone = sum(change.is_gone for change in changes)
    if known_accounts and not accounts:
        return f"The source lists no account any more; it had {known_accounts}."
    if gone and not counts:
        return f"The source reports no count any more; it had {counted}."
    if gone >= FEW and gone * 100 > counted * percent:
        return f"{gone} of {counted} counts would go to zero at once."
    return ""


def _problem(quantity: Decimal, unit: str, limit: int) -> str:
    unit = unit.strip().lower()
    if not quantity.is_finite():
        return "which is no number"
    if quantity < 0:
        return "and a count is never below zero"
    if quantity >= MOST or (quantity > limit and unit not in UNBOUNDED_UNITS):
        return "which is more than there can be"
    if unit in WHOLE_UNITS and quantity != quantity.to_integral_value():
        return f"and there is no part of a {unit}"
    return ""
