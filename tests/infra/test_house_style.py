"""Sizes that keep the code readable: functions, modules and templates."""

import ast
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("reconcile", "accounts", "psa", "vendors", "dashboard", "sync", "demo", "tests", "bench")


def modules() -> list[Path]:
    found = [path for package in PACKAGES for path in (PROJECT / package).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def test_no_function_is_longer_than_sixty_lines():
    long = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 60:
                    long.append(f"{path.relative_to(PROJECT)}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def test_no_module_is_longer_than_four_hundred_lines():
    sizes = {path.relative_to(PROJECT): len(path.read_text().splitlines()) for path in modules()}
    assert {str(path): size for path, size in sizes.items() if size > 400} == {}


def test_no_template_is_longer_than_a_hundred_and_fifty_lines():
    found = (PROJECT / "templates").rglob("*.html")
    sizes = {str(path.relative_to(PROJECT)): len(path.read_text().splitlines()) for path in found}
    assert {path: size for path, size in sizes.items() if size > 150} == {}


def test_no_module_is_named_after_nothing():
    assert [
        path for path in modules() if path.stem in {"services", "utils", "helpers", "misc", "common"}
    ] == []


def test_locked_requirements_name_hashes_and_no_index():
    for path in (PROJECT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index-url" not in text
