"""Tags of the reconciliation screens: addresses of a changed view, sortable heads, counts of tabs."""

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard.filters import Filters
from dashboard.totals import Totals
from dashboard.words import HELD, HIDDEN, UNCOMPARED
from reconcile.templatetags.figures import icon, symbol, units

register = template.Library()


@register.simple_tag
def view_address(filters: Filters, **changes: object) -> str:
    """Give the query string of this view with some parts changed; a change of anything starts at page one."""
    return filters.address(
        **{name: value if name == "page" else str(value) for name, value in changes.items()}
    )


@register.simple_tag
def tab_count(totals: Totals, name: str) -> str:
    """Give the number of lines behind a tab."""
    return units(totals.tabs[name])


@register.filter
def plain(value: Decimal | None) -> str:
    """Write a number for a form or a script: exact, no thousands, nothing for unknown."""
    if value is None:
        return ""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


@register.filter
def reason_words(reason: str) -> str:
    """Say what a rule's reason means in a few words; none is nothing."""
    known = {name: label for name, (label, _) in (HIDDEN | UNCOMPARED).items()}
    return known.get(reason) or HELD.get(reason, ("", ""))[0]


@register.simple_tag
def sort_head(filters: Filters, key: str, label: str, classes: str, currency: str = "") -> SafeString:
    """Draw a column head that sorts by `key`, largest first at the first click, and turns it at the second."""
    down = filters.sort == f"-{key}"
    text = f"{label}, {symbol(currency)}" if currency else label
    order = {f"-{key}": ' aria-sort="descending"', key: ' aria-sort="ascending"'}.get(filters.sort, "")
    arrow = icon("down" if down else "up") if order else ""
    link = format_html(
        '<a href="{}"{}>{}{}</a>',
        filters.address(sort=key if down else f"-{key}"),
        mark_safe(' class="delta-head"') if key == "difference" else "",
        text,
        arrow,
    )
    return format_html('<th class="{}" scope="col"{}>{}</th>', classes, mark_safe(order), link)  # noqa: S308 - literal
