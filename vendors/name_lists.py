"""Reads lists of names from CSV files, and writes what the matcher says of them: no database, no organization."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from vendors.csv_texts import Unreadable, read_csv
from vendors.suggest import Advice, Candidate, Subject, Words

WORDS = Words("account", "id")
COLUMNS = ("vendor_account", "account", "confidence", "bulk", "reason")
NOTHING = "No account has this id, domain or name"
_SEVERAL = re.compile(r"[\s;,|]+")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV with a `name` column, and leave out its rows without a name; raises Unreadable."""
    try:
        table = read_csv(path.read_bytes())
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}. Give the path of a CSV file.") from None
    except Unreadable as error:
        raise Unreadable(f"{path}, {error}") from None
    if "name" not in table.heads:
        found = ", ".join(table.heads) or "nothing"
        raise Unreadable(f"{path} needs a column “name” in its first row; it has {found}.")
    if table.heads.count("name") > 1:
        raise Unreadable(f"{path} has several columns “name”. Leave one of them.")
    return [row for _, row in table.rows if row["name"]]


def as_candidates(rows: Sequence[Mapping[str, str]]) -> list[Candidate]:
    """Make the PSA's side of the rows; a row's place is its id."""
    return [Candidate(id=n, **_fields(row)) for n, row in enumerate(rows)]


def as_subjects(rows: Sequence[Mapping[str, str]]) -> list[Subject]:
    """Make the vendor's side of the rows; a row's place is its id."""
    return [Subject(id=n, **_fields(row)) for n, row in enumerate(rows)]


def write_advice(out: TextIO, subjects: Iterable[Subject], advice: Mapping[int, Advice]) -> None:
    """Write one row per vendor account: its best answer, whether it may be accepted in bulk, and why or why not."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([subject.name, *_answer(advice[subject.id])] for subject in subjects)


def _answer(advice: Advice) -> tuple[str, str, str, str]:
    if advice.first is None:
        return "", "", "no", advice.doubt or NOTHING
    first = advice.first
    reason = "; ".join(part for part in (first.reason, advice.doubt) if part)
    return first.candidate.name, str(first.confidence), "yes" if advice.sure else "no", reason


def _fields(row: Mapping[str, str]) -> dict[str, Any]:
    domains = tuple(filter(None, _SEVERAL.split(row.get("domain", ""))))
    keys = tuple(filter(None, [row.get("external_id", "")]))
    return {"name": row["name"], "keys": keys, "domains": domains}
