"""What the pages of a counting rule show: the form, one rule as it stands, and what it would do before it is kept."""

from collections.abc import Sequence
from copy import copy, deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.roles import Role
from dashboard import decisions, grace, months
from dashboard.counting_forms import COMBINE_HELP, MOST_NOTE, STEP_WORDS, RuleForm, months_around
from dashboard.counting_past import foresee_past
from dashboard.models import MonthReport
from psa.models import Account, Agreement, Service
from reconcile.period import month_of, next_month
from reconcile.tenancy.views import OrgRequest
from vendors.counting import Combine
from vendors.counting_effect import begins_later, foresee
from vendors.counting_rules import Change, Draft, Plan, State, scope_words
from vendors.counting_words import COMBINES, FIELD_WORDS, say_dated, say_rule
from vendors.mapping import ACCOUNTS, SERVICES
from vendors.mapping_views import find_targets
from vendors.models import CountingRule

CHOICES = 8
MODELS: dict[str, Any] = {"service": Service, "account": Account, "agreement": Agreement}


@dataclass(frozen=True)
class Chooser:
    """A field that looks for a service, an account or an agreement: what is chosen, else what fits the search."""

    kind: str
    chosen: Any
    q: str
    found: Sequence[Any]
    total: int
    error: str


def form_page(
    request: OrgRequest,
    form: RuleForm,
    row: CountingRule | None,
    *,
    status: int = 200,
    copied: CountingRule | None = None,
) -> HttpResponse:
    """Show the form as it is filled in, with its errors."""
    period = month_of(timezone.now())
    # A copy: a step that was just added is unfinished, and no error yet.
    rule = deepcopy(form).rule()
    ends = [(value, months.previous_month(first)) for value, first in months_around(period, [form.ends])]
    context: dict[str, Any] = {
        "form": form,
        "row": row,
        "copied": copied,
        "copied_words": say_rule(copied.plain) if copied else "",
        "choosers": {kind: choose(request.org.pk, form, kind) for kind in MODELS},
        "combines": [(one.value, COMBINES[one].capitalize(), COMBINE_HELP[one]) for one in Combine],
        "dos": [(do.value, words) for do, words in STEP_WORDS.items()],
        "most_note": MOST_NOTE,
        "fields": [(name, words[0].capitalize()) for name, words in FIELD_WORDS.items()],
        "begins": months_around(period, [form.begins]),
        "ends": ends,
        "words": say_rule(rule, of_agreement=form.of_agreement) if rule else "",
        "period": period,
    }
    if row:
        context |= {"scope": scope_words(row), "stands": say_dated(row), "seen": str(State.of(row))}
        # It may end with its first month, and no earlier.
        context["end_months"] = [one for one in ends if not row.from_month or one[1] >= row.from_month]
        context["chosen_end"] = f"{row.until_month or next_month(period):%Y-%m}"
    return render(request, "dashboard/rule_form.html", context, status=status)


def rule_page(request: OrgRequest, row: CountingRule) -> HttpResponse:
    """Show one rule to whoever may not change it, or after it was removed."""
    context: dict[str, Any] = {"row": row, "scope": scope_words(row), "stands": say_dated(row)}
    state = State.of(row)
    if state.removed and request.member.may(Role.ADMIN):
        context["put_back"] = Change(row.pk, state, State(state.until))
    return render(request, "dashboard/rule.html", context)


def trial_page(request: OrgRequest, plan: Plan, row: CountingRule | None) -> HttpResponse:
    """Show what a plan would do; nothing is kept by this. Raises Refused or UnknownRow."""
    period = month_of(timezone.now())
    # It takes a while, so it comes before anything that others would wait for is held.
    last = foresee_past(request.org.pk, plan, period)
    # What time alone has changed is none of the rule's doing.
    decisions.keep_up(request.org.pk)
    effect = foresee(request.org.pk, plan, period)
    made = plan.draft.build(request.org.pk, None) if plan.draft else None
    context = {
        "row": row,
        "what": request.POST.get("what", ""),
        "effect": effect,
        "period": period,
        "last": last,
        "title": f"{made.service}, {scope_words(made)}"
        if made
        else f"{row and row.service}, {row and scope_words(row)}",
        "words": say_dated(made) if made else _ended(plan, row),
        "stands": say_dated(row) if row else "",
        "later": plan.draft.from_month if plan.draft and begins_later(plan, period) else None,
        "notices": list(_notices(request.org.pk, plan, row, period)),
        "fields": [
            (name, value)
            for name, values in request.POST.lists()
            for value in values
            if name not in ("act", "csrfmiddlewaretoken")
        ],
    }
    return render(request, "dashboard/rule_trial.html", context)


def choose(org_id: int, form: RuleForm, kind: str) -> Chooser:
    """Give what one of the choosers shows."""
    pk, q = getattr(form, kind), form.finds.get(kind, "")
    chosen = MODELS[kind].objects.filter(org_id=org_id, pk=pk).first() if pk else None
    found, total = ([], 0) if chosen else _find(org_id, form, kind, q)
    return Chooser(kind, chosen, q, found, total, form.errors.get(kind, ""))


def _find(org_id: int, form: RuleForm, kind: str, q: str) -> tuple[Sequence[Any], int]:
    if kind != "service" and form.scope != kind:
        return [], 0
    if kind == "agreement":
        return _find_agreements(org_id, form.service, q)
    rows, total = find_targets(SERVICES if kind == "service" else ACCOUNTS, org_id, q)
    return rows[:CHOICES], total


def _find_agreements(org_id: int, service: int | None, q: str) -> tuple[Sequence[Any], int]:
    """Look for agreements by name or account; once a service is chosen, among those that bill it."""
    rows = Agreement.objects.filter(org_id=org_id, vanished_at=None).select_related("account")
    if service:
        rows = rows.filter(agreementline__service=service, agreementline__vanished_at=None).distinct()
    for term in q.split():
        rows = rows.filter(Q(name__icontains=term) | Q(account__name__icontains=term))
    return list(rows.order_by("-active", "account__name", "name", "pk")[:CHOICES]), rows.count()


def _ended(plan: Plan, row: CountingRule | None) -> str:
    """Say what is left of a rule that ends."""
    if row is None or any(one.wanted.removed for one in plan.changes):
        return "Counts in no month"
    ended = copy(row)
    ended.until_month = plan.changes[0].wanted.until
    return say_dated(ended)


def _notices(org_id: int, plan: Plan, row: CountingRule | None, period: date) -> Any:
    """Say what a person should know before it is kept."""
    earliest = _earliest(plan, row)
    if earliest is None or earliest < period:
        yield "Past days are recomputed with it, so the twelve months of these lines and Back-billing may change."
        if MonthReport.objects.filter(
            org_id=org_id, period__gte=earliest or date.min, period__lt=period
        ).exists():
            yield "Reports that were signed for these months stay as they are."
        if before := grace.find_signable(org_id):
            yield f"{before:%B} is not signed: if it is signed late, it is with the numbers of this rule."
    if months.find_closed(org_id, period):
        yield f"{period:%B} is closed: its report stays as it was signed. The lines themselves follow the rule."
    if row and plan.draft:
        yield _beside(plan, plan.draft, row)


def _beside(plan: Plan, draft: Draft, row: CountingRule) -> str:
    """Say in which months the rule as it is counts beside the one that takes its place."""
    if plan.rest and plan.rest.from_month:
        return f"From {plan.rest.from_month:%B %Y} on, the rule as it is goes on counting."
    if plan.changes and plan.changes[0].wanted.removed:
        return "It begins no later than the rule as it is, so it takes its place in all months."
    if plan.changes:
        return f"Before {draft.from_month:%B %Y}, the rule as it is goes on counting."
    if row.from_month and draft.until_month and draft.until_month <= row.from_month:
        return f"The rule as it is stays, from {row.from_month:%B %Y} on."
    if draft.until_month and (row.until_month is None or draft.until_month < row.until_month):
        return f"From {draft.until_month:%B %Y} on, the rule as it is counts again."
    return "The rule as it is stays in its own months."


def _earliest(plan: Plan, row: CountingRule | None) -> date | None:
    """Give the first month in which anything is counted otherwise; None: from ever."""
    if plan.draft:
        removed = any(one.wanted.removed for one in plan.changes)
        firsts = [plan.draft.from_month, *([row.from_month] if removed and row else [])]
        return None if None in firsts else min(one for one in firsts if one)
    change = plan.changes[0]
    if change.wanted.removed:
        return row.from_month if row else None
    ends = [one for one in (change.seen.until, change.wanted.until) if one]
    return min(ends, default=None)
