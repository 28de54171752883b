"""Credentials that run out (A7, C6): told 14 and 3 days before, once each, from the day that an admin has noted."""

from datetime import date, timedelta

from django.db import connection as database

from accounts.notice_models import Kind
from accounts.notices import Place, settle_all, tell_once
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from vendors.models import Integration

FIRST, LAST = 14, 3


def find_organizations(today: date) -> list[int]:
    """List the organizations with a credential that ends within a fortnight, or has ended in the last one."""
    with database.cursor() as cursor:
        days = [today - timedelta(days=FIRST), today + timedelta(days=FIRST)]
        cursor.execute("SELECT organizations_with_ending_credentials(%s, %s)", days)
        return [org_id for (org_id,) in cursor.fetchall()]


def tell(org_id: int, today: date) -> int:
    """Tell one organization of its credentials that end soon; gives how many notices are new."""
    until = today + timedelta(days=FIRST)
    with org_scope(org_id):
        ending: list[Connection | Integration] = [
            *Connection.objects.filter(credentials_expire_on__lte=until).order_by("id"),
            *Integration.objects.filter(credentials_expire_on__lte=until).order_by("id"),
        ]
        return sum(_tell(source, today) for source in ending)


def in_words(days: int) -> str:
    """Say when something ends that has so many days left: "in 12 days", "today", "3 days ago"."""
    if days < 0:
        return "yesterday" if days == -1 else f"{-days} days ago"
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def _tell(source: Connection | Integration, today: date) -> bool:
    ends = source.credentials_expire_on
    if ends is None:
        return False
    days = (ends - today).days
    is_psa = isinstance(source, Connection)
    about = f"expires:{'connection' if is_psa else 'integration'}-{source.pk}:"
    stage = LAST if days <= LAST else FIRST
    told = tell_once(
        source.org_id,
        Kind.EXPIRING,
        key=f"{about}{ends}:{stage}",
        title=f"The key of {source.name} {'expires' if days >= 0 else 'expired'} {in_words(days)}",
        body=f"Its last day is {ends:%-d %b %Y}. Then its figures are no longer read, and none is guessed. "
        "An admin must enter a new key, with its date.",
        place=Place("psa_connection" if is_psa else "integration", [source.pk]),
    )
    if told is None:
        return False
    # The notice of a fortnight before, or of an earlier key, says nothing any more.
    settle_all(about, but=told)
    return True
