"""Settings, Data settings, Other (G1): the display currency, the time zone, and the exchange rates behind them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.currencies import list_current
from accounts.exchange import MANUAL, Exchange
from accounts.models import AuditEntry, DisplaySettings, ExchangeRate, Organization, User
from accounts.rate_forms import FileForm, RateForm
from accounts.rates import exchange_for, list_in_use
from accounts.roles import Role
from accounts.schedule_rules import AT
from reconcile import zones
from reconcile.tenancy.views import OrgRequest, member_view

EXAMPLES = [
    ("Under-billed", Decimal("1047.55")),
    ("Over-billed", Decimal("-220.05")),
    ("Nothing to change", Decimal(0)),
]
RECENTLY_REMOVED = 5


class DisplayForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for the currency and the time zone that screens are written in."""

    class Meta:
        model = DisplaySettings
        fields: ClassVar = ["currency", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.currency
        # A currency that has gone out of use since it was chosen stays to choose.
        current = {stored: stored} | list_current()
        self.fields["currency"] = forms.ChoiceField(
            choices=[(code, f"{code}, {name}") for code, name in sorted(current.items())],
            error_messages={"required": "Choose a currency.", "invalid_choice": "Choose one from the list."},
        )
        self.fields["time_zone"] = forms.ChoiceField(
            choices=zones.list_choices(timezone.now()),
            error_messages={"required": "Choose a time zone.", "invalid_choice": "Choose one from the list."},
        )


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.VIEWER, writes_from=Role.ADMIN)
def settings_other(request: OrgRequest) -> HttpResponse:
    """Show the settings to everybody; an admin changes them."""
    form = DisplayForm(request.POST or None, instance=DisplaySettings.objects.get(org_id=request.org.pk))
    if request.method == "POST" and form.is_valid():
        changed = change_display(request.org, form, request.user)
        messages.success(
            request, "Saved. Nothing in your PSA was changed." if changed else "Nothing was changed."
        )
        return redirect("settings_other", request.org.slug)
    return show(request, form=form)


def change_display(org: Organization, form: DisplayForm, by: User) -> list[str]:
    """Save what was changed and write the audit entry; gives the names of what changed."""
    audit.hold(org.pk)
    before = model_to_dict(DisplaySettings.objects.get(org_id=org.pk), fields=list(form.fields))
    changed = [name for name, value in before.items() if form.cleaned_data[name] != value]
    if changed:
        form.save()
        audit.record(
            org.pk,
            actor=by,
            verb="changed display settings",
            subject=_subject(org),
            label=org.name,
            old={name.replace("_", " "): before[name] for name in changed},
            new={name.replace("_", " "): form.cleaned_data[name] for name in changed},
        )
    return changed


def show(request: OrgRequest, **bound: Any) -> HttpResponse:
    """Show the page; a form that was refused stands in it with its errors."""
    exchange = exchange_for(request.org.pk, currency=request.display.currency)
    in_use = _list_in_use(request.org.pk, exchange)
    kept = ExchangeRate.objects.filter(org_id=request.org.pk)
    context = {
        "form": bound.get("form") or DisplayForm(instance=request.display),
        "rate_form": bound.get("rate_form") or RateForm(initial={"on": exchange.day}),
        "file_form": bound.get("file_form") or FileForm(),
        "examples": EXAMPLES,
        "converted": _convert_example(exchange),
        "exchange": exchange,
        "in_use": in_use,
        "kept": kept.filter(removed_at__isnull=True).count() - len(in_use),
        "removed": kept.filter(removed_at__isnull=False).order_by("-removed_at")[:RECENTLY_REMOVED],
        "sync_time": zones.at_hour(AT.hour, request.display.time_zone, timezone.now()),
        "may_change": request.member.may(Role.ADMIN),
        "last_change": AuditEntry.objects.filter(subject=_subject(request.org)).order_by("-seq").first(),
    }
    return render(
        request, "settings/other.html", context, status=422 if any(f.errors for f in bound.values()) else 200
    )


@dataclass(frozen=True)
class InUse:
    """A rate that amounts are converted at today."""

    row: ExchangeRate
    is_old: bool


def _list_in_use(org_id: int, exchange: Exchange) -> list[InUse]:
    """List the rate that counts for each pair, what people entered first."""
    rows = list_in_use(org_id, exchange.day).select_related("by")
    chosen = [row for row in rows if exchange.rates.get((row.base, row.quote)) == row.dated]
    chosen.sort(key=lambda row: (row.source != MANUAL, row.base, row.quote))
    return [InUse(row, exchange.is_old(row.dated.path)) for row in chosen]


def _convert_example(exchange: Exchange) -> tuple[str, Decimal, Any] | None:
    """Convert a hundred of the first currency that has a rate, to show how it will look."""
    for code in sorted({code for pair in exchange.rates for code in pair} - {exchange.currency}):
        found = exchange.convert(Decimal(100), code)
        if found:
            return code, Decimal(100), found
    return None


def _subject(org: Organization) -> str:
    return f"display:{org.pk}"
