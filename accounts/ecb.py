"""The European Central Bank's files of reference rates, eurofxref: XML and CSV, one day or all days (G1)."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from accounts.currencies import list_known
from accounts.exchange import ECB, PIVOT, Rate

FIRST_DAY = date(1999, 1, 4)
HIGHEST = Decimal(10) ** 9
NUMBER = re.compile(r"\d{1,9}(\.\d{1,12})?", re.ASCII)
# The all-days file says so where a currency had no rate on a day.
NONE = ("", "N/A")
SHOWN_ERRORS = 10
NOT_OURS = (
    "This is not a file of the European Central Bank's reference rates. Download eurofxref-daily.xml, "
    "eurofxref-hist.xml, or the CSV from its site, unzip it if it is a ZIP, and choose it as it is."
)


class Unreadable(Exception):
    """A file that was refused as a whole: a sentence for people, and what is wrong row by row."""

    def __init__(self, sentence: str, rows: list[str] | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.rows = rows or []


class _BadRow(Exception):
    """What is wrong with one row."""


@dataclass
class _Reader:
    """Collects what a file says, and what is wrong with it."""

    today: date
    rates: dict[tuple[str, date], Rate] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Note what is wrong at a place of the file, and go on behind it."""
        try:
            yield
        except _BadRow as bad:
            self.errors.append(f"{where}: {bad}")

    def day(self, text: str) -> date:
        """Read a day as the files write it: 2026-11-24, or 24 November 2026."""
        for pattern in ("%Y-%m-%d", "%d %B %Y"):
            try:
                day = datetime.strptime(text.strip(), pattern).replace(tzinfo=UTC).date()
            except ValueError:
                continue
            if FIRST_DAY <= day <= self.today:
                return day
            raise _BadRow(f"{text.strip()} is not a day between 4 January 1999 and today")
        raise _BadRow(f"“{text.strip()[:30]}” is not a date")

    def add(self, code: str, text: str, on: date) -> None:
        """Keep one rate."""
        if not code:
            raise _BadRow("the currency is missing")
        if code not in list_known() or code == PIVOT:
            raise _BadRow(f"“{code[:10]}” is not a currency")
        rate = _decimal(text)
        if rate is None:
            raise _BadRow(f"the rate of {code}, “{text.strip()[:30]}”, is not a number above zero")
        if (code, on) in self.rates:
            raise _BadRow(f"{code} of {on} is in the file twice")
        self.rates[code, on] = Rate(PIVOT, code, rate, on, ECB)


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip()) if NUMBER.fullmatch(text.strip()) else None
    except InvalidOperation:
        return None
    return value if value is not None and 0 < value < HIGHEST else None


def read(content: bytes, today: date) -> list[Rate]:
    """Read a whole file; gives its rates per 1 EUR, oldest first. Raises Unreadable, and then nothing of it counts."""
    reader = _Reader(today)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        _read_xml(content, reader)
    else:
        _read_csv(content, reader)
    if reader.errors:
        number = len(reader.errors)
        rest = [f"and {number - SHOWN_ERRORS:,} more"] if number > SHOWN_ERRORS else []
        raise Unreadable(
            f"{number:,} row{'' if number == 1 else 's'} of the file cannot be read, so nothing was imported. "
            "Download it again, or mend these rows.",
            [*reader.errors[:SHOWN_ERRORS], *rest],
        )
    if not reader.rates:
        raise Unreadable(NOT_OURS)
    return sorted(reader.rates.values(), key=lambda rate: (rate.on, rate.quote))


def _read_xml(content: bytes, reader: _Reader) -> None:
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Unreadable(NOT_OURS) from None
    if not root.tag.endswith("}Envelope"):
        raise Unreadable(NOT_OURS)
    for number, dated in enumerate(_cubes(root, "time"), 1):
        with reader.at(f"Day {number}"):
            on = reader.day(dated.get("time", ""))
            for entry in dated:
                with reader.at(f"Day {number}, {on}"):
                    reader.add(entry.get("currency", "").strip(), entry.get("rate", ""), on)


def _cubes(root: Element, having: str) -> list[Element]:
    return [one for one in root.iter() if one.tag.endswith("}Cube") and having in one.attrib]


def _read_csv(content: bytes, reader: _Reader) -> None:
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        codes = [code.strip() for code in next(lines, [])]
        if codes[:1] != ["Date"] or len(codes) < 2:
            raise Unreadable(NOT_OURS)
        for row in lines:
            if any(value.strip() for value in row):
                _read_row(codes, row, f"Row {lines.line_num}", reader)
    except (UnicodeDecodeError, csv.Error):
        raise Unreadable(NOT_OURS) from None


def _read_row(codes: list[str], row: list[str], where: str, reader: _Reader) -> None:
    with reader.at(where):
        if len(row) != len(codes):
            raise _BadRow(f"it has {len(row)} columns, and the first row has {len(codes)}")
        on = reader.day(row[0])
        for code, text in zip(codes[1:], row[1:], strict=True):
            # The files end each row with a comma, and so with a column without a name.
            if text.strip() not in NONE:
                with reader.at(where):
                    reader.add(code, text, on)
