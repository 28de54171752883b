"""How well names are matched: recall, precision and siblings linked, ours beside three that are often used.

`python -m bench.account_names [FILE.csv]`. The file has the columns vendor_name, account_name and kind: "same" names
one account in two ways, "absent" has no account, "sibling" is another company of an account's family. The list that
comes with the project holds names of listed companies as two public registers write them; siblings are made up.
"""

import csv
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cleanco import basename
from rapidfuzz import fuzz, process

from bench.invented_names import invent
from vendors.name_lists import WORDS
from vendors.suggest import Candidate, Subject, suggest

NAMES = Path(__file__).parent / "data" / "account_names.csv"
RATIO = 90
MANY = 5000
Answers = Sequence[str | None]
Method = Callable[[Sequence[str], Sequence[str]], Answers]


@dataclass(frozen=True)
class Case:
    """A vendor's name, the account it stands for ("" when there is none), and what kind of case it is."""

    theirs: str
    ours: str
    kind: str


def by_exact_name(theirs: Sequence[str], ours: Sequence[str]) -> Answers:
    """Take the account of the very same name."""
    known = {name.casefold(): name for name in ours}
    return [known.get(name.casefold()) for name in theirs]


def by_ratio(theirs: Sequence[str], ours: Sequence[str]) -> Answers:
    """Take the nearest account when nine letters of ten agree."""
    plain = [name.casefold() for name in ours]
    found = (
        process.extractOne(name.casefold(), plain, scorer=fuzz.ratio, score_cutoff=RATIO) for name in theirs
    )
    return [ours[one[2]] if one else None for one in found]


def by_stripping(theirs: Sequence[str], ours: Sequence[str]) -> Answers:
    """Take the account whose name is the same without its legal form."""
    known = {basename(name).casefold(): name for name in ours}
    return [known.get(basename(name).casefold()) for name in theirs]


def by_ours(theirs: Sequence[str], ours: Sequence[str]) -> Answers:
    """Take what the product would accept in bulk."""
    subjects = [Subject(id=n, name=name) for n, name in enumerate(theirs)]
    advice = suggest(subjects, [Candidate(id=n, name=name) for n, name in enumerate(ours)], WORDS)
    return [one.sure.candidate.name if (one := advice[s.id]).sure else None for s in subjects]


METHODS: dict[str, Method] = {
    "exact name": by_exact_name,
    f"{RATIO} % string ratio": by_ratio,
    "without legal form (cleanco)": by_stripping,
    "ours, in bulk": by_ours,
}


def measure(cases: Sequence[Case]) -> None:
    """Print one row per method; what is linked wrongly counts against precision, whatever its kind."""
    ours = sorted({case.ours for case in cases if case.ours})
    print(f"{'':30}{'recall':>9}{'precision':>11}{'siblings linked':>17}")
    for title, method in METHODS.items():
        answers = method([case.theirs for case in cases], ours)
        right = sum(
            case.kind == "same" and got == case.ours for case, got in zip(cases, answers, strict=True)
        )
        linked = sum(got is not None for got in answers)
        there = sum(case.kind == "same" for case in cases)
        siblings = [got for case, got in zip(cases, answers, strict=True) if case.kind == "sibling"]
        print(
            f"{title:30}{_percent(right, there):>9}{_percent(right, linked):>11}"
            f"{_percent(sum(got is not None for got in siblings), len(siblings)):>17}"
        )


def measure_speed() -> None:
    """Print how long many names against many accounts take, as a ratio to comparing each with each."""
    cases = invent(MANY, seed=4)
    theirs, ours = [case[0] for case in cases], [case[1] for case in cases]
    seconds = {}
    for title in (f"{RATIO} % string ratio", "ours, in bulk"):
        start = time.perf_counter()
        METHODS[title](theirs, ours)
        seconds[title] = time.perf_counter() - start
    ratio, mine = seconds.values()
    print(
        f"{MANY} names against {MANY} accounts: {mine:.1f} s, "
        f"{mine / ratio:.2f} of comparing each with each ({ratio:.1f} s)"
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def main() -> None:
    """Measure the development names, then what people do to names, then the time."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else NAMES
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    cases = [Case(row["vendor_name"], row["account_name"], row["kind"]) for row in rows]
    print(f"{path.name}: {len(cases)} names")
    measure(cases)
    print("\nInvented names with slips of the keys, words turned round and words shortened")
    measure([Case(*case) for case in invent(MANY // 5, seed=3)])
    print()
    measure_speed()


if __name__ == "__main__":
    main()
