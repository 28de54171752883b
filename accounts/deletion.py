"""Deleting an organization (A3): closed at once, restorable for a time, then erased by the operator's command."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import Organization, User
from accounts.notice_models import Kind
from accounts.notices import Place, tell
from accounts.people import Refused, must_own
from reconcile.clock import read_clock


def grace() -> timedelta:
    """Give how long an organization can be restored."""
    return timedelta(days=settings.ORGANIZATION_GRACE_DAYS)


def close(org_id: int, typed: str, *, by: User) -> Organization:
    """Close an organization: nobody works in it, nothing runs, and its erasure comes due. Raises Refused."""
    with transaction.atomic():
        must_own(org_id, by)
        org = Organization.objects.select_for_update().get(pk=org_id)
        if typed.strip() != org.name:
            raise Refused(f"That is not its name. Type “{org.name}” exactly.")
        if org.closing_since is not None:
            return org
        org.closing_since = read_clock()
        org.save(update_fields=["closing_since"])
        _record(org, by, "closed organization for deletion")
        until = f"{org.erased_from:%-d %b %Y}"
        _tell(
            org, f"{org.name} is being deleted", f"Asked for by {by}. An owner can restore it until {until}."
        )
        return org


def restore(org_id: int, *, by: User) -> bool:
    """Open a closed organization again as it was; says whether it was closed. Raises Refused."""
    with transaction.atomic():
        must_own(org_id, by)
        org = Organization.objects.select_for_update().get(pk=org_id)
        if org.closing_since is None:
            return False
        org.closing_since = None
        org.save(update_fields=["closing_since"])
        _record(org, by, "restored organization")
        _tell(org, f"{org.name} is restored", f"By {by}. Everything is as it was; what was due runs now.")
        return True


def _record(org: Organization, by: User, verb: str) -> None:
    audit.record(org.pk, actor=by, verb=verb, subject=f"organization:{org.pk}", label=org.name)


def _tell(org: Organization, title: str, body: str) -> None:
    # Each by itself: a restored organization may be closed again.
    key = f"deletion:{read_clock().isoformat()}"
    tell(org.pk, Kind.DELETION, key=key, title=title, body=body, place=Place("organization_delete"))
