"""The ConnectWise adapter: its parts put together behind the interface that all PSA adapters share."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.conf import settings

from psa.adapters.base import (
    AccountRecord,
    AddOrder,
    AgreementRecord,
    AgreementTypeRecord,
    BoardRecord,
    Credentials,
    Finding,
    Identity,
    InvoiceRecord,
    LineReading,
    LineRecord,
    LineRef,
    Page,
    Permission,
    ServiceRecord,
    Ticket,
    TicketOrder,
    WriteKind,
    WriteOrder,
)
from psa.adapters.connectwise import adding, lines, permissions, push, records, tickets
from psa.adapters.connectwise.client import Client
from psa.adapters.connectwise.lists import read_list, read_with_fallback
from psa.adapters.connectwise.values import Row, row_id, text
from reconcile.http.errors import CustomerMustAct, RemoteError


class ConnectWise:
    """One connected ConnectWise PSA. Raises only RemoteError."""

    key = "connectwise"
    # Quantities and dates are replaced by absolute values; the created line is found again by its date.
    write_kind = WriteKind.ABSOLUTE

    def __init__(self, credentials: Credentials) -> None:
        self._client = Client(credentials)
        # What cancelledDate means is unknown for the vendor (S2), so the connection says it.
        self._ends_inclusive = credentials.fields.get("ends_inclusive", "true").lower() != "false"
        self._workers = settings.CONNECTWISE_PARALLEL_READS

    def identify(self) -> Identity:
        """Prove site, company, keys and client id (§9.3) and say who answered."""
        company = self._client.company()
        info = self._client.get("system/info")
        if not isinstance(info, dict) or "version" not in info:
            raise CustomerMustAct(
                "What answers there is not the API of a ConnectWise PSA. Check the site address."
            ).at("base_url")
        return Identity(
            remote_account=company.company_id,
            name=company.name or company.company_id,
            version=text(info, "version") or company.version,
            base_url=self._client.session().base_url,
        )

    def check_permissions(self) -> list[Permission]:
        """Check the rights row by row; never raises because one of the checks is not available."""
        return permissions.check(self._client)

    def read_accounts(self, since: datetime | None, cursor: str) -> Iterator[Page[AccountRecord]]:
        """Read companies, deleted ones included, so that they are known as deleted."""
        path = "company/companies"
        return read_with_fallback(self._client, path, f"{path}/info", records.account, since, cursor)

    def read_services(self, since: datetime | None, cursor: str) -> Iterator[Page[ServiceRecord]]:
        """Read the catalogue."""
        path = "procurement/catalog"
        return read_with_fallback(self._client, path, f"{path}/info", records.service, since, cursor)

    def read_agreement_types(self) -> list[AgreementTypeRecord]:
        """Read the agreement types that the role may see."""
        rows = self._client.first_allowed("finance/agreements/types", "finance/agreements/types/info")
        return [AgreementTypeRecord(remote_id=row_id(row), name=text(row, "name")) for row in rows]

    def read_agreements(self, since: datetime | None, cursor: str) -> Iterator[Page[AgreementRecord]]:
        """Read agreements in every status."""
        cycles = self._billing_cycles()

        def to_record(row: Row) -> AgreementRecord:
            return records.agreement(row, cycles)

        return read_list(self._client, lines.AGREEMENTS, to_record, since=since, cursor=cursor)

    def read_lines(self, agreement_remote_ids: Sequence[str], cursor: str) -> Iterator[Page[LineRecord]]:
        """Read all lines of these agreements, several agreements at once."""
        return lines.read_lines(
            self._client,
            agreement_remote_ids,
            cursor,
            ends_inclusive=self._ends_inclusive,
            workers=self._workers,
        )

    def read_invoices(self, since: datetime | None, cursor: str) -> Iterator[Page[InvoiceRecord]]:
        """Read the headers of agreement invoices."""
        return read_list(
            self._client,
            "finance/invoices",
            records.invoice,
            since=since,
            cursor=cursor,
            conditions='type="Agreement"',
        )

    def read_boards(self) -> list[BoardRecord]:
        """Read the service boards with their statuses."""
        return tickets.read_boards(self._client, self._workers)

    def read_priorities(self) -> tuple[tuple[str, str], ...]:
        """Read the ticket priorities as (id, name)."""
        return tickets.read_priorities(self._client)

    def read_back(self, refs: Iterable[LineRef]) -> dict[LineRef, LineReading]:
        """Read these lines as they are now."""
        return lines.read_back(self._client, refs, ends_inclusive=self._ends_inclusive, workers=self._workers)

    def find(self, order: WriteOrder) -> Finding:
        """Say what ConnectWise holds for an order."""
        return push.find(self._client, order, self._ends_inclusive)

    def write(self, order: WriteOrder) -> str:
        """Write an order from where it stands, each call once."""
        return push.write(self._client, order, self._ends_inclusive)

    def find_added(self, order: AddOrder) -> Finding:
        """Say whether an agreement holds the line that was ordered."""
        return adding.find(self._client, order, self._ends_inclusive)

    def add_line(self, order: AddOrder) -> str:
        """Add a line, once."""
        return adding.write(self._client, order, self._ends_inclusive)

    def create_ticket(self, order: TicketOrder) -> Ticket:
        """Make a ticket unless the order's key has one already."""
        return tickets.create_ticket(self._client, order)

    def _billing_cycles(self) -> dict[str, str]:
        """Give billing options ("Monthly") by cycle id; empty when the role hides the table: names must do then."""
        try:
            rows = self._client.first_allowed("finance/billingCycles", "finance/billingCycles/info")
        except RemoteError as error:
            if error.status != 403:
                raise
            return {}
        return {row_id(row): text(row, "billingOptions") for row in rows}
