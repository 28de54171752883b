"""What a push's read-back tells the mirror: the quantity now held, and the line that a split has made."""

from collections.abc import Sequence

from django.db.models.functions import Now

from psa.adapters.base import LineReading, Way
from psa.models import AgreementLine, Push


def keep_readings(push: Push, readings: Sequence[LineReading]) -> None:
    """Write readings of the push's line, and of the line that its split made, into the mirror.

    A line that is gone is left to the next complete read: one missing answer proves nothing. What a sync began
    to read before this moment must not overwrite it, and the database's clock, which all workers share, says
    what was first. Needs the organization's scope.
    """
    for reading in readings:
        if reading.missing:
            continue
        if reading.ref.line_remote_id == push.line_remote_id:
            _update_own(push, reading)
        else:
            _add_line(push, reading)


def _update_own(push: Push, reading: LineReading) -> None:
    changes = {
        "quantity": reading.quantity,
        "remote_version": reading.remote_version,
        "confirmed_at": Now(),
        "changed_at": Now(),
    }
    if push.way == Way.SPLIT:
        changes["ends_on"] = reading.ends_on
    AgreementLine.objects.filter(pk=push.line_id).update(**changes)


def _add_line(push: Push, reading: LineReading) -> None:
    """Insert the line a split made as a copy of the one it follows, with what was read of it."""
    old = push.line
    read = {
        "quantity": reading.quantity,
        "included": reading.included,
        "starts_on": reading.starts_on,
        "ends_on": reading.ends_on,
        "remote_version": reading.remote_version,
        "confirmed_at": Now(),
        "changed_at": Now(),
        "vanished_at": None,
    }
    copied = {
        "org_id": push.org_id,
        "agreement_id": old.agreement_id,
        "account_id": old.account_id,
        "service_id": old.service_id,
        "unit_price": old.unit_price,
        "unit_cost": old.unit_cost,
        "billable": old.billable,
        "description": old.description,
    }
    AgreementLine.objects.update_or_create(
        connection_id=push.connection_id,
        remote_id=reading.ref.line_remote_id,
        defaults=read,
        create_defaults=read | copied,
    )
