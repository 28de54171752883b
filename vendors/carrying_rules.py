"""Which counting rules come along when what they are about is carried over: each gets a twin from this month on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product
from typing import Any

from django.db.models import Q

from accounts.models import AuditEntry
from psa.models import Connection
from vendors.counting_models import CountingRule
from vendors.counting_rules import Draft, draft_of, scope_words
from vendors.mapping import ACCOUNTS, SERVICES, Side

Becomes = Mapping[Side, Mapping[int, set[int]]]
# Service, account, agreement.
Scope = tuple[int, int | None, int | None]


@dataclass(frozen=True)
class Stay:
    """Something that is not carried over, and why."""

    key: str
    words: str
    why: str


@dataclass
class Way:
    """From one connection to another (or within one), with what the accounts and services of the old one become."""

    org_id: int
    old: Connection
    new: Connection
    month: date
    becomes: Becomes
    earlier: dict[Side, dict[int, set[int]]] = field(default_factory=lambda: {ACCOUNTS: {}, SERVICES: {}})

    @property
    def is_within(self) -> bool:
        return self.old.pk == self.new.pk

    def targets(self, side: Side, row: Any) -> set[int]:
        """Give what an account or service becomes, or has become before; within one connection it may just stay."""
        if row.pk in self.becomes[side]:
            return self.becomes[side][row.pk]
        return {row.pk} if self.is_within and not row.vanished_at else self.earlier[side].get(row.pk, set())

    def has(self, row: CountingRule) -> bool:
        """Say whether a rule is about anything that this act carries over."""
        return row.service_id in self.becomes[SERVICES] or row.account_id in self.becomes[ACCOUNTS]


def plan_rules(way: Way, pointed: Mapping[Side, set[int]]) -> tuple[list[Draft], list[Stay]]:
    """Give the twins to make, in order, and the rules that count something now and stay: eight queries at most.

    `pointed` are the accounts and services that something else than a mapping leads to.
    """
    rows = _read(way)
    _learn_earlier(way, rows)
    counting = {side: _counting(side, way, rows) | pointed[side] for side in (SERVICES, ACCOUNTS)}
    found: dict[Scope, dict[Scope, list[CountingRule]]] = defaultdict(lambda: defaultdict(list))
    stays = []
    for row in rows:
        scopes = list(_scopes(way, row)) if way.has(row) else []
        for scope in scopes:
            found[scope][_scope(row)].append(row)
        if not scopes and _is_left(way, row, counting):
            stays.append(_stay(row, _why(way, row)))
    drafts, kept = _settle(way, found)
    return drafts, stays + kept


def _read(way: Way) -> list[CountingRule]:
    """Give the rules of the old connection that stand now or later, those that yield to others first."""
    rows = CountingRule.objects.filter(
        Q(until_month=None) | Q(until_month__gt=way.month),
        org_id=way.org_id, removed_at=None, service__connection=way.old,
    ).select_related("service", "account", "agreement__account")  # fmt: skip
    return sorted(rows, key=lambda row: (row.from_month or date.min, row.pk))


def _scope(row: CountingRule) -> Scope:
    return row.service_id, row.account_id, row.agreement_id


def _scopes(way: Way, row: CountingRule) -> Iterable[Scope]:
    """Give about what the twins of a rule are. An agreement is only there for another service of its own PSA."""
    agreements = [row.agreement_id]
    if row.agreement and (not way.is_within or row.agreement.vanished_at):
        agreements = []
    accounts = way.targets(ACCOUNTS, row.account) if row.account else [None]
    return product(sorted(way.targets(SERVICES, row.service)), accounts, agreements)


def _is_left(way: Way, row: CountingRule, counting: Mapping[Side, set[int]]) -> bool:
    """Say whether a rule stays behind although what it is about is carried over, or is yet to be."""
    about = [(SERVICES, row.service), *([(ACCOUNTS, row.account)] if row.account else [])]
    return way.has(row) or any(
        one.pk in counting[side] and (not way.is_within or one.vanished_at) for side, one in about
    )


def _why(way: Way, row: CountingRule) -> str:
    if row.agreement_id:
        return "an agreement has no counterpart"
    stays = row.account if way.targets(SERVICES, row.service) else row.service
    return f"{stays} stays"


def _stay(row: CountingRule, why: str) -> Stay:
    return Stay("counting_rules", f"{row.service}, {scope_words(row)}", why)


def _settle(
    way: Way, found: Mapping[Scope, Mapping[Scope, list[CountingRule]]]
) -> tuple[list[Draft], list[Stay]]:
    """Leave alone what has rules of its own already, and what several become that are counted differently."""
    standing = _standing(way, {service for service, *_ in found})
    drafts: list[Draft] = []
    stays = []
    for scope, sources in found.items():
        wanted = [[_twin(way, row, scope) for row in _unshadowed(way, rows)] for rows in sources.values()]
        own = [_said(_twin(way, row, scope)) for row in _unshadowed(way, standing.get(scope, []))]
        same = {tuple(map(_said, twins)) for twins in wanted}
        if len(same) == 1 and not own:
            drafts += wanted[0]
        elif same != {tuple(own)}:
            why = "what it becomes has its own" if own else "several become one and are counted differently"
            stays += [_stay(row, why) for rows in sources.values() for row in rows]
    return drafts, stays


def _standing(way: Way, services: set[int]) -> dict[Scope, list[CountingRule]]:
    rows = CountingRule.objects.filter(
        Q(until_month=None) | Q(until_month__gt=way.month),
        org_id=way.org_id, removed_at=None, service__in=services,
    )  # fmt: skip
    found: dict[Scope, list[CountingRule]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.from_month or date.min, row.pk)):
        found[_scope(row)].append(row)
    return found


def _unshadowed(way: Way, rows: list[CountingRule]) -> list[CountingRule]:
    """Leave out rules that never count again, because a later one stands this month and outlasts them."""
    kept = []
    for number, row in enumerate(rows):
        later = [one for one in rows[number + 1 :] if (one.from_month or date.min) <= way.month]
        if not any((one.until_month or date.max) >= (row.until_month or date.max) for one in later) or (
            row.from_month and row.from_month > way.month
        ):
            kept.append(row)
    return kept


def _twin(way: Way, row: CountingRule, scope: Scope) -> Draft:
    """Give a rule of another scope with the same months, from this one on."""
    service, account, agreement = scope
    begins = max(row.from_month or date.min, way.month)
    return replace(draft_of(row), service=service, account=account, agreement=agreement, from_month=begins)


def _said(draft: Draft) -> Draft:
    return replace(draft, note="")


def _counting(side: Side, way: Way, rows: list[CountingRule]) -> set[int]:
    """Give which of the rules' services or accounts something is mapped to: one query, or none."""
    wanted = {row.service_id if side is SERVICES else row.account_id for row in rows} - {None}
    if not wanted:
        return set()
    mapped = side.mapping_model.objects.filter(org_id=way.org_id, **{f"{side.noun}__in": wanted})
    return set(mapped.values_list(f"{side.noun}_id", flat=True))


def _learn_earlier(way: Way, rows: list[CountingRule]) -> None:
    """Find what the other half of an account's rule became in acts before this one."""
    halves = [row for row in rows if row.account_id and way.has(row) and not way.is_within]
    for side, ids in (
        (SERVICES, {row.service_id for row in halves} - set(way.becomes[SERVICES])),
        (ACCOUNTS, {row.account_id for row in halves} - set(way.becomes[ACCOUNTS])),
    ):
        if ids:
            way.earlier[side] = _became(side, way, ids)


def _became(side: Side, way: Way, ids: Iterable[int | None]) -> dict[int, set[int]]:
    """Read from the trail where mapped rows went that still are there: three queries.

    What went to several is left out: nobody said which of them a rule is for.
    """
    entries = AuditEntry.objects.filter(
        org_id=way.org_id, verb="mapped", subject__startswith=f"{side.owner}:", old__id__in=list(ids)
    )
    moves = [
        (int(subject.partition(":")[2]), old["id"], new.get("id"))
        for subject, old, new in entries.values_list("subject", "old", "new")
    ]
    now = side.targets(way.org_id, [row for row, *_ in moves])
    there = side.target_model.objects.filter(org_id=way.org_id, connection=way.new, pk__in=now.values())
    known = set(there.values_list("pk", flat=True))
    found: dict[int, set[int]] = defaultdict(set)
    for row, old, new in moves:
        if new in known and now.get(row) == new:
            found[old].add(new)
    return {old: new for old, new in found.items() if len(new) == 1}
