"""Rules on record: made, ended, removed and replaced, in the trail, with an undo of each, and refusals in words."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Organization, User
from psa.models import Account
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors import counting_rules
from vendors.counting import Combine, Do, Filter, Rule, Step
from vendors.counting_rules import Change, Draft, State, make, plan_end, plan_removal, plan_replacement
from vendors.mapping import Refused, UnknownRow
from vendors.models import CountingRule

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
JANUARY, FEBRUARY = date(2027, 1, 1), date(2027, 2, 1)
AT_LEAST_25 = Rule(steps=(Step(do=Do.MINIMUM, by=Decimal(25), note="contract"),))
AT_LEAST_30 = Rule(steps=(Step(do=Do.MINIMUM, by=Decimal(30)),))


@pytest.fixture
def books(org: Organization) -> Iterator[Books]:
    with org_scope(org.pk):
        yield Books(org)


@pytest.fixture
def draft(books: Books) -> Draft:
    line = books.pair("10", "12")
    assert line.service_id
    return Draft(service=line.service_id, rule=AT_LEAST_25, from_month=NOVEMBER, note="By contract")


def add(draft: Draft, by: User | None = None) -> CountingRule:
    org_id = Organization.objects.get(name="Northgate IT").pk
    made = make(org_id, counting_rules.Plan(draft=draft), by=by).made
    assert made
    return made


def now(rule: CountingRule) -> State:
    rule.refresh_from_db()
    return State.of(rule)


def test_a_rule_is_kept_as_it_was_wanted_and_told_in_words(books: Books, draft: Draft, alice: User) -> None:
    wanted = replace(
        draft,
        rule=Rule(combine=Combine.DISTINCT, filters=(Filter(field="name", pattern="SVC-*"),)),
    )
    made = add(wanted, alice)
    assert made.plain == Rule(combine=Combine.DISTINCT, filters=(Filter(field="name", pattern="svc-*"),))
    entry = AuditEntry.objects.latest("seq")
    assert (entry.verb, entry.label) == ("made rule", "Workstation backup, every account")
    assert entry.new["rule"] == "Each user or device once, without names like svc-*; from November 2026"
    assert entry.new["note"] == "By contract"


def test_the_accounts_concerned_are_told(books: Books, draft: Draft) -> None:
    mine = Account.objects.get()
    other = books.line(books.agreement(books.account("Quarry")), books.service("Mail"), "3")
    told: list[list[int] | None] = []

    def hear(sender: object, *, org_id: int, account_ids: list[int] | None, **kwargs: object) -> None:
        told.append(account_ids)

    figures_changed.connect(hear)
    try:
        add(draft)
        add(replace(draft, account=other.account_id))
        add(replace(draft, agreement=other.agreement_id))
    finally:
        figures_changed.disconnect(hear)
    assert told == [[mine.pk], [other.account_id], [other.account_id]]


def test_a_rule_ends_before_a_month_and_goes_on_again(books: Books, draft: Draft) -> None:
    rule = add(draft)
    done = make(rule.org_id, plan_end(rule, now(rule), DECEMBER), by=None)
    assert now(rule) == State(DECEMBER)
    entry = AuditEntry.objects.latest("seq")
    assert entry.verb == "ended rule"
    assert entry.new["rule"].endswith("in November 2026 only")
    make(rule.org_id, counting_rules.Plan(tuple(done.undo)), by=None)
    assert now(rule) == State()
    assert AuditEntry.objects.latest("seq").verb == "let rule go on"


def test_a_rule_made_by_mistake_is_removed_and_put_back(books: Books, draft: Draft) -> None:
    rule = add(draft)
    done = make(rule.org_id, plan_removal(rule, now(rule)), by=None)
    assert now(rule) == State(removed=True)
    make(rule.org_id, counting_rules.Plan(tuple(done.undo)), by=None)
    assert now(rule) == State()
    assert AuditEntry.objects.latest("seq").verb == "put rule back"


def test_making_a_rule_is_undone_by_removing_it(books: Books, draft: Draft) -> None:
    done = make(books.org.pk, counting_rules.Plan(draft=draft), by=None)
    assert done.made
    assert [str(one) for one in done.undo] == [f"{done.made.pk}||x"]
    assert [Change.read(str(one)) for one in done.undo] == done.undo


def test_a_replacement_from_a_later_month_ends_the_old_rule(books: Books, draft: Draft) -> None:
    rule = add(draft)
    wanted = replace(draft, rule=AT_LEAST_30, from_month=DECEMBER)
    done = make(rule.org_id, plan_replacement(rule, now(rule), wanted), by=None)
    assert (now(rule), done.made and done.made.from_month) == (State(DECEMBER), DECEMBER)
    make(rule.org_id, counting_rules.Plan(tuple(done.undo)), by=None)
    assert now(rule) == State()
    assert done.made
    assert now(done.made) == State(removed=True)


def test_a_replacement_from_the_same_month_corrects_the_old_rule(books: Books, draft: Draft) -> None:
    rule = add(draft)
    for begins in (NOVEMBER, OCTOBER, None):
        plan = plan_replacement(rule, now(rule), replace(draft, rule=AT_LEAST_30, from_month=begins))
        assert [str(one.wanted) for one in plan.changes] == ["x"]
    make(rule.org_id, plan_replacement(rule, now(rule), replace(draft, rule=AT_LEAST_30)), by=None)
    assert now(rule).removed


def test_a_replacement_for_some_months_lets_the_old_rule_stand_again(books: Books, draft: Draft) -> None:
    rule = add(draft)
    wanted = replace(draft, rule=AT_LEAST_30, from_month=DECEMBER, until_month=date(2027, 1, 1))
    make(rule.org_id, plan_replacement(rule, now(rule), wanted), by=None)
    assert now(rule) == State()


@pytest.mark.parametrize("begins", [NOVEMBER, OCTOBER, None])
def test_a_correction_for_some_months_leaves_the_old_rule_the_later_ones(
    books: Books, draft: Draft, begins: date | None
) -> None:
    rule = add(draft)
    wanted = replace(draft, rule=AT_LEAST_30, from_month=begins, until_month=FEBRUARY)
    done = make(rule.org_id, plan_replacement(rule, now(rule), wanted), by=None)
    new, rest = CountingRule.objects.filter(removed_at=None).order_by("pk")
    assert (new.plain, new.from_month, new.until_month) == (AT_LEAST_30, begins, FEBRUARY)
    assert (rest.plain, rest.from_month, rest.until_month) == (AT_LEAST_25, FEBRUARY, None)
    make(rule.org_id, counting_rules.Plan(tuple(done.undo)), by=None)
    assert CountingRule.objects.get(removed_at=None) == rule


def test_a_replacement_for_months_before_the_old_rule_lets_it_stand(books: Books, draft: Draft) -> None:
    rule = add(replace(draft, from_month=JANUARY))
    wanted = replace(draft, rule=AT_LEAST_30, until_month=JANUARY)
    make(rule.org_id, plan_replacement(rule, now(rule), wanted), by=None)
    assert now(rule) == State()
    assert CountingRule.objects.filter(removed_at=None).count() == 2


def test_a_rule_that_is_the_same_is_not_split_in_two(books: Books, draft: Draft) -> None:
    names = Rule(filters=(Filter(field="name", pattern="SVC-*"),), steps=AT_LEAST_25.steps)
    rule = add(replace(draft, rule=names, from_month=OCTOBER))
    later = replace(draft, rule=names, from_month=NOVEMBER)
    with pytest.raises(Refused, match="Nothing is different"):
        plan_replacement(rule, now(rule), later)
    assert plan_replacement(rule, now(rule), replace(later, note="Another")).draft
    plan = plan_replacement(rule, now(rule), replace(later, until_month=FEBRUARY))
    assert (plan.draft, [str(one.wanted) for one in plan.changes]) == (None, ["2027-02"])


def test_an_end_before_the_beginning_is_refused(books: Books, draft: Draft) -> None:
    rule = add(draft)
    with pytest.raises(Refused, match="Remove it instead"):
        plan_end(rule, now(rule), NOVEMBER)
    with pytest.raises(Refused, match="It ends then already"):
        plan_end(rule, now(rule), None)
    with pytest.raises(Refused, match="Choose a later end"):
        add(replace(draft, from_month=DECEMBER, until_month=DECEMBER))


def test_a_second_rule_about_the_same_from_the_same_month_is_refused(books: Books, draft: Draft) -> None:
    rule = add(draft)
    with pytest.raises(Refused, match="Change that one instead"):
        add(replace(draft, rule=AT_LEAST_30))
    done = make(rule.org_id, plan_removal(rule, now(rule)), by=None)
    add(replace(draft, rule=AT_LEAST_30))
    with pytest.raises(Refused, match="from November 2026 already"):
        make(rule.org_id, counting_rules.Plan(tuple(done.undo)), by=None)


def test_a_rule_of_an_agreement_only_has_steps(books: Books, draft: Draft) -> None:
    agreement = books.line(books.agreement(books.account()), books.service(), "3").agreement_id
    assert add(replace(draft, agreement=agreement)).pk
    with pytest.raises(Refused, match="only has steps"):
        add(replace(draft, agreement=agreement, rule=Rule(combine=Combine.DISTINCT)))


def test_a_rule_that_moved_since_it_was_seen_stays_as_it_is(books: Books, draft: Draft) -> None:
    rule = add(draft)
    seen = now(rule)
    make(rule.org_id, plan_end(rule, seen, DECEMBER), by=None)
    with pytest.raises(Refused, match="Somebody else changed this rule"):
        make(rule.org_id, plan_removal(rule, seen), by=None)
    assert now(rule) == State(DECEMBER)


def test_what_is_gone_or_unknown_gets_no_rule(books: Books, draft: Draft) -> None:
    Account.objects.update(vanished_at=timezone.now())
    with pytest.raises(Refused, match="no longer in your PSA"):
        add(replace(draft, account=Account.objects.get().pk))
    with pytest.raises(UnknownRow):
        add(replace(draft, service=0))
    with pytest.raises(UnknownRow):
        make(books.org.pk, counting_rules.Plan((Change(0, State(), State(removed=True)),)), by=None)


@pytest.mark.parametrize("text", ["", "1", "x||", "1|2026-13|", "1|y|", "99999999999999999999||x", "1|||"])
def test_a_change_that_makes_no_sense_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"not |unpack|unconverted"):
        Change.read(text)
