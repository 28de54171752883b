"""The lists of words that the matcher knows, one file each in `vendors/data`, words parted by white space."""

from importlib.resources import files


def read_words(name: str) -> frozenset[str]:
    """Read one list."""
    return frozenset((files("vendors") / "data" / name).read_text(encoding="utf-8").split())
