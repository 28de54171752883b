"""How figures and dates are written."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from reconcile.templatetags import figures

NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (None, "—"),
        (Decimal("0.00"), "0"),
        (Decimal("12.50"), "12.5"),
        (Decimal("100"), "100"),
        (Decimal("1E+3"), "1,000"),
        (Decimal("2400.0000"), "2,400"),
        (Decimal("-3"), "−3"),
    ],
)
def test_units(value, text):
    assert figures.units(value) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_units_written_can_be_read_back_exactly(value):
    text = figures.units(value)
    assert Decimal(text.replace(",", "").replace(figures.MINUS, "-")) == value
    assert "E" not in text
    assert not text.endswith(".")


def test_a_float_never_reaches_a_screen():
    with pytest.raises(TypeError):
        figures.units(0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "classes", "number", "word"),
    [
        (4, "under", "+4", "under-billed"),
        (-2, "over", "−2", "over-billed"),
        (0, "match", "0", "match"),
        (None, "none", "—", "not compared"),
        (Decimal("-1.50"), "over", "−1.5", "over-billed"),
    ],
)
def test_a_difference_is_signed_coloured_and_worded(value, classes, number, word):
    assert figures.delta(value) == f'<div class="delta {classes}"><b>{number}</b><span>{word}</span></div>'


def test_the_word_of_a_difference_is_escaped():
    assert "<b>x" not in figures.delta(1, "<b>x")


@pytest.mark.parametrize(
    ("value", "plain", "change"),
    [
        ("1047.55", "$1,047.55", "+$1,047.55"),
        ("-220.05", "−$220.05", "−$220.05"),
        ("0", "$0.00", "$0.00"),
        ("-0.004", "$0.00", "$0.00"),
        ("0.125", "$0.13", "+$0.13"),
    ],
)
def test_money_has_its_sign_before_its_symbol(value, plain, change):
    assert figures.money(Decimal(value), "USD") == plain
    assert figures.signed_money(Decimal(value), "USD") == change


def test_money_of_another_currency_has_its_own_symbol_and_decimals():
    assert figures.money(Decimal("1200"), "JPY") == "¥1,200"
    assert figures.money(Decimal("7.5"), "GBP") == "£7.50"
    assert figures.symbol("EUR") == "€"


def test_no_money_is_a_dash_everywhere():
    written = (figures.money, figures.signed_money, figures.amount, figures.signed_amount, figures.price)
    assert {write(None, "USD") for write in written} == {"—"}


def test_columns_of_money_have_no_symbol():
    assert figures.signed_amount(Decimal("105.6")) == "+105.60"
    assert figures.amount(Decimal("-1200")) == "−1,200.00"
    assert figures.price(Decimal("26.4000")) == "26.40"
    assert figures.price(Decimal("0.1250")) == "0.125"


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=12), "12 min"),
        (timedelta(hours=8, minutes=59), "8 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=7), "7 days"),
    ],
)
def test_ages(passed, text):
    assert figures.age(NOW - passed, NOW) == text


def test_ages_on_a_page():
    assert figures.ago(None) == "never"
    assert figures.ago(datetime.now(UTC) - timedelta(days=7, hours=1)) == "7 days ago"


def test_days_name_their_year_only_when_it_is_another():
    this = datetime.now(UTC).year
    assert figures.short_date(date(this, 12, 1)) == "1 Dec"
    assert figures.short_date(date(2019, 3, 9)) == "9 Mar 2019"
    assert figures.moment(datetime(this, 11, 30, 2, 4, tzinfo=UTC)) == "30 Nov, 02:04 UTC"
    assert figures.short_date(None) == "—"


def test_the_library_needs_no_load():
    page = Template('{{ n|units }} {% icon "search" %} {% icon "alert" "Failed" %}').render(Context({"n": 0}))
    assert page.startswith('0 <svg class="icon" aria-hidden="true"><use href="/static/icons.svg#search"/>')
    assert 'role="img" aria-label="Failed"' in page


def template_files() -> list[Path]:
    return sorted((settings.BASE_DIR / "templates").rglob("*.html"))


def test_every_icon_that_a_template_names_is_in_the_sprite():
    sprite = (settings.BASE_DIR / "static/icons.svg").read_text()
    known = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    used = {name for path in template_files() for name in re.findall(r'{% icon "([\w-]+)"', path.read_text())}
    assert used <= known


@pytest.mark.parametrize(
    "pattern",
    [r"\sstyle=", r"<style", r"\shx-on", r"<\w[^>%]*\son[a-z]+=", r"<script(?![^>]*\ssrc=)", r"js:"],
)
def test_no_template_writes_what_the_policy_forbids(pattern):
    assert [path.name for path in template_files() if re.search(pattern, path.read_text())] == []
