"""What a service says of its product beside its name: for which term it is sold, and other names of the product.

Term and commitment are part of what is sold: the same product for another term is another service, at another price.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

# How a term is written: by Partner Center (ISO 8601), by distributors, and by people on invoices.
_LENGTHS = {
    "P1M": r"monthly|month[- ]to[- ]month|(?:1|one)[- ]month",
    "P1Y": r"p12m|annual(?:ly)?|yearly|(?:1|one)[- ]year|12[- ]months?",
    "P3Y": r"p36m|triennial(?:ly)?|(?:3|three)[- ]years?|36[- ]months?",
}
_LENGTH = rf"(?:p\d+[my]|{'|'.join(_LENGTHS.values())})"
_START, _END = r"(?<![^\W_])", r"(?![^\W_])"
_PAID = r"(?:billed|billing|invoiced|invoicing|paid|payments?)"
_BILLED = re.compile(
    rf"{_START}(?:{_PAID}[ :-]*({_LENGTH}|up[- ]?front)|({_LENGTH})[ -]*{_PAID}){_END}", re.IGNORECASE
)
# How long something is kept or guaranteed is no term of its sale.
_TERM = re.compile(
    rf"{_START}(?:(?:commitment|commit|term)[ :-]*)?({_LENGTH})(?:[ -]*(?:commitment|commit|term|contract))?{_END}"
    r"(?![- ](?:retention|warranty|archive))",
    re.IGNORECASE,
)
_NEW_COMMERCE = re.compile(rf"{_START}(?:nce|new commerce(?: experience)?){_END}", re.IGNORECASE)


@dataclass(frozen=True)
class Terms:
    """For how long one commits, and how often one pays, as ISO 8601 durations; what is not said is empty."""

    term: str = ""
    billed: str = ""
    is_new_commerce: bool = False


class Fit(Enum):
    """How the terms of two services agree: `OPEN` when only one of them says its own."""

    UNSAID = 0
    SAME = 1
    OPEN = 2
    OTHER = 3


@dataclass(frozen=True)
class Product:
    """What a service stands for.

    `ids` are the Microsoft products that its keys stand for, `names` what it and its product are called or were,
    `shares_name` says that its own name belongs to several products.
    """

    ids: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    shares_name: bool = False
    terms: Terms = Terms()

    def is_other_than(self, other: "Product") -> bool:
        """Say whether the two are known to be different, by their ids or by their terms."""
        apart = bool(self.ids and other.ids) and not self.ids & other.ids
        return apart or compare(self.terms, other.terms) is Fit.OTHER


# What an account stands for, and a service of which nothing more is known than its name and keys.
UNKNOWN = Product()


def read_terms(texts: Iterable[str]) -> Terms:
    """Read the terms out of a service's name and identifiers; two that contradict each other fit neither."""
    found = [_read(text) for text in texts]
    return Terms(
        "/".join(sorted({one.term for one in found if one.term})),
        "/".join(sorted({one.billed for one in found if one.billed})),
        any(one.is_new_commerce for one in found),
    )


@lru_cache(maxsize=65_536)
def strip_terms(text: str) -> str:
    """Leave out what a name or an identifier says of terms."""
    for pattern in (_BILLED, _TERM, _NEW_COMMERCE):
        text = pattern.sub(" ", text)
    return text.strip(" -_:|/,.()[]")


def compare(a: Terms, b: Terms) -> Fit:
    """Say whether two services are sold for the same term."""
    if (a.term and b.term and a.term != b.term) or (a.billed and b.billed and a.billed != b.billed):
        return Fit.OTHER
    if a == b:
        return Fit.UNSAID if a == Terms() else Fit.SAME
    return Fit.SAME if a.term and a.term == b.term else Fit.OPEN


def fold_product(name: str) -> str:
    """Write a product's name as it is compared, without its terms."""
    return " ".join(re.findall(r"\w+", strip_terms(name).casefold()))


@lru_cache(maxsize=65_536)
def _read(text: str) -> Terms:
    billed = [_as_duration(one or other) for one, other in _BILLED.findall(text)]
    terms = [_as_duration(one) for one in _TERM.findall(_BILLED.sub(" ", text))]
    # Nobody commits for less than he pays for at once: the longest is the term.
    lengths = sorted({one for one in [*billed, *terms] if one}, key=_months)
    term = lengths[-1] if lengths and (terms or len(lengths) > 1) else ""
    paid = lengths[0] if billed or len(lengths) > 1 else ""
    if "" in billed:
        paid = term
    return Terms(term, paid, bool(_NEW_COMMERCE.search(text)))


def _as_duration(said: str) -> str:
    for duration, words in _LENGTHS.items():
        if re.fullmatch(words, said, re.IGNORECASE):
            return duration
    return said.upper() if re.fullmatch(r"p\d+[my]", said, re.IGNORECASE) else ""


def _months(duration: str) -> int:
    return int(duration[1:-1]) * (12 if duration.endswith("Y") else 1)
