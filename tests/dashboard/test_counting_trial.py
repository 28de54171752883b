"""Rules are tried on this month and the last before they are saved; the cards and the panel follow what is saved."""

from datetime import UTC, datetime, time, timedelta
from html import unescape
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from psa.models import LineHistory
from reconcile.period import month_of, next_month
from reconcile.templatetags.figures import short_date
from reconcile.tenancy.scope import org_scope
from tests.dashboard.closed import close_past_month
from tests.dashboard.rule_screen import AT_LEAST, Screen, screen, words
from vendors.models import Snapshot, UsageCount

__all__ = ["screen"]


def test_the_trial_shows_what_this_month_and_the_last_would_say(screen: Screen, settings: Any) -> None:
    settings.MONTH_CLOSE_GRACE_DAYS = 31
    with org_scope(screen.org.pk):
        then = timezone.now() - timedelta(days=70)
        LineHistory.objects.update(held_from=then)
        UsageCount.objects.update(counted_at=then)
        day = datetime.combine(month_of(timezone.now()), time.min, UTC) - timedelta(hours=3)
        Snapshot.objects.update(taken_at=day)
    page = words(screen.post("try", **AT_LEAST))
    assert "1 line changes, +$58.50 a month" in page
    assert '<span class="muted">12</span> → 25' in page
    assert "1 line changes, +$58.50 on that invoice" in page
    assert "had it counted then; it begins later, so last month stays as it was" in page
    screen.save(begins="2026-01")
    last = month_of(timezone.now()) - timedelta(days=1)
    page = words(screen.post("try", screen.rules()[0].pk, what="remove", seen=""))
    assert "1 line changes, −$58.50 a month" in page
    assert "1 line changes, −$58.50 on that invoice" in page
    assert "had it counted then" not in page
    assert f"Last month, as of {short_date(last)}" in page
    assert "Past days are recomputed with it" in page
    assert f"{last:%B} is not signed" in page


def test_reports_stay_as_they_were_signed_and_the_trial_says_so(screen: Screen) -> None:
    with org_scope(screen.org.pk):
        report = close_past_month(screen.org)
    said = "Reports that were signed for these months stay as they are."
    assert said in words(screen.post("try", **(AT_LEAST | {"begins": f"{report.period:%Y-%m}"})))
    later = words(screen.post("try", **(AT_LEAST | {"begins": f"{report.period:%Y}-05"})))
    assert said not in later
    assert "Past days are recomputed with it" in later
    assert "Past days are recomputed" not in words(screen.post("try", **AT_LEAST))


def test_the_trial_of_an_end_shows_the_rule_as_it_is(screen: Screen) -> None:
    rule = screen.save(begins="2026-01")
    page = words(screen.post("try", rule.pk, what="end", seen="", until="2099-01"))
    stands = page.partition("As it is</dt>")[2].partition("</dd>")[0]
    assert stands.endswith("from January 2026")
    assert "from January 2026 until the end of December 2098" in page


def test_the_trial_says_when_the_rule_as_it_is_counts_again(screen: Screen) -> None:
    rule = screen.save()
    page = words(screen.post("try", rule.pk, seen="", **(AT_LEAST | {"step_by": ["30"], "ends": "2099-02"})))
    assert "From February 2099 on, the rule as it is goes on counting." in page
    screen.post("save", rule.pk, what="remove", seen="")
    rule = screen.save(begins="2099-03")
    page = words(screen.post("try", rule.pk, seen="", **(AT_LEAST | {"step_by": ["30"], "ends": "2099-02"})))
    assert "The rule as it is stays, from March 2099 on." in page


def test_last_month_is_recomputed_before_anything_is_held(screen: Screen) -> None:
    with org_scope(screen.org.pk):
        then = timezone.now() - timedelta(days=70)
        LineHistory.objects.update(held_from=then)
        UsageCount.objects.update(counted_at=then)
        Snapshot.objects.update(taken_at=timezone.now() - timedelta(days=70))
    with CaptureQueriesContext(connection) as asked:
        screen.post("try", **AT_LEAST)
    said = [one["sql"] for one in asked.captured_queries]
    held = [n for n, sql in enumerate(said) if "accounts_audithead" in sql and "FOR UPDATE" in sql]
    past = [n for n, sql in enumerate(said) if "psa_linehistory" in sql]
    assert past
    assert held
    assert max(past) < min(held)


def test_nothing_known_of_last_month_is_said(screen: Screen) -> None:
    assert "Nothing is known of it: the first sync came later." in words(screen.post("try", **AT_LEAST))


def test_a_rule_that_begins_later_is_tried_with_todays_counts(screen: Screen) -> None:
    begins = next_month(month_of(timezone.now()))
    page = words(screen.post("try", **(AT_LEAST | {"begins": f"{begins:%Y-%m}"})))
    assert f"<dt>From {begins:%B} on</dt><dd>1 line changes, +$58.50 a month" in page
    screen.save(begins=f"{begins:%Y-%m}")
    assert screen.card().vendor_units == 12


def test_the_cards_follow_what_is_saved_and_undone(screen: Screen) -> None:
    rule = screen.save()
    assert screen.card().vendor_units == 25
    screen.client.post(screen.url("counting_undo"), {"change": f"{rule.pk}||x"})
    assert screen.card().vendor_units == 12
    screen.save(scope="agreement", agreement=screen.line.agreement_id)
    assert screen.card().vendor_units == 25


def test_the_panel_leads_to_the_rule(screen: Screen) -> None:
    def link() -> str:
        url = screen.url("line_details", screen.card().pk)
        page = unescape(screen.client.get(url, headers={"HX-Request": "true"}).text)
        return page.partition("config/rules/new/")[2].partition("</a>")[0]

    assert link().endswith("Make a rule")
    rule = screen.save(scope="agreement", agreement=screen.line.agreement_id)
    assert link().endswith("Edit rule")
    query = link().partition('"')[0]
    reply = screen.client.get(screen.url("counting_rule_new") + query)
    assert reply.headers["Location"].startswith(screen.url("counting_rule", rule.pk))


# ---- Where it begins ------------------------------------------------------------------------------------


def test_an_address_fills_the_form_in(screen: Screen) -> None:
    line = screen.line
    query = (
        f"?service={line.service_id}&agreement={line.agreement_id}&do=minimum&by=10&note=contract&do=x&by=1"
    )
    page = screen.see("counting_rule_new", query=query)
    assert "Choose another service than Workstation backup" in page
    assert "Choose another agreement than Managed Services" in page
    assert "At least 10 (contract)" in page


def test_a_rule_of_one_account_begins_as_a_copy_of_the_one_for_all(screen: Screen) -> None:
    screen.save()
    query = (
        f"?service={screen.line.service_id}&account={screen.line.account_id}&do=exclude&by=2&note=internal"
    )
    page = screen.see("counting_rule_new", query=query)
    assert "This begins as a copy of the rule for every account" in page
    assert "Sum of all, at least 25 (contract), minus 2 internal" in page


def test_where_a_rule_stands_for_the_same_that_one_is_changed(screen: Screen) -> None:
    rule = screen.save()
    query = f"?service={screen.line.service_id}&do=minimum&by=25&do=up&by=5"
    reply = screen.client.get(screen.url("counting_rule_new") + query, follow=True)
    assert reply.redirect_chain[0][0].startswith(screen.url("counting_rule", rule.pk))
    assert "Sum of all, at least 25 (contract), rounded up to a multiple of 5" in words(reply)
