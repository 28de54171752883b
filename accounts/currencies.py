"""The currencies of ISO 4217 that are in use, with their names, and those that only old rates name."""

from functools import cache

from babel.core import get_global
from babel.numbers import get_currency_name, get_territory_currencies, list_currencies
from django.core.exceptions import ValidationError

LOCALE = "en_US"
# Metals, bond-market units and codes for tests are in the list and are not what an invoice is written in.
NOT_MONEY = {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX", "CNH"}


@cache
def list_current() -> dict[str, str]:
    """Give the codes in use and their English names, by code."""
    codes = {
        code
        for territory in get_global("territory_currencies")
        for code in get_territory_currencies(territory, tender=True, non_tender=True)
    }
    return {code: get_currency_name(code, locale=LOCALE) for code in sorted(codes - NOT_MONEY)}


def read_code(text: str) -> str:
    """Read the three letters of a currency in use, however typed; anything else is a ValidationError."""
    code = text.strip().upper()
    if code not in list_current():
        raise ValidationError("Enter the three letters of a currency, such as USD.")
    return code


@cache
def list_known() -> frozenset[str]:
    """Give every code that ever was one: a file of old rates names currencies that are gone."""
    return frozenset(list_currencies()) - NOT_MONEY
