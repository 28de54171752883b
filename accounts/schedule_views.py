"""Settings, Data settings, Data sync (F1): when the organization syncs by itself, shown while it is chosen."""

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.models import AuditEntry, Organization, SyncSchedule, User
from accounts.roles import Role
from accounts.schedule_rules import AT, list_next
from accounts.schedule_words import write_day, write_sentence, write_short_month
from reconcile import zones
from reconcile.clock import read_clock
from reconcile.tenancy.views import OrgRequest, member_view

SHOWN = 6
LABELS = {
    "weekday": "Day of the week",
    "month_day": "Day of the month",
    "month_nth": "Which one of the month",
    "month_weekday": "Weekday of the month",
}


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks on which days; what a switch has put out of use is not sent by a browser, and stays as it is."""

    class Meta:
        model = SyncSchedule
        fields: ClassVar = [
            "weekly", "weekday", "monthly", "monthly_by", "month_day", "month_nth", "month_weekday",
        ]  # fmt: skip

    def __init__(self, data: QueryDict | None, *, instance: SyncSchedule) -> None:
        super().__init__(_complete(data, instance) if data is not None else None, instance=instance)
        for name, words in LABELS.items():
            self.fields[name].widget.attrs["aria-label"] = words
            self.fields[name].help_text = ""

    def put_out_of_use(self, chosen: SyncSchedule) -> None:
        """Disable the fields that what is chosen makes idle."""
        by_date = chosen.monthly_by == SyncSchedule.MonthlyBy.DATE
        in_use = {
            "weekday": chosen.weekly,
            "month_day": chosen.monthly and by_date,
            "month_nth": chosen.monthly and not by_date,
            "month_weekday": chosen.monthly and not by_date,
        }
        for name, is_used in in_use.items():
            self.fields[name].widget.attrs["disabled"] = not is_used


@dataclass(frozen=True)
class Run:
    """One of the next runs, in words."""

    day: str
    why: str
    # When that is in the organization's zone; empty in UTC.
    here: str


@dataclass(frozen=True)
class Outlook:
    """What a schedule will do from a moment on, in words."""

    sentence: str
    short_month: str
    runs: list[Run]
    local_time: str

    @classmethod
    def of(cls, schedule: SyncSchedule, now: datetime, zone: str) -> "Outlook":
        """Look ahead; nothing is stored, so this also shows what is only being considered."""
        rules, after = schedule.rules, now - schedule.spread
        return cls(
            sentence=write_sentence(rules),
            short_month=write_short_month(rules, after),
            runs=[
                Run(write_day(slot.day, now.year), slot.why, zones.write_there(slot.at, zone))
                for slot in list_next(rules, after, SHOWN)
            ],
            local_time="" if zone == zones.UTC_NAME else zones.at_hour(AT.hour, zone, now),
        )


@require_http_methods(["GET", "HEAD", "POST"])
@member_view(Role.VIEWER, writes_from=Role.ADMIN)
def settings_data(request: OrgRequest) -> HttpResponse:
    """Show the schedule to everybody; an admin changes it. Asked by htmx, show what the form's choices would do."""
    stored = SyncSchedule.objects.get()
    data = request.POST if request.method == "POST" else request.GET if request.htmx else None
    form = ScheduleForm(data, instance=copy(stored))
    is_valid = form.is_valid()
    if request.method == "POST" and is_valid:
        changed = change_schedule(request.org, form, request.user)
        messages.success(request, "Schedule saved." if changed else "Nothing was changed.")
        return redirect("settings_data", request.org.slug)
    considered = form.instance if is_valid else stored
    form.put_out_of_use(considered)
    context = {
        "form": form,
        "schedule": considered,
        "outlook": Outlook.of(considered, read_clock(), request.display.time_zone),
        "is_unsaved": is_valid and form.has_changed(),
        "may_change": request.member.may(Role.ADMIN),
        "last_change": AuditEntry.objects.filter(subject=_subject(request.org)).order_by("-seq").first(),
    }
    template = "settings/data_schedule.html" if request.htmx else "settings/data.html"
    return render(request, template, context, status=422 if form.errors else 200)


def change_schedule(org: Organization, form: ScheduleForm, by: User) -> bool:
    """Store what was chosen, plan the next run by it, and write both down; says whether anything changed."""
    audit.hold(org.pk)
    schedule = SyncSchedule.objects.select_for_update(no_key=True).get()
    before = copy(schedule)
    for name, value in form.cleaned_data.items():
        setattr(schedule, name, value)
    if all(getattr(before, name) == value for name, value in form.cleaned_data.items()):
        return False
    schedule.plan(read_clock())
    schedule.save()
    audit.record(
        org.pk,
        actor=by,
        verb="changed sync schedule",
        subject=_subject(org),
        label=org.name,
        old=_describe(before),
        new=_describe(schedule),
    )
    return True


def _complete(data: QueryDict, stored: SyncSchedule) -> dict[str, Any]:
    switches = {"weekly", "monthly"}
    given = {name: data[name] for name in ScheduleForm.Meta.fields if name in data}
    kept = {name: getattr(stored, name) for name in ScheduleForm.Meta.fields if name not in switches}
    return kept | given


def _describe(schedule: SyncSchedule) -> dict[str, str]:
    due = schedule.next_sync_at
    return {
        "automatic sync": write_sentence(schedule.rules),
        "next run": f"{due:%Y-%m-%d} 07:00 UTC" if due else "none",
    }


def _subject(org: Organization) -> str:
    return f"schedule:{org.pk}"
