"""PSA connections, the mirror of what the PSA holds with its tags, and the pushes that change it."""

from psa.connection_models import Connection
from psa.history_models import LineHistory
from psa.mirror_models import Account, Agreement, AgreementLine, AgreementType, Board, Invoice, Service
from psa.push_models import Push, PushAttempt
from psa.tag_models import AccountTag, ServiceTag, Tag
from psa.ticket_models import Ticket, TicketPlace

__all__ = [
    "Account",
    "AccountTag",
    "Agreement",
    "AgreementLine",
    "AgreementType",
    "Board",
    "Connection",
    "Invoice",
    "LineHistory",
    "Push",
    "PushAttempt",
    "Service",
    "ServiceTag",
    "Tag",
    "Ticket",
    "TicketPlace",
]
