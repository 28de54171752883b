"""Signing the month before off (E13): what stood at its end, lines carried over, and the sign-off."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.rates import exchange_for
from accounts.roles import Role
from dashboard import grace, late
from dashboard.decisions import Refused
from dashboard.month_views import CARRY_REASONS, SHOWN, read_reason
from dashboard.sums import two_sides
from reconcile.period import next_month
from reconcile.tenancy.views import OrgRequest, member_view


@require_GET
@member_view(Role.VIEWER)
def late_month(request: OrgRequest) -> HttpResponse:
    """Show the month before as it stood at its end, and where it is signed off while that may be done."""
    period = grace.find_signable(request.org.pk)
    if period is None:
        return render(request, "dashboard/late_over.html")
    standing = late.look(request.org.pk, period)
    exchange = exchange_for(request.org.pk, on=standing.last_day, currency=request.display.currency)
    context = {
        "standing": standing,
        "period": period,
        "until": grace.deadline(period),
        "bills_from": next_month(period),
        "sides": two_sides(((one.row.currency, one.effect) for one in standing.lines), exchange),
        "open": standing.open[:SHOWN],
        "carried": standing.carried[:SHOWN],
        "shown": SHOWN,
        "reasons": CARRY_REASONS,
        "carry_url": "late_carry",
        "may_prepare": request.member.may(Role.REVIEWER),
        "may_approve": request.member.may(Role.APPROVER),
    }
    return render(request, "dashboard/late.html", context)


@require_POST
@member_view(Role.REVIEWER)
def late_carry(request: OrgRequest) -> HttpResponse:
    """Carry lines that were open when the month ended over: the chosen ones, or all."""
    chosen = None if request.POST.get("everything") else request.POST.getlist("card")
    late.carry(request.org.pk, chosen, read_reason(request), request.POST.get("seen", ""), by=request.user)
    return redirect("late_month", request.org.slug)


@require_POST
@member_view(Role.REVIEWER)
def late_take_back(request: OrgRequest) -> HttpResponse:
    """Take back that lines of the month before are carried over."""
    late.take_back(request.org.pk, request.POST.getlist("card"), by=request.user)
    return redirect("late_month", request.org.slug)


@require_POST
@member_view(Role.APPROVER)
def late_sign(request: OrgRequest) -> HttpResponse:
    """Sign the month before off; its report is locked."""
    if request.POST.get("sure") != "yes":
        raise Refused("Tick that you looked at what is open. Nothing was closed.")
    report = late.sign(request.org, request.POST.get("seen", ""), by=request.user)
    return redirect("report", request.org.slug, report.pk)
