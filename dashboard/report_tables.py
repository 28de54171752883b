"""The report of a closed month as tables for a workbook: made from its stored content alone (E13)."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dashboard.report_late import explain_late
from dashboard.report_together import explain_together, read_together
from reconcile.tables import Cell, Table, pad

OUTCOMES = {
    "corrected": "Corrected by a push",
    "dismissed": "Dismissed",
    "snoozed": "Snoozed",
    "carried": "Carried over",
    "found": "Found in all",
}
TOTALS = (
    "Currency", "What became of it", "Lines", "Under-billed", "Over-billed", "Net", "Lines without a known amount",
)  # fmt: skip
Row = dict[str, Any]


def number(text: str | None) -> Decimal | None:
    """Read a number of a stored report: exact, and None where it was unknown."""
    return None if text is None else Decimal(text)


def moment(text: str | None) -> datetime | None:
    """Read a time of a stored report."""
    return None if text is None else datetime.fromisoformat(text)


def report_tables(content: Row) -> list[Table]:
    """Give a stored report as the sheets of a workbook, the totals first."""
    return [
        Table("Totals", TOTALS, [_total(row) for row in list_totals(content)], _about(content)),
        *_together(content),
        _table("Lines", LINES, content["lines"]),
        _table("Exceptions carried over", EXCEPTIONS, content["exceptions"]),
        _table("Pushes", PUSHES, content["pushes"]),
        _table("Sources", SOURCES, content["sources"]),
        Table("Left out", ("Reason", "Lines or vendor rows", "Units", "Currency", "A month", "Without a price"),
              _left_out(content)),
    ]  # fmt: skip


def _table(title: str, columns: dict[str, Callable[[Row], Cell]], rows: list[Row]) -> Table:
    return Table(title, tuple(columns), [[cell(row) for cell in columns.values()] for row in rows])


def list_totals(content: Row) -> list[Row]:
    """Give the totals of a stored report, each currency by itself, with exact numbers and in words."""
    return [_with_words(row) for row in content["totals"]]


def list_together(content: Row) -> list[Row]:
    """Give the totals in the display currency in the same form; none where a rate was missing."""
    together = read_together(content)
    return [_with_words(row) for row in together["rows"]] if together else []


def _with_words(row: Row) -> Row:
    under, over = Decimal(row["under"]), Decimal(row["over"])
    return row | {"under": under, "over": over, "net": under + over, "label": OUTCOMES[row["part"]]}


def _together(content: Row) -> list[Table]:
    """Give the sums across currencies and the rates behind them, as sheets of their own."""
    together = read_together(content)
    if not together or together["missing"]:
        return []
    rates = [
        [r["base"], number(r["rate"]), r["quote"], date.fromisoformat(r["on"]), r["source"]]
        for r in together["rates"]
    ]
    return [
        Table("Converted totals", TOTALS, [_total(row) for row in list_together(content)]),
        Table("Exchange rates", ("1 of", "Is so much", "Of", "Day", "Source"), rates),
    ]


def _total(row: Row) -> list[Cell]:
    money = [pad(row[name], row["currency"]) for name in ("under", "over", "net")]
    return [row["currency"], row["label"], row["lines"], *money, row["unknown"]]


def _about(content: Row) -> list[tuple[str, Cell]]:
    closed, coverage, unmapped = content["closed"], content["coverage"], content["unmapped"]
    return [
        ("Organization", content["organization"]["name"]),
        ("Period", date.fromisoformat(content["period"])),
        ("Version", content["version"]),
        ("Closed by", f"{closed['by']} <{closed['email']}>, {closed['role']}"),
        ("Closed at (UTC)", moment(closed["at"])),
        ("Of which moment", explain_late(content) or "The moment of closing"),
        ("Lines with a source", coverage["billable"]),
        ("Lines compared", coverage["compared"]),
        *(_unmapped(unmapped) if unmapped else []),
        ("Audit trail at closing, entry", content["trail"]["seq"]),
        ("Audit trail at closing, hash", content["trail"]["hash"]),
        ("An empty cell", "Unknown or does not apply, never 0"),
        ("Totals across currencies", explain_together(content) or "All in one currency"),
    ]


def _unmapped(unmapped: Row) -> list[tuple[str, Cell]]:
    return [
        ("Unmapped vendor accounts with usage", unmapped["accounts"]),
        ("Unmapped vendor services with usage", unmapped["services"]),
        ("Unmapped usage, estimate a month", pad(number(unmapped["value"]), unmapped["currency"])),
        ("Its currency", unmapped["currency"] or None),
    ]


def _left_out(content: Row) -> list[list[Cell]]:
    rows: list[list[Cell]] = [
        [f"Not compared: {r['label']}", r["lines"], None, content["coverage"]["currency"],
         pad(number(r["billed"]), content["coverage"]["currency"]), None]
        for r in content["coverage"]["missing"]
    ]  # fmt: skip
    for part in content["hidden"]:
        money = list(part["money"].items()) or [(None, None)]
        for currency, value in money:
            rows.append([
                part["label"].capitalize(), part["number"], number(part["units"]), currency,
                pad(number(value), currency or ""), part["unpriced"],
            ])  # fmt: skip
    return rows


def _decision(name: str, read: Callable[[Any], Cell] = str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        decision = row["decision"]
        return read(decision[name]) if decision and decision[name] is not None else None

    return cell


LINES: dict[str, Callable[[Row], Cell]] = {
    "Service": lambda row: row["service"] or None,
    "Account": lambda row: row["account"],
    "Agreement": lambda row: row["agreement"] or None,
    "Line id in the PSA": lambda row: row["id"] or None,
    "Kind": lambda row: row["kind_label"],
    "State": lambda row: row["state_label"],
    "PSA units": lambda row: number(row["psa_units"]),
    "PSA read at (UTC)": lambda row: moment(row["psa_read_at"]),
    "Source": lambda row: row["source"] or None,
    "Vendor units": lambda row: number(row["vendor_units"]),
    "Counted at (UTC)": lambda row: moment(row["counted_at"]),
    "Unknown since (UTC)": lambda row: moment(row["unknown_since"]),
    "Difference": lambda row: number(row["difference"]),
    "Price": lambda row: pad(number(row["price"]), row["currency"]),
    "Next invoice": lambda row: pad(number(row["effect"]), row["currency"]),
    "Currency": lambda row: row["currency"] or None,
    "Reason": lambda row: row["why"] or None,
    "Decision": _decision("verb"),
    "Reconciled units": _decision("units", number),
    "Decided by": _decision("by"),
    "Decided at (UTC)": _decision("at", moment),
    "Decision's reason": _decision("reason"),
    "Carried over because": lambda row: row["carried"] or None,
}
EXCEPTIONS: dict[str, Callable[[Row], Cell]] = {
    name: LINES[name]
    for name in ("Service", "Account", "Agreement", "Kind", "PSA units", "Vendor units", "Difference", "Next invoice",
                 "Currency", "Reason")
} | {
    "Carried over because": lambda row: row["reason"],
    "Carried over by": lambda row: row["by"],
    "Carried over at (UTC)": lambda row: moment(row["at"]),
}  # fmt: skip
PUSHES: dict[str, Callable[[Row], Cell]] = {
    "Service": lambda row: row["service"] or None,
    "Account": lambda row: row["account"],
    "Agreement": lambda row: row["agreement"] or None,
    "Line id in the PSA": lambda row: row["line"] or None,
    "From": lambda row: number(row["from"]),
    "To": lambda row: number(row["to"]),
    "Read back": lambda row: number(row["read_back"]),
    "State": lambda row: row["state_label"],
    "Takes another push back": lambda row: "yes" if row["undoes"] else "no",
    "Effective": lambda row: date.fromisoformat(row["effective_on"]),
    "Price": lambda row: pad(number(row["price"]), row["currency"]),
    "Next invoice": lambda row: pad(number(row["effect"]), row["currency"]),
    "Currency": lambda row: row["currency"],
    "Asked for by": lambda row: row["by"] or None,
    "Asked for at (UTC)": lambda row: moment(row["at"]),
    # Reports that were sealed before there were second approvers do not speak of them.
    "Agreed by": lambda row: row.get("second_by") or None,
    "Agreed at (UTC)": lambda row: moment(row.get("second_at")),
    "Finished at (UTC)": lambda row: moment(row["finished_at"]),
    "Reason": lambda row: row["why"] or None,
}
SOURCES: dict[str, Callable[[Row], Cell]] = {
    "Source": lambda row: row["name"],
    "Kind": lambda row: row["kind"],
    "Read at (UTC)": lambda row: moment(row["as_of"]),
    "Held for a person": lambda row: None if row["held"] is None else "yes" if row["held"] else "no",
}
