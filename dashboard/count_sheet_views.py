"""A line's count as a page and as a PDF that can be sent to the customer (D6)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.exports import attach
from accounts.roles import Role
from dashboard import count_sheet
from dashboard.count_sheet import CountSheet
from dashboard.count_sheet_pdf import write_pdf
from dashboard.views import find
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest, member_view


@require_GET
@member_view(Role.VIEWER)
def page(request: OrgRequest, card_id: int) -> HttpResponse:
    """Show how a line's units were counted, with everybody and everything behind them."""
    sheet = count_sheet.read(find(request, card_id))
    return _show(request, sheet)


def _show(request: OrgRequest, sheet: CountSheet, status: int = 200) -> HttpResponse:
    context = {"sheet": sheet, "card": sheet.card}
    return render(request, "dashboard/count_sheet.html", context, status=status)


@require_POST
@member_view(Role.VIEWER, scoped=False)
def pdf(request: OrgRequest, card_id: int) -> HttpResponse:
    """Send the same as a PDF; noted, as each export is. An unknown count is no number to send."""
    with org_scope(request.org.pk):
        sheet = count_sheet.read(find(request, card_id))
        if sheet.units is None:
            return _show(request, sheet, status=409)
        label = f"{sheet.card.account}, {sheet.card.service or 'no service'}"
        audit.record(
            request.org.pk, actor=request.user, verb="exported", subject=f"count:{card_id}", label=label,
            new={"format": "pdf"},
        )  # fmt: skip
    return attach(
        request, slugify(f"count {label}"), "pdf", write_pdf(sheet, request.org.name), "application/pdf"
    )
