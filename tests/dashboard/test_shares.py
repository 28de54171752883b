"""Shares of a count conserve its units, whoever reads the lines in whatever order."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dashboard.rules import (
    Line,
    share,
)

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
