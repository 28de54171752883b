"""How figures, dates and icons are written on every screen (design README: Words, States)."""

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from babel.numbers import format_currency, get_currency_precision, get_currency_symbol
from django import template
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reconcile.zones import UTC_NAME, abbreviation

register = template.Library()

GAP = "—"
MINUS = "−"
LOCALE = "en_US"


def _checked(value: Decimal | int) -> Decimal:
    """Give the value as Decimal; a float never reaches a screen, because it has lost its last digits."""
    if isinstance(value, float):
        raise TypeError("figures are Decimal or int, never float")
    return Decimal(value)


def _sign(value: Decimal) -> str:
    return "+" if value > 0 else MINUS if value < 0 else ""


def _trimmed(value: Decimal) -> str:
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _rounded(value: Decimal | int, currency: str) -> Decimal:
    places = get_currency_precision(currency or "USD")
    return _checked(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _with_symbol(number: Decimal, currency: str) -> str:
    """Write an amount with its symbol; a currency without one has its code, which stands apart ("CHF 12.00")."""
    written = format_currency(number, currency, locale=LOCALE)
    return (
        written.replace(currency, f"{currency}\N{NO-BREAK SPACE}")
        if written.startswith(currency)
        else written
    )


@register.filter
def units(value: Decimal | int | None) -> str:
    """Write a quantity: 0 is "0", unknown is a dash, thousands have a comma, trailing zeros go."""
    if value is None:
        return GAP
    number = _checked(value)
    return (MINUS if number < 0 else "") + _trimmed(abs(number))


@register.filter
def signed(value: Decimal | int | None) -> str:
    """Write a change of units with its sign: "+4", "−2", "0"; unknown is a dash."""
    if value is None:
        return GAP
    number = _checked(value)
    return _sign(number) + _trimmed(abs(number))


@register.filter
def delta_kind(value: Decimal | int | None) -> str:
    """Give the class of a difference (vendor minus PSA): under, over, match or none."""
    if value is None:
        return "none"
    return "under" if value > 0 else "over" if value < 0 else "match"


DELTA_WORDS = {"under": "under-billed", "over": "over-billed", "match": "match", "none": "not compared"}


@register.simple_tag
def delta(value: Decimal | int | None, word: str = "", kind: str = "") -> SafeString:
    """Draw a difference: signed, coloured and worded; `word` and `kind` replace the usual ones."""
    kind = kind or delta_kind(value)
    return format_html(
        '<div class="delta {}"><b>{}</b><span>{}</span></div>', kind, signed(value), word or DELTA_WORDS[kind]
    )


@register.filter
def amount(value: Decimal | int | None, currency: str = "") -> str:
    """Write money without its symbol, for a column whose head names the currency."""
    if value is None:
        return GAP
    number = _rounded(value, currency)
    return (MINUS if number < 0 else "") + f"{abs(number):,f}"


@register.filter
def signed_amount(value: Decimal | int | None, currency: str = "") -> str:
    """Write a change of money with its sign and without its symbol: "+105.60", "0.00"."""
    if value is None:
        return GAP
    number = _rounded(value, currency)
    return _sign(number) + f"{abs(number):,f}"


@register.filter
def price(value: Decimal | int | None, currency: str = "") -> str:
    """Write a unit price: at least the currency's decimals, more where the PSA has more ("0.125")."""
    if value is None:
        return GAP
    number = _checked(value)
    exact = _trimmed(abs(number))
    if len(exact.partition(".")[2]) <= get_currency_precision(currency or "USD"):
        return amount(number, currency)
    return (MINUS if number < 0 else "") + exact


@register.filter
def money(value: Decimal | int | None, currency: str) -> str:
    """Write money with its symbol: "$1,047.55", "−$3.10"; unknown is a dash."""
    if value is None:
        return GAP
    number = _rounded(value, currency)
    return (MINUS if number < 0 else "") + _with_symbol(abs(number), currency)


@register.filter
def signed_money(value: Decimal | int | None, currency: str) -> str:
    """Write a change of money: "+$1,047.55", "−$220.05", "$0.00"."""
    if value is None:
        return GAP
    number = _rounded(value, currency)
    return _sign(number) + _with_symbol(abs(number), currency)


@register.filter
def symbol(currency: str) -> str:
    """Give the sign of a currency for a column head: "$"; a currency without one gives its code."""
    return get_currency_symbol(currency, locale=LOCALE)


def age(when: datetime, now: datetime) -> str:
    """Say how long ago `when` (aware) was: "just now", "12 min", "8 h", "1 day", "7 days"."""
    passed = now - when
    if passed < timedelta(minutes=1):
        return "just now"
    if passed < timedelta(hours=1):
        return f"{passed // timedelta(minutes=1)} min"
    if passed < timedelta(days=1):
        return f"{passed // timedelta(hours=1)} h"
    return f"{passed.days} day" + ("" if passed.days == 1 else "s")


@register.filter
def ago(when: datetime | None) -> str:
    """Write the age of a moment: "8 h ago", "7 days ago"; nothing yet is "never"."""
    if when is None:
        return "never"
    text = age(when, timezone.now())
    return text if text == "just now" else f"{text} ago"


@register.filter
def short_date(when: date | datetime | None) -> str:
    """Write a day as "1 Dec", with the year when it is not this one; none is a dash."""
    if when is None:
        return GAP
    day = timezone.localtime(when).date() if isinstance(when, datetime) else when
    year = "" if day.year == timezone.localdate().year else f" {day.year}"
    return f"{day.day} {day:%b}{year}"


@register.filter
def moment(when: datetime | None) -> str:
    """Write a moment with its zone, the organization's: "29 Nov, 21:04 EST"; none is a dash."""
    if when is None:
        return GAP
    local = timezone.localtime(when)
    return f"{short_date(local)}, {local:%H:%M} {abbreviation(local)}"


@register.filter
def moment_utc(when: datetime | None) -> str:
    """Write the moment of an automatic sync, which runs by UTC, with UTC beside it: "1 Dec, 02:00 EST (07:00 UTC)"."""
    return GAP if when is None else f"{short_date(when)}, {clock_utc(when)}"


@register.filter
def clock_utc(when: datetime) -> str:
    """Write its time of day alone: "02:00 EST (07:00 UTC)"; UTC names its day, too, where it has another."""
    there = when.astimezone(UTC)
    local = timezone.localtime(when)
    written = f"{local:%H:%M} {abbreviation(local)}"
    if abbreviation(local) == UTC_NAME:
        return written
    day = "" if there.date() == local.date() else f"{short_date(there.date())}, "
    return f"{written} ({day}{there:%H:%M} UTC)"


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon of the sprite; without a label it is decoration, which screen readers skip."""
    if label:
        picture = '<svg class="icon" role="img" aria-label="{}"><use href="{}#{}"/></svg>'
        return format_html(picture, label, static("icons.svg"), name)
    return _decoration(name)


@cache
def _decoration(name: str) -> SafeString:
    # A list has four of them in each row.
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons.svg"), name
    )


@register.simple_tag(takes_context=True)
def org_url(context: Context, name: str, *args: object) -> str:
    """Give the address of a screen in the organization that the request is about."""
    return reverse(name, args=[context["request"].org.slug, *args])


@register.simple_tag(takes_context=True)
def here(context: Context, *names: str) -> SafeString | str:
    """Mark a navigation entry as the current page when the request's view has one of these names.

    A name that ends with * stands for all that begin so.
    """
    match = context["request"].resolver_match
    view = match.view_name if match else ""
    found = any(view.startswith(name[:-1]) if name.endswith("*") else view == name for name in names)
    return format_html(' aria-current="{}"', "page") if found else ""
