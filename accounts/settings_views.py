"""Settings, Data settings, Reconciliation (E5, E9, E10): contract view, guards, second approver, pushing."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.contract_view import count_lines
from accounts.fresh import keeping, take_kept
from accounts.models import AuditEntry, Organization, ReconcileSettings, User
from accounts.roles import Role
from accounts.second_form import SecondApproverForm, count_approvers
from accounts.second_notices import tell_lifted
from reconcile.signals import figures_changed, second_switched_off
from reconcile.tenancy.views import OrgRequest, member_view

# Quantities for which the page works out what the limits mean.
EXAMPLES = (10, 40, 200)
# Changing these alone leaves every line as it is.
JUDGES_NOTHING = {"contract_view", "second_from", "second_currency"}
LONGEST_STALE_HOURS = 24 * 92


class ReconciliationForm(SecondApproverForm):
    """Asks for the limits; whole numbers, and none so wide that a guard could never hold a line."""

    class Meta:
        model = ReconcileSettings
        fields: ClassVar = [
            "guard_percent", "guard_units", "jump_percent", "jump_units", "vanish_percent", "stale_hours", "pushing",
            "contract_view", "second_from", "second_currency",
        ]  # fmt: skip

    def clean_contract_view(self) -> str:
        """Keep what is stored when a form does not name it."""
        return str(self.cleaned_data["contract_view"] or self.instance.contract_view)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contract_view"].required = False
        limits = {
            "guard_percent": (0, 99),
            "guard_units": (0, 9999),
            "jump_percent": (0, 1000),
            "jump_units": (0, 9999),
            "vanish_percent": (0, 99),
            "stale_hours": (1, LONGEST_STALE_HOURS),
        }
        for name, (least, most) in limits.items():
            self.fields[name] = forms.IntegerField(
                min_value=least,
                max_value=most,
                error_messages=dict.fromkeys(
                    ["required", "invalid", "min_value", "max_value"],
                    f"Enter a whole number from {least:,} to {most:,}.",
                ),
                # Not a number input: its arrows take the room of a digit.
                widget=forms.TextInput({"class": "input num tiny", "inputmode": "numeric"}),
            )


@dataclass(frozen=True)
class Example:
    """What the guards do to a line that bills `billed` units: held below `low` and above `high`."""

    billed: int
    low: int
    high: int


def work_out_examples(limits: ReconcileSettings) -> list[Example]:
    """Say with numbers what the limits mean; the same arithmetic as the cards', in whole units."""
    return [
        Example(
            billed,
            max(0, billed - max(billed * limits.guard_percent // 100, limits.guard_units)),
            billed + max(billed * limits.jump_percent // 100, limits.jump_units),
        )
        for billed in EXAMPLES
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.VIEWER, writes_from=Role.ADMIN)
@keeping(*ReconciliationForm.Meta.fields)
def settings_reconciliation(request: OrgRequest) -> HttpResponse:
    """Show the settings to everybody; an admin changes them."""
    stored = ReconcileSettings.objects.get(org_id=request.org.pk)
    examples = work_out_examples(stored)
    form = ReconciliationForm(request.POST or None, instance=stored, initial=take_kept(request))
    if request.method == "POST" and form.is_valid():
        changed = change_settings(request.org, form, request.user)
        messages.success(request, tell(changed))
        return redirect("settings_reconciliation", request.org.slug)
    context = {
        "form": form,
        "examples": examples,
        "contract_lines": count_lines(request.org.pk),
        "approvers": count_approvers(request.org.pk),
        "may_change": request.member.may(Role.ADMIN),
        "last_change": AuditEntry.objects.filter(subject=_subject(request.org)).order_by("-seq").first(),
    }
    return render(request, "settings/reconciliation.html", context, status=422 if form.errors else 200)


def tell(changed: list[str]) -> str:
    """Say what saving did."""
    if not changed:
        return "Nothing was changed."
    return "Saved." if set(changed) <= JUDGES_NOTHING else "Saved. Every line was judged again."


def change_settings(org: Organization, form: ReconciliationForm, by: User) -> list[str]:
    """Save what was changed, write the audit entry and refresh the cards; gives the names of what changed."""
    audit.hold(org.pk)
    before = model_to_dict(ReconcileSettings.objects.get(org_id=org.pk), fields=form.Meta.fields)
    changed = [name for name, value in before.items() if form.cleaned_data[name] != value]
    if changed:
        form.save()
        entry = audit.record(
            org.pk,
            actor=by,
            verb="changed reconciliation settings",
            subject=_subject(org),
            label=org.name,
            old={_words(name): before[name] for name in changed},
            new={_words(name): form.cleaned_data[name] for name in changed},
        )
        if not set(changed) <= JUDGES_NOTHING:
            figures_changed.send(ReconcileSettings, org_id=org.pk, account_ids=None)
        if before["second_from"] is not None and form.cleaned_data["second_from"] is None:
            second_switched_off.send(ReconcileSettings, org_id=org.pk, by=by)
        tell_lifted(org.pk, _limit(before), _limit(form.cleaned_data), by=by, entry=entry.pk)
    return changed


def _limit(values: Mapping[str, Any]) -> tuple[Decimal | None, str]:
    return values["second_from"], values["second_currency"]


def _subject(org: Organization) -> str:
    return f"settings:{org.pk}"


def _words(name: str) -> str:
    return name.replace("_", " ")
