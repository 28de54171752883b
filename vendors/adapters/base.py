"""What every vendor adapter speaks: accounts, services and counts with an explicit completeness; no ORM here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class AccountKind(StrEnum):
    CUSTOMER = "customer"
    RESELLER = "reseller"
    PROVIDER = "provider"
    SITE = "site"


class Metric(StrEnum):
    """What a count means (facts/vendors/README §2)."""

    USED = "used"
    BILLABLE = "billable"
    PURCHASED = "purchased"
    ASSIGNED = "assigned"


class Outcome(StrEnum):
    """How reading one account went. Only OK lets an absent count become zero."""

    OK = "ok"
    STALE = "stale"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class VendorAccountRecord:
    """The vendor's customer. `crm_ref` is the PSA key that the vendor carries, if any."""

    external_id: str
    name: str
    parent_external_id: str = ""
    kind: AccountKind = AccountKind.CUSTOMER
    status: str = "active"
    crm_ref: str = ""


@dataclass(frozen=True, kw_only=True)
class VendorServiceRecord:
    """The vendor's product; `unit` is what one unit of its counts is (device, user, GB ...)."""

    external_id: str
    name: str
    unit: str = ""
    category: str = ""


@dataclass(frozen=True, kw_only=True)
class CountRecord:
    """A quantity of a service for an account on a day, already in `unit`s, summed over the vendor's rows."""

    account_external_id: str
    service_external_id: str
    quantity: Decimal
    as_of: datetime
    metric: Metric = Metric.USED
    source_refs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AccountOutcome:
    account_external_id: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class UsagePull:
    """One pull of an instance. `complete` only when every page was read and the totals agree.

    `outcomes` names the accounts that are not OK; an account without an entry is OK.
    """

    taken_at: datetime
    counts: Sequence[CountRecord]
    services: Sequence[VendorServiceRecord]
    complete: bool
    outcomes: Sequence[AccountOutcome] = ()
    warnings: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a pull is: `total` is None while unknown."""

    done: int
    total: int | None
    what: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """A named unit behind a count."""

    external_id: str
    name: str
    kind: str
    last_seen: datetime | None = None
    counts: bool = True
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class VendorIdentity:
    name: str
    external_id: str
    version: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VendorCredentials:
    """What an integration needs to speak: fields by name, secret ones already unsealed."""

    org_id: int
    integration_id: int
    base_url: str
    fields: Mapping[str, str] = field(default_factory=dict)
    verify: bool | str = True

    def __repr__(self) -> str:
        """Never print a field: one of them is the key."""
        return f"VendorCredentials(org_id={self.org_id}, integration_id={self.integration_id})"


@dataclass(frozen=True, kw_only=True)
class VendorField:
    """One input of the connect form. Fields that name the same `way` to sign in are asked for together."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    help: str = ""
    initial: str = ""
    way: str = ""


class VendorAdapter(Protocol):
    """One connected vendor instance. All methods do HTTP and raise only `reconcile.http.errors.RemoteError`."""

    key: str

    def identify(self) -> VendorIdentity: ...
    def read_accounts(self) -> Iterator[Sequence[VendorAccountRecord]]:
        """Yield accounts in chunks; the generator ends only when every page was read, else it raises."""
        ...

    def read_usage(self, day: date, tell: Callable[[Progress], None]) -> UsagePull:
        """Read the counts as of `day` (UTC) or the latest complete day before it; `tell` hears progress."""
        ...

    def read_items(self, account_external_id: str, service_external_id: str) -> list[Item]: ...


@dataclass(frozen=True, kw_only=True)
class VendorKind:
    """A registry line: how to name, ask for and build one kind of vendor."""

    key: str
    label: str
    fields: tuple[VendorField, ...]
    build: Callable[[VendorCredentials], VendorAdapter]
    self_hosted: bool = True
    address_help: str = ""
