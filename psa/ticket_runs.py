"""Making tickets in the PSA: claimed by one worker, looked for by key first, sent once, found again when unsure."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import connection as database
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts import audit
from psa.adapters.base import PsaAdapter, TicketOrder
from psa.connections import UnknownKind, build_adapter, note_failure, note_success, remote_host
from psa.models import Connection, Ticket
from psa.push_rules import pause_seconds
from psa.tickets import CREATE
from reconcile.celery import TASK_SECONDS, wake
from reconcile.http.errors import CustomerMustAct, OurBug, RemoteError, TryLater
from reconcile.secrets import SecretUnreadable
from reconcile.tenancy.scope import org_scope

log = logging.getLogger(__name__)

# So many per task; the rest is woken for again.
BATCH = 20
# A look and the write that follows it are one call of the adapter, so the claim must outlive whoever makes
# it: a task is killed at its limit, and only after that may another worker look.
LEASE = timedelta(seconds=TASK_SECONDS + 60)
MOVED = "The connection's address or company has changed since this was asked for. Look at it, and ask again."
State = Ticket.State


def find_organizations() -> list[int]:
    """List the organizations with tickets to make: ids and nothing else. Needs no scope."""
    with database.cursor() as cursor:
        cursor.execute("SELECT organizations_with_due_tickets(statement_timestamp())")
        return [org_id for (org_id,) in cursor.fetchall()]


def run(org_id: int) -> int:
    """Make the tickets of one organization that are due; gives how many were taken."""
    for number in range(BATCH):
        ticket = claim(org_id)
        if ticket is None:
            return number
        bring(ticket)
    wake(CREATE, org_id)
    return BATCH


def claim(org_id: int) -> Ticket | None:
    """Take one due ticket under a lease, with a new fencing number."""
    with org_scope(org_id):
        pk = _due().select_for_update(skip_locked=True).order_by("id").values_list("id", flat=True).first()
        if pk is None:
            return None
        Ticket.objects.filter(pk=pk).update(
            state=State.SENDING,
            attempt=F("attempt") + 1,
            tries=F("tries") + 1,
            lease_until=Now() + LEASE,
            not_before=None,
        )
        return Ticket.objects.select_related("connection", "account").get(pk=pk)


def bring(ticket: Ticket) -> None:
    """Make a claimed ticket, or put it off, or say why it cannot be made. No transaction is open in any call."""
    now = ticket.connection
    if (ticket.epoch, ticket.remote_host, ticket.remote_account) != (
        now.epoch,
        remote_host(now),
        now.remote_account,
    ):
        _fail(ticket, MOVED)
        return
    try:
        number = create(ticket)
    except TryLater as error:
        _note(now, error)
        _put_off(ticket, error)
    except RemoteError as error:
        _fail(ticket, _sentence(error))
    else:
        _note(now, None)
        finish(ticket, State.CREATED, remote_id=number, reason="")


def create(ticket: Ticket) -> str:
    """Have the adapter look for the key and make the ticket if it is not there; gives its number."""
    try:
        adapter = build_adapter(ticket.connection)
        _check_company(adapter, ticket)
        return adapter.create_ticket(_order(ticket)).remote_id
    except RemoteError:
        raise
    except (UnknownKind, SecretUnreadable) as error:
        raise CustomerMustAct(
            "The credentials of this connection cannot be used here: enter them again.",
            detail=type(error).__name__,
        ) from None
    except Exception as error:
        log.exception("ticket %s of connection %s", ticket.pk, ticket.connection_id)
        raise OurBug("Reconcile failed on this ticket.", detail=type(error).__name__) from error


def _check_company(adapter: PsaAdapter, ticket: Ticket) -> None:
    if adapter.identify().remote_account != ticket.remote_account:
        raise CustomerMustAct("Another company's PSA answers at this address. No ticket was made.")


def _order(ticket: Ticket) -> TicketOrder:
    return TicketOrder(
        account_remote_id=ticket.account_remote_id,
        summary=ticket.summary,
        body=ticket.body,
        key=ticket.key,
        board_remote_id=ticket.board_remote_id,
        status_remote_id=ticket.status_remote_id,
        priority_remote_id=ticket.priority_remote_id,
        agreement_remote_id=ticket.agreement_remote_id,
    )


def _put_off(ticket: Ticket, error: TryLater) -> None:
    """Let it wait: until what may have been sent has settled, and longer after each failure."""
    if ticket.tries >= settings.PUSH_MAX_ATTEMPTS:
        _fail(
            ticket, f"{error.sentence} Given up after {ticket.tries} tries. Trying again looks for it first."
        )
        return
    seconds = max(pause_seconds(ticket.tries, error.retry_after), float(settings.PUSH_SETTLE_SECONDS))
    with org_scope(ticket.org_id):
        _owned(ticket).update(
            state=State.STAGED,
            lease_until=None,
            not_before=Now() + timedelta(seconds=seconds),
            reason=error.sentence,
        )


def _fail(ticket: Ticket, reason: str) -> None:
    finish(ticket, State.FAILED, remote_id="", reason=reason)


def finish(ticket: Ticket, state: Ticket.State, *, remote_id: str, reason: str) -> None:
    """Bring a ticket to its end, unless somebody else has taken it over."""
    with org_scope(ticket.org_id):
        audit.hold(ticket.org_id)
        mine = _owned(ticket).update(
            state=state, remote_id=remote_id, reason=reason, lease_until=None, finished_at=Now()
        )
        if not mine:
            log.warning("ticket %s: somebody else has taken it over", ticket.pk)
            return
        audit.record(
            ticket.org_id,
            actor=None,
            verb=f"ticket {state.value}",
            subject=f"ticket:{ticket.pk}",
            label=f"{ticket.account.name}: {ticket.summary}",
            new={"number": remote_id, "reason": reason},
        )


def _sentence(error: RemoteError) -> str:
    """Say the cause, that no ticket was made, and who must act."""
    if isinstance(error, CustomerMustAct):
        return f"{error.sentence} An admin must act; then try again."
    return f"{error.sentence} Our fault, not yours: write to support."


def _note(connection: Connection, failure: TryLater | None) -> None:
    """Open or close the connection's circuit breaker."""
    with org_scope(connection.org_id):
        if failure is None:
            note_success(connection)
        else:
            note_failure(connection, failure.retry_after)


def _due() -> QuerySet[Ticket]:
    resting = Connection.objects.filter(paused_until__gt=Now()).values("pk")
    waiting = Q(state=State.STAGED) & (Q(not_before=None) | Q(not_before__lte=Now()))
    lost = Q(state=State.SENDING, lease_until__lt=Now())
    return Ticket.objects.filter(waiting | lost).exclude(connection_id__in=resting)


def _owned(ticket: Ticket) -> QuerySet[Ticket]:
    return Ticket.objects.filter(pk=ticket.pk, attempt=ticket.attempt, state=State.SENDING)
