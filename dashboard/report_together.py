"""A report's totals in the display currency: made once, at the rates of its closing, and kept in it (E13, G1)."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from babel.numbers import get_currency_precision

from accounts.exchange import SOURCES, Exchange
from dashboard.sums import by_currency

Row = dict[str, Any]


def bring_together(totals: Sequence[Row], exchange: Exchange) -> Row | None:
    """Add up totals across their currencies, or name those without a rate; None: all is in the display currency.

    Each sum is rounded once, here, so that every rendering has the same one.
    """
    codes = sorted({row["currency"] for row in totals if row["under"] or row["over"]})
    if codes in ([], [exchange.currency]):
        return None
    paths = {code: exchange.find(code) for code in codes}
    missing = [code for code, path in paths.items() if path is None]
    together: Row = {"currency": exchange.currency, "missing": missing, "rows": [], "rates": []}
    if missing:
        return together
    rates = dict.fromkeys(rate for path in paths.values() if path for rate in path.rates)
    together["rates"] = [
        {
            "base": rate.base, "quote": rate.quote, "rate": rate.rate, "on": rate.on, "source": SOURCES[rate.source],
            "words": rate.words,
        }
        for rate in rates
    ]  # fmt: skip
    parts = dict.fromkeys(row["part"] for row in totals)
    # What was found in all comes last, as it does in each currency.
    ordered = sorted(parts, key=lambda part: part == "found")
    together["rows"] = [_sum([row for row in totals if row["part"] == part], exchange) for part in ordered]
    return together


def _sum(rows: Sequence[Row], exchange: Exchange) -> Row:
    return {
        "currency": exchange.currency,
        "part": rows[0]["part"],
        "lines": sum(row["lines"] for row in rows),
        "under": _convert(((row["currency"], row["under"]) for row in rows), exchange),
        "over": _convert(((row["currency"], row["over"]) for row in rows), exchange),
        "unknown": sum(row["unknown"] for row in rows),
    }


def _convert(amounts: Iterable[tuple[str, Decimal]], exchange: Exchange) -> Decimal:
    found = exchange.add({code: amount for code, amount in by_currency(amounts).items() if amount})
    places = Decimal(1).scaleb(-get_currency_precision(exchange.currency))
    return found.first.amount.quantize(places, ROUND_HALF_UP)


def read_together(content: Row) -> Row | None:
    """Give what a stored report says across currencies; None where it says nothing, as older ones do."""
    together: Row | None = content.get("together")
    return together


def explain_together(content: Row) -> str:
    """Say at which rates the sum stands, or why there is none; empty where there is nothing to say."""
    together = read_together(content)
    if together is None:
        return ""
    if together["missing"]:
        return f"No rate for {', '.join(together['missing'])}, so there is no sum across currencies."
    rates = "; ".join(rate["words"] for rate in together["rates"])
    when = "at the rates of the month's last day," if content.get("as_of") else "on the day of closing at"
    return f"≈ {together['currency']} is an estimate, converted {when} {rates}."
