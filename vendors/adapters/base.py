"""What every vendor adapter speaks: accounts, services and counts with an explicit completeness; no ORM here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from vendors.counting import FIELDS, fold


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
class Item:
    """A named unit behind a count; `quantity` is how much of the count it is.

    `identity` is what other vendors call the same one too: of a person the e-mail or user name, of a device the host
    name. A name for show is none: two people may share it. What the vendor does not say is empty.
    """

    external_id: str
    name: str
    kind: str
    identity: str = ""
    email: str = ""
    domain: str = ""
    group: str = ""
    site: str = ""
    quantity: Decimal = Decimal(1)
    last_seen: datetime | None = None
    counts: bool = True
    reason: str = ""

    def key(self, integration_id: int) -> str:
        """Give what tells it from others: its folded identity, else its own id, which is one's in its integration."""
        return fold(self.identity or self.email) or f"{integration_id}:{self.external_id}"

    @property
    def traits(self) -> dict[str, str]:
        """What a filter may ask for, folded; what is not known is not there."""
        said = {name: fold(str(getattr(self, name))) for name in FIELDS}
        said["domain"] = said["domain"] or said["email"].partition("@")[2]
        return {name: text for name, text in said.items() if text}


@dataclass(frozen=True, kw_only=True)
class CountedItems:
    """The named units behind one service's count in one account."""

    account_external_id: str
    service_external_id: str
    items: tuple[Item, ...]


@dataclass(frozen=True, kw_only=True)
class NamedItems:
    """Who stands behind the counts of a pull.

    `whole` are the services whose lists were read to their end: only of these a name that is missing is gone.
    `unread` says of other services why their names are not known this time.
    """

    groups: tuple[CountedItems, ...] = ()
    whole: AbstractSet[str] = frozenset()
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class UsagePull:
    """One pull of an instance. `complete` only when every page was read and the totals agree.

    `outcomes` names the accounts that are not OK; an account without an entry is OK. `items` are the named units,
    where they were asked for.
    """

    taken_at: datetime
    counts: Sequence[CountRecord]
    services: Sequence[VendorServiceRecord]
    complete: bool
    outcomes: Sequence[AccountOutcome] = ()
    warnings: Sequence[str] = ()
    items: NamedItems = NamedItems()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a pull is: `total` is None while unknown."""

    done: int
    total: int | None
    what: str


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
    def read_names(self, usage: UsagePull, tell: Callable[[Progress], None]) -> NamedItems:
        """Read all named units behind the counts of a pull, in whole lists and not account by account.

        A list that cannot be read leaves its services in `unread` and raises nothing: the counts stand without names.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class VendorKind:
    """A registry line: how to name, ask for and build one kind of vendor."""

    key: str
    label: str
    fields: tuple[VendorField, ...]
    build: Callable[[VendorCredentials], VendorAdapter]
    self_hosted: bool = True
    address_help: str = ""
    # What it gives names of, for people; empty when it names nothing behind its counts.
    names_help: str = ""
