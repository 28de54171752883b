"""Import mappings (D8): a file is read, what it would change is shown, and only then is anything changed."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view
from vendors import mapping_imports
from vendors.csv_texts import Unreadable, read_csv
from vendors.mapping import Refused, Side
from vendors.mapping_forms import ROWS_AT_ONCE
from vendors.mapping_views import refuse, show_preview, side_in


@require_http_methods(["GET", "POST"])
@member_view(Role.ADMIN)
def import_mappings(request: OrgRequest, side: str) -> HttpResponse:
    """Ask for a file, and show what it would change; nothing is changed by this."""
    asked = side_in(side)
    if request.method == "GET":
        context = {"side": asked, "example": mapping_imports.example(asked)}
        return render(request, "vendors/mapping_import.html", context)
    try:
        plan = _read(request, asked)
    except (Refused, Unreadable) as refused:
        return refuse(request, Refused(f"{refused} Nothing was changed."))
    more = max(0, len(plan.changes) - ROWS_AT_ONCE)
    said = {"problems": plan.problems, "same": plan.same, "more": more, "was_import": True}
    return show_preview(request, asked, plan.changes[:ROWS_AT_ONCE], said)


def _read(request: OrgRequest, side: Side) -> mapping_imports.Plan:
    file = request.FILES.get("file")
    if file is None:
        raise Refused("Choose a file first.")
    limit = settings.IMPORT_MAX_BYTES
    if (file.size or 0) > limit:
        raise Refused(f"This file is larger than {limit // 1024 // 1024} MB, so it was not read.")
    return mapping_imports.plan(side, request.org.pk, read_csv(file.read()))
