"""How the named units of a vendor account would be shared out to parts right now, and where names are missing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from vendors.counting import FIELDS, Named, Source, Split, adds_up, take_part
from vendors.models import NamedUnit, UsageCount, VendorAccount
from vendors.shape_records import Dated


@dataclass
class Taken:
    """What goes to one target: units by vendor service, and who some of them are."""

    units: list[tuple[str, Decimal]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[str]:
        return self.names[:3]

    @property
    def more(self) -> int:
        return len(self.names) - len(self.shown)


@dataclass
class Shares:
    """What each part takes, in their order, what is left, and the services whose names do not add up.

    Of those (name, named, counted) everything would be unknown: the rest as well as the parts.
    """

    parts: list[Taken]
    rest: Taken
    missing: list[tuple[str, Decimal, Decimal]]

    @property
    def is_empty(self) -> bool:
        return not self.rest.units and not any(part.units for part in self.parts) and not self.missing


def share_out(row: VendorAccount, parts: Sequence[Dated]) -> Shares:
    """Share out what a vendor account counts now: two queries. A part without a pattern takes nothing."""
    splits = [
        Split(id=n, field=one.field, pattern=one.pattern)
        for n, one in enumerate(parts)
        if one.pattern and one.field in FIELDS
    ]
    shares = Shares([Taken() for _ in parts], Taken(), [])
    for service, source in _sources(row):
        if not adds_up(source):
            named = sum((one.quantity for one in source.named), Decimal(0))
            shares.missing.append((service, named, source.units))
            continue
        for which in (None, *(one.id for one in splits)):
            taken = shares.rest if which is None else shares.parts[which]
            part = take_part(source, splits, which)
            if part.units:
                taken.units.append((service, part.units))
                taken.names += [one.name for one in part.named]
    return shares


def _sources(row: VendorAccount) -> list[tuple[str, Source]]:
    used = UsageCount.objects.filter(
        org_id=row.org_id, vendor_account=row, metric="used", superseded_at=None, quantity__gt=0,
        vendor_service__excluded_at=None,
    ).values_list("vendor_service_id", "vendor_service__name", "quantity")  # fmt: skip
    named: dict[int, list[Named]] = defaultdict(list)
    units = NamedUnit.objects.filter(org_id=row.org_id, vendor_account=row, gone_at=None, counts=True)
    for unit in units.order_by("name", "pk"):
        named[unit.vendor_service_id].append(unit.plain)
    return [
        (
            name,
            Source(
                integration=row.integration_id, vendor_account=row.pk, vendor_service=pk, units=quantity,
                named=tuple(named[pk]),
            ),
        )
        for pk, name, quantity in used.order_by("vendor_service__name", "vendor_service_id")
    ]  # fmt: skip
