"""A tiny PSA and a tiny vendor in memory behind the adapter interfaces, with planned accidents.

They are the other side, not stand-ins for our code: they hold records and give them page by page.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from psa.adapters.base import (
    AccountRecord,
    AgreementRecord,
    AgreementTypeRecord,
    BoardRecord,
    Credentials,
    Identity,
    InvoiceRecord,
    LineRecord,
    Page,
    PsaKind,
    ServiceRecord,
    WriteKind,
)
from reconcile.tenancy.scope import current_org_id
from vendors.adapters.base import (
    AccountOutcome,
    CountedItems,
    CountRecord,
    Item,
    NamedItems,
    Outcome,
    Progress,
    UsagePull,
    VendorAccountRecord,
    VendorCredentials,
    VendorIdentity,
    VendorKind,
    VendorServiceRecord,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class KilledError(BaseException):
    """The worker is gone at this very moment: nothing of ours may catch it."""


def nothing(*_: Any) -> None:
    """Happen."""


def as_it_is(_name: str, page: Page[Any]) -> Page[Any]:
    """Leave a page as it is."""
    return page


@dataclass
class PocketPsa:
    """What the PSA holds. `before` is called before each page with the list's name and the page's number."""

    accounts: list[AccountRecord] = field(default_factory=list)
    services: list[ServiceRecord] = field(default_factory=list)
    agreements: list[AgreementRecord] = field(default_factory=list)
    lines: list[LineRecord] = field(default_factory=list)
    invoices: list[InvoiceRecord] = field(default_factory=list)
    account: str = "pocket"
    page_size: int = 4
    pages_read: list[tuple[str, int]] = field(default_factory=list)
    since: list[datetime | None] = field(default_factory=list)
    before: Callable[[str, int], None] = nothing
    change: Callable[[str, Page[Any]], Page[Any]] = as_it_is

    def fill(self, accounts: int = 2, lines: int = 5) -> None:
        """Hold some accounts with an agreement each, and as many lines of one service in each."""
        self.services = [ServiceRecord(remote_id="s1", name="Backup", price=Decimal("4.50"))]
        for number in range(1, accounts + 1):
            self.accounts.append(AccountRecord(remote_id=f"a{number}", name=f"Account {number}"))
            self.agreements.append(
                AgreementRecord(
                    remote_id=f"g{number}",
                    account_remote_id=f"a{number}",
                    name=f"Agreement {number}",
                    type_remote_id="t1",
                )
            )
            self.lines += [
                LineRecord(
                    remote_id=f"l{number}.{nth}",
                    agreement_remote_id=f"g{number}",
                    service_remote_id="s1",
                    quantity=Decimal(nth),
                    unit_price=Decimal("4.50"),
                    starts_on=date(2026, 1, 1),
                )
                for nth in range(1, lines + 1)
            ]

    def bill(self, line: str, quantity: str) -> None:
        """Let somebody change a quantity in the PSA."""
        self.lines = [
            replace(one, quantity=Decimal(quantity)) if one.remote_id == line else one for one in self.lines
        ]

    def drop_lines(self, *ids: str) -> None:
        """Let somebody delete lines in the PSA."""
        self.lines = [line for line in self.lines if line.remote_id not in ids]


class PocketPsaAdapter:
    """Gives the records of a PocketPsa; a cursor is how many records were given."""

    key = "pocket_sync"
    write_kind = WriteKind.ABSOLUTE

    def __init__(self, psa: PocketPsa) -> None:
        self.psa = psa

    def identify(self) -> Identity:
        assert current_org_id() is None, "a call inside a transaction"
        return Identity(remote_account=self.psa.account, name=self.psa.account)

    def read_accounts(self, since: datetime | None, cursor: str) -> Iterator[Page[AccountRecord]]:
        self.psa.since.append(since)
        return self._pages("accounts", self.psa.accounts, cursor)

    def read_services(self, since: datetime | None, cursor: str) -> Iterator[Page[ServiceRecord]]:
        return self._pages("services", self.psa.services, cursor)

    def read_agreement_types(self) -> list[AgreementTypeRecord]:
        return [AgreementTypeRecord(remote_id="t1", name="Managed")]

    def read_agreements(self, since: datetime | None, cursor: str) -> Iterator[Page[AgreementRecord]]:
        return self._pages("agreements", self.psa.agreements, cursor)

    def read_lines(self, agreement_remote_ids: Sequence[str], cursor: str) -> Iterator[Page[LineRecord]]:
        wanted = [line for line in self.psa.lines if line.agreement_remote_id in agreement_remote_ids]
        return self._pages("lines", wanted, cursor)

    def read_invoices(self, since: datetime | None, cursor: str) -> Iterator[Page[InvoiceRecord]]:
        return self._pages("invoices", self.psa.invoices, cursor)

    def read_boards(self) -> list[BoardRecord]:
        return [BoardRecord(remote_id="b1", name="Billing", statuses=(("1", "New"), ("2", "Done")))]

    def _pages(self, name: str, records: Sequence[Any], cursor: str) -> Iterator[Page[Any]]:
        start, size = int(cursor or 0), self.psa.page_size
        for at in range(start, max(len(records), start + 1), size):
            assert current_org_id() is None, "a call inside a transaction"
            self.psa.before(name, at // size)
            self.psa.pages_read.append((name, at // size))
            end = at + size
            page = Page(
                records=records[at:end], cursor=str(end), last=end >= len(records), total=len(records)
            )
            yield self.psa.change(name, page)


@dataclass
class PocketVendor:
    """What the vendor's console holds: accounts by name, and counts by (account, service)."""

    accounts: list[str] = field(default_factory=list)
    counts: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, tuple[Outcome, str]] = field(default_factory=dict)
    names: dict[tuple[str, str], list[Item]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    complete: bool = True
    taken_at: datetime = NOON
    instance: str = "pocket-1"
    before: Callable[..., None] = nothing

    def count(self, account: str, service: str, quantity: str, unit: str = "device") -> None:
        """Hold a count of an account, which is listed from now on."""
        if account not in self.accounts:
            self.accounts.append(account)
        self.counts[account, service] = Decimal(quantity)
        self.units[service] = unit

    def name(self, account: str, service: str, *people: str) -> None:
        """Name who is behind a count: exactly these, all that the count is."""
        self.names[account, service] = [
            Item(external_id=f"id of {one}", name=one, kind="user", email=one) for one in people
        ]
        self.count(account, service, str(len(people)), "user")


class PocketVendorAdapter:
    """Gives what a PocketVendor holds."""

    key = "pocket_vendor"

    def __init__(self, vendor: PocketVendor) -> None:
        self.vendor = vendor

    def identify(self) -> VendorIdentity:
        return VendorIdentity(name="Pocket vendor", external_id=self.vendor.instance)

    def read_accounts(self) -> Iterator[Sequence[VendorAccountRecord]]:
        assert current_org_id() is None, "a call inside a transaction"
        self.vendor.before()
        for name in self.vendor.accounts:
            yield [VendorAccountRecord(external_id=name, name=name.title())]

    def read_usage(self, day: date, tell: Callable[[Progress], None]) -> UsagePull:
        assert current_org_id() is None, "a call inside a transaction"
        tell(Progress(done=1, total=len(self.vendor.counts), what="rows"))
        return UsagePull(
            taken_at=self.vendor.taken_at,
            counts=[
                CountRecord(
                    account_external_id=account,
                    service_external_id=service,
                    quantity=quantity,
                    as_of=self.vendor.taken_at,
                    source_refs=("row 1",),
                )
                for (account, service), quantity in self.vendor.counts.items()
            ],
            services=[
                VendorServiceRecord(external_id=service, name=service, unit=unit)
                for service, unit in self.vendor.units.items()
            ],
            complete=self.vendor.complete,
            outcomes=[
                AccountOutcome(account_external_id=account, outcome=outcome, reason=reason)
                for account, (outcome, reason) in self.vendor.outcomes.items()
            ],
        )

    def read_names(self, usage: UsagePull, tell: Callable[[Progress], None]) -> NamedItems:
        assert current_org_id() is None, "a call inside a transaction"
        tell(Progress(done=1, total=None, what="names"))
        return NamedItems(
            groups=tuple(
                CountedItems(account_external_id=account, service_external_id=service, items=tuple(items))
                for (account, service), items in self.vendor.names.items()
                if service not in self.vendor.unread
            ),
            whole=frozenset(self.vendor.units) - frozenset(self.vendor.unread),
            unread=self.vendor.unread,
        )


def psa_kind(psa: PocketPsa) -> PsaKind:
    """Give the registry line of the PSA in memory."""

    def build(_credentials: Credentials) -> Any:
        return PocketPsaAdapter(psa)

    return PsaKind(
        key=PocketPsaAdapter.key, label="Pocket PSA", fields=(), build=build, choices=lambda *_: []
    )


def vendor_kind(vendor: PocketVendor) -> VendorKind:
    """Give the registry line of the vendor in memory."""

    def build(_credentials: VendorCredentials) -> Any:
        return PocketVendorAdapter(vendor)

    return VendorKind(key=PocketVendorAdapter.key, label="Pocket vendor", fields=(), build=build)
