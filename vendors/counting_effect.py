"""Says what a counting rule would do to the lines of the dashboard, before it is kept."""

from dataclasses import replace
from datetime import date

from vendors.counting_rules import Plan, affected_accounts, check, find_rules, write
from vendors.mapping_effect import Effect, try_out


def foresee(org_id: int, plan: Plan, period: date) -> Effect:
    """Give what a plan would do to this month's lines; a rule that begins later is tried as if it stood now.

    Raises Refused or UnknownRow when it could not be made.
    """
    rows = find_rules(org_id, [one.row for one in plan.changes])
    check(org_id, plan, rows)
    tried = plan
    if plan.draft and begins_later(plan, period):
        tried = Plan((), replace(plan.draft, from_month=period, until_month=None))
    touched = [*rows.values(), *([tried.draft.build(org_id, None)] if tried.draft else [])]
    return try_out(org_id, affected_accounts(org_id, touched), lambda: write(org_id, tried, rows))


def begins_later(plan: Plan, period: date) -> bool:
    """Say whether the rule that a plan makes begins after this month."""
    return bool(plan.draft and plan.draft.from_month and plan.draft.from_month > period)
