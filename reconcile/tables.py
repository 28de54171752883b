"""Tables as files: columns and rows become CSV or XLSX, every number exact and every text inert (E14).

A cell is text, a Decimal or int, a date, an aware datetime, or None for what is unknown. Text from other people's
systems can never become a formula: in XLSX a text cell is typed as text, in CSV an apostrophe stands before what a
spreadsheet would take for one.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from babel.numbers import get_currency_precision
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import Cell as Written
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

Cell = str | int | Decimal | date | datetime | None

# A spreadsheet computes with doubles: what has more digits is written as text, so that none is lost.
EXACT_DIGITS = 15
LONGEST_TEXT = 32_767  # of an XLSX cell
WIDEST = 48  # characters of a column
# Whatever begins a formula somewhere: in Excel, LibreOffice and Sheets, and the wide forms that some of them fold.
FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212"
# What people and programs trim before they look: spaces seen and unseen, and quotation marks.
TRIMMED = "\\s'\"`\u00b4\u2018-\u201f\u00ab\u00bb\u00a0\u200b-\u200f\u2060\ufeff"
# A CSV that is split at another sign than its comma must not gain a formula either.
BEGINNING = re.compile(f"(^|[;|])(?=[{TRIMMED}]*[{FORMULA}])")
BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
# Shown as pictures of themselves; XML holds neither them nor the two that are no characters.
CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n\r"} | {
    0x7F: "\u2421", 0xFFFE: "\ufffd", 0xFFFF: "\ufffd"
}  # fmt: skip
ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True)
class Table:
    """One sheet: its title, the names of its columns, its rows, and what must be known to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    about: Sequence[tuple[str, Cell]] = field(default=())


def write_csv(table: Table) -> bytes:
    """Write a table as CSV (RFC 4180) in UTF-8 with a byte order mark, without which Excel garbles names."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(table.columns)
    writer.writerows([_in_csv(cell) for cell in row] for row in table.rows)
    return buffer.getvalue().encode("utf-8-sig")


def write_xlsx(tables: Sequence[Table]) -> bytes:
    """Write tables as the sheets of one workbook; what must be known to read them is on a sheet of its own, last."""
    book = Workbook(write_only=True)
    for table in tables:
        _write_sheet(book, table)
    for table in tables:
        if table.about:
            _write_sheet(book, Table(f"About {table.title}", ("About", "Value"), table.about))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def inert(text: str) -> str:
    """Give a text that no spreadsheet reads from a CSV as a formula; all that is added is an apostrophe."""
    one_line = BREAKS.sub(" ", text.translate(CONTROLS))
    return BEGINNING.sub(r"\1'", one_line)


def trim(value: Decimal | None) -> Decimal | None:
    """Give units without zeros after their last digit: 12.000000 is 12."""
    if value is None:
        return None
    whole = value.to_integral_value()
    return whole.quantize(Decimal(1)) if value == whole else value.normalize()


def pad(value: Decimal | None, currency: str) -> Decimal | None:
    """Give an amount with its currency's decimals, and more only where it has more; nothing is rounded."""
    if value is None:
        return None
    places, short = get_currency_precision(currency or "USD"), value.normalize()
    exponent = short.as_tuple().exponent
    return (
        short
        if isinstance(exponent, int) and -exponent > places
        else value.quantize(Decimal(1).scaleb(-places))
    )


def _in_csv(cell: Cell) -> str | Decimal | int | None:
    if isinstance(cell, str):
        return inert(cell)
    if isinstance(cell, datetime):
        return f"{cell.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(cell, date):
        return cell.isoformat()
    # Not str(): it writes 0E-6.
    return _Digits(f"{cell:f}") if isinstance(cell, Decimal) else cell


class _Digits(Decimal):
    """A number that writes itself as its digits stand, and that the CSV writer does not quote."""

    def __str__(self) -> str:
        return f"{self:f}"


def _write_sheet(book: Workbook, table: Table) -> None:
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", table.title)[:31])
    sheet.freeze_panes = "A2"
    for place, width in enumerate(_widths(table), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    heads = []
    for name in table.columns:
        head = _text(sheet, name)
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="E8EFEE")
        heads.append(head)
    sheet.append(heads)
    for row in table.rows:
        sheet.append([_in_xlsx(sheet, cell) for cell in row])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{len(table.rows) + 1}"


def _widths(table: Table) -> list[int]:
    """Give widths that show most of what the first rows hold."""
    rows = [table.columns, *table.rows[:200]]
    return [min(WIDEST, 3 + max(_width(cell) for cell in column)) for column in zip(*rows, strict=True)]


def _width(cell: Cell) -> int:
    return 19 if isinstance(cell, datetime) else len(str(cell if cell is not None else ""))


def _in_xlsx(sheet: Any, cell: Cell) -> Written | None:
    if cell is None:
        return None
    if isinstance(cell, str):
        return _text(sheet, cell)
    if isinstance(cell, date):
        return _day(sheet, cell)
    number = Decimal(cell)
    if len(number.normalize().as_tuple().digits) > EXACT_DIGITS:
        long = _text(sheet, f"{number:f}")
        long.alignment = Alignment(horizontal="right")
        return long
    written = _cell(sheet, number)
    exponent = number.as_tuple().exponent
    written.number_format = _number_format(max(0, -exponent) if isinstance(exponent, int) else 0)
    return written


@cache
def _number_format(places: int) -> str:
    """Show exactly the decimals that a number has."""
    return "#,##0" + ("." + "0" * places if places else "")


def _day(sheet: Any, cell: date) -> Written:
    is_moment = isinstance(cell, datetime)
    # A spreadsheet knows no time zones; the column's name says UTC.
    plain = cell.astimezone(UTC).replace(tzinfo=None, microsecond=0) if isinstance(cell, datetime) else cell
    written = _cell(sheet, plain)
    written.number_format = "yyyy-mm-dd hh:mm:ss" if is_moment else "yyyy-mm-dd"
    return written


def _cell(sheet: Any, value: Any) -> Written:
    return WriteOnlyCell(sheet, value=value)


def _text(sheet: Any, text: str) -> Written:
    """Make a cell that is text and stays text when somebody edits it, whatever it begins with."""
    shown = ESCAPED.sub("_x005F_", text.translate(CONTROLS))
    if len(shown) > LONGEST_TEXT:
        shown = f"{shown[: LONGEST_TEXT - 40]} … (cut, {len(text):,} characters)"
    cell = _cell(sheet, shown)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell
