"""What a counting rule would have done to the lines of last month, as they stood on its last day (D6)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dashboard import past, past_loading
from dashboard.models import Card
from dashboard.months import previous_month
from dashboard.past import Past
from dashboard.past_counts import Pair
from dashboard.past_lists import PastRow, name_rows
from vendors.counting_rules import Plan, check, find_rules
from vendors.mapping_effect import Effect, LineChange, LineFigures, order_changes
from vendors.models import CountingRule
from vendors.rulebook import Rulebook


@dataclass(frozen=True)
class LastMonth:
    """The lines of last month that would change; no `effect`: nothing is known of it.

    `as_if`: the rule begins later, and was tried as if it had counted then.
    """

    day: date
    effect: Effect | None
    as_if: bool = False


def foresee_past(org_id: int, plan: Plan, period: date) -> LastMonth:
    """Recompute last month by the rules as they are, and by those of the plan; nothing is written.

    Raises Refused or UnknownRow when the plan could not be made.
    """
    check(org_id, plan, find_rules(org_id, [one.row for one in plan.changes]))
    day, last = period - timedelta(days=1), previous_month(period)
    known_since = past.first_day(org_id)
    if known_since is None or known_since > day:
        return LastMonth(day, None)
    begins = plan.draft.from_month if plan.draft else None
    as_if = begins is not None and begins > last
    if plan.draft and as_if:
        plan = Plan((), replace(plan.draft, from_month=last, until_month=None))
    before = list(CountingRule.objects.filter(org_id=org_id).order_by("pk"))
    after = _follow(before, plan, org_id)
    about = _about(before, plan, org_id)
    # Read once, with all that either of them looks at.
    whole = past_loading.load(org_id, _account(about), rules=[*before, *after])
    services = {row.service_id for row in about}
    return LastMonth(
        day,
        _compare(org_id, whole, _pairs(whole, services), day, Rulebook.of(before), Rulebook.of(after)),
        as_if,
    )


def _follow(rows: Sequence[CountingRule], plan: Plan, org_id: int) -> list[CountingRule]:
    """Give the rules as the plan would leave them."""
    wanted = {one.row: one.wanted for one in plan.changes}
    kept = []
    for row in rows:
        state = wanted.get(row.pk)
        if state is None:
            kept.append(row)
        elif not state.removed:
            kept.append(CountingRule(**_values(row) | {"until_month": state.until, "removed_at": None}))
    return [*kept, *(one.build(org_id, None) for one in plan.drafts)]


def _values(row: CountingRule) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _about(rows: Sequence[CountingRule], plan: Plan, org_id: int) -> list[CountingRule]:
    changed = {one.row for one in plan.changes}
    found = [row for row in rows if row.pk in changed]
    return [*found, plan.draft.build(org_id, None)] if plan.draft else found


def _account(about: Iterable[CountingRule]) -> int | None:
    """Give the only account whose lines can change; None: any of them can."""
    ids = {row.agreement.account_id if row.agreement else row.account_id for row in about}
    return ids.pop() if len(ids) == 1 else None


def _pairs(whole: Past, services: set[int]) -> list[Pair]:
    """Give the pairs of the services, and those to which usage of them is paired."""
    paired = {account for account, many in whole.pairings.items() if any(p.service in services for p in many)}
    return [pair for pair in whole.pairs() if pair[1] in services or pair[0] in paired]


def _compare(
    org_id: int, whole: Past, pairs: Sequence[Pair], day: date, before: Rulebook, after: Rulebook
) -> Effect:
    sides = []
    for book in (before, after):
        whole.counts.rules = book
        whole.memory.clear()
        judged = [(pair, one) for pair in pairs for one in whole.judge(pair, day)]
        lines = {line.pk: line for lines in whole.lines.values() for line in lines}
        sides.append({figures.key: figures for figures in map(_figures, name_rows(org_id, lines, judged))})
    old, new = sides
    keys = [*old, *(key for key in new if key not in old)]
    return order_changes(LineChange(old.get(key), new.get(key)) for key in keys)


def _figures(row: PastRow) -> LineFigures:
    verdict = row.judged.verdict
    return LineFigures(
        key=row.judged.line or row.pair, account=row.account, service=row.service,
        kind=str(Card.Kind(verdict.kind).label), state="", psa_units=row.judged.quantity,
        vendor_units=verdict.vendor_units, effect=verdict.effect, currency=row.currency,
    )  # fmt: skip
