"""Counting rules (D6): the list, the form, the trial before anything is kept, and the way back."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.roles import Role
from dashboard.counting_forms import RuleForm, month_in
from dashboard.counting_lists import View, list_page
from dashboard.counting_pages import form_page, rule_page, trial_page
from dashboard.counting_start import begin, propose
from reconcile.period import month_of
from reconcile.tenancy.views import OrgRequest, member_view
from vendors import counting_rules, mapping_lists
from vendors.counting_rules import Change, Plan, State
from vendors.mapping import ACCOUNTS, SERVICES, Refused, UnknownRow
from vendors.models import CountingRule

UNREADABLE = "That could not be read. Nothing was changed. Reload the page and try again."


@require_GET
@member_view(Role.VIEWER)
def rules(request: OrgRequest) -> HttpResponse:
    """Show all rules, by service; htmx picks the part that changes from it."""
    view, org_id = View.read(request.GET), request.org.pk
    context = {
        "filters": view,
        "page": list_page(org_id, view, month_of(timezone.now())),
        "tab": "rules",
        "may_map": request.member.may(Role.ADMIN),
        "unmapped": {side.key: mapping_lists.count_unmapped(side, org_id) for side in (ACCOUNTS, SERVICES)},
    }
    return render(request, "dashboard/rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.ADMIN)
def new_rule(request: OrgRequest) -> HttpResponse:
    """Ask for a new rule; where one stands for the same already, that one is changed instead."""
    if request.method == "POST":
        return _answer(request, RuleForm.read(request.POST), None)
    start = begin(request.org.pk, request.GET, month_of(timezone.now()))
    if start.row:
        page = reverse("counting_rule", args=[request.org.slug, start.row.pk])
        return redirect(f"{page}?{request.GET.urlencode()}")
    return form_page(request, start.form, None, copied=start.copied)


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.VIEWER, writes_from=Role.ADMIN)
def rule(request: OrgRequest, rule_id: int) -> HttpResponse:
    """Show one rule; an admin changes it from a month on, ends it, or removes it."""
    row = _find(request, rule_id)
    if request.method == "POST" and row.removed_at:
        return _refuse(request, "This rule was removed meanwhile. Nothing was changed. Reload the page.")
    if request.method == "POST":
        form = RuleForm.read(request.POST)
        return _end(request, row) if request.POST.get("what") else _answer(request, form, row)
    if not request.member.may(Role.ADMIN) or row.removed_at:
        return rule_page(request, row)
    form = RuleForm.of(row, month_of(timezone.now()))
    propose(form, request.GET)
    return form_page(request, form, row)


def _answer(request: OrgRequest, form: RuleForm, row: CountingRule | None) -> HttpResponse:
    """Do what a button of the form asks for: change the form, try the rule, or (only "save") keep it."""
    if row:
        form.about(row)
    act = request.POST.get("act", "try")
    if act not in ("try", "save"):
        form.act(act)
        return form_page(request, form, row)
    draft = form.draft()
    if draft is None:
        return form_page(request, form, row, status=422)
    try:
        plan = counting_rules.plan_replacement(row, _seen(request), draft) if row else Plan(draft=draft)
        return _save(request, plan) if act == "save" else trial_page(request, plan, row)
    except Refused as refused:
        form.errors["form"] = refused.sentence
        return form_page(request, form, row, status=422)
    except UnknownRow as unknown:
        raise Http404("No such row") from unknown


def _end(request: OrgRequest, row: CountingRule) -> HttpResponse:
    """Try, or do, what ends a rule: before a month, or altogether."""
    try:
        if request.POST["what"] == "remove":
            plan = counting_rules.plan_removal(row, _seen(request))
        else:
            plan = counting_rules.plan_end(row, _seen(request), _month(request))
        return _save(request, plan) if request.POST.get("act") == "save" else trial_page(request, plan, row)
    except Refused as refused:
        form = RuleForm.of(row, month_of(timezone.now()))
        form.errors["end"] = refused.sentence
        return form_page(request, form, row, status=422)


def _save(request: OrgRequest, plan: Plan) -> HttpResponse:
    done = counting_rules.make(request.org.pk, plan, by=request.user)
    _tell(request, _words(done), done.undo)
    page = reverse("counting_rules", args=[request.org.slug])
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": page})
    return redirect(page)


@require_POST
@member_view(Role.ADMIN)
def undo(request: OrgRequest) -> HttpResponse:
    """Take back what was done to rules: all of it or, with a sentence, nothing."""
    try:
        changes = [Change.read(text) for text in request.POST.get("change", "").split(",")][:4]
        done = counting_rules.make(request.org.pk, Plan(tuple(changes)), by=request.user)
    except ValueError:
        return _refuse(request, UNREADABLE)
    except Refused as refused:
        return _refuse(request, refused.sentence)
    except UnknownRow as unknown:
        raise Http404("No such rule") from unknown
    _tell(request, "Done: the rules are as they were before.", done.undo)
    page = reverse("counting_rules", args=[request.org.slug])
    return HttpResponse(headers={"HX-Redirect": page}) if request.htmx else redirect(page)


def _refuse(request: OrgRequest, sentence: str) -> HttpResponse:
    return render(request, "vendors/mapping_refused.html", {"sentence": sentence}, status=409)


def _tell(request: OrgRequest, words: str, back: Sequence[Change]) -> None:
    """Say what was done; the changes behind it are its undo (shell/toasts.html)."""
    messages.success(request, words, extra_tags=",".join(map(str, back)))


def _words(done: counting_rules.Written) -> str:
    if done.made:
        return "Rule saved. The lines it is about were counted anew."
    (change,) = done.plan.changes
    if change.wanted.removed:
        return "Rule removed. It counts in no month, and past days are recomputed without it."
    if change.wanted.until:
        return f"The rule ends: {change.wanted.until:%B %Y} is the first month without it."
    return "The rule goes on without an end."


def _find(request: OrgRequest, rule_id: int) -> CountingRule:
    try:
        return counting_rules.find_rules(request.org.pk, [rule_id])[rule_id]
    except UnknownRow as unknown:
        raise Http404("No such rule") from unknown


def _seen(request: OrgRequest) -> State:
    try:
        return State.read(request.POST.get("seen", ""))
    except ValueError:
        raise Refused(UNREADABLE) from None


def _month(request: OrgRequest) -> Any:
    try:
        return month_in(request.POST.get("until", ""))
    except ValueError:
        raise Refused("Choose a month of the list. Nothing was changed.") from None
