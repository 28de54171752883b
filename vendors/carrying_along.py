"""What comes along when mappings are carried over: twins of counting rules, splits, further and planned mappings."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from accounts import audit
from accounts.models import AuditEntry, User
from psa.models import Connection
from reconcile.signals import figures_changed
from vendors import counting_rules
from vendors.carrying_pointers import FURTHER, KINDS, Kind, Pointer, read_pointers
from vendors.carrying_rules import Becomes, Stay, Way, plan_rules
from vendors.counting_models import AlsoCounts, CountingRule
from vendors.counting_rules import Draft
from vendors.counting_words import say_dated
from vendors.mapping import (
    ACCOUNTS,
    NAMED_ACCOUNTS,
    SERVICES,
    SIDES,
    Change,
    Refused,
    Side,
    accounts_counting,
)

RULES = "counting_rules"
NOUNS = {RULES: "counting rule", **{kind.key: kind.noun for kind in KINDS}}
MADE = "made rule"


@dataclass(frozen=True)
class Asked:
    """What is to be carried over: mappings, and `pairs` of targets where only something else leads to the old one."""

    changes: Mapping[Side, Sequence[Change]]
    pairs: Mapping[Side, Mapping[int, int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.changes.values()) or any(self.pairs.values())

    @property
    def becomes(self) -> Becomes:
        """Give what each target of the old connection becomes."""
        found: dict[Side, dict[int, set[int]]] = {side: defaultdict(set) for side in SIDES.values()}
        for side, changes in self.changes.items():
            for one in changes:
                if one.seen.target and one.wanted.target:
                    found[side][one.seen.target].add(one.wanted.target)
        for side, pairs in self.pairs.items():
            for old, new in pairs.items():
                found[side][old].add(new)
        return {side: dict(some) for side, some in found.items()}


@dataclass(frozen=True)
class Move:
    """One pointer that leads to another target from now on."""

    kind: Kind
    row: int
    owner: int
    old: int
    new: int
    label: str


@dataclass(frozen=True)
class Along:
    """What comes along, and what stays."""

    drafts: list[Draft] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)

    @property
    def numbers(self) -> dict[str, int]:
        """Count what comes along by kind, without kinds of which nothing does."""
        found = Counter(move.kind.key for move in self.moves) + Counter({RULES: len(self.drafts)})
        return {key: found[key] for key in NOUNS if found[key]}

    @property
    def left(self) -> dict[str, int]:
        """Count what stays by kind."""
        found = Counter(one.key for one in self.stays)
        return {key: found[key] for key in NOUNS if found[key]}


def plan_along(org_id: int, old: Connection, new: Connection, asked: Asked, month: date) -> Along:
    """Say what would come along with what is asked, before anything is written; nothing is changed by this."""
    way = Way(org_id, old, new, month, asked.becomes)
    pointers = read_pointers(org_id, old.pk, month, tuple(SIDES.values()))
    pointed = {side: {one.target for one in pointers if one.kind.side is side} for side in SIDES.values()}
    drafts, stays = plan_rules(way, pointed)
    moves, kept = _plan_moves(way, asked, pointers)
    return Along(drafts, moves, stays + kept)


def _plan_moves(way: Way, asked: Asked, pointers: Sequence[Pointer]) -> tuple[list[Move], list[Stay]]:
    taken = _read_taken(way, asked, [one for one in pointers if one.kind is FURTHER])
    moves, stays = [], []
    for one in pointers:
        targets = way.becomes[one.kind.side].get(one.target, set())
        why = _why(one, targets, taken)
        if not why:
            (new,) = targets
            label = f"{one.owner_name}, {one.source}: {one.said}"
            moves.append(Move(one.kind, one.id, one.owner, one.target, new, label))
            taken.add((one.owner, new)) if one.kind is FURTHER else None
        elif targets or not way.is_within or one.is_gone:
            stays.append(Stay(one.kind.key, one.words, why))
    return moves, stays


def _why(one: Pointer, targets: set[int], taken: set[tuple[int, int]]) -> str:
    """Say why a pointer stays; empty when it does not."""
    if not targets:
        return f"{one.target_name} stays"
    if len(targets) > 1:
        return f"{one.target_name} becomes several"
    return "it counts there anyway" if one.kind is FURTHER and (one.owner, *targets) in taken else ""


def _read_taken(way: Way, asked: Asked, further: Sequence[Pointer]) -> set[tuple[int, int]]:
    """Give which vendor services will count to which services anyway: two queries, or none."""
    owners = {one.owner for one in further}
    if not owners:
        return set()
    mapped = SERVICES.targets(way.org_id, list(owners))
    mapped |= {one.row: one.wanted.target for one in asked.changes.get(SERVICES, ()) if one.wanted.target}
    also = FURTHER.standing(way.org_id, way.month).filter(vendor_service__in=owners)
    return {*mapped.items(), *also.values_list("vendor_service_id", "service_id")}


def find_touched(org_id: int, along: Along) -> list[int] | None:
    """Give the accounts whose cards may change with what comes along; None when they are many."""
    rows = [draft.build(org_id, None) for draft in along.drafts]
    found = [counting_rules.affected_accounts(org_id, rows), _accounts_of(org_id, along.moves)]
    named = {pk for ids in found for pk in ids or ()}
    return sorted(named) if None not in found and len(named) <= NAMED_ACCOUNTS else None


def _accounts_of(org_id: int, moves: Sequence[Move]) -> list[int] | None:
    found = {pk for one in moves if one.kind.side is ACCOUNTS for pk in (one.old, one.new)}
    further = [one for one in moves if one.kind.side is SERVICES]
    if further:
        owners = SERVICES.row_model.objects.filter(org_id=org_id, pk__in={one.owner for one in further})
        integrations = set(owners.values_list("integration_id", flat=True))
        found |= accounts_counting(org_id, integrations, {pk for one in further for pk in (one.old, one.new)})
    return sorted(found) if len(found) <= NAMED_ACCOUNTS else None


def write(org_id: int, along: Along, *, by: User | None = None) -> list[CountingRule]:
    """Write what comes along, and refresh the cards that follow from it; gives the rules that were made."""
    made = CountingRule.objects.bulk_create(draft.build(org_id, by) for draft in along.drafts)
    _lead(org_id, along.moves)
    touched = find_touched(org_id, along)
    if touched is None or touched:
        figures_changed.send(CountingRule, org_id=org_id, account_ids=touched)
    return made


def _lead(org_id: int, moves: Sequence[Move]) -> None:
    for kind in KINDS:
        wanted = {one.row: one.new for one in moves if one.kind is kind}
        if wanted:
            rows = list(kind.model.objects.filter(org_id=org_id, pk__in=wanted))
            for row in rows:
                setattr(row, kind.column, wanted[row.pk])
            kind.model.objects.bulk_update(rows, [kind.side.noun])


def carry_along(org_id: int, along: Along, *, by: User) -> dict[str, int]:
    """Do it, with an entry of the trail for each row; gives how many of each kind."""
    made = write(org_id, along, by=by)
    rows = counting_rules.find_rules(org_id, [row.pk for row in made]) if made else {}
    state = counting_rules.State()
    notes = [
        counting_rules.note_of(row, {}, counting_rules.said(say_dated(row), state)) for row in rows.values()
    ]
    if notes:
        audit.record_all(org_id, actor=by, verb=MADE, notes=notes)
    _record_moves(org_id, along.moves, by)
    return along.numbers


def _record_moves(org_id: int, moves: Sequence[Move], by: User) -> None:
    for kind in KINDS:
        some = [one for one in moves if one.kind is kind]
        if some:
            rows = kind.side.target_model.objects.filter(org_id=org_id)
            names = rows.in_bulk({pk for one in some for pk in (one.old, one.new)})
            audit.record_all(org_id, actor=by, verb=kind.verb, notes=[_note(one, names) for one in some])


def _note(move: Move, names: Mapping[int, Any]) -> audit.Note:
    noun = move.kind.side.noun
    return audit.Note(
        subject=f"{move.kind.side.owner}:{move.owner}",
        label=move.label,
        old={noun: str(names[move.old]), "id": move.old},
        new={noun: str(names[move.new]), "id": move.new, "row": move.row},
    )


# ---- Back --------------------------------------------------------------------------------------------


def take_along_back(org_id: int, entries: Iterable[AuditEntry], *, by: User) -> dict[str, int]:
    """Take back what the entries of an act say came along; what is as before already is left.

    Raises Refused when somebody has changed any of it since.
    """
    kinds = {kind.verb: kind for kind in KINDS}
    said = list(entries)
    moves = [_back(kinds[entry.verb], entry) for entry in said if entry.verb in kinds]
    open_moves = [one for kind in KINDS for one in _check_unmoved(org_id, kind, moves)]
    removed = _remove_rules(org_id, [entry for entry in said if entry.verb == MADE], by)
    back = Along(moves=open_moves)
    write(org_id, back)
    _record_moves(org_id, open_moves, by)
    return back.numbers | ({RULES: removed} if removed else {})


def _back(kind: Kind, entry: AuditEntry) -> Move:
    owner = int(entry.subject.partition(":")[2])
    return Move(kind, entry.new["row"], owner, entry.new["id"], entry.old["id"], entry.label)


def _check_unmoved(org_id: int, kind: Kind, moves: Sequence[Move]) -> list[Move]:
    """Give the moves of a kind that are still to be made; raises Refused when a row is not where the act left it."""
    some = [one for one in moves if one.kind is kind]
    if not some:
        return []
    rows = kind.model.objects.filter(org_id=org_id, pk__in=[one.row for one in some])
    now = dict(rows.values_list("pk", kind.column))
    open_moves = [one for one in some if now.get(one.row) != one.new]
    also = set()
    if kind is FURTHER:
        found = AlsoCounts.objects.filter(org_id=org_id, until_month=None)
        also = set(found.filter(vendor_service__in=[one.owner for one in some]).values_list(
            "vendor_service_id", "service_id"
        ))  # fmt: skip
    for one in open_moves:
        if now.get(one.row) != one.old or (one.owner, one.new) in also:
            raise Refused(
                f"“{one.label}” was changed since it was carried over. Nothing was taken back. "
                "Change it back first, or map by hand."
            )
    return open_moves


def _remove_rules(org_id: int, entries: Sequence[AuditEntry], by: User) -> int:
    """Remove the twins that stand; raises Refused when one is not as the act made it."""
    said = {int(entry.subject.partition(":")[2]): entry for entry in entries}
    rows = counting_rules.find_rules(org_id, list(said), lock=True) if said else {}
    standing = [row for row in rows.values() if row.removed_at is None]
    for row in standing:
        if say_dated(row) != said[row.pk].new["rule"]:
            raise Refused(
                f"The counting rule of {said[row.pk].label} was changed since it was carried over. "
                "Nothing was taken back. Let it go on as it was, or remove it, first."
            )
    if standing:
        counting_rules.remove(org_id, standing, by=by)
    return len(standing)
