"""How sums of money are written: one amount, or each currency by itself, with ≈ where something was converted (G1)."""

from decimal import Decimal

from django import template

from accounts.exchange import Converted, Exchange, Part, Total
from dashboard.models import Card
from dashboard.templatetags.lines import plain
from dashboard.writes import Write
from reconcile.templatetags.figures import GAP, money, signed_amount, signed_money

register = template.Library()
# What the script adds up: more digits than any currency has.
PLACES = Decimal("1e-8")


def _part(total: Total, part: Part, *, signed: bool) -> str:
    written = signed_money(part.amount, part.currency) if signed else money(part.amount, part.currency)
    return f"≈ {written}" if total.is_estimate else written


@register.filter
def signed_total(total: Total | None) -> str:
    """Write a sum with its sign: "≈ +$45.00"; amounts that are not one sum stand side by side.

    Lines that it lacks are said, never counted as nothing: "+$9.00 and 1 line without a price".
    """
    if total is None:
        return GAP
    lacking = [
        f"{lines:,} line{'' if lines == 1 else 's'} without a {what}"
        for lines, what in ((total.unpriced, "price"), (total.uncounted, "count"))
        if lines
    ]
    known = [_part(total, part, signed=True) for part in total.parts if part.amount or not lacking]
    return " and ".join([", ".join(known)] * bool(known) + lacking)


@register.filter
def plain_total(total: Total | None) -> str:
    """Write a sum without its sign: "$45.00"."""
    return ", ".join(_part(total, part, signed=False) for part in total.parts) if total else GAP


@register.filter
def estimated_total(total: Total | None) -> str:
    """Write a sum that is an estimate whether or not anything in it was converted: "≈ $45.00"."""
    return ", ".join(f"≈ {money(part.amount, part.currency)}" for part in total.parts) if total else GAP


@register.filter
def first_part(total: Total) -> str:
    """Write the first part of a sum with its sign: all of it, unless currencies stand apart; unknown is a dash."""
    return GAP if total.is_unknown else _part(total, total.first, signed=True)


@register.filter
def in_column(total: Total, head: str) -> str:
    """Write a sum where the head names a currency: without its symbol, and with the code of any other behind it."""
    if total.is_unknown:
        return GAP
    names_itself = not total.rest and total.currency == head
    return ", ".join(
        ("≈ " if total.is_estimate else "")
        + signed_amount(part.amount, part.currency)
        + ("" if names_itself else f" {part.currency}")
        for part in total.parts
    )


@register.simple_tag
def worth(exchange: Exchange, card: Card | Write) -> str:
    """Give what a line changes in the display currency, for the script; nothing where no rate is known."""
    found = exchange.convert(card.effect, card.currency) if card.effect is not None else None
    return plain(found.amount.quantize(PLACES)) if found else ""


@register.simple_tag
def worth_here(exchange: Exchange, card: Card | Write) -> Converted | None:
    """Give what a line changes in the display currency; None for a line in that currency, or without a rate."""
    found = exchange.convert(card.effect, card.currency) if card.effect else None
    return found if found and found.path.rates else None


@register.filter
def short_worth(found: Converted) -> str:
    """Write a converted amount: "≈ +$54.00"."""
    return f"≈ {signed_money(found.amount, found.currency)}"


@register.filter
def worth_words(found: Converted) -> str:
    """Write a converted amount with its rate: "≈ +$54.00 at 1 EUR = 1.2 USD, ECB, 24 Nov 2026"."""
    return f"{short_worth(found)} at {found.path.words}"
