"""Shares of a count conserve its units, whoever reads the lines in whatever order."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules import Line, share, step_on
from vendors import counting
from vendors.counting import Do, Step

DAY = date(2026, 12, 1)
DATES = [None, date(2026, 1, 1), date(2026, 11, 30), DAY, date(2026, 12, 2), date(2027, 6, 30)]
units = st.decimals(0, 500, places=2)


@given(st.lists(units, min_size=1, max_size=6), units)
def test_shares_add_up_to_the_count(quantities: list[Decimal], total: Decimal) -> None:
    lines = [Line(remote_id=str(n), quantity=q) for n, q in enumerate(quantities)]
    assert sum(share(lines, total).values()) == total
    assert all(x >= 0 for x in share(lines, total).values())


@given(st.permutations([Line(remote_id=str(n), quantity=Decimal(n)) for n in range(5)]), units)
def test_the_order_of_reading_does_not_matter(lines: list[Line], total: Decimal) -> None:
    assert share(lines, total) == share(sorted(lines, key=lambda x: x.remote_id), total)


@given(st.lists(st.tuples(units, units), min_size=1, max_size=6), units)
def test_what_is_paired_with_a_line_leaves_the_rest_of_the_count_to_the_others(
    quantities: list[tuple[Decimal, Decimal]], total: Decimal
) -> None:
    lines = [Line(remote_id=str(n), quantity=q) for n, (q, _) in enumerate(quantities)]
    taken = {str(n): t for n, (_, t) in enumerate(quantities)}
    shares = share(lines, total, taken)
    assert sum(shares.values()) == total
    in_order = sorted(lines, key=lambda x: (len(x.remote_id), x.remote_id))
    assert all(
        shares[x.remote_id] + taken[x.remote_id] <= max(x.quantity, taken[x.remote_id]) for x in in_order[:-1]
    )


@given(st.lists(st.tuples(units, units, st.integers(1, 3)), min_size=1, max_size=6), units, st.booleans())
def test_the_lines_of_an_agreement_share_what_its_rule_makes_of_them_together(
    said: list[tuple[Decimal, Decimal, int]], at_least: Decimal, doubled: bool
) -> None:
    lines = [Line(remote_id=str(n), quantity=q, agreement=a) for n, (q, _, a) in enumerate(said)]
    shares = {str(n): share for n, (_, share, _) in enumerate(said)}
    steps = [Step(do=Do.MINIMUM, by=at_least), *([Step(do=Do.PERCENT, by=Decimal(200))] if doubled else [])]
    found = step_on(lines, shares, {1: steps, 2: []})
    for agreement in (1, 2, 3):
        its = [line.remote_id for line in lines if line.agreement == agreement]
        before, after = (sum((of[name] for name in its), Decimal(0)) for of in (shares, found))
        assert not its or after == counting.apply(before, steps if agreement == 1 else ())
        assert before != after or all(found[name] == shares[name] for name in its)
