"""What people do to have a line added to an agreement: a push of its own way, staged as the others are (B4, E2)."""

import uuid
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q

from accounts import audit
from accounts.models import User
from psa.adapters.base import Way, WriteKind
from psa.connections import find_kind, remote_host
from psa.models import Agreement, AgreementLine, Push, Service
from psa.push_rules import refuse_units
from psa.pushes import NotWritable, StaleView, announce, hash_request, insert
from reconcile.tenancy.scope import org_scope

ZERO = Decimal(0)


@dataclass(frozen=True)
class Addition:
    """A line that a person wants: of which service, in which agreement, how many units, from which day.

    `unit_price` is what the person saw, in the agreement's currency; None leaves it to the PSA.
    """

    agreement: Agreement
    service: Service
    wanted: Decimal
    unit_price: Decimal | None
    effective_on: date


def stage(addition: Addition, *, by: User, waiting: bool = False, needs_second: bool = False) -> Push:
    """Record one intended line with its audit entry, and wake a worker once the transaction commits.

    Raises AlreadyOpen while a line of this service is being added for the account, StaleView when the agreement holds
    one, NotWritable when none may be added; nothing is recorded then.
    """
    org_id = addition.agreement.org_id
    with org_scope(org_id):
        audit.hold(org_id)
        agreement = Agreement.objects.select_related("connection", "account").get(pk=addition.agreement.pk)
        check_addable(agreement, addition)
        push = _build(agreement, addition)
        push.requested_by = by
        push.needs_second = needs_second
        push.state = Push.State.WAITING if waiting or needs_second else Push.State.STAGED
        insert(push)
        announce([push], "staged", by, dated=True)
    return push


def check_addable(agreement: Agreement, addition: Addition) -> None:
    """Raise StaleView or NotWritable when this agreement may not get this line."""
    service, connection = addition.service, agreement.connection
    if refusal := refuse_units(addition.wanted, ZERO):
        raise NotWritable("A line of 0 units bills nothing." if addition.wanted == ZERO else refusal)
    if find_kind(connection).adding is None:
        raise NotWritable(f"Lines cannot be added in {connection.name} from here. Add it there, then sync.")
    if not connection.remote_account:
        raise NotWritable(f"The connection {connection.name} has not been checked. Test it first.")
    if agreement.vanished_at is not None or not agreement.active or not agreement.recurring:
        raise NotWritable(f"The agreement {agreement} takes no new lines: it has ended or does not recur.")
    if service.connection_id != agreement.connection_id:
        raise NotWritable("The service belongs to another PSA than the agreement.")
    there = AgreementLine.objects.filter(agreement=agreement, service=service, vanished_at=None)
    if there.filter(Q(ends_on=None) | Q(ends_on__gte=addition.effective_on)).exists():
        raise StaleView(f"{agreement} holds a line of {service} by now. Look at it again.")
    if service.vanished_at is not None or not service.active:
        raise NotWritable(f"{service} is no longer sold in {connection.name}. Nothing can be added.")


def _build(agreement: Agreement, addition: Addition) -> Push:
    connection, service = agreement.connection, addition.service
    push = Push(
        org_id=agreement.org_id,
        connection=connection,
        epoch=connection.epoch,
        remote_host=remote_host(connection),
        remote_account=connection.remote_account,
        account=agreement.account,
        agreement=agreement,
        service=service,
        agreement_remote_id=agreement.remote_id,
        line_remote_id="",
        service_remote_id=service.remote_id,
        # Whatever else this PSA's writes do: a second arrival of this one would be a second line.
        write_kind=WriteKind.DELTA,
        way=Way.ADD,
        seen=ZERO,
        wanted=addition.wanted,
        unit_price=addition.unit_price,
        effective_on=addition.effective_on,
        key=uuid.uuid4(),
    )
    push.request_hash = hash_request(push)
    return push
