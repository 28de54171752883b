"""Suggestions: by key, then by exact name, and only where one alone fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.suggest import Advice, Candidate, Subject, Words, normalise, suggest

WORDS = Words("account", "PSA key")


def advise(name: str, *candidates: Candidate, keys: tuple[str, ...] = (), caution: str = "") -> Advice:
    return suggest([Subject(id=1, name=name, keys=keys, caution=caution)], candidates, WORDS)[1]


def account(pk: int, name: str, *keys: str, caution: str = "") -> Candidate:
    return Candidate(id=pk, name=name, keys=keys, caution=caution)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Harbor Dental", "Harbor Dental"),
        ("HARBOR  dental ", "Harbor Dental"),
        ("Harbor Dental, ", "“Harbor Dental.”"),
        ("Straße 12", "STRASSE 12"),
        ("Cafe\u0301 Ru\u0308gen", "Café Rügen"),
        ("\uff28arbor\u00a0Dental", "Harbor Dental"),
    ],
)
def test_harmless_differences_are_the_same_name(theirs: str, ours: str) -> None:
    advice = advise(theirs, account(7, ours), account(8, "Another"))
    assert [s.candidate.id for s in advice.suggestions] == [7]
    assert advice.sure is not None
    assert advice.sure.reason.startswith("Same name")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Stonecroft Dental", "Stonecroft Foundation"),
        ("Stonecroft", "Stonecroft Dental"),
        ("Harbor-Dental", "Harbor Dental"),
        ("Harbor Dental LLC", "Harbor Dental"),
        ("A+B", "A B"),
        ("...", "—"),
        ("", ""),
    ],
)
def test_anything_more_is_another_name(theirs: str, ours: str) -> None:
    assert advise(theirs, account(7, ours)) == Advice()


def test_a_name_that_two_accounts_have_is_left_to_a_person() -> None:
    advice = advise("Stonecroft", account(7, "Stonecroft"), account(8, "STONECROFT"))
    assert advice == Advice(doubt="2 accounts have this name")


def test_the_vendors_own_key_comes_before_the_name() -> None:
    advice = advise(
        "Another name", account(7, "Harbor Dental", "250", "HarborDental"), keys=(" harbordental ",)
    )
    assert advice.sure is not None
    assert (advice.sure.candidate.id, advice.sure.reason) == (7, "Same PSA key: harbordental")


def test_key_and_name_together_are_the_surest() -> None:
    both = advise("Harbor Dental", account(7, "Harbor Dental", "250"), keys=("250",))
    assert both.sure is not None
    assert (both.sure.confidence, both.sure.reason) == (99, "Same PSA key and name")


def test_the_name_decides_between_two_accounts_with_the_key() -> None:
    advice = advise("Harbor", account(7, "Other", "250"), account(8, "Harbor", "250"), keys=("250",))
    assert advice.sure is not None
    assert advice.sure.candidate.id == 8


def test_a_key_that_two_accounts_have_is_left_to_a_person() -> None:
    advice = advise("X", account(7, "A", "250"), account(8, "B", "250"), keys=("250",))
    assert advice == Advice(doubt="2 accounts have this PSA key")


def test_key_and_name_that_disagree_are_both_shown_and_neither_is_sure() -> None:
    advice = advise("Harbor", account(7, "Quarry", "250"), account(8, "Harbor", "9"), keys=("250",))
    assert [(s.candidate.id, s.is_sure) for s in advice.suggestions] == [(7, False), (8, False)]
    assert advice.sure is None
    assert advice.doubt == "PSA key and name disagree"


@pytest.mark.parametrize(("theirs", "ours"), [("a reseller", ""), ("", "not active in the PSA")])
def test_a_caution_on_either_side_asks_for_a_look(theirs: str, ours: str) -> None:
    advice = advise("Harbor", account(7, "Harbor", caution=ours), caution=theirs)
    assert advice.sure is None
    assert advice.first is not None
    assert advice.first.reason == f"Same name; {theirs or ours}"


names = st.text(max_size=12)


@given(st.text(st.characters(codec="ascii"), max_size=12))
def test_plain_names_are_folded_as_all_others_are(name: str) -> None:
    assert normalise(name) == normalise(f"{name} \u2026")


@given(names)
def test_normalising_twice_changes_nothing_more(name: str) -> None:
    assert normalise(normalise(name)) == normalise(name)


@given(st.lists(names, max_size=6), names)
def test_a_sure_name_is_one_that_no_other_has(ours: list[str], theirs: str) -> None:
    advice = advise(theirs, *(account(pk, name) for pk, name in enumerate(ours, 1)))
    same = [name for name in ours if normalise(name) and normalise(name) == normalise(theirs)]
    assert (advice.sure is not None) == (len(same) == 1)
