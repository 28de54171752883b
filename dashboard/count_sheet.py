"""What a customer may be sent about one line: the units, their arithmetic, and who or what is behind them (D6, C7)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from dashboard import arithmetic, pairing, past_loading
from dashboard.arithmetic import Arithmetic
from dashboard.models import Card
from vendors.counting import Addend, Combine, Counted, Named, fold
from vendors.counting_words import say_not_taken
from vendors.models import Integration, VendorService


@dataclass(frozen=True)
class Behind:
    """A named user or device: what is counted of it, and why it is not, where it is not.

    `email` is empty where the name is the address.
    """

    name: str
    email: str
    what: str
    why: str = ""


@dataclass(frozen=True)
class CountSheet:
    """One line's count at a moment. `arithmetic` None: no source counts it. Unknown units are None, never zero.

    `sources`: the integrations whose counts are in it, each with its own as-of time.
    """

    card: Card
    made_at: datetime
    sources: tuple[Integration, ...]
    arithmetic: Arithmetic | None
    counted: tuple[Behind, ...] = ()
    left_out: tuple[Behind, ...] = ()

    @property
    def has_emails(self) -> bool:
        """Whether anybody has an address besides a name."""
        return any(one.email for one in (*self.counted, *self.left_out))

    @property
    def is_shared(self) -> bool:
        """Whether other lines bill the same count: nobody says which of the names are this line's."""
        return self.arithmetic is not None and self.arithmetic.is_shared

    @property
    def units(self) -> Decimal | None:
        found: Decimal | None = self.card.vendor_units
        return found


def read(card: Card) -> CountSheet:
    """Read a line's count with all names; needs the organization's scope. A fixed number of queries."""
    now = timezone.now()
    whole = past_loading.load(card.org_id, card.account_id, with_names=True)
    pairings = list(pairing.counted_to(card))
    pairs = [card.service_id, *(p.service_id for p in pairings)]
    counts = [whole.arithmetic((card.account_id, service), now) for service in pairs]
    every = [one for one in counts if one is not None]
    ids = {addend.source.vendor_service for one in every for addend in one.addends}
    products = dict(VendorService.objects.filter(org_id=card.org_id, pk__in=ids).values_list("pk", "name"))
    counted, left_out = _list_behind(every, products)
    return CountSheet(
        card=card,
        made_at=now,
        sources=_list_sources(card.org_id, every),
        arithmetic=arithmetic.explain(card, whole, now, pairings),
        counted=counted,
        left_out=left_out,
    )


def _list_sources(org_id: int, counts: list[Counted]) -> tuple[Integration, ...]:
    ids = {addend.source.integration for one in counts for addend in one.addends}
    return tuple(Integration.objects.filter(org_id=org_id, pk__in=ids).order_by("name"))


def _list_behind(
    counts: list[Counted], products: dict[int, str]
) -> tuple[tuple[Behind, ...], tuple[Behind, ...]]:
    """Put each named unit into exactly one of two lists: counted, or left out and why."""
    counted: list[Behind] = []
    left_out: list[Behind] = []
    for one in counts:
        seen: dict[str, str] = {}
        for addend, named in _each(one):
            what = products.get(addend.source.vendor_service, "")
            if not one.is_taken(addend.source):
                left_out.append(_behind(named, what, say_not_taken(one.rule.combine)))
            elif one.rule.combine is Combine.DISTINCT and named.key in seen:
                left_out.append(_behind(named, what, f"counted once, with {seen[named.key]}"))
            else:
                seen[named.key] = what
                counted.append(_behind(named, what))
        left_out += [
            _behind(named, products.get(addend.source.vendor_service, ""), "left out by the rule")
            for addend in one.addends
            for named in addend.left_out
        ]
    return _in_order(counted), _in_order(left_out)


def _each(counted: Counted) -> Iterator[tuple[Addend, Named]]:
    """Give the names that a rule keeps, in an order that reading does not change."""
    by_key: dict[tuple[str, int, str], list[tuple[Addend, Named]]] = defaultdict(list)
    for addend in counted.addends:
        for named in addend.kept:
            by_key[named.key, addend.source.vendor_service, named.name].append((addend, named))
    for key in sorted(by_key):
        yield from by_key[key]


def _behind(named: Named, what: str, why: str = "") -> Behind:
    email = named.traits.get("email", "")
    return Behind(named.name, "" if email == fold(named.name) else email, what, why)


def _in_order(rows: list[Behind]) -> tuple[Behind, ...]:
    return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.what)))
