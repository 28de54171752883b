"""Puts tags on accounts and services and takes them off (D8), each with its audit entry; inside the scope."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from accounts import audit
from accounts.models import User
from psa.models import Account, AccountTag, AgreementLine, Service, ServiceTag, Tag

LONGEST = 40
# As many tags as one account or service may wear: more are no longer read.
MOST = 12


class TagRefused(Exception):
    """A tag that was not set; `sentence` says why. Nothing was changed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class Wearer:
    """What can wear a tag: accounts or services."""

    noun: str
    model: Any
    wearing: Any


WEARERS = {
    w.noun: w for w in (Wearer("account", Account, AccountTag), Wearer("service", Service, ServiceTag))
}


def read_name(text: str) -> str:
    """Read a tag's name: one line without needless blanks; raises TagRefused for none, or a long one."""
    name = " ".join(text.replace("\x00", "").split())
    if not name:
        raise TagRefused("Enter a word for the tag.")
    if len(name) > LONGEST:
        raise TagRefused(f"A tag has at most {LONGEST} characters.")
    return name


def list_worn(org_id: int) -> QuerySet[Tag]:
    """Give the tags that something wears, by name."""
    worn = [
        Exists(w.wearing.objects.filter(org_id=OuterRef("org_id"), tag=OuterRef("pk")))
        for w in WEARERS.values()
    ]
    return Tag.objects.filter(worn[0] | worn[1], org_id=org_id).order_by("name", "pk")


@dataclass(frozen=True)
class Worn:
    """A tag of a line, and whether its account or its service wears it."""

    noun: str
    wearer: int
    name: str


def list_of(org_id: int, account_id: int, service_id: int | None) -> list[Worn]:
    """Give the tags of a line: those of its account, then those of its service. Two queries."""
    found = []
    for noun, pk in (("account", account_id), ("service", service_id)):
        rows = WEARERS[noun].wearing.objects.filter(org_id=org_id, **{f"{noun}_id": pk})
        names = rows.order_by("tag__name").values_list("tag__name", flat=True)
        found += [Worn(noun, pk, name) for name in names if pk]
    return found


@dataclass(frozen=True)
class Wearers:
    """Some accounts or services that a tag may be put on, and how many lines they have in all."""

    noun: str
    ids: list[int]
    lines: int

    @property
    def packed(self) -> str:
        """The ids as one field of a form."""
        return " ".join(map(str, self.ids))


def gather(org_id: int, noun: str, ids: Collection[int]) -> Wearers:
    """Count the lines of some accounts or services: a tag on these is on every one of them."""
    lines = AgreementLine.objects.filter(org_id=org_id, vanished_at=None, **{f"{noun}_id__in": ids})
    return Wearers(noun, sorted(ids), lines.count())


def put_on(org_id: int, noun: str, ids: Collection[int], name: str, *, by: User) -> list[int]:
    """Put a tag on some accounts or services; gives those that did not wear it yet. Raises TagRefused."""
    wearer, name = WEARERS[noun], read_name(name)
    audit.hold(org_id)
    rows = _rows(wearer, org_id, ids)
    tag = Tag.objects.filter(org_id=org_id, name__iexact=name).first()
    if tag is None:
        tag = Tag.objects.create(org_id=org_id, name=name)
    worn = wearer.wearing.objects.filter(org_id=org_id, **{f"{noun}__in": rows})
    wearing = set(worn.filter(tag=tag).values_list(f"{noun}_id", flat=True))
    numbers = dict(worn.values_list(f"{noun}_id").annotate(Count("pk")))
    full = [pk for pk in rows if pk not in wearing and numbers.get(pk, 0) >= MOST]
    if full:
        raise TagRefused(
            f"“{rows[full[0]]}” wears {MOST} tags already. Take one off first. Nothing was changed."
        )
    new = [pk for pk in rows if pk not in wearing]
    wearer.wearing.objects.bulk_create(
        [wearer.wearing(org_id=org_id, tag=tag, **{f"{noun}_id": pk}) for pk in new], batch_size=500
    )
    _record(org_id, noun, {pk: rows[pk] for pk in new}, by, "tagged", new={"tag": tag.name})
    return new


def take_off(org_id: int, noun: str, ids: Collection[int], name: str, *, by: User) -> list[int]:
    """Take a tag off some accounts or services; gives those that wore it. Raises TagRefused."""
    wearer, name = WEARERS[noun], read_name(name)
    audit.hold(org_id)
    rows = _rows(wearer, org_id, ids)
    worn = wearer.wearing.objects.filter(org_id=org_id, tag__name__iexact=name, **{f"{noun}__in": rows})
    gone = sorted(worn.values_list(f"{noun}_id", flat=True))
    worn.delete()
    _record(org_id, noun, {pk: rows[pk] for pk in gone}, by, "untagged", old={"tag": name})
    return gone


def _rows(wearer: Wearer, org_id: int, ids: Collection[int]) -> dict[int, str]:
    found = wearer.model.objects.filter(org_id=org_id, pk__in=ids).order_by("name", "pk")
    return {row.pk: str(row) for row in found}


def _record(org_id: int, noun: str, rows: dict[int, str], by: User, verb: str, **values: Any) -> None:
    notes = [audit.Note(subject=f"{noun}:{pk}", label=label, **values) for pk, label in rows.items()]
    if notes:
        audit.record_all(org_id, actor=by, verb=verb, notes=notes)
