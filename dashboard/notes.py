"""Writes notes on lines and takes them away (each with its audit entry), and finds those of a line."""

from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import audit
from accounts.models import User
from dashboard.decisions import Refused
from dashboard.models import Card, Note

LONGEST = 1000


def of_card(card: Card) -> QuerySet[Note]:
    """Give the notes that stand on a card, the newest first."""
    about = Q(line=None, service_id=card.service_id)
    if card.line_id is not None:
        about |= Q(line_id=card.line_id)
    found = Note.objects.filter(about, org_id=card.org_id, account_id=card.account_id, deleted_at=None)
    return found.select_related("by").order_by("-at", "-pk")


def has_note() -> Exists:
    """Say of each card in a query whether a note stands on it: by its line, or from before there was one."""
    return Exists(_of_outer_card())


def newest_note() -> Subquery:
    """Give of each card in a query the text of its newest note."""
    return Subquery(_of_outer_card().order_by("-at", "-pk").values("text")[:1])


def count_notes() -> Coalesce:
    """Give of each card in a query how many notes stand on it."""
    counted = _of_outer_card().order_by().values("org").annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n")), Value(0))


def _of_outer_card() -> QuerySet[Note]:
    about = Q(line_id=OuterRef("line_id")) | Q(line=None, service_id=OuterRef("service_id"))
    return Note.objects.filter(
        about, org_id=OuterRef("org_id"), account_id=OuterRef("account_id"), deleted_at=None
    )


def add(card: Card, text: str, *, by: User) -> Note:
    """Write a note on a card's line; raises Refused for an empty or a long one."""
    text = text.replace("\x00", "").replace("\r\n", "\n").strip()
    if not text:
        raise Refused("A note needs a word. Nothing was saved.")
    if len(text) > LONGEST:
        raise Refused(
            f"A note has at most {LONGEST:,} characters; this one has {len(text):,}. Nothing was saved."
        )
    audit.hold(card.org_id)
    note = Note.objects.create(
        org_id=card.org_id, line_id=card.line_id, account_id=card.account_id, service_id=card.service_id,
        text=text, by=by,
    )  # fmt: skip
    _record(card, note, "noted", by, new={"text": text})
    return note


def delete(card: Card, note_id: int, *, by: User) -> None:
    """Take away a note that the person wrote; raises Refused for another's, or for one that is gone."""
    audit.hold(card.org_id)
    note = of_card(card).filter(pk=note_id).first()
    if note is None:
        raise Refused("That note is no longer there.")
    if note.by_id != by.pk:
        raise Refused(f"{note.by} wrote that note, so only {note.by} takes it away.")
    Note.objects.filter(pk=note.pk).update(deleted_at=timezone.now())
    _record(card, note, "deleted a note", by, old={"text": note.text})


def _record(card: Card, note: Note, verb: str, by: User, **values: Any) -> None:
    label = f"{card.account}, {card.service or 'no service'}"
    audit.record(card.org_id, actor=by, verb=verb, subject=f"note:{note.pk}", label=label, **values)
