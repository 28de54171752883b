"""Says which account or service of the PSA a vendor's one may be: pure, and silent where it is not sure.

Signals in their order: an id that both sides carry, a domain or tenant id, what the organization decided before, and
names last. Each answer has its reason and a confidence in percent; what is below `SURE` is for a person to decide.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vendors.name_index import Likeness, Match, NameIndex
from vendors.products import UNKNOWN, Fit, Product, compare, fold_product
from vendors.word_lists import read_words

# From this confidence on, in percent, a suggestion may be accepted together with others.
SURE = 95
BY_KEY_AND_NAME, BY_KEY, BY_DOMAIN, BY_DECISION, DOUBTFUL = 99, 97, 97, 96, 50
# A name that another one is as near to, one that somebody else has the better claim to, and a choice taken back.
TOO_CLOSE, BETTER_CLAIM, TAKEN_BACK = 60, 60, 15
# Another name of the product, a term that only one side says, and what the same term adds; another product or term.
BY_OTHER_NAME, ONE_SIDED, SAME_TERM, ANOTHER = 60, 60, 2, 30
SHOWN = 9
BY_NAME = {
    Likeness.SAME: (99, "Same name"),
    Likeness.SAME_WORDS: (98, "Same name, written differently"),
    Likeness.SHORTENED: (97, "Same name, shortened"),
    Likeness.REORDERED: (96, "Same words in another order"),
    Likeness.MISTYPED: (95, "Same name but for one letter"),
    Likeness.OTHER_FORM: (80, "Same name, another legal form"),
    Likeness.ALIAS: (75, "One of its names is the same"),
    Likeness.OTHER_PLACE: (40, "Same name, registered in another place"),
    Likeness.PART: (35, "Only a part of the name is the same: perhaps a sister company"),
    Likeness.SIMILAR: (20, "A similar name"),
}
# Reasons that hold only while no other row of the source fits the candidate better.
CONTESTED = frozenset(BY_NAME[one][1] for one in (Likeness.MISTYPED, Likeness.REORDERED, Likeness.SHORTENED))
# Domains whose mailboxes anybody can have: they tell nobody apart.
PUBLIC_DOMAINS = read_words("public_domains.txt")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A vendor's account or service. A `caution` says why a person must look at it in any case.

    `decided` are the candidates that people have chosen before for one of its name, `refused` those that they have
    taken back from this very one: named with little confidence, and never sure again.
    """

    id: int
    name: str
    source: int = 0
    keys: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    decided: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    caution: str = ""
    product: Product = UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An account or service of a `psa`, with the keys and domains by which others may know it."""

    id: int
    name: str
    keys: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    caution: str = ""
    psa: str = ""
    product: Product = UNKNOWN


@dataclass(frozen=True)
class Suggestion:
    """One answer with its confidence in percent and the reason for it."""

    candidate: Candidate
    confidence: int
    reason: str

    @property
    def is_sure(self) -> bool:
        return self.confidence >= SURE

    @property
    def is_contested(self) -> bool:
        """Say whether it holds only while no other row fits the candidate better."""
        return self.reason.partition(";")[0] in CONTESTED


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
        return self.first if self.first and self.first.is_sure and not self.doubt else None


@dataclass(frozen=True)
class Words:
    """What the reasons call things, and what a name is worth at most: a service's alone is never sure."""

    noun: str
    key: str
    name_at_most: int = 100


@dataclass(frozen=True)
class Signal:
    """What one kind of evidence says: whom it points to, how sure that is, and the words for it."""

    ids: frozenset[int]
    confidence: int
    noun: str
    reason: str


def suggest(subjects: Iterable[Subject], candidates: Sequence[Candidate], words: Words) -> dict[int, Advice]:
    """Give advice for each subject by its id."""
    every = list(subjects)
    advisor = Advisor(candidates, words)
    return _settle_claims(every, {subject.id: advisor.advise(subject) for subject in every})


class Advisor:
    """Knows the candidates by everything that may lead to them."""

    def __init__(self, candidates: Sequence[Candidate], words: Words) -> None:
        self._words = words
        self._candidates = {c.id: c for c in candidates}
        self._by_key = _group(candidates, lambda c: c.keys, fold_key)
        self._by_domain = _group(candidates, lambda c: c.domains, fold_domain)
        self._by_product = _group(candidates, lambda c: c.product.names, fold_product)
        self._names = NameIndex({c.id: c.name for c in candidates})

    def advise(self, subject: Subject) -> Advice:
        """Rank the candidates for one subject; at most one of them is sure."""
        named = self._names.find(subject.name)
        alike = frozenset(m.id for m in named if m.likeness >= Likeness.MISTYPED) - subject.refused
        same_name = frozenset(pk for pk in alike if not self._is_another(subject, pk))
        for signal in self._signals(subject):
            if signal.ids:
                return self._follow(subject, signal, named, same_name)
        return self._follow_names(subject, named, same_name)

    def _follow_names(self, subject: Subject, named: Sequence[Match], same_name: frozenset[int]) -> Advice:
        """Let names decide: its own, and those that its product has or had."""
        hits, called = _look_up(self._by_product, subject.product.names, fold_product, subject.refused)
        renamed = [
            Suggestion(self._candidates[pk], BY_OTHER_NAME, f"The same product by name: {called}")
            for pk in sorted(hits - same_name)
        ]
        answers = [self._by_name(match, subject) for match in named if match.id not in hits - same_name]
        fitting = {pk for pk in same_name | hits if not self._is_another(subject, pk)}
        doubt = ""
        if len(fitting) > 1:
            doubt = f"{len(fitting)} {self._words.noun}s have this name, or nearly"
            answers = [_weaken(one, TOO_CLOSE) for one in answers]
        return self._finish(subject, [*answers, *renamed], doubt)

    def _is_another(self, subject: Subject, pk: int) -> bool:
        return subject.product.is_other_than(self._candidates[pk].product)

    def _narrow(self, subject: Subject, ids: frozenset[int]) -> frozenset[int]:
        """Leave those of the same term, if there are any; otherwise those that are not known to be others."""
        fits = {pk: compare(subject.product.terms, self._candidates[pk].product.terms) for pk in ids}
        kept = frozenset(pk for pk in ids if not self._is_another(subject, pk))
        same = frozenset(pk for pk in kept if fits[pk] is Fit.SAME)
        return same or kept or ids

    def _signals(self, subject: Subject) -> Iterator[Signal]:
        """Give the evidence other than names, the strongest first."""
        key, noun = self._words.key, self._words.noun
        ids, shared = _look_up(self._by_key, subject.keys, fold_key, subject.refused)
        yield Signal(ids, BY_KEY, key, f"Same {key}: {shared}")
        ids, shared = _look_up(self._by_domain, subject.domains, fold_domain, subject.refused)
        yield Signal(ids, BY_DOMAIN, "domain", f"Same domain: {shared}")
        decided = frozenset(subject.decided & self._candidates.keys() - subject.refused)
        reason, confidence = f"You chose this {noun} for one of this name before", BY_DECISION
        if subject.product.shares_name:
            reason, confidence = f"{reason}, but several products have the name", TOO_CLOSE
        yield Signal(decided, confidence, "earlier decision", reason)

    def _follow(
        self, subject: Subject, signal: Signal, named: Sequence[Match], same_name: frozenset[int]
    ) -> Advice:
        """Let a signal decide, unless it points to several, or names point elsewhere."""
        fitting = self._narrow(subject, signal.ids)
        chosen = fitting & same_name or fitting
        others = [
            _weaken(self._by_name(match, subject), DOUBTFUL) for match in named if match.id not in signal.ids
        ]
        disagree = bool(same_name) and not signal.ids & same_name
        if len(chosen) == 1 and not disagree:
            reason = f"{signal.reason}; same name" if same_name else signal.reason
            both = same_name and signal.confidence >= SURE
            sure = BY_KEY_AND_NAME if both else signal.confidence
            (pk,) = chosen
            return self._finish(subject, [Suggestion(self._candidates[pk], sure, reason), *others])
        pointed = [Suggestion(self._candidates[pk], DOUBTFUL, signal.reason) for pk in sorted(signal.ids)]
        doubt = (
            f"{_capital(signal.noun)} and name disagree"
            if disagree
            else f"{len(chosen)} {self._words.noun}s have this {signal.noun}"
        )
        return self._finish(subject, [*pointed, *others], doubt)

    def _by_name(self, match: Match, subject: Subject) -> Suggestion:
        confidence, reason = BY_NAME[match.likeness]
        candidate = self._candidates[match.id]
        one = Suggestion(candidate, min(confidence, self._words.name_at_most), reason)
        if subject.product.shares_name or candidate.product.shares_name:
            one = replace(_weaken(one, TOO_CLOSE), reason=f"{reason}, which several products have")
        return one

    def _finish(self, subject: Subject, answers: Sequence[Suggestion], doubt: str = "") -> Advice:
        ranked = sorted(
            (_beware(_weigh(one, subject), subject) for one in answers), key=lambda one: -one.confidence
        )
        return Advice(tuple(ranked[:SHOWN]), doubt)


def fold_key(key: str) -> str:
    """Write an id as it is compared."""
    return key.strip().casefold()


def fold_domain(domain: str) -> str:
    """Write a domain as it is compared; empty when everybody can have a mailbox in it."""
    folded = domain.strip().casefold().rpartition("@")[2].removeprefix("www.").rstrip(".")
    return "" if folded in PUBLIC_DOMAINS else folded


def _group(
    candidates: Sequence[Candidate], read: Callable[[Candidate], tuple[str, ...]], fold: Callable[[str], str]
) -> dict[str, set[int]]:
    groups: dict[str, set[int]] = defaultdict(set)
    for candidate in candidates:
        for value in read(candidate):
            groups[fold(value)].add(candidate.id)
    groups.pop("", None)
    return groups


def _look_up(
    groups: Mapping[str, set[int]], values: Sequence[str], fold: Callable[[str], str], refused: frozenset[int]
) -> tuple[frozenset[int], str]:
    """Give the candidates that share one of the values, and the value that they share."""
    hits = {value.strip(): groups[fold(value)] - refused for value in values if fold(value) in groups}
    ids = frozenset(pk for found in hits.values() for pk in found)
    return ids, next((value for value, found in hits.items() if found), "")


def _settle_claims(subjects: Sequence[Subject], advice: dict[int, Advice]) -> dict[int, Advice]:
    """Leave a person to decide where another row of the same source has the better claim to a candidate."""
    best: dict[tuple[int, int], int] = defaultdict(int)
    for subject in subjects:
        if sure := advice[subject.id].sure:
            place = (subject.source, sure.candidate.id)
            best[place] = max(best[place], sure.confidence)
    settled = dict(advice)
    for subject in subjects:
        sure = advice[subject.id].sure
        if sure and sure.is_contested and best[subject.source, sure.candidate.id] > sure.confidence:
            first, *others = advice[subject.id].suggestions
            weakened = (_weaken(first, BETTER_CLAIM), *others)
            settled[subject.id] = Advice(weakened, "Another row of this source has the better claim to it")
    return settled


def _weaken(one: Suggestion, at_most: int) -> Suggestion:
    return replace(one, confidence=min(one.confidence, at_most))


def _beware(one: Suggestion, subject: Subject) -> Suggestion:
    cautions = [caution for caution in (subject.caution, one.candidate.caution) if caution]
    if one.candidate.id in subject.refused:
        one, cautions = _weaken(one, TAKEN_BACK), [*cautions, "taken back before"]
    return replace(_weaken(one, DOUBTFUL), reason="; ".join([one.reason, *cautions])) if cautions else one


def _weigh(one: Suggestion, subject: Subject) -> Suggestion:
    """Hold against an answer what the two products, and the terms they are sold for, say."""
    ours, theirs = subject.product, one.candidate.product
    fit = compare(ours.terms, theirs.terms)
    if ours.ids and theirs.ids and not ours.ids & theirs.ids:
        at_most, why = ANOTHER, "but another product by its id"
    elif fit is Fit.OTHER:
        at_most, why = ANOTHER, "but another term or commitment"
    elif len(ours.ids) > 1 or len(theirs.ids) > 1:
        at_most, why = DOUBTFUL, "but its keys stand for several products"
    elif fit is Fit.OPEN:
        at_most, why = ONE_SIDED, "but only one of the two says its term"
    elif fit is Fit.SAME:
        return replace(one, confidence=min(one.confidence + SAME_TERM, 99), reason=f"{one.reason}; same term")
    else:
        return one
    return replace(_weaken(one, at_most), reason=f"{one.reason}, {why}")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
