"""Asking for a ticket about a card (B7), and where tickets go. Rows only, never a call."""

import uuid
from dataclasses import dataclass
from datetime import date
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import User
from psa.connections import remote_host
from psa.models import Account, AgreementLine, Board, Connection, Service, Ticket, TicketPlace
from reconcile.celery import wake

CREATE = "psa.tasks.create_tickets"
LONGEST_SUMMARY = 100


class TicketRefused(Exception):
    """No ticket was asked for; `sentence` tells a person why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a ticket is about: a line, or the usage of a service by an account that has no line, in one period."""

    connection: Connection
    account: Account
    line: AgreementLine | None
    service: Service | None
    period: date
    agreement_remote_id: str = ""

    def tickets(self) -> QuerySet[Ticket]:
        """Give the ticket about this, if there is one; one about the usage counts for the line that followed it."""
        usage = Q(line__isnull=True, service=self.service)
        about = usage if self.line is None else Q(line=self.line) | usage
        return Ticket.objects.filter(about, account=self.account, period=self.period)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Board, status and priority by their ids in the PSA; empty ones are as the PSA sets them."""

    board: str = ""
    status: str = ""
    priority: str = ""


def request(subject: Subject, place: Place, *, summary: str, body: str, by: User) -> Ticket:
    """Ask for a ticket and wake a worker; one that failed is tried again in its own row, with its own key.

    Needs the organization's scope. Raises TicketRefused when there is one, or when its connection is unproved.
    """
    org_id = subject.account.org_id
    audit.hold(org_id)
    if not subject.connection.remote_account:
        raise TicketRefused(f"The connection {subject.connection.name} has not been checked. Test it first.")
    found = subject.tickets().select_for_update(no_key=True, of=["self"]).order_by("id").first()
    if found is not None and found.state != Ticket.State.FAILED:
        raise TicketRefused(_already(found))
    ticket = found or Ticket(
        org_id=org_id, account=subject.account, line=subject.line, service=subject.service
    )
    ticket.key = ticket.key or f"reconcile-{uuid.uuid4()}"
    _fill(ticket, subject, place, summary, body, by)
    try:
        with transaction.atomic():
            ticket.save()
    except IntegrityError:
        raise TicketRefused("A ticket about this line is being created already.") from None
    audit.record(
        org_id,
        actor=by,
        verb="asked for a ticket" if found is None else "asked for a ticket again",
        subject=f"ticket:{ticket.pk}",
        label=f"{subject.account.name}: {ticket.summary}",
        new={"board": place.board, "status": place.status, "priority": place.priority},
    )
    transaction.on_commit(partial(wake, CREATE, org_id), robust=True)
    return ticket


def place_of(connection: Connection) -> TicketPlace:
    """Give where the connection's tickets go; an unsaved row while nobody has chosen."""
    found = TicketPlace.objects.filter(connection=connection).first()
    return found or TicketPlace(org_id=connection.org_id, connection=connection)


def boards_of(connection: Connection) -> list[Board]:
    """Give the boards that the PSA has, by name."""
    return list(Board.objects.filter(connection=connection, vanished_at=None).order_by("name", "pk"))


def choose_place(connection: Connection, place: Place, *, by: User) -> bool:
    """Remember where this connection's tickets go; says whether that is new. Needs the organization's scope."""
    audit.hold(connection.org_id)
    row = place_of(connection)
    old = Place(board=row.board_remote_id, status=row.status_remote_id, priority=row.priority_remote_id)
    if old == place:
        return False
    row.board_remote_id, row.status_remote_id = place.board, place.status
    row.priority_remote_id = place.priority
    row.save()
    audit.record(
        connection.org_id,
        actor=by,
        verb="chose where tickets go",
        subject=f"connection:{connection.pk}",
        label=connection.name,
        old=vars(old),
        new=vars(place),
    )
    return True


def keep_priorities(connection: Connection, found: list[list[str]]) -> None:
    """Keep the priorities that were read, to be chosen from; where tickets go stays as it is. Needs the scope."""
    audit.hold(connection.org_id)
    TicketPlace.objects.update_or_create(
        org_id=connection.org_id,
        connection=connection,
        defaults={"priorities": found, "priorities_read_at": timezone.now()},
    )


def _fill(ticket: Ticket, subject: Subject, place: Place, summary: str, body: str, by: User) -> None:
    """Write what is wanted now into a new row, or into one that failed."""
    connection = subject.connection
    ticket.connection, ticket.epoch = connection, connection.epoch
    ticket.remote_host, ticket.remote_account = remote_host(connection), connection.remote_account
    ticket.period = subject.period
    ticket.account_remote_id = subject.account.remote_id
    ticket.agreement_remote_id = subject.agreement_remote_id
    ticket.board_remote_id, ticket.status_remote_id = place.board, place.status
    ticket.priority_remote_id = place.priority
    ticket.summary, ticket.body = " ".join(summary.split())[:LONGEST_SUMMARY], body
    ticket.state, ticket.requested_by = Ticket.State.STAGED, by
    ticket.tries, ticket.reason = 0, ""
    ticket.not_before = ticket.lease_until = ticket.finished_at = None


def _already(ticket: Ticket) -> str:
    if ticket.state == Ticket.State.CREATED:
        return f"This line has a ticket already: {ticket.remote_id}. No second one was made."
    return "A ticket about this line is being created already."
