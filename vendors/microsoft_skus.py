"""What is known of Microsoft's products (D7): a SKU's id never changes, its part number rarely, its name often.

The table is Microsoft's "Product names and service plan identifiers for licensing", as of September 2024
(facts/vendors/microsoft365.md). A newer one is read from the file that the setting MICROSOFT_SKUS_FILE names.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from django.conf import settings

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Our columns, and those that Microsoft's own file has for the same.
COLUMNS = {
    "sku_id": ("sku_id", "guid"),
    "part_number": ("part_number", "string_id"),
    "product_name": ("product_name", "product_display_name"),
}
# ISO 8601 durations of Partner Center, and the words of Pax8 and of invoices for the same.
TERMS = {
    "p1m": "P1M", "monthly": "P1M", "month": "P1M", "1-month": "P1M",
    "p1y": "P1Y", "annual": "P1Y", "1-year": "P1Y", "1 year": "P1Y", "one-year": "P1Y",
    "p3y": "P3Y", "3-year": "P3Y", "3 year": "P3Y", "three-year": "P3Y",
    "trial": "trial",
}  # fmt: skip


class Unreadable(ValueError):
    """A table without the columns of one; the sentence says which are missing."""


@dataclass(frozen=True)
class Sku:
    """A product: its id, and how it was written; the newest name comes first."""

    sku_id: str
    part_number: str
    names: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, str]:
        """What stands for it whatever it is called."""
        return self.sku_id, self.part_number


@dataclass(frozen=True)
class Offer:
    """What is sold: a product for a term, with what was committed to. The same product for another term is another."""

    product: str
    term: str = ""
    commitment: str = ""

    @property
    def key(self) -> str:
        """Name the offer in one text; parts that are not known are left out."""
        return "|".join(part for part in (self.product.casefold(), self.term, self.commitment) if part)


@dataclass
class Catalogue:
    """The table, found by id, part number and name."""

    by_id: dict[str, Sku] = field(default_factory=dict)
    by_part: Mapping[str, list[Sku]] = field(default_factory=dict)
    by_name: Mapping[str, list[Sku]] = field(default_factory=dict)
    skipped: int = 0

    def find(self, text: str) -> Sku | None:
        """Give the product that an id or a part number stands for; None when it is neither, or stands for several."""
        folded = text.strip().casefold()
        if folded in self.by_id:
            return self.by_id[folded]
        parts = self.by_part.get(folded, [])
        return parts[0] if len(parts) == 1 else None

    def called(self, name: str) -> list[Sku]:
        """Give the products of a name, old names too: one name may belong to several."""
        return list(self.by_name.get(fold_name(name), ()))

    def keys_of(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Give, for what stands for products, everything else that stands for the same ones."""
        given = [text for text in texts if text]
        known = [key for text in given if (sku := self.find(text)) for key in sku.keys]
        return tuple(dict.fromkeys([*given, *known]))


def read_term(text: str) -> str:
    """Read a term as ISO 8601 writes it, from any of the ways vendors write it; what is unknown stays as it is."""
    return TERMS.get(text.strip().casefold(), text.strip())


def fold_name(name: str) -> str:
    """Write a product's name as it is compared."""
    return " ".join(re.findall(r"\w+", name.casefold()))


def catalogue() -> Catalogue:
    """Give the table in force; it is read once, and again when the setting names another file or the file is newer."""
    path = settings.MICROSOFT_SKUS_FILE
    return _read_cached(path, Path(path).stat().st_mtime_ns if path else 0)


@lru_cache(maxsize=2)
def _read_cached(path: str, _changed: int) -> Catalogue:
    shipped = files("vendors") / "data" / "microsoft_skus.csv"
    text = Path(path).read_text(encoding="utf-8-sig") if path else shipped.read_text(encoding="utf-8")
    return read(text.splitlines())


def read(lines: Iterable[str]) -> Catalogue:
    """Read a table; rows that name no product by its id are counted and left out. Raises Unreadable."""
    found: dict[str, Sku] = {}
    skipped = 0
    for sku_id, part, name in _rows(lines):
        if not _ID.fullmatch(sku_id):
            skipped += 1
            continue
        known = found.get(sku_id)
        names = tuple(dict.fromkeys([*(known.names if known else ()), name]))
        found[sku_id] = Sku(sku_id, part, names)
    by_part, by_name = defaultdict(list), defaultdict(list)
    for sku in found.values():
        by_part[sku.part_number.casefold()].append(sku)
        for name in sku.names:
            by_name[fold_name(name)].append(sku)
    return Catalogue(found, by_part, by_name, skipped)


def _rows(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    reader = csv.reader(lines)
    head = [column.strip().casefold() for column in next(reader, [])]
    places = {}
    for column, titles in COLUMNS.items():
        place = next((head.index(title) for title in titles if title in head), None)
        if place is None:
            raise Unreadable(
                f"The table of Microsoft's products needs a column “{titles[0]}” or “{titles[1]}”."
            )
        places[column] = place
    for row in reader:
        if len(row) > max(places.values()):
            yield (
                row[places["sku_id"]].strip().casefold(),
                row[places["part_number"]].strip(),
                row[places["product_name"]].strip(),
            )
