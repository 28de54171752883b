"""What mapped accounts and services of one PSA connection may be in another (B9), or what took their place in it.

Names lead to them, and a service's part number and identifier. What numbers or short names an account has in one PSA
says nothing in another. Nothing is changed by a plan.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import BooleanField, Count, Q, Value
from django.utils import timezone

from psa.models import Connection
from reconcile.period import month_of
from vendors.carrying_pointers import KINDS, read_pointers
from vendors.mapping import ACCOUNTS, SERVICES, Change, Side, State
from vendors.mapping_forms import ROWS_AT_ONCE, written, written_pair
from vendors.mapping_lists import list_refusals, read_keys, read_product
from vendors.models import Integration
from vendors.suggest import (
    TOO_CLOSE,
    Advice,
    Candidate,
    Subject,
    Suggestion,
    Words,
    suggest,
)

# Services first: they are few, and what accounts use is billed as what these become.
ORDER = (SERVICES, ACCOUNTS)
GROUPS = {"choose": "To choose", "sure": "Sure", "none": "Without a counterpart"}
_WORDS = {ACCOUNTS: Words("account", "identifier"), SERVICES: Words("service", "part number")}
_KEYS = {ACCOUNTS: ("identifier",), SERVICES: ("part_number", "vendor_sku", "identifier")}


@dataclass(frozen=True)
class Offer:
    """So many mappings lead to the old connection, or within one connection to what it no longer has.

    Splits, further services and planned mappings are mappings too.
    """

    old: Connection
    new: Connection
    mappings: int

    @property
    def is_within(self) -> bool:
        return self.old.pk == self.new.pk


@dataclass(frozen=True)
class MappedRow:
    """A vendor's account or service that leads to what is carried over, as a whole or as its name says."""

    id: int
    name: str
    source: str
    is_excluded: bool


@dataclass(frozen=True)
class Counterpart:
    """An account or service of the old connection with all that leads to it, and what it may be in the new one.

    `pointed` are the splits, further services and planned mappings.
    """

    side: Side
    id: int
    name: str
    is_gone: bool
    mapped: tuple[MappedRow, ...]
    pointed: tuple[MappedRow, ...]
    advice: Advice

    @property
    def rows(self) -> tuple[MappedRow, ...]:
        return self.mapped + self.pointed

    @property
    def sure(self) -> Suggestion | None:
        return self.advice.sure

    @property
    def group(self) -> str:
        """One of sure, choose, none."""
        return "sure" if self.sure else "choose" if self.advice.suggestions else "none"

    @property
    def why(self) -> str:
        """Why this is suggested, or why nothing is."""
        first = self.advice.first
        return self.advice.doubt or (first.reason if first else "No name like it")

    @property
    def sure_value(self) -> str:
        return self.value(self.sure) if self.sure else ""

    @property
    def choices(self) -> list[tuple[str, Suggestion]]:
        """Give what may be chosen, with the value that a form holds for it."""
        return [(self.value(one), one) for one in self.advice.suggestions]

    def changes_to(self, target: int) -> list[Change]:
        """Give what leads all that is mapped to this to a target; what is excluded stays so."""
        seen = (State(self.id, row.is_excluded) for row in self.mapped)
        return [
            Change(row.id, state, replace(state, target=target))
            for row, state in zip(self.mapped, seen, strict=True)
        ]

    def value(self, one: Suggestion) -> str:
        target = one.candidate.id
        return ",".join(map(written, self.changes_to(target))) or written_pair(self.id, target)


@dataclass(frozen=True)
class Group:
    """The counterparts of one side and group on this page; `total` counts those of all pages."""

    side: Side
    key: str
    total: int
    rows: list[Counterpart]

    @property
    def label(self) -> str:
        return GROUPS[self.key]


@dataclass(frozen=True)
class Page:
    """One page of a plan. What is sure on other pages is one thing to tick, known again by its `mark`."""

    number: int
    last: int
    groups: list[Group]
    rest: list[Counterpart]

    @cached_property
    def mark(self) -> str:
        """A fingerprint of what is sure elsewhere, so that only what was offered is carried over."""
        text = "\n".join(f"{one.side.key} {one.sure_value}" for one in self.rest)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def before(self) -> int:
        return self.number - 1

    @property
    def after(self) -> int:
        return self.number + 1


@dataclass(frozen=True)
class Plan:
    """Every mapped account and service of the old connection, those for a person to choose first."""

    rows: list[Counterpart]

    @cached_property
    def totals(self) -> Counter[str]:
        return Counter(row.group for row in self.rows)

    @property
    def sure(self) -> int:
        return self.totals["sure"]

    @property
    def open(self) -> int:
        return self.totals["choose"]

    @property
    def alone(self) -> int:
        return self.totals["none"]

    def page(self, number: int) -> Page:
        """Give one page; a number beyond the last gives the last."""
        last = max(1, -(-len(self.rows) // ROWS_AT_ONCE))
        number = min(max(number, 1), last)
        here = slice((number - 1) * ROWS_AT_ONCE, number * ROWS_AT_ONCE)
        totals = Counter((row.side.key, row.group) for row in self.rows)
        shown: dict[tuple[str, str], list[Counterpart]] = defaultdict(list)
        for row in self.rows[here]:
            shown[row.side.key, row.group].append(row)
        groups = [
            Group(side, key, totals[side.key, key], shown[side.key, key])
            for side in ORDER
            for key in GROUPS
            if shown[side.key, key]
        ]
        rest = [row for row in self.rows[: here.start] + self.rows[here.stop :] if row.sure]
        return Page(number, last, groups, rest)


def list_offers(org_id: int, into: Connection | None = None) -> list[Offer]:
    """Give what could be carried over `into` a connection, or into the newest that has been read: two queries."""
    connections = list(Connection.objects.filter(org_id=org_id).order_by("created_at", "pk"))
    _, leading, gone = _count_mappings(org_id)
    new = into or next((one for one in reversed(connections) if one.read_at), None)
    offers = []
    if new and new.read_at:
        offers = [
            Offer(old, new, leading[old.pk]) for old in connections if old.pk != new.pk and leading[old.pk]
        ]
    # What leads elsewhere anyway need not be mended where it is.
    offered = {offer.old.pk for offer in offers}
    within = [one for one in connections if gone[one.pk] and one.read_at and one.pk not in offered]
    return offers + [Offer(one, one, gone[one.pk]) for one in within if into is None or one.pk == into.pk]


def count_mapped(org_id: int, old: Connection) -> int:
    """Count the mappings that lead to a connection: one query."""
    return _count_mappings(org_id)[0][old.pk]


def _count_mappings(org_id: int) -> tuple[Counter[int], Counter[int], Counter[int]]:
    """Count by connection the mappings to it, all that leads to it, and of that what it no longer has: one query."""
    month = month_of(timezone.now())
    sources = [(side, side.mapping_model.objects.filter(org_id=org_id), True) for side in ORDER]
    sources += [(kind.side, kind.standing(org_id, month), False) for kind in KINDS]
    counted = []
    for side, found, whole in sources:
        of, away = f"{side.noun}__connection_id", Q(**{f"{side.noun}__vanished_at__isnull": False})
        rows = found.order_by().values(of).annotate(number=Count("pk"), away=Count("pk", filter=away))
        marked = rows.annotate(whole=Value(whole, output_field=BooleanField()))
        counted.append(marked.values_list(of, "number", "away", "whole"))
    mapped, leading, gone = Counter[int](), Counter[int](), Counter[int]()
    for connection_id, number, number_gone, whole in counted[0].union(*counted[1:], all=True):
        mapped[connection_id] += number if whole else 0
        leading[connection_id] += number
        gone[connection_id] += number_gone
    return mapped, leading, gone


def plan(org_id: int, old: Connection, new: Connection) -> Plan:
    """Say what each mapped account and service may be in the new connection: sixteen queries.

    Within one connection it is about what has vanished from it, and what is there now.
    """
    return Plan([row for side in ORDER for row in _plan_side(side, org_id, old, new)])


def _plan_side(side: Side, org_id: int, old: Connection, new: Connection) -> list[Counterpart]:
    is_within = old.pk == new.pk
    fields = ("pk", "name", "active", "vanished_at", *_KEYS[side])
    here = list(side.target_model.objects.filter(org_id=org_id, connection=old).values_list(*fields))
    mapped = _mapped(side, org_id, {pk for pk, *_ in here})
    pointed = _pointed(side, org_id, old)
    leading = mapped.keys() | pointed.keys()
    # Those that nobody mapped stand beside them, because they have a claim too.
    theirs = [row for row in here if (row[3] and row[0] in leading) or not (is_within or row[3])]
    found = side.target_model.objects.filter(org_id=org_id, connection=new, vanished_at=None)
    candidates = [_candidate(side, row, by_keys=is_within) for row in found.values_list(*fields)]
    refused = list_refusals(side, org_id)
    subjects = [_subject(side, row, mapped, refused, by_keys=is_within) for row in theirs]
    advice = suggest(subjects, candidates, _WORDS[side])
    claims = Counter(sure.candidate.id for one in advice.values() if (sure := one.sure))
    counterparts = [
        Counterpart(side, pk, name, vanished is not None, tuple(mapped.get(pk, ())),
                    tuple(pointed.get(pk, ())), _judge(side, advice[pk], claims, old))
        for pk, name, _, vanished, *_ in theirs if pk in leading
    ]  # fmt: skip
    order = list(GROUPS)
    return sorted(counterparts, key=lambda one: (order.index(one.group), one.name.casefold(), one.id))


def _mapped(side: Side, org_id: int, targets: Collection[int]) -> dict[int, list[MappedRow]]:
    """Give by account or service what is mapped to it: three queries.

    They are put together here: right after a first sync the planner knows no sizes, and would join row by row.
    """
    sources = dict(Integration.objects.filter(org_id=org_id).values_list("pk", "name"))
    rows = side.row_model.objects.filter(org_id=org_id)
    rows = {row[0]: row for row in rows.values_list("pk", "name", "integration_id", "excluded_at")}
    found: dict[int, list[MappedRow]] = defaultdict(list)
    pairs = side.mapping_model.objects.filter(org_id=org_id).values_list(
        f"{side.owner}_id", f"{side.noun}_id"
    )
    for pk, target in sorted(pairs):
        if target in targets:
            _, name, source, excluded_at = rows[pk]
            found[target].append(MappedRow(pk, name, sources[source], excluded_at is not None))
    return found


def _pointed(side: Side, org_id: int, old: Connection) -> dict[int, list[MappedRow]]:
    """Give by account or service what else leads to it: two queries."""
    found: dict[int, list[MappedRow]] = defaultdict(list)
    for one in read_pointers(org_id, old.pk, month_of(timezone.now()), [side]):
        found[one.target].append(MappedRow(one.owner, one.words, one.source, one.is_excluded))
    return found


def _subject(
    side: Side,
    row: Sequence[Any],
    mapped: dict[int, list[MappedRow]],
    refused: dict[int, list[int]],
    *,
    by_keys: bool,
) -> Subject:
    pk, name, _, _, *keys = row
    wrong = (target for one in mapped.get(pk, ()) for target in refused.get(one.id, ()))
    return Subject(
        id=pk,
        name=name,
        keys=_keys(side, keys, by_keys=by_keys),
        refused=frozenset(wrong),
        product=read_product(side, name, keys),
    )


def _candidate(side: Side, row: Sequence[Any], *, by_keys: bool) -> Candidate:
    pk, name, active, _, *keys = row
    caution = "" if active else "not active in the PSA"
    return Candidate(
        id=pk,
        name=name,
        keys=_keys(side, keys, by_keys=by_keys),
        caution=caution,
        product=read_product(side, name, keys),
    )


def _keys(side: Side, texts: Sequence[str], *, by_keys: bool) -> tuple[str, ...]:
    return read_keys(side, texts) if by_keys or side is SERVICES else ()


def _judge(side: Side, advice: Advice, claims: Counter[int], old: Connection) -> Advice:
    """Leave to a person what two of the old connection may be, and a service whose name is only nearly the same."""
    sure = advice.sure
    if sure and claims[sure.candidate.id] > 1:
        doubt = f"{claims[sure.candidate.id]} {side.key} of {old} may be this one"
    elif sure and side is SERVICES and sure.is_contested:
        doubt = f"{sure.reason}: perhaps another product"
    else:
        return advice
    return Advice((replace(sure, confidence=TOO_CLOSE), *advice.suggestions[1:]), doubt)
