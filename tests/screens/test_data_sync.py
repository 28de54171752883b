"""F1, Settings, Data settings, Data sync: what is shown before it is saved, what is saved, and who may."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, DisplaySettings, Organization, SyncSchedule, User
from accounts.roles import Role
from accounts.schedule_words import WEEKDAYS
from reconcile.clock import read_clock
from reconcile.tenancy.scope import org_scope

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SignIn = Callable[[User], Client]
BOTH = {"weekly": "on", "weekday": "0", "monthly": "on", "monthly_by": "date", "month_day": "31"}


@pytest.fixture
def address(org: Organization) -> str:
    return reverse("settings_data", args=[org.slug])


def stored(org: Organization) -> SyncSchedule:
    with org_scope(org.pk):
        return SyncSchedule.objects.get()


def test_f1_a_new_organization_syncs_weekly_on_the_weekday_on_which_it_joined(org, alice, sign_in, address):
    schedule = stored(org)
    today = WEEKDAYS[org.joined_on.weekday()]
    assert (schedule.weekly, schedule.monthly, schedule.weekday) == (True, False, org.joined_on.weekday())
    page = sign_in(alice).get(address).text
    assert f"Every {today} at 07:00 UTC." in page
    assert page.count("<span>weekly</span>") == 6
    assert schedule.next_sync_at is not None
    assert schedule.next_sync_at.weekday() == org.joined_on.weekday()
    assert timedelta(0) < schedule.next_sync_at - read_clock() <= timedelta(7)
    assert (schedule.next_sync_at.hour, schedule.next_sync_at.minute < 4) == (7, True)


def test_f1_the_next_six_runs_follow_the_form_and_nothing_is_stored(org, alice, sign_in, address):
    client = sign_in(alice)
    before = stored(org)
    part = client.get(address, BOTH, headers=HTMX).text
    assert "<html" not in part
    assert "Every Monday, and on the 31st of each month, at 07:00 UTC." in part
    assert "A month without a 31st uses its last day:" in part
    assert part.count("<li>") == 6
    assert "<span>monthly</span>" in part
    assert "Changed, not saved yet" in part
    assert client.get(address, {"weekday": "0"}, headers=HTMX).text.count("<li>") == 0
    after = stored(org)
    assert (after.monthly, after.weekday, after.next_sync_at) == (False, before.weekday, before.next_sync_at)
    with org_scope(org.pk):
        assert not AuditEntry.objects.filter(verb="changed sync schedule").exists()


def test_f1_a_switch_that_is_off_puts_its_fields_out_of_use(alice, sign_in, address):
    client = sign_in(alice)
    by_date = client.get(address, BOTH, headers=HTMX).context["form"]
    by_weekday = client.get(address, BOTH | {"monthly_by": "weekday"}, headers=HTMX).context["form"]
    off = client.get(address, {}, headers=HTMX).context["form"]
    names = ("weekday", "month_day", "month_nth", "month_weekday")

    def used(form):
        return [not form.fields[name].widget.attrs["disabled"] for name in names]

    assert used(by_date) == [True, True, False, False]
    assert used(by_weekday) == [True, False, True, True]
    assert used(off) == [False, False, False, False]


def test_f1_both_on_one_day_is_one_run(org, alice, sign_in, address):
    daily = BOTH | {"weekday": "0", "monthly_by": "weekday", "month_nth": "1", "month_weekday": "0"}
    part = sign_in(alice).get(address, daily, headers=HTMX)
    runs = part.context["outlook"].runs
    assert len({run.day for run in runs}) == 6
    assert {run.why for run in runs} == {"weekly", "weekly and monthly"}


def test_f1_saving_plans_the_next_run_and_is_written_down(org, alice, sign_in, address):
    with org_scope(org.pk):
        SyncSchedule.objects.update(weekday=2)
    form = {"monthly": "on", "monthly_by": "weekday", "month_nth": "2", "month_weekday": "1"}
    page = sign_in(alice).post(address, form, follow=True).text
    assert "Schedule saved." in page
    assert "On the second Tuesday of each month at 07:00 UTC." in page
    assert "Last changed by Alice" in page
    schedule = stored(org)
    assert schedule.next_sync_at is not None
    assert schedule.next_sync_at > read_clock()
    assert schedule.next_sync_at.weekday() == 1
    assert 8 <= schedule.next_sync_at.day <= 14
    with org_scope(org.pk):
        entry = AuditEntry.objects.get(verb="changed sync schedule")
    assert entry.actor_id == alice.pk
    assert entry.old["automatic sync"] == "Every Wednesday at 07:00 UTC."
    assert entry.new == {
        "automatic sync": "On the second Tuesday of each month at 07:00 UTC.",
        "next run": f"{schedule.next_sync_at:%Y-%m-%d} 07:00 UTC",
    }


def test_f1_both_off_is_manual_only_and_says_so(org, alice, sign_in, address):
    client = sign_in(alice)
    page = client.post(address, {}, follow=True).text
    assert "Manual only: nothing runs until somebody presses Quick sync." in page
    assert "No automatic run" in page
    assert stored(org).next_sync_at is None
    assert "Nothing was changed." in client.post(address, {}, follow=True).text
    assert "Schedule saved." in client.post(address, {"weekly": "on"}, follow=True).text
    assert stored(org).next_sync_at is not None


def test_f1_a_change_does_not_lose_a_slot_that_is_overdue(org, alice, sign_in, address):
    overdue = read_clock() - timedelta(minutes=20)
    with org_scope(org.pk):
        SyncSchedule.objects.update(next_sync_at=overdue, weekday=0)
    sign_in(alice).post(address, {"weekly": "on", "weekday": "3"})
    assert stored(org).next_sync_at == overdue, "it is started first; the next one follows the new rule"


@pytest.mark.parametrize(
    ("name", "value"),
    [("weekday", "7"), ("month_day", "32"), ("month_day", "0"), ("month_nth", "6"), ("monthly_by", "moon")],
)
def test_f1_a_day_that_does_not_exist_is_refused(org, alice, sign_in, address, name, value):
    reply = sign_in(alice).post(address, BOTH | {name: value})
    assert reply.status_code == 422
    assert "Nothing was saved." in reply.text
    assert not stored(org).monthly


def test_f1_everybody_reads_and_only_admins_write(org, join, sign_in, address):
    approver = sign_in(join("Bob", Role.APPROVER))
    shown = approver.get(address).text
    assert "An admin of your organization changes these." in shown
    assert "Save schedule" not in shown
    assert approver.post(address, BOTH).status_code == 403
    assert sign_in(join("Ada", Role.ADMIN)).post(address, BOTH).status_code == 302
    assert stored(org).month_day == 31


def test_f1_settings_lead_to_data_sync_and_its_tabs_to_one_another(org, alice, sign_in, address):
    client = sign_in(alice)
    other = reverse("settings_reconciliation", args=[org.slug])
    for page in (client.get(address).text, client.get(other).text):
        assert f'<a href="{address}" title="Settings"' in page
        assert f'<a href="{other}"' in page
        assert f'<a href="{address}"' in page


def test_f1_the_spread_is_stable_and_short():
    spreads = [SyncSchedule(org_id=number).spread for number in range(1, 400)]
    assert spreads == [SyncSchedule(org_id=number).spread for number in range(1, 400)]
    assert max(spreads) < timedelta(minutes=5)
    assert len(set(spreads)) > 150, "they are spread"


def test_f1_joining_on_any_day_keeps_that_weekday(org):
    with org_scope(org.pk):
        SyncSchedule.objects.all().delete()
        for number in range(7):
            joined = date(2026, 11, 23) + timedelta(number)
            schedule = SyncSchedule.begin(org.pk, joined, read_clock())
            assert schedule.weekday == joined.weekday()
            schedule.delete()


@pytest.mark.parametrize(
    ("zone", "beside", "run"),
    [
        ("America/Phoenix", "00:00 in Phoenix", r"{day} {month} <span.*?>00:00 MST</span>"),
        (
            "Pacific/Honolulu",
            "21:00 the day before in Honolulu",
            r"{day} {month} <span.*?>\d+ \w+, 21:00 HST</span>",
        ),
        ("Asia/Kathmandu", "12:45 in Kathmandu", r"{day} {month} <span.*?>12:45 UTC\+5:45</span>"),
        ("UTC", "", r"<li><span>\w+ {day} {month}( \d+)?</span>"),
    ],
)
def test_g1_the_schedule_says_what_its_hour_is_in_the_organizations_zone(
    org, alice, sign_in, address, zone, beside, run
):
    with org_scope(org.pk):
        DisplaySettings.objects.update(time_zone=zone)
    due = stored(org).next_sync_at
    assert due is not None
    page = sign_in(alice).get(address).text
    found = re.search(r"<span>at 07:00 UTC</span>(?:<span class=\"muted\">(.*?)</span>)?</div>", page)
    assert found
    assert (found[1] or "") == beside
    assert re.search(
        run.format(day=due.day, month=f"{due:%B}( \\d+)?" if zone != "UTC" else f"{due:%B}"), page
    )
