"""G1: the arithmetic of exchange: identity, there and back, across the euro, and which day's rate counts."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from accounts.exchange import ECB, MANUAL, Exchange, Part, Rate, newest

DAY = date(2026, 11, 24)
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False, allow_infinity=False)
figures = st.decimals(min_value="0.000001", max_value=10**6, places=6, allow_nan=False, allow_infinity=False)
days = st.integers(0, 40).map(lambda n: DAY - timedelta(days=n))
rates = st.builds(
    Rate,
    st.just("EUR"),
    st.sampled_from(["USD", "GBP", "JPY"]),
    figures,
    days,
    st.sampled_from([ECB, MANUAL]),
)
TINY = Decimal(10) ** -20


def exchange(*known: Rate, currency: str = "USD", day: date = DAY) -> Exchange:
    return Exchange(currency, day, 7, newest(known, day))


def eur(quote: str, rate: str, on: date = DAY, source: str = ECB) -> Rate:
    return Rate("EUR", quote, Decimal(rate), on, source)


@given(amounts)
def test_a_currency_is_itself_without_any_rate(amount: Decimal) -> None:
    same = exchange().convert(amount, "USD")
    assert same is not None
    assert (same.amount, same.currency, same.path.rates) == (amount, "USD", ())


@given(amounts, figures, figures)
def test_there_and_back_gives_the_amount(amount: Decimal, one: Decimal, other: Decimal) -> None:
    both = exchange(Rate("EUR", "USD", one, DAY), Rate("EUR", "GBP", other, DAY))
    for source, target in [("EUR", "USD"), ("USD", "EUR"), ("GBP", "USD"), ("USD", "GBP")]:
        there = both.convert(amount, source, target)
        assert there is not None
        back = both.convert(there.amount, target, source)
        assert back is not None
        assert abs(back.amount - amount) <= TINY


@given(amounts, figures, figures)
def test_a_cross_rate_is_the_way_over_the_euro(amount: Decimal, usd: Decimal, gbp: Decimal) -> None:
    both = exchange(Rate("EUR", "USD", usd, DAY), Rate("EUR", "GBP", gbp, DAY))
    straight = both.convert(amount, "GBP", "USD")
    euros = both.convert(amount, "GBP", "EUR")
    assert straight is not None
    assert euros is not None
    over = both.convert(euros.amount, "EUR", "USD")
    assert over is not None
    assert abs(straight.amount - over.amount) <= TINY
    assert [rate.quote for rate in straight.path.rates] == ["GBP", "USD"]


@given(st.lists(amounts, min_size=1, max_size=6), figures)
def test_a_sum_of_converted_amounts_is_the_converted_sum(several: list[Decimal], rate: Decimal) -> None:
    known = exchange(Rate("EUR", "USD", rate, DAY))
    total = known.add({"EUR": sum(several, Decimal(0))})
    one_by_one = sum((found.amount for a in several if (found := known.convert(a, "EUR"))), Decimal(0))
    assert total.amount is not None
    assert abs(total.amount - one_by_one) <= TINY


@given(st.lists(rates, max_size=12), days)
def test_the_newest_on_or_before_the_day_counts(several: list[Rate], day: date) -> None:
    chosen = newest(several, day)
    for quote in ("USD", "GBP", "JPY"):
        fit = [rate for rate in several if rate.quote == quote and rate.on <= day]
        found = chosen.get(("EUR", quote))
        if not fit:
            assert found is None
            continue
        assert found is not None
        last = max(rate.on for rate in fit)
        assert found.on == last
        by_hand = any(rate.source == MANUAL for rate in fit if rate.on == last)
        assert found.source == (MANUAL if by_hand else ECB)


def test_a_rate_reads_both_ways() -> None:
    known = exchange(eur("USD", "1.25"))
    there, back = known.convert(Decimal(100), "EUR"), known.convert(Decimal(100), "USD", "EUR")
    assert there is not None
    assert back is not None
    assert (there.amount, back.amount) == (Decimal(125), Decimal(80))


def test_the_newer_of_the_pair_and_the_way_over_the_euro_counts() -> None:
    pair = Rate("GBP", "USD", Decimal("1.5"), DAY - timedelta(days=1), MANUAL)
    over = [eur("USD", "1.2"), eur("GBP", "0.8")]
    found = exchange(pair, *over).find("GBP")
    assert found is not None
    assert found.words == "1 EUR = 0.8 GBP, ECB, 24 Nov 2026; 1 EUR = 1.2 USD, ECB, 24 Nov 2026"
    stale = [eur("USD", "1.2"), eur("GBP", "0.8", DAY - timedelta(days=2))]
    found = exchange(pair, *stale).find("GBP")
    assert found is not None
    assert found.words == "1 GBP = 1.5 USD, entered by hand, 23 Nov 2026"


def test_on_one_day_the_pair_itself_goes_first() -> None:
    pair = Rate("USD", "GBP", Decimal("0.5"), DAY, MANUAL)
    found = exchange(pair, eur("USD", "1.2"), eur("GBP", "0.8")).convert(Decimal(1), "GBP")
    assert found is not None
    assert found.amount == Decimal(2)


def test_three_currencies_are_one_sum_when_each_has_a_rate() -> None:
    known = exchange(eur("USD", "1.25"), eur("GBP", "0.5"))
    total = known.add({"USD": Decimal(10), "EUR": Decimal(20), "GBP": Decimal(4)})
    # 10 + 20 × 1.25 + 4 ÷ 0.5 × 1.25
    assert total.parts == (Part("USD", Decimal(45)),)
    assert total.is_estimate
    assert [path.source for path in total.paths] == ["EUR", "GBP"]
    assert total.missing == ()


def test_one_without_a_rate_leaves_every_currency_by_itself() -> None:
    total = exchange(eur("USD", "1.25")).add({"USD": Decimal(10), "EUR": Decimal(20), "GBP": Decimal(-30)})
    assert total.parts == (Part("GBP", Decimal(-30)), Part("EUR", Decimal(20)), Part("USD", Decimal(10)))
    assert (total.missing, total.amount, total.is_estimate) == (("GBP",), None, False)


def test_nothing_of_a_currency_needs_no_rate() -> None:
    known = exchange()
    total = known.add({"USD": Decimal(10), "EUR": Decimal(0)})
    assert (total.parts, total.is_estimate, total.missing) == ((Part("USD", Decimal(10)),), False, ())
    assert known.add({"EUR": Decimal(0)}).parts == (Part("EUR", Decimal(0)),)
    assert known.add({}).parts == (Part("USD", Decimal(0)),)


def test_an_old_rate_is_used_and_known_to_be_old() -> None:
    for days_ago, old in ((7, False), (8, True)):
        known = exchange(eur("USD", "1.25", DAY - timedelta(days=days_ago)))
        path = known.find("EUR")
        assert path is not None
        assert known.is_old(path) is old
        assert path.apply(Decimal(4)) == Decimal(5)
