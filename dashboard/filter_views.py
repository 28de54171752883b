"""The menus of the filters above the lines; each is asked for when it opens."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.models import ReconcileSettings
from accounts.roles import Role
from dashboard.choices import MENUS
from dashboard.filters import Filters
from reconcile.tenancy.views import OrgRequest, member_view


@require_GET
@member_view(Role.VIEWER)
def menu(request: OrgRequest, name: str) -> HttpResponse:
    """Offer the values of one filter as links of the view that the address names; `find` searches them."""
    usual = ReconcileSettings.objects.get(org_id=request.org.pk).contract_view
    filters = Filters.read(request.GET, usual)
    if name == "difference":
        return render(request, "dashboard/filter_difference.html", {"filters": filters})
    if name not in MENUS:
        raise Http404("No such filter")
    find = request.GET.get("find", "").replace("\x00", "").strip()[:100]
    offer = MENUS[name].offer(request.org.pk, find)
    chosen = getattr(filters, name)
    context = {
        "name": name,
        "filters": filters,
        "word": MENUS[name].word,
        "offer": offer,
        "values": [
            (label, filters.address(**{name: value}), value == chosen) for value, label in offer.values
        ],
        "find": find,
    }
    part = "filter_values" if request.htmx.target == f"values-{name}" else "filter_menu"
    return render(request, f"dashboard/{part}.html", context)
