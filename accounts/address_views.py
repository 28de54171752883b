"""Settings, Allow-listing (B11): the addresses that our calls to a PSA come from."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.notice_models import AnnouncedAddresses
from accounts.roles import Role
from reconcile.tenancy.views import OrgRequest, member_view


@require_safe
@member_view(Role.VIEWER)
def settings_addresses(request: OrgRequest) -> HttpResponse:
    """List our outgoing addresses, and when they last changed."""
    last = AnnouncedAddresses.objects.filter(number__gt=0).first()
    context = {"addresses": settings.OUTGOING_ADDRESSES, "changed_at": last.announced_at if last else None}
    return render(request, "settings/addresses.html", context)
