"""A past day and the back-billing proposals as tables for a file (E14), with a row for each line or invoice."""

from collections.abc import Callable
from datetime import date

from accounts.rates import exchange_for
from dashboard.back_billing import Month
from dashboard.missed import MissedRow, list_missed
from dashboard.models import Card
from dashboard.past_lists import PastRow, list_whole_day
from dashboard.templatetags.lines import reason_words
from reconcile.period import next_month
from reconcile.tables import Cell, Table, pad, trim

KINDS = dict(Card.Kind.choices)
NEVER_ZERO = ("An empty cell", "Unknown or does not apply, never 0; Reason says why")


def explain(row: PastRow) -> str | None:
    """Say why a line was held, or why numbers of it are missing; None where all is plain."""
    reasons = [reason_words(row.judged.verdict.reason).capitalize()]
    if row.judged.verdict.kind == Card.Kind.NEW:
        reasons.append("No line billed this usage")
    if row.judged.price is None:
        reasons.append("The PSA had no price")
    return ". ".join(filter(None, reasons)) or None


DAY_COLUMNS: dict[str, Callable[[PastRow], Cell]] = {
    "Account": lambda row: row.account,
    "Agreement": lambda row: row.agreement or None,
    "Service": lambda row: row.service,
    "Line id in the PSA": lambda row: row.remote_id or None,
    "Kind": lambda row: KINDS.get(row.judged.verdict.kind, row.judged.verdict.kind),
    "PSA units": lambda row: trim(row.judged.quantity),
    "Vendor units": lambda row: trim(row.judged.verdict.vendor_units),
    "Difference": lambda row: trim(row.delta),
    "Price": lambda row: pad(row.judged.price, row.currency),
    "That invoice": lambda row: pad(row.judged.verdict.effect, row.currency),
    "Currency": lambda row: row.currency or None,
    "Reason": explain,
}
MISSED_COLUMNS = (
    "Account", "Agreement", "Service", "Line id in the PSA", "Invoice of", "Billed units", "Used units", "Difference",
    "Amount", "Currency", "Reason",
)  # fmt: skip


def day_table(org_id: int, day: date, *, query: str, everything: bool, limit: int) -> Table:
    """Give the lines of a past day, all its pages in their order. Needs the organization's scope."""
    found = list_whole_day(org_id, day, query=query, everything=everything)
    rows = [[cell(row) for cell in DAY_COLUMNS.values()] for row in found[:limit]]
    about: list[tuple[str, Cell]] = [
        ("View", "All lines" if everything else "Differences"),
        ("As at the end of (UTC)", day),
        ("That invoice", next_month(day.replace(day=1))),
        *([("Search", query)] if query else []),
        ("Of that day", "Quantities, prices, counts and gaps"),
        ("Of today", "Names, mappings, agreements and guards"),
        NEVER_ZERO,
    ]
    return Table(f"Past day {day:%Y-%m-%d}", tuple(DAY_COLUMNS), rows, about)


def missed_table(org_id: int, limit: int) -> Table:
    """Give what past invoices missed, one row for each line and invoice, the largest line first."""
    found = list_missed(org_id, exchange_for(org_id))
    rows = [_missed_row(one, month) for one in found for month in one[1].months]
    about: list[tuple[str, Cell]] = [
        ("View", "Back-billing"),
        ("Amount", "Above 0: billed too low; below 0: billed too high. Nothing is converted"),
        ("A proposal", "Nothing is written to the PSA. Shared counts, zeros and unknown months are left out"),
        NEVER_ZERO,
    ]
    return Table("Back-billing", MISSED_COLUMNS, rows[:limit], about)


def _missed_row(one: MissedRow, month: Month) -> list[Cell]:
    line, _, _, currency = one
    return [
        line.account.name, line.agreement.name, line.service.name if line.service else line.description or None,
        line.remote_id, month.invoice_on, trim(month.billed), trim(month.used), trim(month.units),
        pad(month.amount, currency), currency or None, None if month.amount is not None else "The PSA had no price",
    ]  # fmt: skip
