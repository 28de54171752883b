"""The dashboard's lines and the unmapped usage as tables for a file (E14): the columns, and one row per line."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet

from dashboard.choices import list_chips
from dashboard.filters import GROUPS, TABS, Filters
from dashboard.lists import list_whole, with_remarks
from dashboard.models import Card, Decision
from dashboard.months import previous_month
from dashboard.notes import count_notes, newest_note
from dashboard.pairing import paired_services
from dashboard.rows import Row
from dashboard.words import HELD, HIDDEN, UNCOMPARED
from reconcile.tables import Cell, Table, pad, trim
from vendors.models import UsageCount


def explain_gaps(row: Row) -> str | None:
    """Say why numbers of a row are missing, why it is held, or what stopped its push; None where all is plain."""
    card, reasons = row.card, []
    if card.reason in HELD:
        reasons.append(HELD[card.reason][1])
    elif card.reason in HIDDEN or card.reason in UNCOMPARED:
        reasons.append((HIDDEN.get(card.reason) or UNCOMPARED[card.reason])[0].capitalize())
    if card.kind == Card.Kind.NEW:
        reasons.append("No line bills this usage")
    if card.price is None:
        reasons.append("The PSA has no price")
    if row.has_stopped and row.push:
        reasons.append(row.push.reason or row.push.get_state_display())
    return ". ".join(reason.rstrip(".") for reason in reasons) or None


def _who(decision: Decision) -> str:
    return str(decision.by or decision.rule or "")


def tell_carried(row: Row) -> str | None:
    """Name the closed month that a line was carried over from, and why."""
    reason = getattr(row.card, "carried", "")
    return f"{previous_month(row.card.period):%B %Y}: {reason}" if reason else None


def _joined(row: Row) -> Any:
    """Give the card with what `with_all_remarks` has joined."""
    return row.card


LINE_COLUMNS: dict[str, Callable[[Row], Cell]] = {
    "Account": lambda row: str(row.card.account),
    "Agreement": lambda row: str(row.card.agreement) if row.card.agreement else None,
    "Service": lambda row: str(row.card.service) if row.card.service else None,
    "Line id in the PSA": lambda row: row.card.line.remote_id if row.card.line else None,
    "Kind": lambda row: row.card.get_kind_display(),
    "State": lambda row: row.card.get_state_display(),
    "PSA connection": lambda row: str(row.card.connection),
    "PSA units": lambda row: trim(row.card.psa_units),
    "PSA read at (UTC)": lambda row: row.psa_read_at,
    "Source": lambda row: str(row.card.integration) if row.card.integration else None,
    "Vendor units": lambda row: trim(row.card.vendor_units),
    "Counted at (UTC)": lambda row: row.card.integration.counted_at if row.card.integration else None,
    "Last known vendor units": lambda row: trim(row.card.last_units),
    "Unknown since (UTC)": lambda row: row.card.unknown_since,
    "Difference": lambda row: trim(row.card.delta),
    "Price": lambda row: pad(row.card.price, row.card.currency),
    "Next invoice": lambda row: pad(row.open_effect, row.card.currency),
    "Currency": lambda row: row.card.currency or None,
    "Effective": lambda row: (
        row.effective or ("now" if row.card.effect is not None and row.card.line else None)
    ),
    "Reason": explain_gaps,
    "Decision": lambda row: row.card.decision.get_verb_display() if row.card.decision else None,
    "Reconciled units": lambda row: trim(row.card.decision.units) if row.card.decision else None,
    "Decided by": lambda row: _who(row.card.decision) if row.card.decision else None,
    "Decided at (UTC)": lambda row: row.card.decision.at if row.card.decision else None,
    "Decision's reason": lambda row: row.card.decision.reason if row.card.decision else None,
    "Push": lambda row: row.push.get_state_display() if row.push else None,
    "Pushed from": lambda row: trim(row.push.seen) if row.push else None,
    "Pushed to": lambda row: trim(row.push.wanted) if row.push else None,
    "Agreed by": lambda row: str(row.push.second_by or "") or None if row.push else None,
    "Agreed at (UTC)": lambda row: row.push.second_at if row.push else None,
    "Push finished at (UTC)": lambda row: row.push.finished_at if row.push else None,
    "Snoozed until": lambda row: row.card.decision.until if row.is_snoozed else None,
    "Carried over from": tell_carried,
    "Paired usage": lambda row: ", ".join(_joined(row).paired_services) or None,
    "Tags": lambda row: ", ".join(row.tags) or None,
    "Notes": lambda row: _joined(row).note_count,
    "Newest note": lambda row: _joined(row).newest_note,
}
USAGE_COLUMNS = (
    "Source", "Vendor account", "Vendor service", "Not mapped", "Account", "Service", "Vendor units", "Unit",
    "Counted at (UTC)", "Price", "Estimate a month", "Currency", "Reason",
)  # fmt: skip


def with_all_remarks(cards: QuerySet[Card]) -> QuerySet[Card]:
    """Join what a row of the file says beyond a row of the list: still one query."""
    found: QuerySet[Card] = with_remarks(cards).annotate(
        newest_note=newest_note(), note_count=count_notes(), paired_services=paired_services()
    )
    return found


def lines_table(org_id: int, filters: Filters, limit: int) -> Table:
    """Give the lines of a view, all its pages in their order. Needs the organization's scope."""
    found = [Row(card) for card in list_whole(org_id, filters, limit, with_all_remarks)]
    rows = [[cell(row) for cell in LINE_COLUMNS.values()] for row in found]
    title = f"Lines, {TABS[filters.tab][0]}"
    return Table(title, tuple(LINE_COLUMNS), rows, describe(org_id, filters))


def describe(org_id: int, filters: Filters) -> list[tuple[str, Cell]]:
    """Say which lines of the dashboard these are: one query for each filter by a row's name."""
    chips = [(chip.word, chip.chosen) for chip in list_chips(org_id, filters) if chip.chosen]
    return [
        ("View", TABS[filters.tab][0]),
        ("Contracts", "All" if filters.shows_all else "Mapped and integrated"),
        ("Grouped by", GROUPS[filters.group]),
        *([("Search", filters.q)] if filters.q else []),
        *chips,
        ("Sorted by", filters.sort),
        ("Times", "UTC"),
        ("An empty cell", "Unknown or does not apply, never 0; Reason says why"),
        (
            "Next invoice",
            "How the change alters the next invoice, in the row's currency; nothing is converted",
        ),
    ]


def usage_table(org_id: int, limit: int) -> Table:
    """Give the usage that no account or no service stands for, count by count, priced where possible: one query."""
    loose = Q(vendor_account__mappings__isnull=True) | Q(vendor_service__mappings__isnull=True)
    found = (
        UsageCount.objects.filter(loose, org_id=org_id, superseded_at=None, metric="used", quantity__gt=0)
        .filter(vendor_account__vanished_at=None, vendor_account__excluded_at=None)
        .filter(vendor_service__vanished_at=None, vendor_service__excluded_at=None)
        .order_by("integration__name", "vendor_account__name", "vendor_service__name", "pk")
        .values(
            "integration__name", "integration__counted_at", "vendor_account__name", "vendor_service__name", "quantity",
            "vendor_service__unit", "vendor_account__mappings__account__name",
            "vendor_service__mappings__service__name", "vendor_service__mappings__service__price",
            "vendor_service__mappings__service__connection__currency",
        )
    )  # fmt: skip
    about: list[tuple[str, Cell]] = [
        ("View", "Unmapped usage"),
        ("Estimate", "Units × the catalogue's price"),
    ]
    return Table("Unmapped usage", USAGE_COLUMNS, [_usage_row(usage) for usage in found[:limit]], about)


def _usage_row(usage: Any) -> list[Cell]:
    account, service = (
        usage["vendor_account__mappings__account__name"],
        usage["vendor_service__mappings__service__name"],
    )
    price = usage["vendor_service__mappings__service__price"]
    currency = usage["vendor_service__mappings__service__connection__currency"]
    missing = [
        name for name, found in (("vendor account", account), ("vendor service", service)) if not found
    ]
    why = "No service stands for it, so no price is known" if not service else "The PSA has no price"
    return [
        usage["integration__name"], usage["vendor_account__name"], usage["vendor_service__name"],
        " and ".join(missing).capitalize(), account, service, trim(usage["quantity"]), usage["vendor_service__unit"],
        usage["integration__counted_at"], pad(price, currency), pad(price and usage["quantity"] * price, currency),
        currency if price is not None else None, None if price is not None else why,
    ]  # fmt: skip
