"""D7: how vendors and people write the term of a product, and what two of them say of each other."""

import pytest

from vendors.products import Fit, Terms, compare, fold_product, read_terms


@pytest.mark.parametrize(
    ("said", "term", "billed"),
    [
        ("P1Y", "P1Y", ""),
        ("SPB_p1m", "P1M", ""),
        ("Suite - Annual", "P1Y", ""),
        ("Suite 1-Year", "P1Y", ""),
        ("Suite, month-to-month", "P1M", ""),
        ("Suite 3 Year", "P3Y", ""),
        ("P12M", "P1Y", ""),
        ("P5Y", "P5Y", ""),
        ("annual commitment, billed monthly", "P1Y", "P1M"),
        ("Annual billing: monthly", "P1Y", "P1M"),
        ("P1Y:Monthly", "P1Y", "P1M"),
        ("P1Y, paid upfront", "P1Y", "P1Y"),
        ("billed monthly", "", "P1M"),
        ("Power Pages T1 100 users/per site/month", "", ""),
        ("Backup 1 year retention", "", ""),
    ],
)
def test_d7_terms_are_one_however_vendors_write_them(said: str, term: str, billed: str) -> None:
    assert read_terms([said]) == Terms(term, billed)


def test_d7_a_name_is_the_same_without_its_term() -> None:
    for said in (
        "Suite (annual commitment, billed monthly)",
        "Suite NCE P1Y",
        "Suite - Monthly Term",
        "SUITE",
    ):
        assert fold_product(said) == "suite"


@pytest.mark.parametrize(
    ("one", "other", "fit"),
    [
        ("Suite", "Suite", Fit.UNSAID),
        ("Suite annual", "Suite P1Y", Fit.SAME),
        ("Suite annual NCE", "Suite annual, billed monthly", Fit.SAME),
        ("Suite NCE", "Suite NCE", Fit.SAME),
        ("Suite NCE", "Suite", Fit.OPEN),
        ("Suite annual", "Suite", Fit.OPEN),
        ("Suite annual", "Suite monthly", Fit.OTHER),
        ("Suite annual, billed monthly", "Suite annual, billed annually", Fit.OTHER),
    ],
)
def test_d7_term_and_commitment_are_part_of_what_is_sold(one: str, other: str, fit: Fit) -> None:
    assert compare(read_terms([one]), read_terms([other])) is fit
    assert compare(read_terms([other]), read_terms([one])) is fit


def test_d7_two_terms_that_contradict_each_other_fit_neither() -> None:
    both = read_terms(["Suite annual", "SPB-P1M"])
    assert {compare(both, read_terms([term])) for term in ("P1Y", "P1M")} == {Fit.OTHER}
