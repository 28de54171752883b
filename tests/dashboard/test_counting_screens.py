"""The screens of counting rules: a list, a form that says what is wrong, and only then a rule; with undo."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from reconcile.period import month_of, next_month
from reconcile.tenancy.scope import org_scope
from tests.dashboard.rule_screen import AT_LEAST, Screen, screen, words

__all__ = ["screen"]


# ---- Made ---------------------------------------------------------------------------------------------


def test_the_list_says_at_first_what_rules_are_for(screen: Screen) -> None:
    page = screen.see("counting_rules")
    assert "Every count is billed as it is" in page
    assert page.count("Make a rule") == 2


def test_a_rule_is_tried_before_it_is_saved(screen: Screen) -> None:
    tried = screen.post("try", **AT_LEAST)
    assert "Sum of all, at least 25 (contract); from" in words(tried)
    assert "Nothing has been changed yet" in words(tried)
    assert '<input type="hidden" name="step_by" value="25">' in words(tried)
    assert screen.rules() == []
    rule = screen.save()
    assert [one.write() for one in rule.plain.steps] == [{"do": "minimum", "by": "25", "note": "contract"}]
    page = screen.see("counting_rules")
    assert "Sum of all, at least 25 (contract); from" in page
    assert "Rule saved. The lines it is about were counted anew." in page
    assert "All 1</a>" in page
    assert "In force 1</a>" in page


def test_back_from_the_trial_everything_typed_is_still_there(screen: Screen) -> None:
    page = words(screen.post("back", **AT_LEAST))
    assert 'name="step_by" value="25"' in page
    assert 'name="step_note" value="contract"' in page


def test_saving_by_htmx_leads_to_the_list(screen: Screen) -> None:
    reply = screen.post("save", htmx=True, **AT_LEAST)
    assert reply.headers["HX-Redirect"] == screen.url("counting_rules")


def test_a_rule_may_be_of_one_account_or_of_one_agreement(screen: Screen) -> None:
    screen.save(scope="account", account=screen.line.account_id)
    screen.save(scope="agreement", agreement=screen.line.agreement_id)
    one, other = screen.rules()
    assert (one.account_id, one.agreement_id) == (screen.line.account_id, None)
    assert (other.account_id, other.agreement_id) == (None, screen.line.agreement_id)
    page = screen.see("counting_rules")
    assert "Harbor Dental</a>" in page
    assert "Harbor Dental, Managed Services</a>" in page
    assert "At least 25 (contract); from" in page


def test_filters_and_the_way_to_combine_are_kept(screen: Screen) -> None:
    rule = screen.save(
        combine="distinct", filter_key=["0", "1"], filter_keeps=["out", "only"], filter_field=["name", "kind"],
        filter_pattern=["SVC-*", "user"],
    )  # fmt: skip
    assert rule.combine == "distinct"
    assert [(one.field, one.pattern, one.keeps) for one in rule.plain.filters] == [
        ("name", "svc-*", False),
        ("kind", "user", True),
    ]


# ---- The buttons of the form ------------------------------------------------------------------------


def test_steps_and_filters_are_added_moved_and_removed_without_a_script(screen: Screen) -> None:
    two: dict[str, Any] = {
        "step_key": ["0", "7"], "step_do": ["minimum", "up"], "step_by": ["25", "5"], "step_note": ["", ""],
    }  # fmt: skip
    page = words(screen.post("step-up:7", **two))
    assert page.index('value="step-remove:7"') < page.index('value="step-remove:0"')
    assert "In words" in page
    assert "Sum of all, rounded up to a multiple of 5, at least 25" in page
    assert 'value="step-remove:8"' in words(screen.post("add-step", **two))
    assert 'value="step-remove:0"' not in words(screen.post("step-remove:0", **two))
    added = words(screen.post("add-filter", **two))
    assert "Filter 1: what to look at" in added
    # What was just added is unfinished, and no error yet.
    assert 'class="error"' not in added


def test_a_service_is_searched_chosen_and_chosen_anew(screen: Screen) -> None:
    found = words(screen.post("look", service="", find_service="workst"))
    assert f'value="pick:service:{screen.line.service_id}"' in found
    assert "No service has “mail” in its name or ID." in words(
        screen.post("look", service="", find_service="mail")
    )
    picked = words(screen.post(f"pick:service:{screen.line.service_id}", service=""))
    assert "Choose another service than Workstation backup" in picked
    assert "Choose another service than" not in words(screen.post("unpick:service:"))


def test_agreements_are_those_that_bill_the_service(screen: Screen) -> None:
    with org_scope(screen.org.pk):
        screen.books.agreement(screen.books.account("Quarry"), "Projects")
    page = words(screen.post("look", scope="agreement"))
    assert f'value="pick:agreement:{screen.line.agreement_id}"' in page
    assert "Projects" not in page
    assert "so it only has steps" in page


# ---- What is wrong, beside its field ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"service": ""}, "Choose a service."),
        ({"scope": "account"}, "Choose an account."),
        ({"scope": "agreement"}, "Choose an agreement."),
        ({"step_by": ["1,5"]}, "“1,5” is not a number. Enter a number, such as 25 or 2.5."),
        ({"step_by": [""]}, "Enter a number, such as 25 or 2.5."),
        ({"step_do": ["up"], "step_by": ["0"]}, "Enter a number above 0."),
        ({"step_do": ["percent"], "step_by": ["1001"]}, "Enter at most 1,000 percent."),
        ({"step_by": ["1000000.000001"]}, "Enter at most 1,000,000."),
        ({"step_do": ["include"], "step_by": ["999999999999"]}, "Enter at most 1,000,000."),
        ({"step_note": ["n" * 121]}, "Shorten the note to at most 120 characters."),
        (
            {name: values * 14 for name, values in AT_LEAST.items()},
            "A rule has at most 12 steps. Remove 2.",
        ),
        (
            {
                "filter_key": ["0"] * 13,
                "filter_keeps": ["out"] * 13,
                "filter_field": ["name"] * 13,
                "filter_pattern": ["svc-*"] * 13,
            },
            "A rule has at most 12 filters. Remove 1.",
        ),
        ({"step_do": ["explode"]}, "is not a number"),
        ({"combine": "average"}, "Choose how the counts become one number."),
        ({"begins": "2026-13"}, "Choose a month of the list."),
        ({"begins": "2026-11", "ends": "2026-11"}, "It would end before it begins. Choose a later month."),
        (
            {"filter_key": "0", "filter_keeps": "out", "filter_field": "name", "filter_pattern": " "},
            "Enter what to look for, such as svc-* or *@test.example.",
        ),
        (
            {"filter_key": "0", "filter_keeps": "out", "filter_field": "name", "filter_pattern": "*"},
            "This would leave everybody out.",
        ),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(screen: Screen, fields: dict[str, Any], said: str) -> None:
    for act in ("try", "save"):
        reply = screen.post(act, **(AT_LEAST | fields))
        assert reply.status_code == 422
        assert said in words(reply)
    assert screen.rules() == []


@pytest.mark.parametrize(
    ("keeps", "pattern", "status"),
    [("out", "?*", 422), ("out", "??", 422), ("other", "*", 422), ("only", "?", 422), ("only", "*", 302),
     ("out", "?-*", 302)],
)  # fmt: skip
def test_a_filter_of_nothing_but_wildcards_leaves_nobody(
    screen: Screen, keeps: str, pattern: str, status: int
) -> None:
    one = {"filter_key": "0", "filter_keeps": keeps, "filter_field": "email", "filter_pattern": pattern}
    assert screen.post("save", **(AT_LEAST | one)).status_code == status


def test_a_thirteenth_step_is_not_added_and_the_form_says_why(screen: Screen) -> None:
    page = words(screen.post("add-step", **{name: values * 12 for name, values in AT_LEAST.items()}))
    assert "A rule has at most 12 steps." in page
    assert "Step 12: note, which the customer may read" in page
    assert "Step 13" not in page


def test_the_form_says_that_the_customer_may_read_the_notes_of_steps(screen: Screen) -> None:
    page = words(screen.post("add-step"))
    assert "The customer may read their notes." in page
    assert 'name="step_note" value="" maxlength="120"' in page


def test_a_second_rule_about_the_same_is_refused_in_the_form(screen: Screen) -> None:
    screen.save()
    reply = screen.post("try", **AT_LEAST)
    assert reply.status_code == 422
    assert "There is a rule for this from" in words(reply)


def test_what_the_organization_does_not_have_is_not_found(screen: Screen) -> None:
    assert screen.post("save", **(AT_LEAST | {"service": 10_000})).status_code == 404
    assert screen.client.get(screen.url("counting_rule", 10_000)).status_code == 404


# ---- Changed, ended, removed, undone --------------------------------------------------------------------


def test_changing_a_rule_from_a_later_month_ends_the_old_one(screen: Screen) -> None:
    rule = screen.save(begins="2026-01")
    page = screen.see("counting_rule", rule.pk)
    assert "Now: Sum of all, at least 25 (contract); from January 2026" in page
    assert "Before" in words(screen.post("try", rule.pk, seen="", **(AT_LEAST | {"step_by": ["30"]})))
    screen.post("save", rule.pk, seen="", **(AT_LEAST | {"step_by": ["30"]}))
    old, new = screen.rules()
    assert old.until_month == new.from_month == month_of(timezone.now())
    page = screen.see("counting_rules", query="?status=ended")
    assert "at least 25" in page
    assert "at least 30" not in page
    assert "In force 1</a>" in page


def test_an_unchanged_rule_is_not_saved_again(screen: Screen) -> None:
    rule = screen.save()
    reply = screen.post("save", rule.pk, seen="", **AT_LEAST)
    assert reply.status_code == 422
    assert "Nothing is different from the rule as it is." in words(reply)


def test_a_rule_is_ended_and_that_is_undone(screen: Screen) -> None:
    rule = screen.save()
    after = f"{next_month(month_of(timezone.now())):%Y-%m}"
    tried = words(screen.post("try", rule.pk, what="end", seen="", until=after))
    assert "End this rule?" in tried
    assert screen.rules()[0].until_month is None
    screen.post("save", rule.pk, what="end", seen="", until=after)
    assert screen.rules()[0].until_month == next_month(month_of(timezone.now()))
    page = screen.see("counting_rules")
    undo = page.split('hx-vals=\'{"change": "')[1].split('"')[0]
    assert screen.client.post(screen.url("counting_undo"), {"change": undo}).status_code == 302
    assert screen.rules()[0].until_month is None
    assert "Done: the rules are as they were before." in screen.see("counting_rules")


def test_a_rule_that_never_began_is_removed_and_not_ended(screen: Screen) -> None:
    rule = screen.save()
    reply = screen.post("save", rule.pk, what="end", seen="", until=screen.month)
    assert reply.status_code == 422
    assert "Remove it instead" in words(reply)
    assert "Remove this rule?" in words(screen.post("try", rule.pk, what="remove", seen=""))
    screen.post("save", rule.pk, what="remove", seen="")
    assert "This rule was removed" in screen.see("counting_rule", rule.pk)
    reply = screen.post("save", rule.pk, what="remove", seen="x")
    assert (reply.status_code, "was removed meanwhile" in words(reply)) == (409, True)
    assert "No rule" not in screen.see("counting_rules", query="?status=removed")
    assert "Every count is billed as it is" in screen.see("counting_rules")


def test_a_removed_rule_is_put_back_from_its_page(screen: Screen) -> None:
    rule = screen.save()
    screen.post("save", rule.pk, what="remove", seen="")
    assert f'name="change" value="{rule.pk}|x|"' in screen.see("counting_rule", rule.pk)
    screen.client.post(screen.url("counting_undo"), {"change": f"{rule.pk}|x|"})
    assert screen.rules()[0].removed_at is None


@pytest.mark.parametrize("change", ["", "x", "1|", "1||y"])
def test_an_undo_that_makes_no_sense_is_refused(screen: Screen, change: str) -> None:
    reply = screen.client.post(screen.url("counting_undo"), {"change": change})
    assert reply.status_code == 409
    assert "Nothing was changed" in words(reply)


@pytest.mark.parametrize("wanted", ["1999-01", "0001-01", "x0001-01", "2100-01", "2001-01", "x2001-01"])
def test_an_undo_to_an_end_that_cannot_be_is_refused(screen: Screen, wanted: str) -> None:
    rule = screen.save()
    reply = screen.client.post(screen.url("counting_undo"), {"change": f"{rule.pk}||{wanted}"})
    assert reply.status_code == 409
    assert "Nothing was changed" in words(reply)


def test_an_undo_of_what_has_moved_on_is_refused(screen: Screen) -> None:
    rule = screen.save()
    screen.post("save", rule.pk, what="remove", seen="")
    reply = screen.client.post(screen.url("counting_undo"), {"change": f"{rule.pk}||x"})
    assert reply.status_code == 409
    assert "Somebody else changed this rule" in words(reply)


# ---- Who ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.APPROVER])
def test_lower_roles_read_rules(
    screen: Screen, join: Callable[[str, Role], User], sign_in: Callable[[User], Client], role: Role
) -> None:
    rule = screen.save()
    reader = Screen(sign_in(join(role.label, role)), screen.books, screen.line)
    assert "Make a rule" not in reader.see("counting_rules")
    page = reader.see("counting_rule", rule.pk)
    assert "An admin of your organization changes this." in page
    assert "Sum of all, at least 25 (contract)" in page
    assert reader.post("save", **AT_LEAST).status_code == 403


def test_the_list_is_searched_and_asks_as_often_for_many_rules(screen: Screen) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            screen.see("counting_rules")
        return len(counted)

    screen.save()
    screen.see("counting_rules")
    few = queries()
    screen.save(scope="account", account=screen.line.account_id)
    screen.save(begins="2026-01")
    screen.see("counting_rules")
    assert queries() == few
    assert "No rule matches" in screen.see("counting_rules", query="?q=quarry")
    found = screen.see("counting_rules", query="?q=harbor+workst")
    assert "Harbor Dental</a>" in found
    assert "Every account</a>" not in found


def test_the_largest_steps_a_form_takes_are_tried_and_saved(screen: Screen) -> None:
    at_least, percent = ["minimum", "1000000"], ["percent", "1000"]
    for steps in ([percent] * 12, [at_least, *[percent] * 11]):
        many: dict[str, Any] = {
            "step_key": [str(n) for n in range(12)], "step_note": [""] * 12,
            "step_do": [do for do, _ in steps], "step_by": [by for _, by in steps],
        }  # fmt: skip
        assert screen.post("try", **many).status_code == 200
        rule = screen.save(**many)
        screen.post("save", rule.pk, what="remove", seen="")
