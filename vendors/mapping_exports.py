"""Advanced config's lists as files (E14): every vendor account or service with its status and its mapping."""

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.exports import export
from accounts.roles import Role
from reconcile.period import month_of
from reconcile.tables import Cell, Table, pad, trim
from reconcile.tenancy.views import OrgRequest, member_view
from vendors import mapping_lists
from vendors.mapping import ACCOUNTS, Side
from vendors.mapping_entries import STATUSES, Entry, Filters
from vendors.mapping_views import side_in
from vendors.shape_records import Said, heads, say_shapes


@require_POST
@member_view(Role.VIEWER, scoped=False)
def export_mappings(request: OrgRequest, side: str) -> HttpResponse:
    """Send the rows of one list that its filters ask for, of all its pages."""
    asked, filters = side_in(side), Filters.read(request.GET)
    view = f"vendor-{asked.key}"
    return export(request, view, lambda limit: mappings_table(asked, request.org.pk, filters, limit))


def mappings_table(side: Side, org_id: int, filters: Filters, limit: int) -> Table:
    """Give one list as a table. Needs the organization's scope."""
    noun = "Account" if side is ACCOUNTS else "Service"
    columns = (
        "Source", f"Vendor {noun.lower()}", "Vendor id", "PSA key" if side is ACCOUNTS else "Part number", "Status",
        noun, f"{noun} id", *heads(side), "Mapped at (UTC)", "Excluded at (UTC)", "Largest count", "Vendor units",
        "Unit", "Counts", "Counted at (UTC)", "Estimate a month", "Currency", "Reason",
    )  # fmt: skip
    found = mapping_lists.list_whole(side, org_id, filters, limit)
    shapes = say_shapes(side, org_id, [entry.id for entry in found], month_of(timezone.now()))
    about: list[tuple[str, Cell]] = [
        ("Status", STATUSES.get(filters.status, "All")),
        ("Search", filters.q or None),
        (
            "Estimate",
            "Usage × the catalogue's price; empty when a price or a count is unknown, never 0 for that",
        ),
    ]
    return Table(f"Vendor {side.key}", columns, [_row(entry, shapes[entry.id]) for entry in found], about)


def _row(entry: Entry, shape: Said) -> list[Cell]:
    reasons = [entry.why_no_value_long if entry.value is None else "", entry.unpriced_words]
    reasons += ["Gone from the source"] if entry.is_gone else []
    reasons += [entry.gap_reason] if entry.gap_reason else []
    return [
        entry.source, entry.name, entry.external_id, entry.key or None, STATUSES[entry.status], entry.target,
        entry.target_key, shape.more or None, shape.other_months or None,
        entry.mapped_at, entry.excluded_at, entry.what, trim(entry.quantity), entry.unit or None,
        None if entry.is_unknown else entry.counts, entry.counted_at,
        pad(entry.value, entry.currency or ""), entry.currency if entry.value is not None else None,
        ". ".join(filter(None, reasons)) or None,
    ]  # fmt: skip
