"""Our outgoing addresses (B11): a change of them is claimed once, and told to every organization by a task each."""

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from accounts.notice_models import AnnouncedAddresses, Kind
from accounts.notices import Place, tell_once
from reconcile.tenancy.scope import org_scope

ONLY = 1


def announce() -> bool:
    """Compare our addresses with those last announced and claim a change; of many that try, one says True.

    The first addresses of an installation are no change. The order in the settings means nothing.
    """
    ours = sorted(set(settings.OUTGOING_ADDRESSES))
    AnnouncedAddresses.objects.bulk_create(
        [AnnouncedAddresses(pk=ONLY, addresses=ours)], ignore_conflicts=True
    )
    changed = AnnouncedAddresses.objects.filter(pk=ONLY).exclude(addresses=ours)
    # Who comes second waits for the first one's commit, and then finds nothing left to change.
    return bool(
        changed.update(before=F("addresses"), addresses=ours, number=F("number") + 1, announced_at=Now())
    )


def find_untold() -> list[int]:
    """List the organizations that were not told of the last change yet; those that joined later need not be."""
    last = AnnouncedAddresses.objects.filter(pk=ONLY, number__gt=0).first()
    if last is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT organizations_without_notice(%s, %s)", [_key(last), last.announced_at])
        return [org_id for (org_id,) in cursor.fetchall()]


def tell(org_id: int) -> None:
    """Tell one organization of the last change, once."""
    last = AnnouncedAddresses.objects.filter(pk=ONLY, number__gt=0).first()
    if last is None:
        return
    new = [one for one in last.addresses if one not in last.before]
    gone = [one for one in last.before if one not in last.addresses]
    sentences = [
        f"New: {', '.join(new)}." if new else "",
        f"No longer ours: {', '.join(gone)}." if gone else "",
    ]
    cure = "If your PSA accepts only known addresses, an admin must change its list." if new else ""
    with org_scope(org_id):
        tell_once(
            org_id,
            Kind.ADDRESSES,
            key=_key(last),
            title="Our outgoing addresses have changed",
            body=" ".join(part for part in [*sentences, cure] if part),
            place=Place("settings_addresses"),
        )


def _key(last: AnnouncedAddresses) -> str:
    return f"addresses:{last.number}"
