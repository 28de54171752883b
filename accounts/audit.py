"""The audit trail (A6): entries appended to one hash chain per organization, and the check of that chain."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import AuditEntry, AuditHead, User

# Who acts when no person does: a worker that finishes what a person began.
WORKER = "Reconcile"


@dataclass(frozen=True)
class Note:
    """What one entry says of its subject, a kind and id such as "push:12"."""

    subject: str
    label: str = ""
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)
    reply: str = ""


def hold(org_id: int) -> AuditHead:
    """Put this transaction in line for the organization's chain until it commits.

    Call it before other rows are locked in a transaction that will record something, so that two such
    transactions wait for each other here and nowhere else. Needs the organization's scope.
    """
    return AuditHead.objects.select_for_update().get(org_id=org_id)


def record(
    org_id: int,
    *,
    actor: User | None,
    verb: str,
    subject: str,
    label: str = "",
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    reply: str = "",
) -> AuditEntry:
    """Append one entry in the caller's transaction; `subject` is kind and id, such as "push:12".

    Decimals and dates are kept as text. Raises TypeError for a float: units and money are never floats.
    """
    note = Note(subject=subject, label=label, old=old or {}, new=new or {}, reply=reply)
    (entry,) = record_all(org_id, actor=actor, verb=verb, notes=[note])
    return entry


def record_all(org_id: int, *, actor: User | None, verb: str, notes: Iterable[Note]) -> list[AuditEntry]:
    """Append one entry for each note, in their order: three queries, however many there are."""
    head = hold(org_id)
    entries = []
    for note in notes:
        entry = AuditEntry(
            org_id=org_id,
            seq=head.last_seq + 1,
            at=timezone.now(),
            actor=actor,
            actor_label=actor.email if actor else WORKER,
            verb=verb,
            subject=note.subject,
            label=note.label[:300],
            old=_plain(note.old),
            new=_plain(note.new),
            reply=note.reply.replace("\x00", ""),
            previous_hash=head.last_hash,
        )
        entry.hash = hash_entry(entry)
        head.last_seq, head.last_hash = entry.seq, entry.hash
        entries.append(entry)
    AuditEntry.objects.bulk_create(entries, batch_size=500)
    head.save(update_fields=["last_seq", "last_hash"])
    return entries


def verify(org_id: int) -> int | None:
    """Give the number of the first entry that is missing or not as it was written; None: the chain holds.

    Nobody is kept from writing meanwhile: what the head said before must lie in the chain, and the chain must
    not reach beyond what the head says after.
    """
    before = AuditHead.objects.get(org_id=org_id)
    expected, previous, found = 1, "", ""
    for entry in AuditEntry.objects.filter(org_id=org_id).order_by("seq").iterator(chunk_size=2000):
        if entry.seq != expected or entry.previous_hash != previous or entry.hash != hash_entry(entry):
            return expected
        expected, previous = expected + 1, entry.hash
        if entry.seq == before.last_seq:
            found = entry.hash
    after = AuditHead.objects.get(org_id=org_id)
    if found != before.last_hash or expected - 1 > after.last_seq:
        return expected
    return None


def hash_entry(entry: AuditEntry) -> str:
    """Hash everything an entry says, and the hash before it, as SHA-256 over canonical JSON."""
    content = {
        "org": entry.org_id,
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "actor_label": entry.actor_label,
        "verb": entry.verb,
        "subject": entry.subject,
        "label": entry.label,
        "old": entry.old,
        "new": entry.new,
        "reply": entry.reply,
        "previous": entry.previous_hash,
    }
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Turn a value into what JSON holds without loss."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | bool):
        return value
    raise TypeError(f"{type(value).__name__} does not belong into the audit trail")
