"""Carries mappings over as one act, and takes such an act back from what the audit trail says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import AuditEntry, User
from psa.models import Connection
from reconcile.signals import figures_changed
from vendors import mapping
from vendors.carrying import ORDER
from vendors.mapping import Change, Refused, Side, State, UnknownRow
from vendors.mapping_forms import UNREADABLE

CARRIED, TAKEN_BACK = "carried mappings over", "took carrying over back"
Acts = Mapping[Side, Sequence[Change]]


@dataclass(frozen=True)
class Done:
    """What an act changed, and the number of its entry; None when all of it was so already."""

    numbers: dict[str, int]
    entry: AuditEntry | None

    @property
    def total(self) -> int:
        return sum(self.numbers.values())


def carry(org_id: int, old: Connection, new: Connection, acts: Acts, *, by: User) -> Done:
    """Make all of the changes or none, as one act; call it inside the organization's scope.

    Raises Refused as `mapping.apply` does, and when a change leads anywhere but from the one connection to the other.
    """
    audit.hold(org_id)
    check_way(org_id, old, new, acts)
    numbers = _apply(org_id, acts, by, back_to_gone=False)
    return _close(org_id, CARRIED, new, f"{old} to {new}", numbers, by)


def take_back(org_id: int, seq: int, *, by: User) -> Done:
    """Lead everything back to where it was before the act of an entry; raises UnknownRow and Refused."""
    audit.hold(org_id)
    act = AuditEntry.objects.filter(org_id=org_id, seq=seq, verb=CARRIED).first()
    if act is None:
        raise UnknownRow(f"no act {seq}")
    new = Connection.objects.get(org_id=org_id, pk=int(act.subject.partition(":")[2]))
    numbers = _apply(org_id, _opposite(org_id, act), by, back_to_gone=True)
    return _close(org_id, TAKEN_BACK, new, act.label, numbers, by)


def last_act(org_id: int, old: Connection, new: Connection) -> AuditEntry | None:
    """Give the entry of what was carried over last between the two, unless it was taken back: one query."""
    acts = AuditEntry.objects.filter(
        org_id=org_id, subject=_subject(new), label=f"{old} to {new}", verb__in=[CARRIED, TAKEN_BACK]
    )
    last = acts.select_related("actor").order_by("-seq").first()
    return last if last and last.verb == CARRIED else None


def _apply(org_id: int, acts: Acts, by: User, *, back_to_gone: bool) -> dict[str, int]:
    # Its own savepoint: one side that is refused takes the other one back.
    with transaction.atomic(), figures_changed.together(org_id):
        return {
            side.key: len(
                mapping.apply(side, org_id, changes, by=by, teaches=False, back_to_gone=back_to_gone)
            )
            for side, changes in acts.items()
        }


def _close(org_id: int, verb: str, new: Connection, label: str, numbers: dict[str, int], by: User) -> Done:
    if not any(numbers.values()):
        return Done(numbers, None)
    entry = audit.record(org_id, actor=by, verb=verb, subject=_subject(new), label=label, new=numbers)
    return Done(numbers, entry)


def _subject(new: Connection) -> str:
    return f"connection:{new.pk}"


def check_way(org_id: int, old: Connection, new: Connection, acts: Acts) -> None:
    """Raise Refused unless every change leads from the one connection to the other, and does nothing else."""
    for side, changes in acts.items():
        rows = side.target_model.objects.filter(org_id=org_id)
        for place, targets in (
            (old, {c.seen.target for c in changes}),
            (new, {c.wanted.target for c in changes}),
        ):
            if None in targets or rows.filter(connection=place, pk__in=targets).count() != len(targets):
                raise Refused(UNREADABLE)
        if any(c.seen.excluded != c.wanted.excluded for c in changes):
            raise Refused(UNREADABLE)


def _opposite(org_id: int, act: AuditEntry) -> dict[Side, list[Change]]:
    """Read the entries before that of the act, one for each row that it changed."""
    count = sum(int(act.new.get(side.key, 0)) for side in ORDER)
    entries = AuditEntry.objects.filter(org_id=org_id, seq__gte=act.seq - count, seq__lt=act.seq)
    sides = {side.owner: side for side in ORDER}
    found: dict[Side, list[Change]] = {side: [] for side in ORDER}
    for entry in entries.order_by("seq"):
        kind, _, pk = entry.subject.partition(":")
        found[sides[kind]].append(Change(int(pk), _state(entry.new), _state(entry.old)))
    return {side: changes for side, changes in found.items() if changes}


def _state(said: Mapping[str, Any]) -> State:
    return State(said["id"], said["excluded"])
