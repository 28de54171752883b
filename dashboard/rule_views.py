"""Settings of reconciliation that need the lines: the standing rule (E15), and what the settings mean this month."""

from typing import Any

from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.fresh import needs_fresh_sign_in
from accounts.models import ReconcileSettings
from accounts.rates import exchange_for
from accounts.roles import Role
from accounts.settings_views import ReconciliationForm
from dashboard import decisions, standing, totals
from dashboard.judging import count_by_settings
from dashboard.rule_forms import StandingRuleForm
from dashboard.rule_models import StandingRule
from psa.push_second import count_asked
from reconcile.period import month_of
from reconcile.tenancy.views import OrgRequest, member_view


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.VIEWER, writes_from=Role.ADMIN)
@needs_fresh_sign_in
def standing_rule(request: OrgRequest) -> HttpResponse:
    """Show the standing rule to everybody; an admin writes a new version of it."""
    stored = standing.current(request.org.pk)
    form = _form(request, request.POST or None, stored)
    if request.method == "POST" and form.is_valid():
        saved = standing.save(form.instance, by=request.user)
        messages.success(request, _tell(saved, is_new=saved.pk != stored.pk))
        return redirect("settings_data_rule", request.org.slug)
    context = {"form": form, "rule": stored, "may_change": request.member.may(Role.ADMIN)}
    context |= {"directions": StandingRule.Direction.choices} | _trial(request, stored)
    return render(request, "settings/standing_rule.html", context, status=422 if form.errors else 200)


@require_GET
@member_view(Role.VIEWER)
def try_rule(request: OrgRequest) -> HttpResponse:
    """Show what the rule as typed would approve now; nothing is saved and nothing approved by this."""
    stored = standing.current(request.org.pk)
    form = _form(request, request.GET, stored)
    context = _trial(request, form.instance) if form.is_valid() else {"unfinished": True}
    return render(request, "settings/rule_trial.html", context)


@require_GET
@member_view(Role.VIEWER)
def figures(request: OrgRequest) -> HttpResponse:
    """Show what the settings as typed mean for the lines of this month."""
    stored = ReconcileSettings.objects.get(org_id=request.org.pk)
    form = ReconciliationForm(request.GET, instance=stored)
    if not form.is_valid():
        stored.refresh_from_db()
    context = {"counts": count_by_settings(stored), "period": month_of(timezone.now())}
    context |= {"rule": standing.current(request.org.pk), "typed": form.is_valid()}
    if form.is_valid() and stored.second_from is None:
        context["released"] = count_asked(request.org.pk)
    return render(request, "settings/figures.html", context)


def _form(request: OrgRequest, data: Any, stored: StandingRule) -> StandingRuleForm:
    # A copy: what is stored is needed unchanged, whatever the form makes of it.
    copy = StandingRule(org_id=request.org.pk, version=stored.version)
    names = StandingRuleForm.Meta.fields
    for name, value in model_to_dict(stored, fields=names).items():
        setattr(copy, name, value)
    return StandingRuleForm(data, instance=copy, org_id=request.org.pk)


def _trial(request: OrgRequest, rule: StandingRule) -> dict[str, Any]:
    decisions.keep_up(request.org.pk)
    found = standing.choose(rule, ReconcileSettings.objects.get(org_id=request.org.pk))
    return {"found": found, "effect": totals.add_effects(found, exchange_for(request.org.pk))}


def _tell(rule: StandingRule, *, is_new: bool) -> str:
    if not is_new:
        return "Nothing was changed."
    if not rule.active:
        return "Saved. The standing rule is off: people approve every line."
    return f"Saved as version {rule.version}. It acts for the first time after the next sync."
