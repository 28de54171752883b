"""Notices (A7): told once, kept current while unread, seen by role, read by person, mailed to who wants it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from accounts import letters
from accounts.models import Membership, Organization, User
from accounts.notice_models import Kind, Notice, NoticeChoice, NoticeMark
from accounts.roles import Role

# What is older counts as known: the number in the navigation stays a fast query.
COUNTED_DAYS = 90
# Any constant will do: it names our lock beside the notice's key.
NOTICE_LOCK = 20_702


@dataclass(frozen=True)
class Rule:
    """Who sees a kind of notice, and who gets it by e-mail before they have chosen (None: nobody)."""

    seen_from: Role
    mailed_from: Role | None
    help: str


RULES: dict[Kind, Rule] = {
    Kind.SYNC_DONE: Rule(Role.VIEWER, None, "Once per source and sync."),
    Kind.SYNC_FAILED: Rule(Role.ADMIN, Role.ADMIN, "With its cause, and who must act."),
    Kind.EXPIRING: Rule(Role.ADMIN, Role.ADMIN, "Before a source stops answering."),
    Kind.ADDRESSES: Rule(Role.ADMIN, Role.ADMIN, "So that your firewall lets us in."),
    Kind.APPROVAL: Rule(Role.APPROVER, None, "While lines are collected, or need a second person."),
    Kind.PUSH_STOPPED: Rule(Role.APPROVER, Role.APPROVER, "Nothing more is written until a person looks."),
    Kind.LIMIT: Rule(Role.APPROVER, Role.APPROVER, "So that nobody lifts a limit unseen."),
    Kind.DELETION: Rule(Role.VIEWER, Role.VIEWER, "So that nobody loses anything by surprise."),
}


@dataclass(frozen=True)
class Place:
    """Where a notice is solved: a view inside the organization, its arguments, and what stands after the "?"."""

    view: str
    args: Sequence[int | str] = ()
    query: str = ""


def tell(org_id: int, kind: Kind, *, key: str, title: str, place: Place, body: str = "") -> Notice:
    """Tell the organization something, in the caller's transaction; needs the organization's scope.

    The same `key` again updates its newest notice while nobody has read it; then no second e-mail goes out.
    Call it last: its lock is the last one of a transaction, and no two verbs share a key.
    """
    _hold(org_id, key)
    said = {
        "title": title[:200],
        "body": body,
        "view": place.view,
        "args": list(place.args),
        "query": place.query,
    }
    newest = Notice.objects.filter(key=key).order_by("-id").first()
    if newest is not None and newest.solved_at is None and not newest.marks.exists():
        Notice.objects.filter(pk=newest.pk).update(**said, times=F("times") + 1, at=Now())
        newest.refresh_from_db()
        return newest
    notice = Notice.objects.create(org_id=org_id, kind=kind, key=key, role=RULES[kind].seen_from, **said)
    _mail(notice)
    return notice


def tell_once(
    org_id: int, kind: Kind, *, key: str, title: str, place: Place, body: str = ""
) -> Notice | None:
    """Tell something that happens once and for ever; None when it was told before."""
    _hold(org_id, key)
    if Notice.objects.filter(key=key).exists():
        return None
    return tell(org_id, kind, key=key, title=title, place=place, body=body)


def settle(key: str) -> None:
    """Note that what a notice said is no longer so: it stays in the list, and asks for nothing. Needs a scope."""
    Notice.objects.filter(key=key, solved_at__isnull=True).update(solved_at=Now())


def settle_all(beginning: str, but: Notice | None = None) -> None:
    """Settle every notice whose key begins so, except one. Needs a scope."""
    open_ones = Notice.objects.filter(key__startswith=beginning, solved_at__isnull=True)
    (open_ones.exclude(pk=but.pk) if but else open_ones).update(solved_at=Now())


def seen_by(member: Membership) -> QuerySet[Notice]:
    """Give the notices that a member may see, newest first, each with `is_read`: nothing from before they joined."""
    own = Notice.objects.filter(org_id=member.org_id, role__lte=member.role, at__gte=member.created_at)
    return own.annotate(is_read=_marks_of(member)).order_by("-at", "-id")


def unread_by(member: Membership) -> QuerySet[Notice]:
    """Give what asks for the member's attention: unread, not solved, and not long past."""
    since = timezone.now() - timedelta(days=COUNTED_DAYS)
    return seen_by(member).filter(~_marks_of(member), solved_at__isnull=True, at__gte=since)


def mark_read(member: Membership, notices: Iterable[Notice]) -> int:
    """Note that the member has read these; gives how many."""
    marks = [
        NoticeMark(org_id=member.org_id, notice=notice, user_id=member.user_id, read_at=timezone.now())
        for notice in notices
    ]
    NoticeMark.objects.bulk_create(
        marks, update_conflicts=True, unique_fields=["org", "notice", "user"], update_fields=["read_at"]
    )
    return len(marks)


def wants_mail(kind: Kind, role: int, chosen: bool | None) -> bool:
    """Say whether a member of this role gets this kind by e-mail: by their choice, else by its default."""
    rule = RULES[kind]
    if role < rule.seen_from:
        return False
    return rule.mailed_from is not None and role >= rule.mailed_from if chosen is None else chosen


def choices_of(member: Membership) -> list[tuple[Kind, Rule, bool]]:
    """Give the kinds that a member may see, each with whether it is mailed to them."""
    chosen = dict(NoticeChoice.objects.filter(user=member.user_id).values_list("kind", "mail"))
    return [
        (kind, rule, wants_mail(kind, member.role, chosen.get(kind)))
        for kind, rule in RULES.items()
        if member.role >= rule.seen_from
    ]


def choose(member: Membership, mailed: Iterable[str]) -> None:
    """Keep which of the kinds that the member may see are mailed to them."""
    wanted = set(mailed)
    rows = [
        NoticeChoice(org_id=member.org_id, user_id=member.user_id, kind=kind, mail=kind.value in wanted)
        for kind, _, _ in choices_of(member)
    ]
    NoticeChoice.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["org", "user", "kind"], update_fields=["mail"]
    )


def address_of(notice: Notice, slug: str) -> str:
    """Give the path of the page where the notice is solved."""
    path = reverse(notice.view, args=[slug, *notice.args])
    return f"{path}?{notice.query}" if notice.query else path


def _marks_of(member: Membership) -> Exists:
    """Say of a notice whether the member has read it as it is now."""
    marks = NoticeMark.objects.filter(notice=OuterRef("pk"), user=member.user_id, read_at__gte=OuterRef("at"))
    return Exists(marks)


def _mail(notice: Notice) -> None:
    """Put a letter into the outbox for every member who wants this kind by e-mail."""
    kind = Kind(notice.kind)
    chosen = dict(NoticeChoice.objects.filter(kind=kind).values_list("user_id", "mail"))
    members = Membership.objects.filter(role__gte=notice.role, user__is_active=True).select_related("user")
    people = [
        one.user for one in members.order_by("id") if wants_mail(kind, one.role, chosen.get(one.user_id))
    ]
    if people:
        org = Organization.objects.get(pk=notice.org_id)
        letters.write(notice.org_id, [_letter(notice, org, person) for person in people])


def _letter(notice: Notice, org: Organization, person: User) -> letters.Draft:
    where = letters.full_address(address_of(notice, org.slug))
    choices = letters.full_address(reverse("notices", args=[org.slug]) + "#by-mail")
    lines = [
        notice.title + ".", *([notice.body] if notice.body else []), f"See it: {where}",
        f"You are told because you are a member of {org.name}. What is mailed to you: {choices}",
    ]  # fmt: skip
    return letters.Draft(
        to=person.email,
        subject=f"{org.name}: {notice.title}",
        body="\n\n".join(lines),
        user=person,
        notice=notice,
    )


def _hold(org_id: int, key: str) -> None:
    """Let two that tell the same thing at once do so one after the other, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [NOTICE_LOCK, f"{org_id} {key}"])


def query(**values: Any) -> str:
    """Write what stands after the "?" of a place."""
    return urlencode(values)
