"""What every PSA adapter speaks: typed records out, one careful write in; no ORM here."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

Record_co = TypeVar("Record_co", covariant=True)


class WriteKind(StrEnum):
    """What a repeated write does: an absolute one lands on the same number, a delta adds again."""

    ABSOLUTE = "absolute"
    DELTA = "delta"


class Way(StrEnum):
    """How a quantity is written: on the line itself, by a dated line that follows it, or by a line of its own."""

    IN_PLACE = "in_place"
    SPLIT = "split"
    ADD = "add"


# The ways in which a line that exists gets another quantity.
CHANGES = (Way.IN_PLACE, Way.SPLIT)


@dataclass(frozen=True, kw_only=True)
class AccountRecord:
    """The MSP's customer as the PSA holds it."""

    remote_id: str
    name: str
    identifier: str = ""
    status: str = ""
    active: bool = True
    prospect: bool = False
    deleted: bool = False
    remote_version: str = ""


@dataclass(frozen=True, kw_only=True)
class ServiceRecord:
    """A product of the PSA's catalogue; money in the connection's currency, per unit."""

    remote_id: str
    name: str
    identifier: str = ""
    price: Decimal | None = None
    cost: Decimal | None = None
    unit: str = ""
    part_number: str = ""
    vendor_sku: str = ""
    product_class: str = ""
    active: bool = True
    remote_version: str = ""


@dataclass(frozen=True, kw_only=True)
class AgreementTypeRecord:
    remote_id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class AgreementRecord:
    """A contract that holds lines. `recurring` is false for cycles "none" and not recurring."""

    remote_id: str
    account_remote_id: str
    name: str
    type_remote_id: str = ""
    type_name: str = ""
    active: bool = True
    status: str = ""
    recurring: bool = True
    billing_cycle: str = ""
    prorate: bool = False
    period_type: str = ""
    next_invoice_on: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    currency: str = ""
    remote_version: str = ""


@dataclass(frozen=True, kw_only=True)
class LineRecord:
    """One agreement line. Units are Decimals; `billable` is false for "do not bill" and "no charge".

    `ends_on` is the last billed day, inclusive, whatever the PSA's own convention is.
    """

    remote_id: str
    agreement_remote_id: str
    service_remote_id: str
    quantity: Decimal
    included: Decimal = Decimal(0)
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    billable: bool = True
    starts_on: date | None = None
    ends_on: date | None = None
    description: str = ""
    remote_version: str = ""


@dataclass(frozen=True, kw_only=True)
class InvoiceRecord:
    remote_id: str
    number: str
    account_remote_id: str
    agreement_remote_id: str = ""
    issued_on: date | None = None
    due_on: date | None = None
    subtotal: Decimal | None = None
    total: Decimal | None = None
    currency: str = ""
    status: str = ""


@dataclass(frozen=True, kw_only=True)
class BoardRecord:
    remote_id: str
    name: str
    statuses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Record_co]):
    """A chunk of one list: records in the order read, how many are known to exist, where to go on.

    `cursor` lets a later read of the same list start after this chunk; `last` is true on the
    chunk that proves that the list was read to its end.
    """

    records: Sequence[Record_co]
    cursor: str
    last: bool
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who answered: printed on the connect screen, compared before each push (`remote_account`)."""

    remote_account: str
    name: str
    version: str = ""
    base_url: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One row of the permission table. `state`: ok, missing, too_wide or unknown ("cannot verify")."""

    need: str
    where: str
    level: str
    why: str
    state: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class LineRef:
    agreement_remote_id: str
    line_remote_id: str


@dataclass(frozen=True, kw_only=True)
class LineReading:
    """A line as the PSA holds it right now. `missing` when the PSA says it is gone."""

    ref: LineRef
    quantity: Decimal
    remote_version: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    included: Decimal = Decimal(0)
    service_remote_id: str = ""
    account_remote_id: str = ""
    prorate: bool | None = None
    unit_price: Decimal | None = None
    unit_cost: Decimal | None = None
    billable: bool = True
    description: str = ""
    missing: bool = False


@dataclass(frozen=True, kw_only=True)
class WriteOrder:
    """One intended write. `seen` is the quantity the person saw, `wanted` the quantity to be billed.

    For Way.SPLIT `effective_on` is the first day of the new quantity; for Way.IN_PLACE it is only said.
    `key` names the push and never changes between its attempts.
    """

    ref: LineRef
    service_remote_id: str
    way: Way
    seen: Decimal
    wanted: Decimal
    effective_on: date
    key: str


@dataclass(frozen=True, kw_only=True)
class AddOrder:
    """One intended line: `wanted` units of a service in an agreement, billed from `effective_on` on.

    `unit_price` is the price that the person saw, in the agreement's currency; None leaves it to the PSA.
    No PSA promises that a second arrival of it changes nothing, so it is found again before it is sent again.
    """

    account_remote_id: str
    agreement_remote_id: str
    service_remote_id: str
    wanted: Decimal
    unit_price: Decimal | None
    effective_on: date
    key: str


class Applied(StrEnum):
    """What a read says about an order: nothing yet, all of it, half of a two-step write, something else."""

    NOT = "not"
    DONE = "done"
    HALF = "half"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the PSA holds for an order now. `line` is the line that carries the wanted quantity when done."""

    applied: Applied
    reading: LineReading
    line_remote_id: str = ""
    sentence: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An offered effective date with its honest consequence ("takes effect 1 Dec, no proration")."""

    way: Way
    effective_on: date
    label: str
    help: str
    default: bool = False


@dataclass(frozen=True, kw_only=True)
class TicketOrder:
    account_remote_id: str
    summary: str
    body: str
    key: str
    board_remote_id: str = ""
    status_remote_id: str = ""
    priority_remote_id: str = ""
    agreement_remote_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Ticket:
    remote_id: str
    created: bool


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a connection needs to speak: fields by name, secret ones already unsealed."""

    org_id: int
    connection_id: int
    base_url: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Never print a field: one of them is the key."""
        return f"Credentials(org_id={self.org_id}, connection_id={self.connection_id}, base_url={self.base_url!r})"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input of the connect form."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    help: str = ""
    initial: str = ""


class PsaAdapter(Protocol):
    """One connected PSA. All methods do HTTP and raise only `reconcile.http.errors.RemoteError`.

    Lists are iterators of pages so that a sync can stage, show progress and resume at `cursor`
    ("" starts at the beginning). `since` set means a quick read: only what changed after it.
    """

    key: str
    write_kind: WriteKind

    def identify(self) -> Identity: ...
    def check_permissions(self) -> list[Permission]: ...
    def read_accounts(self, since: datetime | None, cursor: str) -> Iterator[Page[AccountRecord]]: ...
    def read_services(self, since: datetime | None, cursor: str) -> Iterator[Page[ServiceRecord]]: ...
    def read_agreement_types(self) -> list[AgreementTypeRecord]: ...
    def read_agreements(self, since: datetime | None, cursor: str) -> Iterator[Page[AgreementRecord]]: ...
    def read_lines(self, agreement_remote_ids: Sequence[str], cursor: str) -> Iterator[Page[LineRecord]]: ...
    def read_invoices(self, since: datetime | None, cursor: str) -> Iterator[Page[InvoiceRecord]]: ...
    def read_boards(self) -> list[BoardRecord]: ...
    def read_back(self, refs: Iterable[LineRef]) -> dict[LineRef, LineReading]: ...
    def find(self, order: WriteOrder) -> Finding: ...
    def write(self, order: WriteOrder) -> str:
        """Send once, never retried; answers the PSA's reply in one redacted line for the audit trail.

        A two-step write goes on where `find` says it stopped. Raises RemoteError; the caller then
        knows nothing and must `find` again.
        """
        ...

    def create_ticket(self, order: TicketOrder) -> Ticket: ...


class AddsLines(Protocol):
    """What an adapter speaks too when its PSA lets a line be added to an agreement (`PsaKind.adding`)."""

    def find_added(self, order: AddOrder) -> Finding:
        """Say what the PSA holds for the order now.

        NOT: no line of this service is billed there from that day on, and the agreement can take one. DONE: exactly
        the line that was ordered is there, and no other of the service. OTHER: anything else, said in the sentence.
        """
        ...

    def add_line(self, order: AddOrder) -> str:
        """Send once, never retried, after one more look; gives the PSA's reply in one redacted line."""
        ...


@dataclass(frozen=True, kw_only=True)
class PsaKind:
    """A registry line: how to name, ask for and build one kind of PSA.

    `regions` are (base URL, label) of the cloud hosts; `self_hosted` allows a typed address. `adding` gives the
    honest days for a new line of an agreement, pure; None when lines cannot be added there (see `AddsLines`).
    """

    key: str
    label: str
    fields: tuple[Field, ...]
    build: Callable[[Credentials], PsaAdapter]
    choices: Callable[
        [AgreementRecord, date], list[Choice]
    ]  # pure: which effective dates are honest on a day
    self_hosted: bool = False
    regions: tuple[tuple[str, str], ...] = ()
    key_help: str = ""
    write_kind: WriteKind = WriteKind.ABSOLUTE
    adding: Callable[[AgreementRecord, date], list[Choice]] | None = None
