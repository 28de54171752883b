"""Exports (E14): the lines of a view or a past day, the usage that is on no invoice, and what past ones missed."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.exports import export
from accounts.models import ReconcileSettings
from accounts.roles import Role
from dashboard.exports import lines_table, usage_table
from dashboard.filters import Filters
from dashboard.past_exports import day_table, missed_table
from dashboard.past_views import as_day, read_search
from reconcile.tables import Table
from reconcile.tenancy.views import OrgRequest, member_view


@require_POST
@member_view(Role.VIEWER, scoped=False)
def export_lines(request: OrgRequest) -> HttpResponse:
    """Send the lines of the view that the address names, of all its pages."""

    def read(limit: int) -> Table:
        usual = ReconcileSettings.objects.get(org_id=request.org.pk).contract_view
        return lines_table(request.org.pk, Filters.read(request.GET, usual), limit)

    return export(request, "lines", read)


@require_POST
@member_view(Role.VIEWER, scoped=False)
def export_usage(request: OrgRequest) -> HttpResponse:
    """Send the unmapped usage."""
    return export(request, "unmapped-usage", lambda limit: usage_table(request.org.pk, limit))


@require_POST
@member_view(Role.VIEWER, scoped=False)
def export_missed(request: OrgRequest) -> HttpResponse:
    """Send what past invoices missed, invoice by invoice."""
    return export(request, "back-billing", lambda limit: missed_table(request.org.pk, limit))


@require_POST
@member_view(Role.VIEWER, scoped=False)
def export_day(request: OrgRequest, day: str) -> HttpResponse:
    """Send the lines of a past day that the address names, of all its pages."""
    then = as_day(day)
    if then is None or then >= timezone.now().date():
        raise Http404("No such day")
    query, everything = read_search(request.GET)

    def read(limit: int) -> Table:
        return day_table(request.org.pk, then, query=query, everything=everything, limit=limit)

    return export(request, "past-day", read)
