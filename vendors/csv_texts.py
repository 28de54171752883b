"""Reads CSV files as spreadsheets and people write them: encoding, separator and the case of the heads are theirs."""

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass

_SAMPLE = 8192
# What our own exports put before a text that a spreadsheet would read as a formula (reconcile.tables.inert).
_INERT = re.compile(r"^(\s*)'(?=[=+\-@|%])")


class Unreadable(Exception):
    """A file that is no table; the sentence says what is wrong with it and where."""


@dataclass(frozen=True)
class CsvTable:
    """The heads in small letters, and the rows by head, each with its line in the file."""

    heads: list[str]
    rows: list[tuple[int, dict[str, str]]]


def read_csv(data: bytes) -> CsvTable:
    """Read a table in UTF-8, UTF-16 or Windows-1252, parted by commas, semicolons or tabs; raises Unreadable."""
    text = _decode(data)
    reader = csv.DictReader(text.splitlines(keepends=True), delimiter=_find_separator(text))
    try:
        heads = [(field or "").strip().casefold() for field in reader.fieldnames or ()]
        reader.fieldnames = heads
        rows = [
            (reader.line_num, {key: _clean(value) for key, value in row.items() if isinstance(key, str)})
            for row in reader
        ]
    except csv.Error as error:
        raise Unreadable(f"line {reader.line_num}: {error}. Mend the file and try again.") from None
    return CsvTable(heads, rows)


def _clean(value: str | None) -> str:
    return _INERT.sub(r"\1", value or "").replace("\x00", "").strip()


def _decode(data: bytes) -> str:
    try:
        if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _find_separator(text: str) -> str:
    first = text[:_SAMPLE].partition("\n")[0]
    return max((",", ";", "\t"), key=first.count)
