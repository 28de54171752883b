"""Carries mappings over as one act, and takes such an act back from what the audit trail says of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, User
from psa.models import Connection
from reconcile.period import month_of
from reconcile.signals import figures_changed
from vendors import mapping
from vendors.carrying import ORDER
from vendors.carrying_along import (
    NOUNS,
    Along,
    Asked,
    carry_along,
    find_touched,
    plan_along,
    take_along_back,
    write,
)
from vendors.mapping import Change, Refused, Side, State, UnknownRow
from vendors.mapping_effect import Effect, foresee_together
from vendors.mapping_forms import UNREADABLE

CARRIED, TAKEN_BACK = "carried mappings over", "took carrying over back"
Acts = Mapping[Side, Sequence[Change]]
MAPPED = "mapped"
# Under this, an entry keeps the id of the connection that was carried over from; its subject is the other.
FROM = "from_connection"


@dataclass(frozen=True)
class Done:
    """What an act changed, and the number of its entry; None when all of it was so already."""

    numbers: dict[str, int]
    entry: AuditEntry | None

    @property
    def total(self) -> int:
        return sum(self.numbers.values())


def carry(org_id: int, old: Connection, new: Connection, asked: Asked, *, by: User) -> Done:
    """Do all that is asked, with what comes along, or nothing, as one act; call it inside the organization's scope.

    Raises Refused as `mapping.apply` does, and when a change leads anywhere but from the one connection to the other.
    """
    audit.hold(org_id)
    along = plan(org_id, old, new, asked)
    # Its own savepoint: one part that is refused takes the others back.
    with transaction.atomic(), figures_changed.together(org_id):
        numbers = _apply(org_id, asked.changes, by, back_to_gone=False)
        numbers |= carry_along(org_id, along, by=by)
    return _close(org_id, CARRIED, old, new, numbers, by)


def plan(org_id: int, old: Connection, new: Connection, asked: Asked) -> Along:
    """Say what comes along with what is asked; raises Refused as `carry` does where it leads elsewhere."""
    _check_way(org_id, old, new, asked)
    return plan_along(org_id, old, new, asked, month_of(timezone.now()))


def foresee(org_id: int, asked: Asked, along: Along) -> Effect:
    """Give what would happen to the lines, and do nothing; raises Refused and UnknownRow as `carry` does."""
    touched = find_touched(org_id, along)
    return foresee_together(org_id, asked.changes, lambda: write(org_id, along), [touched])


def take_back(org_id: int, old: Connection, new: Connection, seq: int, *, by: User) -> Done:
    """Lead everything back to where it was before an act between the two; raises UnknownRow and Refused."""
    audit.hold(org_id)
    act = _acts(org_id, old, new).filter(seq=seq, verb=CARRIED).first()
    if act is None:
        raise UnknownRow(f"no act {seq}")
    entries = _entries(org_id, act)
    with transaction.atomic(), figures_changed.together(org_id):
        numbers = _apply(org_id, _opposite(entries), by, back_to_gone=True)
        numbers |= take_along_back(org_id, entries, by=by)
    return _close(org_id, TAKEN_BACK, old, new, numbers, by)


def last_act(org_id: int, old: Connection, new: Connection) -> AuditEntry | None:
    """Give the entry of what was carried over last between the two, unless it was taken back: one query."""
    acts = _acts(org_id, old, new).filter(verb__in=[CARRIED, TAKEN_BACK])
    last = acts.select_related("actor").order_by("-seq").first()
    return last if last and last.verb == CARRIED else None


def _acts(org_id: int, old: Connection, new: Connection) -> QuerySet[AuditEntry]:
    """Give the entries between two connections, whatever they were called then; older entries only say names."""
    of = Q(**{f"new__{FROM}": old.pk}) | Q(**{f"new__{FROM}__isnull": True}, label=f"{old} to {new}")
    return AuditEntry.objects.filter(of, org_id=org_id, subject=_subject(new))


def _apply(org_id: int, acts: Acts, by: User, *, back_to_gone: bool) -> dict[str, int]:
    return {
        side.key: len(mapping.apply(side, org_id, changes, by=by, teaches=False, back_to_gone=back_to_gone))
        for side, changes in acts.items()
    }


def _close(
    org_id: int, verb: str, old: Connection, new: Connection, numbers: dict[str, int], by: User
) -> Done:
    if not any(numbers.values()):
        return Done(numbers, None)
    said = numbers | {FROM: old.pk}
    entry = audit.record(
        org_id, actor=by, verb=verb, subject=_subject(new), label=f"{old} to {new}", new=said
    )
    return Done(numbers, entry)


def _subject(new: Connection) -> str:
    return f"connection:{new.pk}"


def _check_way(org_id: int, old: Connection, new: Connection, asked: Asked) -> None:
    """Raise Refused unless all of it leads from the one connection to the other, and does nothing else."""
    for side in ORDER:
        changes, pairs = asked.changes.get(side, ()), asked.pairs.get(side, {})
        rows = side.target_model.objects.filter(org_id=org_id)
        for place, targets in (
            (old, {*(c.seen.target for c in changes), *pairs}),
            (new, {*(c.wanted.target for c in changes), *pairs.values()}),
        ):
            if None in targets or rows.filter(connection=place, pk__in=targets).count() != len(targets):
                raise Refused(UNREADABLE)
        if any(c.seen.excluded != c.wanted.excluded for c in changes):
            raise Refused(UNREADABLE)
        gone = rows.filter(pk__in=pairs.values(), vanished_at__isnull=False).first() if pairs else None
        if gone:
            raise Refused(
                f"“{gone}” is no longer in your PSA. Nothing was changed. Choose another {side.noun}."
            )


def _entries(org_id: int, act: AuditEntry) -> list[AuditEntry]:
    """Read the entries before that of the act, one for each row that it changed."""
    count = sum(int(act.new.get(key, 0)) for key in (*(side.key for side in ORDER), *NOUNS))
    found = AuditEntry.objects.filter(org_id=org_id, seq__gte=act.seq - count, seq__lt=act.seq)
    return list(found.order_by("seq"))


def _opposite(entries: Iterable[AuditEntry]) -> dict[Side, list[Change]]:
    """Give the changes that take back the mappings among entries."""
    sides = {side.owner: side for side in ORDER}
    found: dict[Side, list[Change]] = {side: [] for side in ORDER}
    for entry in entries:
        if entry.verb == MAPPED:
            kind, _, pk = entry.subject.partition(":")
            found[sides[kind]].append(Change(int(pk), _state(entry.new), _state(entry.old)))
    return {side: changes for side, changes in found.items() if changes}


def _state(said: Mapping[str, Any]) -> State:
    return State(said["id"], said["excluded"])
