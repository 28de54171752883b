"""D4: the matcher tried on anybody's two lists: manage.py suggest, and what the bench promises of it."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bench.account_names import NAMES, Case, by_ours
from bench.invented_names import invent


def run(tmp_path: Path, accounts: bytes, theirs: bytes) -> list[dict[str, str]]:
    (tmp_path / "a.csv").write_bytes(accounts)
    (tmp_path / "v.csv").write_bytes(theirs)
    out = StringIO()
    call_command("suggest", accounts=tmp_path / "a.csv", vendor_accounts=tmp_path / "v.csv", stdout=out)
    return list(csv.DictReader(StringIO(out.getvalue())))


def test_d4_two_lists_give_one_row_per_vendor_account_with_a_reason(tmp_path: Path) -> None:
    accounts = 'name,external_id,domain\n"Harbor Dental, Inc.",250,harbor.example\nQuarry Lane,9,\n'
    theirs = "name,external_id,domain\nHarbor Dental,,\nHDG,,www.harbor.example gmail.com\nX,9,\nHarbor East,,\nZzz,,\n"
    assert run(tmp_path, accounts.encode(), theirs.encode()) == [
        dict(zip(("vendor_account", "account", "confidence", "bulk", "reason"), row, strict=True))
        for row in (
            ("Harbor Dental", "Harbor Dental, Inc.", "98", "yes", "Same name, written differently"),
            ("HDG", "Harbor Dental, Inc.", "97", "yes", "Same domain: www.harbor.example"),
            ("X", "Quarry Lane", "97", "yes", "Same id: 9"),
            ("Harbor East", "", "", "no", "No account has this id, domain or name"),
            ("Zzz", "", "", "no", "No account has this id, domain or name"),
        )
    ]


@pytest.mark.parametrize(
    ("accounts", "theirs"),
    [
        (
            "Name;Domain\r\nCafé Rügen;x.example\r\n".encode("cp1252"),
            "\ufeffNAME\tid\nCafe Rugen\t7\n".encode(),
        ),
        (b"id,name\n1,Cafe Rugen\n,\n", "name\n\nCafé Rügen\n".encode()),
        ("name\tid\nCafé Rügen\t1\n".encode("utf-16"), b"name\nCafe Rugen\n"),
    ],
)
def test_d4_files_as_spreadsheets_write_them_are_read(tmp_path: Path, accounts: bytes, theirs: bytes) -> None:
    (row,) = run(tmp_path, accounts, theirs)
    assert row["bulk"] == "yes"


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        (b"company,id\nA,1\n", "needs a column “name” in its first row; it has company, id"),
        (b"", "it has nothing"),
        (b"name,name\nA,B\n", "several columns “name”"),
    ],
)
def test_d4_a_file_without_names_says_what_it_needs(tmp_path: Path, accounts: bytes, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(tmp_path, accounts, b"name\nA\n")


def test_d4_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file or directory"):
        call_command("suggest", accounts=tmp_path / "none.csv", vendor_accounts=tmp_path / "none.csv")


def measure(cases: list[Case]) -> tuple[float, float, float]:
    """Give recall, precision, and the part of siblings that would be linked."""
    answers = by_ours([case.theirs for case in cases], sorted({case.ours for case in cases if case.ours}))
    pairs = list(zip(cases, answers, strict=True))
    right = sum(case.kind == "same" and got == case.ours for case, got in pairs)
    linked = sum(got is not None for _, got in pairs)
    there = sum(case.kind == "same" for case in cases)
    siblings = [got is not None for case, got in pairs if case.kind == "sibling"]
    return right / there, right / linked, sum(siblings) / len(siblings)


def test_d4_registered_names_reach_the_bar() -> None:
    rows = csv.DictReader(NAMES.read_text(encoding="utf-8").splitlines())
    recall, precision, siblings = measure(
        [Case(r["vendor_name"], r["account_name"], r["kind"]) for r in rows]
    )
    assert recall >= 0.97
    assert precision >= 0.995
    assert siblings <= 0.02


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_d4_what_people_do_to_names_links_nobody_wrongly(seed: int) -> None:
    recall, precision, siblings = measure([Case(*case) for case in invent(600, seed=seed)])
    assert recall >= 0.85
    assert precision >= 0.99
    assert siblings == 0
