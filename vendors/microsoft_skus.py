"""What is known of Microsoft's products (D7): a SKU's id never changes, its part number rarely, its name often.

The table is Microsoft's "Product names and service plan identifiers for licensing", as of September 2024
(facts/vendors/microsoft365.md). A newer one is read from the file that the setting MICROSOFT_SKUS_FILE names; what
the shipped one calls a product is then a former name of it.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks

from vendors.csv_texts import Unreadable, read_csv
from vendors.products import Product, fold_product, read_terms, strip_terms

_log = logging.getLogger(__name__)
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")
# Our columns, and those that Microsoft's own file has for the same.
COLUMNS = {
    "sku_id": ("sku_id", "guid"),
    "part_number": ("part_number", "string_id"),
    "product_name": ("product_name", "product_display_name"),
}
Row = tuple[str, str, str]


@dataclass(frozen=True)
class Sku:
    """A product: its id, and how it was written; the newest part number and name come first."""

    sku_id: str
    part_numbers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """What stands for it whatever it is called."""
        return self.sku_id, *self.part_numbers


@dataclass
class Catalogue:
    """The table, found by id, part number and name. A `problem` says why a newer one is not in force."""

    by_id: dict[str, Sku] = field(default_factory=dict)
    by_part: Mapping[str, list[Sku]] = field(default_factory=dict)
    by_name: Mapping[str, list[Sku]] = field(default_factory=dict)
    skipped: int = 0
    problem: str = ""

    def find(self, texts: Iterable[str]) -> list[Sku]:
        """Give the products that ids within the texts stand for; without any id, those that part numbers stand for."""
        folded = [text.strip().casefold() for text in texts]
        ids = {sku_id for text in folded for sku_id in _ID.findall(text) if sku_id in self.by_id}
        if not ids:
            parts = [one for text in folded for one in (text, strip_terms(text))]
            ids = {sku.sku_id for part in parts if part for sku in self.by_part.get(part, ())}
        return [self.by_id[sku_id] for sku_id in sorted(ids)]

    def called(self, name: str) -> list[Sku]:
        """Give the products of a name, old names too: one name may belong to several."""
        return list(self.by_name.get(fold_product(name), ()))

    def keys_of(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Give, for what stands for products, everything else that stands for the same ones."""
        given = [text for text in texts if text]
        known = [key for text in given if len(found := self.find([text])) == 1 for key in found[0].keys]
        return tuple(dict.fromkeys([*given, *known]))

    def describe(self, name: str, texts: Sequence[str]) -> Product:
        """Say what a service of this name, with these keys, stands for."""
        given = [text for text in texts if text]
        keyed, called = self.find(given), self.called(name) or self.find([name])
        names = [other for sku in keyed or called for other in (*sku.names, *sku.part_numbers)]
        return Product(
            ids=frozenset(sku.sku_id for sku in keyed),
            names=tuple(dict.fromkeys([name, *names])),
            shares_name=len(called) > 1,
            terms=read_terms([name, *given]),
        )


def catalogue() -> Catalogue:
    """Give the table in force; it is read once, and again when the setting names another file or the file is newer."""
    path = settings.MICROSOFT_SKUS_FILE
    try:
        changed = Path(path).stat().st_mtime_ns if path else 0
    except OSError:
        changed = 0
    return _read_cached(path, changed)


@checks.register
def check_file(**kwargs: Any) -> list[checks.CheckMessage]:
    """A newer table that is named can be read."""
    problem = catalogue().problem
    return [checks.Warning(problem, id="vendors.W001")] if problem else []


@lru_cache(maxsize=2)
def _read_cached(path: str, _changed: int) -> Catalogue:
    shipped = _rows((files("vendors") / "data" / "microsoft_skus.csv").read_bytes())
    if not path:
        return read(shipped)
    try:
        newer = _rows(Path(path).read_bytes())
        if not read(newer).by_id:
            raise Unreadable("No row of it has the id of a product.")
    except (OSError, Unreadable) as error:
        why = f"{error.strerror}." if isinstance(error, OSError) else str(error)
        found = read(shipped)
        found.problem = (
            f"MICROSOFT_SKUS_FILE: {path} cannot be used: {why} Who runs this installation must mend the file or the "
            "setting. Until then Microsoft's products are known as the shipped table of September 2024 names them."
        )
        _log.error(found.problem)
        return found
    return read([*newer, *shipped])


def read(rows: Iterable[Row]) -> Catalogue:
    """Read a table, the newest rows first; rows that name no product by its id are counted and left out."""
    found: dict[str, Sku] = {}
    skipped = 0
    for sku_id, part, name in rows:
        if not _ID.fullmatch(sku_id):
            skipped += 1
            continue
        known = found.get(sku_id, Sku(sku_id))
        found[sku_id] = Sku(sku_id, _add(known.part_numbers, part), _add(known.names, name))
    by_part, by_name = defaultdict(list), defaultdict(list)
    for sku in found.values():
        for part in dict.fromkeys(part.casefold() for part in sku.part_numbers):
            by_part[part].append(sku)
        for name in dict.fromkeys(fold_product(name) for name in sku.names):
            by_name[name].append(sku)
    return Catalogue(found, by_part, by_name, skipped)


def _add(known: tuple[str, ...], text: str) -> tuple[str, ...]:
    return known if not text or text in known else (*known, text)


def _rows(data: bytes) -> list[Row]:
    """Give a file's rows as id, part number and name; raises Unreadable."""
    table = read_csv(data)
    heads = []
    for titles in COLUMNS.values():
        head = next((title for title in titles if title in table.heads), None)
        if head is None:
            raise Unreadable(f"It needs a column “{titles[0]}” or “{titles[1]}”.")
        heads.append(head)
    return [_row(row, heads) for _, row in table.rows]


def _row(row: Mapping[str, str], heads: Sequence[str]) -> Row:
    sku_id, part, name = (row[head] for head in heads)
    return sku_id.casefold(), part, name
