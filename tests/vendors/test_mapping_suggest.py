"""D4: suggestions: ids first, then domains and decisions, names last; and only where one alone fits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.name_index import Likeness, compare
from vendors.names import read_name
from vendors.suggest import Advice, Candidate, Subject, Words, suggest

WORDS = Words("account", "PSA key")


def advise(name: str, *candidates: Candidate, **fields: object) -> Advice:
    subject = Subject(id=1, name=name, **fields)  # type: ignore[arg-type]
    return suggest([subject], candidates, WORDS)[1]


def account(pk: int, name: str, *keys: str, **fields: object) -> Candidate:
    return Candidate(id=pk, name=name, keys=keys, **fields)  # type: ignore[arg-type]


def sure(advice: Advice) -> tuple[int, str]:
    assert advice.sure is not None
    return advice.sure.candidate.id, advice.sure.reason


def test_a_name_that_two_accounts_have_is_left_to_a_person() -> None:
    for other in ("STONECROFT", "Stonecroft Ltd"):
        advice = advise("Stonecroft", account(7, "Stonecroft"), account(8, other))
        assert advice.sure is None
        assert {s.candidate.id for s in advice.suggestions} == {7, 8}
        assert advice.doubt == "2 accounts have this name, or nearly"


def test_another_legal_form_is_no_rival_and_alone_it_is_not_sure() -> None:
    assert sure(advise("Alwick Inc", account(7, "Alwick, Inc."), account(8, "Alwick LLC")))[0] == 7
    assert advise("Alwick Inc", account(8, "Alwick LLC")).sure is None


def test_a_sister_company_is_shown_and_never_sure() -> None:
    advice = advise("Stonecroft Dental Group", account(7, "Stonecroft Foundation"), account(8, "Stonecroft"))
    assert advice.sure is None
    assert all(s.confidence < 50 for s in advice.suggestions)


def test_the_vendors_own_key_comes_before_the_name() -> None:
    harbor = account(7, "Harbor Dental", "250", "HarborDental")
    assert sure(advise("Another name", harbor, keys=(" harbordental ",))) == (7, "Same PSA key: harbordental")


def test_key_and_name_together_are_the_surest() -> None:
    advice = advise("Harbor Dental", account(7, "Harbor Dental", "250"), keys=("250",))
    assert sure(advice) == (7, "Same PSA key: 250; same name")
    assert advice.first is not None
    assert advice.first.confidence == 99


def test_the_name_decides_between_two_accounts_with_the_key() -> None:
    assert (
        sure(advise("Harbor", account(7, "Other", "250"), account(8, "Harbor", "250"), keys=("250",)))[0] == 8
    )


def test_a_key_that_two_accounts_have_is_left_to_a_person() -> None:
    advice = advise("X", account(7, "A", "250"), account(8, "B", "250"), keys=("250",))
    assert advice.sure is None
    assert advice.doubt == "2 accounts have this PSA key"


@pytest.mark.parametrize(
    ("field", "value", "doubt"),
    [
        ("keys", ("250",), "PSA key and name disagree"),
        ("domains", ("quarry.example",), "Domain and name disagree"),
        ("decided", frozenset({7}), "Earlier decision and name disagree"),
    ],
)
def test_a_signal_and_a_name_that_disagree_are_both_shown_and_neither_is_sure(
    field: str, value: object, doubt: str
) -> None:
    quarry = account(7, "Quarry", "250", domains=("quarry.example",))
    advice = advise("Harbor", quarry, account(8, "Harbor", "9"), **{field: value})
    assert [(s.candidate.id, s.is_sure) for s in advice.suggestions] == [(7, False), (8, False)]
    assert advice.sure is None
    assert advice.doubt == doubt


def test_a_domain_leads_to_its_account_unless_anybody_can_have_it() -> None:
    harbor = account(7, "Harbor Dental", domains=("Harbor.example", "gmail.com"))
    assert sure(advise("HDG", harbor, domains=("x@www.harbor.example",)))[0] == 7
    assert advise("HDG", harbor, domains=("gmail.com",)) == Advice()


def test_what_was_chosen_before_is_sure_and_what_was_taken_back_never_again() -> None:
    ours = (account(7, "Harbor Dental"), account(8, "Quarry Lane"))
    assert sure(advise("HDG", *ours, decided=frozenset({7})))[0] == 7
    taken_back = advise("Harbor Dental", *ours, refused=frozenset({7}))
    assert taken_back.sure is None
    assert taken_back.first is not None
    assert taken_back.first.reason == "Same name; taken back before"


def test_what_was_taken_back_is_no_rival_to_another_of_its_name() -> None:
    ours = (account(7, "Stonecroft"), account(8, "STONECROFT"))
    assert sure(advise("Stonecroft", *ours, refused=frozenset({7})))[0] == 8


def test_a_key_is_followed_before_a_domain_and_a_domain_before_a_decision() -> None:
    ours = (account(7, "A", "250"), account(8, "B", domains=("b.example",)), account(9, "C"))
    every = {"keys": ("250",), "domains": ("b.example",), "decided": frozenset({9})}
    assert sure(advise("X", *ours, **every))[0] == 7
    assert sure(advise("X", *ours, **every | {"keys": ()}))[0] == 8
    assert sure(advise("X", *ours, **every | {"keys": (), "domains": ()}))[0] == 9


def test_a_mistyped_name_gives_way_to_one_of_its_source_that_fits_better() -> None:
    ours = [account(7, "Pemberton Quarry Lane")]
    right, wrong = "Pemberton Quarry Lane", "Pembrton Quarry Lane"
    alone = suggest([Subject(id=1, name=wrong)], ours, WORDS)
    assert alone[1].sure is not None
    both = suggest([Subject(id=1, name=wrong), Subject(id=2, name=right)], ours, WORDS)
    assert both[1].sure is None
    assert both[2].sure is not None
    elsewhere = suggest([Subject(id=1, name=wrong), Subject(id=2, name=right, source=5)], ours, WORDS)
    assert elsewhere[1].sure is not None


def test_a_services_name_alone_is_never_sure() -> None:
    words = Words("service", "part number", name_at_most=60)
    ours = [Candidate(id=7, name="Server backup", keys=("SB-1",))]
    assert suggest([Subject(id=1, name="Server backup")], ours, words)[1].sure is None
    keyed = suggest([Subject(id=1, name="Server backup", keys=("sb-1",))], ours, words)[1]
    assert sure(keyed)[1] == "Same part number: sb-1; same name"


@pytest.mark.parametrize(("theirs", "ours"), [("a reseller", ""), ("", "not active in the PSA")])
def test_a_caution_on_either_side_asks_for_a_look(theirs: str, ours: str) -> None:
    advice = advise("Harbor", account(7, "Harbor", caution=ours), caution=theirs)
    assert advice.sure is None
    assert advice.first is not None
    assert advice.first.reason == f"Same name; {theirs or ours}"


names = st.text(max_size=12)


@given(st.lists(names, max_size=6), names)
def test_a_sure_name_is_one_that_no_other_has(ours: list[str], theirs: str) -> None:
    advice = advise(theirs, *(account(pk, name) for pk, name in enumerate(ours, 1)))
    same = [name for name in ours if compare(read_name(theirs), read_name(name))[0] >= Likeness.MISTYPED]
    assert (advice.sure is not None) == (len(same) == 1)


@given(st.permutations(["Alwick", "Alwick Inc", "Alwick LLC", "Bexley", "Bexley Dental", "Quarry"]), names)
def test_the_order_of_the_accounts_does_not_matter(ours: list[str], theirs: str) -> None:
    def told(every: list[str]) -> list[tuple[str, int]]:
        found = advise(theirs, *(account(ord(n[0]) * 99 + len(n), n) for n in every))
        return [(s.candidate.name, s.confidence) for s in found.suggestions]

    assert told(ours) == told(sorted(ours))
