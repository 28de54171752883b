"""G1: the European Central Bank's files: real form, invented numbers; a bad one is refused as a whole, row by row."""

from datetime import date
from decimal import Decimal

import pytest

from accounts import ecb
from accounts.ecb import Unreadable

TODAY = date(2026, 11, 25)
XML = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
\t<gesmes:subject>Reference rates</gesmes:subject>
\t<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
\t<Cube>{days}</Cube>
</gesmes:Envelope>"""
TWO_DAYS = """
<Cube time="2026-11-24"><Cube currency="USD" rate="1.0832"/><Cube currency="JPY" rate="161.25"/></Cube>
<Cube time="2026-11-23"><Cube currency="USD" rate="1.0811"/></Cube>"""
HIST = "Date,USD,JPY,CYP,\n2026-11-24,1.0832,161.25,N/A,\n2026-11-23,1.0811,160.9,N/A,\n"
DAILY = "Date, USD, JPY, IDR, \n24 November 2026, 1.0832, 161.25, 17012.33, \n"
LAUGHS = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><x>&c;</x>"""
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


def envelope(days: str) -> bytes:
    return XML.format(days=days).encode()


def read(content: bytes) -> list[tuple[str, str, Decimal]]:
    return [(str(rate.on), rate.quote, rate.rate) for rate in ecb.read(content, TODAY)]


def test_the_xml_of_several_days_is_read() -> None:
    assert read(envelope(TWO_DAYS)) == [
        ("2026-11-23", "USD", Decimal("1.0811")),
        ("2026-11-24", "JPY", Decimal("161.25")),
        ("2026-11-24", "USD", Decimal("1.0832")),
    ]


def test_both_kinds_of_csv_are_read_and_a_currency_without_a_rate_is_left_out() -> None:
    assert read(HIST.encode()) == [
        ("2026-11-23", "JPY", Decimal("160.9")),
        ("2026-11-23", "USD", Decimal("1.0811")),
        ("2026-11-24", "JPY", Decimal("161.25")),
        ("2026-11-24", "USD", Decimal("1.0832")),
    ]
    assert read(b"\xef\xbb\xbf" + DAILY.replace("\n", "\r\n").encode()) == [
        ("2026-11-24", "IDR", Decimal("17012.33")),
        ("2026-11-24", "JPY", Decimal("161.25")),
        ("2026-11-24", "USD", Decimal("1.0832")),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"\x00\xff\xfe", b"PK\x03\x04zip", b"<html><body>Sorry</body></html>", b"<Envelope/>",
        envelope(TWO_DAYS)[:-20], LAUGHS.encode(), OUTSIDE.encode(), envelope(""), b"Date\n2026-11-24\n",
        b"Name,USD\nx,1\n", b'Date,USD\n"2026-11-24,1', b"Date,USD,\n", "Date,USD\n2026-11-24,1".encode("utf-16"),
        b'<?xml version="1.0" encoding="no-such"?><x/>',
    ],
)  # fmt: skip
def test_what_is_not_such_a_file_is_refused_with_what_to_do(content: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        ecb.read(content, TODAY)
    assert "Download eurofxref-daily.xml" in refused.value.sentence
    assert refused.value.rows == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ('<Cube time="2026-11-22"><Cube currency="USD" rate="1,08"/></Cube>', "the rate of USD, “1,08”"),
        ('<Cube time="2026-11-22"><Cube currency="USD" rate="0"/></Cube>', "is not a number above zero"),
        ('<Cube time="2026-11-22"><Cube currency="USD" rate="-1"/></Cube>', "is not a number above zero"),
        ('<Cube time="2026-11-22"><Cube currency="USD" rate="NaN"/></Cube>', "is not a number above zero"),
        ('<Cube time="2026-11-22"><Cube currency="USD" rate="N/A"/></Cube>', "is not a number above zero"),
        ('<Cube time="2026-11-22"><Cube currency="USD" rate="1e5"/></Cube>', "is not a number above zero"),
        ('<Cube time="2026-11-22"><Cube currency="USD"/></Cube>', "is not a number above zero"),
        ('<Cube time="2026-11-22"><Cube rate="1.08"/></Cube>', "the currency is missing"),
        ('<Cube time="2026-11-22"><Cube currency="EUR" rate="1"/></Cube>', "“EUR” is not a currency"),
        ('<Cube time="2026-11-22"><Cube currency="QQQ" rate="1"/></Cube>', "“QQQ” is not a currency"),
        (
            '<Cube time="2026-11-24"><Cube currency="USD" rate="1.09"/></Cube>',
            "2026-11-24 is in the file twice",
        ),
        (
            '<Cube time="2026-11-26"><Cube currency="USD" rate="1.09"/></Cube>',
            "2026-11-26 is not a day between",
        ),
        (
            '<Cube time="1998-01-05"><Cube currency="USD" rate="1.09"/></Cube>',
            "1998-01-05 is not a day between",
        ),
        ('<Cube time="2026-02-30"><Cube currency="USD" rate="1.09"/></Cube>', "“2026-02-30” is not a date"),
        ('<Cube time=""><Cube currency="USD" rate="1.09"/></Cube>', "“” is not a date"),
    ],
)
def test_one_bad_row_of_the_xml_refuses_the_file_and_is_named(bad: str, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        ecb.read(envelope(TWO_DAYS + bad), TODAY)
    assert refused.value.sentence.startswith("1 row of the file cannot be read, so nothing was imported.")
    (row,) = refused.value.rows
    assert row.startswith("Day 3")
    assert said in row


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-11-22,1.08,161\n", "it has 3 columns, and the first row has 5"),
        ("2026-11-22,x,161.0,N/A,\n", "the rate of USD, “x”"),
        ("22.11.2026,1.08,161,N/A,\n", "“22.11.2026” is not a date"),
        ("2026-11-24,1.08,N/A,N/A,\n", "USD of 2026-11-24 is in the file twice"),
        ("2026-11-22,1.08,161,N/A,5\n", "the currency is missing"),
    ],
)
def test_one_bad_row_of_the_csv_refuses_the_file_and_is_named(row: str, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        ecb.read((HIST + row).encode(), TODAY)
    (line,) = refused.value.rows
    assert line.startswith("Row 4: ")
    assert said in line


def test_of_many_bad_rows_the_first_are_named_and_the_rest_counted() -> None:
    with pytest.raises(Unreadable) as refused:
        ecb.read((HIST + "nonsense,1,1,1,\n" * 1200).encode(), TODAY)
    assert refused.value.sentence.startswith("1,200 rows of the file cannot be read")
    assert len(refused.value.rows) == 11
    assert refused.value.rows[-1] == "and 1,190 more"
