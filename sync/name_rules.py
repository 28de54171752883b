"""Who came and who went behind a vendor's counts, as pure functions: only a list read to its end may say gone.

Names are dated like the count that they stand behind, so that a past day finds both or neither.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sync.ledger_rules import MOST, as_of, kept
from sync.staging import storable
from vendors.adapters.base import CountedItems, Item, NamedItems, UsagePull

# What a column holds of a vendor's id.
ID_LENGTH = 200
# Account and service, by the vendor's own ids; a name adds the id of the unit.
Pair = tuple[str, str]
NameKey = tuple[str, str, str]


@dataclass(frozen=True)
class Facts:
    """What the ledger keeps of a named unit, cut to what its columns hold."""

    key: str
    name: str
    kind: str
    quantity: Decimal
    traits: tuple[tuple[str, str], ...]
    counts: bool
    reason: str


@dataclass(frozen=True)
class StandingName:
    """A name that the ledger holds now."""

    row_id: int
    facts: Facts


@dataclass(frozen=True)
class Gone:
    """A name that ends: nobody names it any more, or what is known of it has changed."""

    row_id: int
    at: datetime


@dataclass(frozen=True)
class Came:
    """A name that begins."""

    name: NameKey
    facts: Facts
    at: datetime


@dataclass(frozen=True)
class NameChanges:
    """What a pull changes of the names; `moments` says for each service read whole when its names were as given."""

    gone: list[Gone]
    came: list[Came]
    moments: Mapping[str, datetime]


def compare(
    standing: Mapping[NameKey, StandingName],
    newest: Mapping[Pair, datetime],
    usage: UsagePull,
    gaps: Collection[str],
    integration_id: int,
) -> NameChanges:
    """List what a complete pull changes of the names; accounts with a gap keep theirs.

    `newest` gives for account and service the last moment at which a name came or went: none comes or goes before it.
    """
    whole, said = usage.items.whole, _said(usage, gaps, integration_id)
    when = _Moments(usage, gaps, newest)
    gone = [
        Gone(held.row_id, when.of(name[:2]))
        for name, held in standing.items()
        if name[1] in whole and name[0] not in gaps and said.get(name) != held.facts
    ]
    came = [
        Came(name, facts, when.of(name[:2]))
        for name, facts in said.items()
        if name not in standing or standing[name].facts != facts
    ]
    moments = dict.fromkeys(whole, when.usual)
    for one in came:
        moments[one.name[1]] = max(moments[one.name[1]], one.at)
    return NameChanges(gone, came, moments)


def warn(items: NamedItems, counted: Collection[str]) -> list[str]:
    """Say of which counted services the names could not be read, and why, and which of those read are not kept."""
    reasons: dict[str, list[str]] = {}
    for service, reason in sorted(items.unread.items()):
        if service in counted:
            reasons.setdefault(reason, []).append(service)
    said = [
        f"The counts stand, but the names behind {', '.join(services)} could not be read. {reason}"
        for reason, services in reasons.items()
    ]
    if alike := sum(map(_count_alike, items.groups)):
        said.append(
            f"The counts stand, but names are missing ({alike:,}): what can be kept of their ids, at most {ID_LENGTH} "
            "characters, is the same as of others."
        )
    return storable(said)  # type: ignore[no-any-return]


class _Moments:
    """From when on the names of a pull hold: from when on their counts do."""

    def __init__(self, usage: UsagePull, gaps: Collection[str], newest: Mapping[Pair, datetime]) -> None:
        self.usual = as_of(usage, gaps)
        self._newest = newest
        self._counted: dict[Pair, datetime] = {}
        for count in usage.counts:
            pair = count.account_external_id, count.service_external_id
            self._counted[pair] = max(count.as_of, self._counted.get(pair, count.as_of))

    def of(self, pair: Pair) -> datetime:
        at = self._counted.get(pair, self.usual)
        return max(at, self._newest.get(pair, at))


def _said(usage: UsagePull, gaps: Collection[str], integration_id: int) -> dict[NameKey, Facts]:
    """Give the names behind counts that are no gap.

    Of an id that a list gives twice, or of ids that are one when cut, one is taken, always the same.
    """
    counted = {(count.account_external_id, count.service_external_id) for count in usage.counts}
    said: dict[NameKey, tuple[str, Facts]] = {}
    for group in usage.items.groups:
        account, service = group.account_external_id, group.service_external_id
        if service not in usage.items.whole or account in gaps or (account, service) not in counted:
            continue
        for item in group.items:
            if not _is_possible(item.quantity):
                continue
            name, one = (account, service, _kept_id(item)), (item.external_id, facts_of(item, integration_id))
            said[name] = min(said.get(name, one), one, key=repr)
    return {name: facts for name, (_, facts) in said.items()}


def _kept_id(item: Item) -> str:
    return _cut(storable(item.external_id), ID_LENGTH)


def _count_alike(group: CountedItems) -> int:
    """Count the ids that cannot be told from another one when they are kept."""
    return len({item.external_id for item in group.items}) - len({_kept_id(item) for item in group.items})


def facts_of(item: Item, integration_id: int) -> Facts:
    """Give what the ledger keeps of a named unit: text that it can hold, cut to its columns."""
    item = replace(
        item, **{name: storable(text) for name, text in vars(item).items() if isinstance(text, str)}
    )
    return Facts(
        key=_cut(item.key(integration_id), 300),
        name=_cut(item.name.strip() or item.external_id, 300),
        kind=_cut(item.kind, 20),
        quantity=kept(item.quantity),
        traits=tuple(sorted((name, _cut(text, 300)) for name, text in item.traits.items())),
        counts=item.counts,
        reason=_cut(item.reason, 200),
    )


def _is_possible(quantity: Decimal) -> bool:
    """Whether a column holds it; a name without a quantity does not add up, and its count is unknown to name rules."""
    return quantity.is_finite() and 0 <= quantity < MOST


def _cut(text: str, most: int) -> str:
    return text[:most]
