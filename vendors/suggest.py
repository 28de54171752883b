"""Says which account or service of the PSA a vendor's one may be: pure, and silent where it is not sure."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# From this confidence on, in percent, a suggestion may be accepted together with others.
SURE = 95
BY_KEY_AND_NAME, BY_KEY, BY_NAME, DOUBTFUL = 99, 97, 95, 50
SHOWN = 9
# What `_is_edge` says of ASCII: punctuation without the symbols, and white space.
ASCII_EDGES = " !\"#%&'()*,-./:;?@[\\]_{}"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A vendor's account or service. A `caution` says why a person must look at it in any case."""

    id: int
    name: str
    keys: tuple[str, ...] = ()
    caution: str = ""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An account or service of the PSA, with the keys by which others may know it."""

    id: int
    name: str
    keys: tuple[str, ...] = ()
    caution: str = ""


@dataclass(frozen=True)
class Suggestion:
    """One answer with its confidence in percent and the reason for it."""

    candidate: Candidate
    confidence: int
    reason: str

    @property
    def is_sure(self) -> bool:
        return self.confidence >= SURE


@dataclass(frozen=True)
class Advice:
    """The answers for one subject, best first; a `doubt` says why a person must choose."""

    suggestions: tuple[Suggestion, ...] = ()
    doubt: str = ""

    @property
    def first(self) -> Suggestion | None:
        return self.suggestions[0] if self.suggestions else None

    @property
    def sure(self) -> Suggestion | None:
        """The one answer that may be accepted without a look at others, if there is one."""
        return self.first if self.first and len(self.suggestions) == 1 and self.first.is_sure else None


@dataclass(frozen=True)
class Words:
    """What the reasons call things: an account has a PSA key, a service a part number."""

    noun: str
    key: str


def suggest(subjects: Iterable[Subject], candidates: Sequence[Candidate], words: Words) -> dict[int, Advice]:
    """Give advice for each subject by its id: by key first, then by exact name, only where one alone fits."""
    by_key: dict[str, list[Candidate]] = defaultdict(list)
    by_name: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_name[normalise(candidate.name)].append(candidate)
        for key in {_key(k) for k in candidate.keys}:
            by_key[key].append(candidate)
    by_key.pop("", None)
    by_name.pop("", None)
    advice = {}
    for subject in subjects:
        keyed = {c.id: c for key in subject.keys for c in by_key.get(_key(key), ())}
        named = {c.id: c for c in by_name.get(normalise(subject.name), ())}
        advice[subject.id] = _judge(subject, keyed, named, words)
    return advice


def normalise(name: str) -> str:
    """Fold what never tells two names apart: case, white space, Unicode form, punctuation at the ends."""
    if name.isascii():
        # Nearly every name, and ten times as fast: lists hold ten thousand of them.
        return " ".join(name.lower().split()).strip(ASCII_EDGES)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = " ".join(folded.split())
    start, end = 0, len(text)
    while start < end and _is_edge(text[start]):
        start += 1
    while end > start and _is_edge(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_edge(char: str) -> bool:
    return char.isspace() or unicodedata.category(char).startswith("P")


def _key(key: str) -> str:
    return key.strip().casefold()


def _judge(
    subject: Subject, keyed: dict[int, Candidate], named: dict[int, Candidate], words: Words
) -> Advice:
    both = [c for c in keyed.values() if c.id in named]
    if len(both) == 1:
        return _one(subject, both[0], BY_KEY_AND_NAME, f"Same {words.key} and name")
    if keyed and named and not both:
        return _several([*keyed.values()], [*named.values()], words)
    if len(keyed) == 1:
        (found,) = keyed.values()
        return _one(subject, found, BY_KEY, f"Same {words.key}: {_told(subject.keys, found.keys)}")
    if keyed:
        return Advice(doubt=f"{len(keyed)} {words.noun}s have this {words.key}")
    if len(named) == 1:
        (found,) = named.values()
        same = "Same name" if found.name == subject.name else "Same name, written differently"
        return _one(subject, found, BY_NAME, same)
    return Advice(doubt=f"{len(named)} {words.noun}s have this name" if named else "")


def _told(theirs: Sequence[str], ours: Sequence[str]) -> str:
    known = {_key(k) for k in ours}
    return next(key.strip() for key in theirs if _key(key) in known)


def _one(subject: Subject, candidate: Candidate, confidence: int, reason: str) -> Advice:
    cautions = [c for c in (subject.caution, candidate.caution) if c]
    if cautions:
        confidence, reason = min(confidence, DOUBTFUL), "; ".join([reason, *cautions])
    return Advice((Suggestion(candidate, confidence, reason),))


def _several(keyed: list[Candidate], named: list[Candidate], words: Words) -> Advice:
    """Key and name point to different ones: one of them is wrong, and only a person can say which."""
    answers = [Suggestion(c, DOUBTFUL, f"Same {words.key}, another name") for c in keyed]
    answers += [Suggestion(c, DOUBTFUL, f"Same name, another {words.key}") for c in named]
    return Advice(tuple(answers[:SHOWN]), f"{words.key[0].upper()}{words.key[1:]} and name disagree")
