"""Exports of the dashboard (E14): the lines of a view, and the usage that is on no invoice."""

from django.http import HttpResponse
from django.views.decorators.http import require_POST

from accounts.exports import export
from accounts.models import ReconcileSettings
from accounts.roles import Role
from dashboard.exports import lines_table, usage_table
from dashboard.filters import Filters
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
