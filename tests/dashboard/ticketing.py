"""The setting of the tests of tickets: an organization whose cards stand on a simulated PSA's own records."""

from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization
from dashboard.models import Card
from psa import ticket_runs
from psa.connections import store_secret
from psa.models import Board, Connection, Ticket
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.drills.rig import SECRET_FIELD, speak
from tests.psa.pushing import LONG_AGO
from tests.psa.simulated import Simulated

HTMX = {"HX-Request": "true"}
WORDS = {"summary": "Please look at the seats", "body": "43 billed, 47 in Veeam."}


@dataclass
class Shop:
    """One organization, one card, and the PSA that its tickets go to."""

    org: Organization
    remote: Simulated
    card: Card
    writes_before: int

    def made(self) -> list[dict[str, Any]]:
        """Give the tickets that the PSA's own ledger says were made since."""
        writes = self.remote.writes()[self.writes_before :]
        return [one["after"] for one in writes if one["path"].endswith("/service/tickets")]

    def address(self) -> str:
        return reverse("line_ticket", args=[self.org.slug, self.card.pk])

    def ask(self, client: Client, **words: str) -> Any:
        """Send the dialog's form, as a click does."""
        board = self.board()
        form = WORDS | {"board": f"{board.remote_id}|{board.statuses[0][0]}"} | words
        return client.post(self.address(), form, headers=HTMX)

    def board(self) -> Board:
        with org_scope(self.org.pk):
            return Board.objects.earliest("pk")

    def run(self) -> int:
        return ticket_runs.run(self.org.pk)

    def run_out(self, times: int = 12) -> None:
        """Let time pass and workers work until nothing is due."""
        for _ in range(times):
            self.pass_time()
            if not self.run():
                return

    def pass_time(self) -> None:
        with org_scope(self.org.pk):
            Ticket.objects.exclude(not_before=None).update(not_before=LONG_AGO)
            Ticket.objects.exclude(lease_until=None).update(lease_until=LONG_AGO)
            Connection.objects.update(paused_until=None)

    def tickets(self) -> list[Ticket]:
        with org_scope(self.org.pk):
            return list(Ticket.objects.order_by("id"))

    def ticket(self) -> Ticket:
        (one,) = self.tickets()
        return one


def open_shop(org: Organization, remote: Simulated) -> Shop:
    """Connect the organization and give it a card about a real account and agreement of the PSA."""
    adapter = speak(remote)
    agreement = next(iter(adapter.read_agreements(None, ""))).records[0]
    boards, identity = adapter.read_boards(), adapter.identify()
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        books.psa.base_url, books.psa.remote_account = remote.url, identity.remote_account
        books.psa.fields = {name: text for name, text in remote.fields.items() if name != SECRET_FIELD}
        books.psa.save()
        store_secret(books.psa, SECRET_FIELD, remote.fields[SECRET_FIELD])
        line = books.pair("43", "47")
        line.account.remote_id, line.agreement.remote_id = agreement.account_remote_id, agreement.remote_id
        line.account.save()
        line.agreement.save()
        for board in boards:
            Board.objects.create(
                org=org, connection=books.psa, remote_id=board.remote_id, name=board.name,
                statuses=[list(one) for one in board.statuses], changed_at=books.now,
            )  # fmt: skip
        books.refresh()
        return Shop(org, remote, books.card(line), len(remote.writes()))
