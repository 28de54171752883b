"""What a push's read-back tells the mirror: the quantity now held, and the lines that were made."""

from collections.abc import Sequence
from typing import Any

from django.db.models.functions import Now

from psa.adapters.base import LineReading, Way
from psa.models import AgreementLine, Push
from reconcile.signals import line_added


def keep_readings(push: Push, readings: Sequence[LineReading]) -> None:
    """Write readings of the push's line, and of the line that its split made, into the mirror.

    A line that is gone is left to the next complete read: one missing answer proves nothing. What a sync began
    to read before this moment must not overwrite it, and the database's clock, which all workers share, says
    what was first. Needs the organization's scope.
    """
    for reading in readings:
        if reading.missing:
            continue
        if push.adds:
            _keep_added(push, reading)
            continue
        if reading.ref.line_remote_id == push.line_remote_id:
            _update_own(push, reading)
        else:
            _add_line(push, reading)


def _keep_added(push: Push, reading: LineReading) -> None:
    """Insert the line that a push has added, or that somebody else had added before it; the push is about it now."""
    read = _as_read(reading)
    made = {
        "org_id": push.org_id,
        "agreement_id": push.agreement_id,
        "account_id": push.account_id,
        "service_id": push.service_id,
        "unit_price": reading.unit_price,
        "unit_cost": reading.unit_cost,
        "billable": reading.billable,
        "description": reading.description[:500],
    }
    line, _ = AgreementLine.objects.update_or_create(
        connection_id=push.connection_id,
        remote_id=reading.ref.line_remote_id,
        defaults=read,
        create_defaults=read | made,
    )
    Push.objects.filter(pk=push.pk).update(line=line)
    push.line = line
    line_added.send(Push, org_id=push.org_id, push_id=push.pk, line_id=line.pk)


def _as_read(reading: LineReading) -> dict[str, Any]:
    return {
        "quantity": reading.quantity,
        "included": reading.included,
        "starts_on": reading.starts_on,
        "ends_on": reading.ends_on,
        "remote_version": reading.remote_version,
        "confirmed_at": Now(),
        "changed_at": Now(),
        "vanished_at": None,
    }


def _update_own(push: Push, reading: LineReading) -> None:
    changes = {
        "quantity": reading.quantity,
        "remote_version": reading.remote_version,
        "confirmed_at": Now(),
        "changed_at": Now(),
    }
    if push.way == Way.SPLIT:
        changes["ends_on"] = reading.ends_on
    AgreementLine.objects.filter(pk=push.line.pk).update(**changes)


def _add_line(push: Push, reading: LineReading) -> None:
    """Insert the line a split made as a copy of the one it follows, with what was read of it."""
    old = push.line
    read = _as_read(reading)
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
