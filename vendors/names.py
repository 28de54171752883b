"""Reads a company's name: what tells it from others, its legal form, and the place it gives as a suffix."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

from anyascii import anyascii

from vendors.common_words import COMMON, SHORT
from vendors.legal_forms import split_form
from vendors.word_lists import read_words

# What registers write behind a slash: "/DE/", "\\De", "/ Delaware".
PLACES = read_words("places.txt")
_PLACE = re.compile(r"[\s,.]*[/\\]\s*([^\W\d_][\w .]{0,20}?)\s*([/\\]?)\s*$")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.\s?)+[^\W\d_]?(?!\w)")
_INITIALS = re.compile(r"\b[^\W\d_](?: [^\W\d_]\b)+")
_ALIAS = re.compile(
    r"\s(?:d\s?/\s?b\s?/\s?a|dba|t/a|trading as|f/k/a|fka|a/k/a|aka|formerly(?: known as)?)\.?:?\s"
)
_JOINED = re.compile("['\u2019`\u00b4]")
_WORD = re.compile(r"[^\W_]+")
_NUMERAL = re.compile(r"[ivx]+|.?|.*\d.*")


@dataclass(frozen=True)
class Name:
    """A name as it is compared. `words` are in order, shortened ones written out; `place` is a code or a name."""

    folded: str
    words: tuple[str, ...]
    plain: tuple[str, ...]
    forms: frozenset[str]
    place: str

    @cached_property
    def letters(self) -> str:
        """The words without the spaces between them, which people set as they like."""
        return "".join(self.words)

    @cached_property
    def in_any_order(self) -> tuple[str, ...]:
        return tuple(sorted(word for word in self.words if word != "and"))

    @cached_property
    def telling(self) -> frozenset[str]:
        """The words that few other companies have."""
        return frozenset(word for word in self.words if word not in COMMON and not is_numeral(word))


@lru_cache(maxsize=65_536)
def read_name(text: str) -> Name:
    """Read one name in any script and spelling."""
    folded = fold(text)
    rest, place = _split_place(folded)
    tokens = _tokens(rest)
    if len(tokens) > 1 and tokens[0] == "the":
        tokens = tokens[1:]
    elif len(tokens) > 1 and tokens[-1] == "the":
        tokens = tokens[:-1]
    plain, forms = split_form(tokens)
    words = tuple(SHORT.get(word, word) for word in plain)
    return Name(" ".join(tokens), words, plain, forms, place)


def read_names(text: str) -> tuple[Name, ...]:
    """Read a name and those it carries with it: "Company LLC dba Brand"."""
    plain = fold(text).replace("(", " ").replace(")", " ")
    parts = [part for part in _ALIAS.split(f" {plain} ") if part.strip()]
    return (read_name(text), *(read_name(part.strip()) for part in parts if len(parts) > 1))


def fold(text: str) -> str:
    """Write a name in small ASCII letters, with its punctuation; what has no such spelling stays as it is."""
    composed = unicodedata.normalize("NFKC", text)
    spelled = composed if composed.isascii() else anyascii(composed)
    return " ".join((spelled or composed).casefold().split())


def is_numeral(word: str) -> bool:
    """Say whether a word numbers things or is too short to be mistyped: "ii", "3", "b"."""
    return bool(_NUMERAL.fullmatch(word))


def _split_place(folded: str) -> tuple[str, str]:
    found = _PLACE.search(folded)
    if not found or not found.start():
        return folded, ""
    place = found[1].replace(".", "").strip()
    # Between two slashes anything is a place ("/JAPAN/"); behind one, only what is known as one: "A/S" is none.
    return (folded[: found.start()], place) if found[2] or place in PLACES else (folded, "")


def _tokens(folded: str) -> list[str]:
    text = _JOINED.sub("", folded.replace("&", " and ").replace("+", " and "))
    text = _DOTTED.sub(lambda found: re.sub(r"[.\s]", "", found[0]) + " ", text)
    # "W R Berkley" is "W.R. Berkley".
    text = _INITIALS.sub(lambda found: found[0].replace(" ", ""), text)
    return _WORD.findall(text)
