"""Closing a month (E13): what is still open, lines carried over, the sign-off; the locked reports and their files."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.exports import attach
from accounts.models import ReconcileSettings
from accounts.roles import Role
from dashboard import cards, closing, decisions, grace, months
from dashboard.decisions import Refused
from dashboard.entries import ids_in
from dashboard.lists import with_names
from dashboard.models import Card, MonthReport
from dashboard.report_late import explain_late
from dashboard.report_pdf import write_pdf
from dashboard.report_tables import list_together, list_totals, moment, number, report_tables
from dashboard.report_together import explain_together
from dashboard.rows import Row
from dashboard.unclosed import list_unclosed
from reconcile.period import month_of
from reconcile.tables import write_xlsx
from reconcile.tenancy.scope import org_scope
from reconcile.tenancy.views import OrgRequest, member_view

SHOWN = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CARRY_REASONS = (
    "Waiting for the client's answer",
    "Waiting for a fresh count",
    "No agreement to bill it on yet",
    "Will be credited next month",
)


@require_GET
@member_view(Role.VIEWER)
def month(request: OrgRequest) -> HttpResponse:
    """Show how far the current month is, and where it is signed off."""
    limits = ReconcileSettings.objects.get(org_id=request.org.pk)
    cards.refresh_if_outdated(request.org.pk, limits.stale_hours)
    standing = closing.look(request.org.pk)
    context = {
        "standing": standing,
        "period": standing.period,
        "closed": months.find_closed(request.org.pk),
        "open": _rows(standing.open),
        "carried": _rows(standing.carried),
        "shown": SHOWN,
        "reasons": CARRY_REASONS,
        "carry_url": "month_carry",
        "bills_from": cards.bills_from(),
        "may_prepare": request.member.may(Role.REVIEWER),
        "may_approve": request.member.may(Role.APPROVER),
        "may_reopen": request.member.may(Role.ADMIN),
        **_before(request),
    }
    return render(request, "dashboard/month.html", context)


def _before(request: OrgRequest) -> dict[str, Any]:
    """Name the month before while it may still be signed off, and until when."""
    late = grace.find_signable(request.org.pk)
    return {"late": late, "late_until": grace.deadline(late) if late else None}


def _rows(found: Any) -> list[Row]:
    ordered = with_names(found).order_by("service__name", "account__name", "pk")
    return [Row(card) for card in ordered[:SHOWN]]


@require_POST
@member_view(Role.REVIEWER)
def month_carry(request: OrgRequest) -> HttpResponse:
    """Carry lines over into the next month: the chosen ones, or all that are still open."""
    reason = read_reason(request)
    decisions.keep_up(request.org.pk)
    decisions.refuse_closed(request.org.pk)
    if not reason:
        raise Refused("Say why these lines are carried over. Nothing was changed.")
    if request.POST.get("seen") != closing.look(request.org.pk).fingerprint:
        raise Refused("Lines have changed since you opened the page. Nothing was carried over: look again.")
    chosen = Card.objects.filter(org_id=request.org.pk)
    if not request.POST.get("everything"):
        chosen = chosen.filter(pk__in=ids_in(request, "card"))
    months.carry(request.org.pk, chosen, reason, by=request.user)
    return redirect("month", request.org.slug)


@require_POST
@member_view(Role.REVIEWER)
def month_take_back(request: OrgRequest) -> HttpResponse:
    """Make lines open again that were carried over."""
    decisions.keep_up(request.org.pk)
    decisions.refuse_closed(request.org.pk)
    chosen = Card.objects.filter(org_id=request.org.pk, pk__in=ids_in(request, "card"))
    months.take_back(request.org.pk, chosen, by=request.user)
    return redirect("month", request.org.slug)


@require_POST
@member_view(Role.APPROVER)
def month_close(request: OrgRequest) -> HttpResponse:
    """Sign the current month off; its report is locked."""
    if request.POST.get("sure") != "yes":
        raise Refused("Tick that you looked at what is open. Nothing was closed.")
    report = closing.close(request.org, request.POST.get("seen", ""), by=request.user)
    return redirect("report", request.org.slug, report.pk)


@require_POST
@member_view(Role.ADMIN)
def month_reopen(request: OrgRequest, report_id: int) -> HttpResponse:
    """Open a closed month again; its report stays."""
    report = _find(request, report_id)
    reason = read_reason(request)
    if not reason:
        raise Refused("Say why the month is opened again. Nothing was changed.")
    closing.reopen(report, reason, by=request.user)
    current = report.period == month_of(timezone.now())
    return redirect("month" if current else "late_month", request.org.slug)


@require_GET
@member_view(Role.VIEWER)
def reports(request: OrgRequest) -> HttpResponse:
    """List the closed months with their versions, and those that ended without a sign-off."""
    found = closing.list_reports(request.org.pk)
    context = {"reports": found, "unclosed": list_unclosed(request.org.pk, found), **_before(request)}
    return render(request, "dashboard/reports.html", context)


@require_GET
@member_view(Role.VIEWER)
def report(request: OrgRequest, report_id: int) -> HttpResponse:
    """Show a locked report: its totals, and where it is downloaded."""
    found = _find(request, report_id)
    content = found.open_content()
    context = {
        "report": found,
        "content": content,
        "totals": list_totals(content),
        "together": list_together(content),
        "why_together": explain_together(content),
        "exceptions": [e | {"difference": number(e["difference"])} for e in content["exceptions"]],
        "sources": [source | {"as_of": moment(source["as_of"])} for source in content["sources"]],
        "reopening": found.reopenings.select_related("by").first(),
        "why_late": explain_late(content),
        "is_standing": months.find_closed(request.org.pk, found.period) == found and grace.may_reopen(found),
        "may_reopen": request.member.may(Role.ADMIN),
    }
    return render(request, "dashboard/report.html", context)


@require_POST
@member_view(Role.VIEWER, scoped=False)
def report_file(request: OrgRequest, report_id: int, form: str) -> HttpResponse:
    """Send a locked report as PDF or XLSX, made from what was stored when it was signed; noted, as each export is."""
    if form not in ("pdf", "xlsx"):
        raise Http404("No such format")
    with org_scope(request.org.pk):
        found = _find(request, report_id)
        audit.record(
            request.org.pk, actor=request.user, verb="exported", subject=f"report:{found.pk}", label=str(found),
            new={"format": form},
        )  # fmt: skip
    content = found.open_content()
    view = f"report-{found.period:%Y-%m}-v{found.version}"
    if form == "pdf":
        return attach(request, view, "pdf", write_pdf(content, found.digest), "application/pdf")
    return attach(request, view, "xlsx", write_xlsx(report_tables(content)), XLSX)


def _find(request: OrgRequest, report_id: int) -> MonthReport:
    found = (
        MonthReport.objects.filter(org_id=request.org.pk, pk=report_id).select_related("closed_by").first()
    )
    if found is None:
        raise Http404("No such report")
    return found


def read_reason(request: OrgRequest) -> str:
    """Read the reason that was chosen, or typed instead."""
    typed = request.POST.get("other", "").replace("\x00", "").strip()
    return (typed or request.POST.get("reason", "").replace("\x00", "").strip())[:300]
