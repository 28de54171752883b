"""E14: tables as CSV and XLSX, every number exact, unknown empty, and sixty and more hostile cells inert."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.tables import Table, pad, trim, write_csv, write_xlsx
from tests.exports.hostile import CELLS

BEGINS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
TRIMMED = " \t\r\n\v\f\"'`\u00a0\u200b\u3000\ufeff\x85\u2028\u2029\u201c\u201d"


def read_csv(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def read_xlsx(content: bytes, sheet: int = 0) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(content)).worksheets[sheet].iter_rows())


def one_column(cells: Iterable[Any]) -> Table:
    return Table("Cells", ("Cell",), [[cell] for cell in cells])


def letters(text: str) -> str:
    """Give what a person recognizes of a text: neither marks around it nor what no screen shows."""
    return re.sub(r"[^\w=+@|!/.-]", "", text)


def test_e14_there_are_sixty_hostile_cells() -> None:
    assert len(set(CELLS)) >= 60


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_e14_no_hostile_cell_begins_like_a_formula_in_a_csv_however_it_is_split(delimiter: str) -> None:
    rows = read_csv(write_csv(one_column(CELLS)), delimiter)
    pieces = [piece for row in rows[1:] for piece in row]
    assert [piece for piece in pieces if piece.lstrip(TRIMMED.replace("'", ""))[:1] in tuple(BEGINS)] == []
    assert [piece for piece in pieces if piece[:1] in tuple("\t\r\n")] == []


def test_e14_a_hostile_cell_stays_one_cell_that_people_recognize() -> None:
    rows = read_csv(write_csv(one_column(CELLS)))[1:]
    assert [len(row) for row in rows] == [1] * len(CELLS)
    assert [letters(cell) for (cell,) in rows] == [letters(cell) for cell in CELLS]


def test_e14_a_hostile_cell_is_text_in_xlsx_and_stays_text_when_edited() -> None:
    content = write_xlsx([one_column(CELLS)])
    cells = [row[0] for row in read_xlsx(content)][1:]
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.quotePrefix for cell in cells)
    assert [letters(str(cell.value)) for cell in cells] == [letters(cell) for cell in CELLS[:-6]] + [
        letters(cell.replace("_x003D_", "_x005F_x003D_")) for cell in CELLS[-6:]
    ]
    parts = zipfile.ZipFile(io.BytesIO(content))
    sheets = b"".join(parts.read(name) for name in parts.namelist() if "worksheets/" in name)
    assert b"<f>" not in sheets
    assert b"<f " not in sheets
    assert not [name for name in parts.namelist() if "external" in name.lower() or "vba" in name.lower()]


@given(st.text(max_size=40))
def test_e14_no_text_becomes_a_formula(text: str) -> None:
    table = one_column([text])
    (row,) = read_csv(write_csv(table))[1:] or [[""]]
    assert row[0].lstrip(TRIMMED.replace("'", ""))[:1] not in tuple(BEGINS)
    (cell,) = read_xlsx(write_xlsx([table]))[1]
    assert cell.data_type != "f"


def test_e14_what_xml_cannot_hold_breaks_no_workbook() -> None:
    cells = [row[0].value for row in read_xlsx(write_xlsx([one_column(["a\x07b", "a\ufffeb", "a\uffffb"])]))]
    assert cells[1:] == ["a\u2407b", "a\ufffdb", "a\ufffdb"]


def test_e14_numbers_are_numbers_and_keep_every_digit() -> None:
    exact = [Decimal("0.1"), Decimal("1234567.89"), Decimal("-2"), Decimal("0"), Decimal("0.000001"), 7]
    long = [Decimal("12345678901234.567891"), Decimal("99999999999999.999999")]
    cells = [row[0] for row in read_xlsx(write_xlsx([one_column([*exact, *long])]))][1:]
    assert [cell.data_type for cell in cells] == ["n"] * len(exact) + ["s"] * len(long)
    assert [Decimal(str(cell.value)) for cell in cells] == [*exact, *long]
    assert [cell.number_format for cell in cells[:4]] == ["#,##0.0", "#,##0.00", "#,##0", "#,##0"]
    text = write_csv(one_column([*exact, *long])).decode("utf-8-sig")
    assert text.split("\r\n")[1:-1] == [
        "0.1", "1234567.89", "-2", "0", "0.000001", "7", "12345678901234.567891", "99999999999999.999999",
    ]  # fmt: skip


def test_e14_unknown_is_empty_and_never_zero() -> None:
    table = Table("Lines", ("Units", "Reason"), [[None, "Not counted yet"], [Decimal(0), None]])
    assert read_csv(write_csv(table))[1:] == [["", "Not counted yet"], ["0", ""]]
    rows = [[cell.value for cell in row] for row in read_xlsx(write_xlsx([table]))][1:]
    assert rows == [[None, "Not counted yet"], [0, None]]


def test_e14_dates_are_iso_in_csv_and_dates_in_xlsx() -> None:
    moment = datetime(2026, 11, 30, 23, 5, 7, 123456, tzinfo=UTC)
    table = Table("Days", ("Day", "At (UTC)"), [[date(2026, 12, 1), moment]])
    assert read_csv(write_csv(table))[1] == ["2026-12-01", "2026-11-30T23:05:07Z"]
    (day, at) = read_xlsx(write_xlsx([table]))[1]
    assert (day.value.date(), day.number_format) == (date(2026, 12, 1), "yyyy-mm-dd")
    assert (at.value, at.number_format) == (datetime(2026, 11, 30, 23, 5, 7), "yyyy-mm-dd hh:mm:ss")  # noqa: DTZ001


def test_e14_excel_reads_names_right_because_the_csv_says_it_is_utf_8() -> None:
    content = write_csv(one_column(["Zahnärzte Łódź 東京"]))
    assert content.startswith(b"\xef\xbb\xbf")
    assert read_csv(content)[1] == ["Zahnärzte Łódź 東京"]


def test_e14_what_is_needed_to_read_a_sheet_is_in_the_workbook() -> None:
    table = Table("Lines", ("Units",), [[1]], [("Organization", "Northgate IT"), ("Search", "=1+1")])
    about = [[cell.value for cell in row] for row in read_xlsx(write_xlsx([table]), sheet=1)]
    assert about == [["About", "Value"], ["Organization", "Northgate IT"], ["Search", "=1+1"]]


def test_e14_units_lose_no_digit_and_money_keeps_its_currencys_decimals() -> None:
    assert [str(trim(Decimal(text))) for text in ("12.000000", "100.000000", "0.500000", "0.000000")] == [
        "12", "100", "0.5", "0",
    ]  # fmt: skip
    assert [str(pad(Decimal(a), c)) for a, c in (("4.500000", "USD"), ("0.125000", "USD"), ("7.000000", "JPY"))] == [
        "4.50", "0.125", "7",
    ]  # fmt: skip
    assert trim(None) is None
    assert pad(None, "USD") is None
