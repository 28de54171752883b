"""Finds, among many names, those that one name may stand for, and says how alike the two are."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from vendors.names import Name, is_numeral, read_names

# How alike, in percent, two names must be to be shown at all: those that share a telling word, and any two.
SHOWN_FROM, SHOWN_WITHOUT = 70, 82
# A word leads to the names that share it while these are not more than so many.
RARE = 60
# A word this long is rarely one letter from another company's; a shorter one may be, but not beside a telling word.
LONG_WORD, SHORT_WORD = 8, 5


class Likeness(IntEnum):
    """How alike two names are. From `MISTYPED` on they are one, unless another is as near."""

    SIMILAR = 1
    PART = 2
    OTHER_PLACE = 3
    ALIAS = 4
    OTHER_FORM = 5
    MISTYPED = 6
    REORDERED = 7
    SHORTENED = 8
    SAME_WORDS = 9
    SAME = 10


@dataclass(frozen=True, order=True)
class Match:
    """A name that was found: how alike, how much of the letters agree in percent, and whose name it is."""

    likeness: Likeness
    percent: float
    id: int


class NameIndex:
    """Names by id, found by what they share. Building and asking take time in proportion to the names."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = {pk: read_names(text) for pk, text in names.items()}
        self._by_key: dict[str, set[int]] = defaultdict(set)
        self._by_word: dict[str, set[int]] = defaultdict(set)
        for pk, (whole, *parts) in self._names.items():
            for name in (whole, *parts):
                for key in _keys(name):
                    self._by_key[key].add(pk)
            for word in whole.words:
                self._by_word[word].add(pk)

    def find(self, text: str) -> list[Match]:
        """Give what a name may stand for, the most alike first."""
        whole, *parts = read_names(text)
        ids: set[int] = set()
        for name in (whole, *parts):
            for key in _keys(name):
                ids |= self._by_key.get(key, set())
        for word in whole.words:
            sharing = self._by_word.get(word, set())
            if len(sharing) <= RARE:
                ids |= sharing
        found = (self._match(whole, parts, pk) for pk in ids)
        return sorted((match for match in found if match), key=lambda m: (-m.likeness, -m.percent, m.id))

    def _match(self, whole: Name, parts: list[Name], pk: int) -> Match | None:
        theirs, *their_parts = self._names[pk]
        likeness, percent = compare(whole, theirs)
        if likeness < Likeness.ALIAS and (parts or their_parts):
            ours = [whole, *parts]
            if any(compare(a, b)[0] >= Likeness.REORDERED for a in ours for b in (theirs, *their_parts)):
                return Match(Likeness.ALIAS, percent, pk)
        least = SHOWN_FROM if whole.telling & theirs.telling else SHOWN_WITHOUT
        shown = likeness > Likeness.SIMILAR or percent >= least
        return Match(likeness, percent, pk) if shown else None


def compare(a: Name, b: Name) -> tuple[Likeness, float]:
    """Say how alike two names are, and in percent how much of their letters agree."""
    percent = fuzz.ratio(a.letters, b.letters)
    if not a.words or not b.words:
        return (Likeness.SAME if a.folded == b.folded and a.folded else Likeness.SIMILAR), percent
    likeness = _compare_words(a, b)
    if likeness >= Likeness.MISTYPED:
        if a.place and b.place and a.place != b.place:
            return Likeness.OTHER_PLACE, percent
        if a.forms and b.forms and not a.forms & b.forms:
            return Likeness.OTHER_FORM, percent
    return likeness, percent


def _compare_words(a: Name, b: Name) -> Likeness:
    if a.folded == b.folded:
        return Likeness.SAME
    if a.letters == b.letters:
        return Likeness.SAME_WORDS if "".join(a.plain) == "".join(b.plain) else Likeness.SHORTENED
    if a.in_any_order == b.in_any_order or sorted(a.folded.split()) == sorted(b.folded.split()):
        return Likeness.REORDERED
    if is_mistyped(a, b):
        return Likeness.MISTYPED
    small, large = sorted((set(a.words), set(b.words)), key=len)
    tells = len(small) > 1 or bool(small & a.telling & b.telling)
    return Likeness.PART if small < large and tells else Likeness.SIMILAR


def is_mistyped(a: Name, b: Name) -> bool:
    """Say whether one slip of the keys in one word parts two names, and that word cannot well be another company's."""
    if len(a.words) != len(b.words) or len(a.words) < 2:
        return False
    slips = [(one, other) for one, other in zip(a.words, b.words, strict=True) if one != other]
    if len(slips) != 1:
        return False
    one, other = slips[0]
    if is_numeral(one) or is_numeral(other) or one[0] != other[0] or OSA.distance(one, other) != 1:
        return False
    shorter = min(len(one), len(other))
    beside = a.telling & b.telling
    return shorter >= LONG_WORD or (shorter >= SHORT_WORD and bool(beside))


def _keys(name: Name) -> Iterator[str]:
    """Give what two names share when they are one: letters, words in any order, all words but a mistyped one."""
    if name.words:
        yield f"l {name.letters}"
        yield f"o {' '.join(name.in_any_order)}"
        yield f"t {' '.join(sorted(name.folded.split()))}"
    if len(name.words) > 1:
        for n, word in enumerate(name.words):
            if len(word) >= SHORT_WORD:
                yield f"m {n} {' '.join(name.words[:n])} {word[0]} {' '.join(name.words[n + 1 :])}"
