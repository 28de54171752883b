"""Looking back (E12): any past day recomputed, and proposals for what past invoices missed."""

from datetime import date, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from accounts.rates import exchange_for
from accounts.roles import Role
from dashboard import back_billing, past
from dashboard.decisions import Refused
from dashboard.filters import number
from dashboard.missed import list_missed
from dashboard.models import Settlement
from dashboard.past_lists import list_day
from dashboard.sums import two_sides
from psa.models import AgreementLine
from reconcile.period import next_month
from reconcile.tenancy.views import OrgRequest, member_view

# Before any invoice, and far from the first day that a calendar has.
EARLIEST = 2000


def as_day(text: str) -> date | None:
    """Read a day; None when no calendar has it."""
    try:
        return parse_date(text)
    except ValueError:
        return None


def read_search(asked: QueryDict) -> tuple[str, bool]:
    """Read from an address which lines of a past day are asked for: a search, and whether also what matched."""
    return asked.get("q", "").replace("\x00", "").strip()[:100], asked.get("show") == "all"


@require_GET
@member_view(Role.VIEWER)
def find_day(request: OrgRequest) -> HttpResponse:
    """Lead from the form to the day that was chosen; none, and today, is the dashboard itself."""
    day = as_day(request.GET.get("day", ""))
    return redirect("past_day", request.org.slug, day) if day else redirect("dashboard", request.org.slug)


@require_GET
@member_view(Role.VIEWER)
def past_day(request: OrgRequest, day: str) -> HttpResponse:
    """Show the lines as they stood at the end of a past day; nothing can be decided here."""
    then = as_day(day)
    if then is None:
        raise Http404("No such day")
    if then >= timezone.now().date():
        return redirect("dashboard", request.org.slug)
    if then.year < EARLIEST:
        raise Http404("Before any invoice")
    query, everything = read_search(request.GET)
    since = past.first_day(request.org.pk)
    first = then.replace(day=1)
    exchange = exchange_for(request.org.pk, on=then, currency=request.display.currency)
    context = {
        "day": then,
        "query": query,
        "asked": "?" + urlencode({"q": query} | ({"show": "all"} if everything else {})),
        "everything": everything,
        "since": since,
        "known": since is not None and since <= then,
        "bills_from": next_month(first),
        "before": first - timedelta(days=1),
        "after": next_month(next_month(first)) - timedelta(days=1),
        "page": list_day(
            request.org.pk, then, exchange, query=query, everything=everything,
            page=int(number(request.GET.get("page", "")) or 1) or 1,
        ),
    }  # fmt: skip
    return render(request, "dashboard/past.html", context)


@require_GET
@member_view(Role.VIEWER)
def back_billing_page(request: OrgRequest) -> HttpResponse:
    """List what past invoices missed, largest first, and what was dealt with lately."""
    exchange = exchange_for(request.org.pk, currency=request.display.currency)
    rows = list_missed(request.org.pk, exchange)
    context = {
        "rows": rows,
        "sides": two_sides(((currency, missed.amount) for _, missed, _, currency in rows), exchange),
        "settled": back_billing.list_settled(request.org.pk),
        "since": past.first_day(request.org.pk),
        "ways": Settlement.How.choices,
        "may_settle": request.member.may(Role.APPROVER),
    }
    return render(request, "dashboard/back_billing.html", context)


@require_POST
@member_view(Role.APPROVER)
def settle(request: OrgRequest) -> HttpResponse:
    """Note that a line's missed months were billed, credited or waived; the PSA is not written."""
    line = AgreementLine.objects.filter(
        org_id=request.org.pk, pk=int(number(request.POST.get("line", "")) or 0)
    ).first()
    if line is None:
        raise Http404("No such line")
    how = request.POST.get("how", "")
    note = request.POST.get("note", "").replace("\x00", "").strip()[:300]
    try:
        if how not in Settlement.How.values:
            raise Refused("Choose whether these months were billed or waived. Nothing was noted.")
        back_billing.settle(line, as_day(request.POST.get("through", "")), how, note, by=request.user)
        messages.success(request, f"Noted for {line.account}. It can be taken back below.")
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("back_billing", request.org.slug)


@require_POST
@member_view(Role.APPROVER)
def take_back(request: OrgRequest, settlement_id: int) -> HttpResponse:
    """Propose settled months again."""
    row = Settlement.objects.filter(org_id=request.org.pk, pk=settlement_id).first()
    if row is None:
        raise Http404("No such settlement")
    try:
        back_billing.take_back(row, by=request.user)
        messages.success(request, f"Proposed again for {row.line.account}.")
    except Refused as refused:
        messages.error(request, refused.sentence)
    return redirect("back_billing", request.org.slug)
