"""A line's count as a page and as a PDF that can be sent to the customer (D6)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.exports import attach
from accounts.roles import Role
from dashboard import count_sheet
from dashboard.count_sheet_pdf import write_pdf
from dashboard.views import find
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest, member_view


@require_GET
@member_view(Role.VIEWER)
def page(request: OrgRequest, card_id: int) -> HttpResponse:
    """Show how a line's units were counted, with everybody and everything behind them."""
    sheet = count_sheet.read(find(request, card_id))
    return render(request, "dashboard/count_sheet.html", {"sheet": sheet, "card": sheet.card})


@require_POST
@member_view(Role.VIEWER, scoped=False)
def pdf(request: OrgRequest, card_id: int) -> HttpResponse:
    """Send the same as a PDF; noted, as each export is."""
    with org_scope(request.org.pk):
        sheet = count_sheet.read(find(request, card_id))
        label = f"{sheet.card.account}, {sheet.card.service or 'no service'}"
        audit.record(
            request.org.pk, actor=request.user, verb="exported", subject=f"count:{card_id}", label=label,
            new={"format": "pdf"},
        )  # fmt: skip
    return attach(
        request, slugify(f"count {label}"), "pdf", write_pdf(sheet, request.org.name), "application/pdf"
    )
