"""The page of features: every one has a row, and every test that a row names exists."""

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
SIZES = {"A": 7, "B": 11, "C": 7, "D": 8, "E": 15, "F": 5, "G": 5}
ROW = re.compile(r"^\| ([A-G]\d+) \| (.+?) \| (.+) \|$")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> dict[str, str]:
    lines = (PROJECT / "docs" / "features.md").read_text().splitlines()
    return {found[1]: found[3] for line in lines if (found := ROW.match(line))}


def functions_of(path: str) -> set[str]:
    tree = ast.parse((PROJECT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_feature_has_its_row():
    assert list(rows()) == [f"{area}{n}" for area, size in SIZES.items() for n in range(1, size + 1)]


def test_every_row_names_tests_that_exist_or_says_not_yet():
    for feature, shown in rows().items():
        named = TEST.findall(shown)
        assert bool(named) != (shown == "not yet"), feature
        assert [name for path, name in named if name not in functions_of(path)] == [], feature
