"""What the last sync of each source changed, as a file (E14)."""

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from accounts.exports import export
from accounts.roles import Role
from reconcile.tables import Cell, Table, trim
from reconcile.tenancy.views import OrgRequest, member_view
from sync.changes import Row, list_changes

COLUMNS = (
    "Source",
    "What",
    "Account",
    "Service",
    "Before",
    "After",
    "Moved",
    "Reason",
    "Now",
    "Read at (UTC)",
)


@require_POST
@member_view(Role.VIEWER, scoped=False)
def export_changes(request: OrgRequest) -> HttpResponse:
    """Send every quantity that the newest good sync of each source moved."""
    return export(request, "sync-changes", _table)


def _table(limit: int) -> Table:
    changes = list_changes(most=limit)
    return Table("Changes", COLUMNS, [_row(row) for row in changes.rows], [("Since (UTC)", changes.since)])


def _row(row: Row) -> list[Cell]:
    change = row.change
    reasons = [
        "New: there was no quantity before" if change.before is None else "",
        "Gone: there is no quantity now" if change.after is None else "",
    ]
    return [
        row.source, change.what, change.account_name, change.service_name, trim(change.before), trim(change.after),
        trim(row.moved), ". ".join(filter(None, reasons)) or None, row.state or "Not mapped", row.as_of,
    ]  # fmt: skip
