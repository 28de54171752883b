"""The page of the first-run checklist."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.roles import Role
from dashboard.setup import find_facts, list_steps
from psa.adapters import ADAPTERS as PSA_KINDS
from psa.forms import ConnectionForm
from psa.models import Connection
from reconcile.tenancy.views import OrgRequest, member_view
from vendors.adapters import ADAPTERS as VENDOR_KINDS
from vendors.models import Integration

# What each part of the PSA is used for (B2, B3), in the words of FEATURES.
READS_AND_WRITES = [
    ("Accounts", "Read: names and status"),
    ("Services", "Read: names, prices and costs"),
    ("Agreements", "Read. Write: quantity and its date, only on lines you approve"),
    ("Invoicing", "Read: billing cycle and what was invoiced"),
    ("Service desk", "Read: boards and statuses"),
    ("Tickets", "Nothing yet"),
]


@require_safe
@member_view(Role.VIEWER)
def setup(request: OrgRequest) -> HttpResponse:
    """Show the four steps; the first that is not done is open."""
    facts = find_facts(request.org.pk)
    steps = list_steps(facts)
    kind = next(iter(PSA_KINDS.values()))
    current = next((step for step in steps if not step.done), None)
    context = {
        "facts": facts,
        "steps": steps,
        "current": current,
        "number": steps.index(current) + 1 if current else len(steps),
        "may_connect": request.member.may(Role.ADMIN),
        "form": ConnectionForm(kind=kind),
        "kinds": list(PSA_KINDS.values()),
        "vendor_kinds": list(VENDOR_KINDS.values()),
        "connections": Connection.objects.order_by("name"),
        "integrations": Integration.objects.order_by("name"),
        "reads_and_writes": READS_AND_WRITES,
        "addresses": settings.OUTGOING_ADDRESSES,
    }
    return render(request, "setup/page.html", context)
