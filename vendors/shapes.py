"""Makes mappings more than one to one, and dates them: parts of accounts, further services, changes from a month on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.core import signing
from django.db import connection as database

from accounts import audit
from accounts.models import User
from reconcile.signals import figures_changed
from vendors import mapping
from vendors.counting import FIELDS, fold
from vendors.counting_models import AccountSplit, AlsoCounts, MappingSpan
from vendors.mapping import ACCOUNTS, SERVICES, SIDES, Change, Refused, Side, State, UnknownRow
from vendors.mapping_effect import Effect, try_out
from vendors.shape_records import Dated, Shape, read_shapes, say

# More than a person can read, and than a bundle has.
MOST = 40
MOVED = "Somebody else changed this since you loaded this page. Nothing was changed by you. Reload the page."
SALT = "vendors.shapes"
LISTS: dict[str, Any] = {"spans": MappingSpan, "parts": AccountSplit, "further": AlsoCounts}


@dataclass(frozen=True)
class Plan:
    """What one vendor account or service is to become from a month on (None: in all months)."""

    side: Side
    row: int
    seen: str
    month: date | None
    verb: str
    change: Callable[[Shape, date | None], Shape]
    teaches: bool = False


@dataclass(frozen=True)
class Done:
    """What was changed, and what takes it back."""

    side: Side
    row: Any
    before: Shape
    after: Shape
    verb: str

    @property
    def undo(self) -> str:
        """Give what `take_back` reads; it is signed, and only good while nobody has changed anything since."""
        kept = [self.side.key, self.row.pk, self.verb, self.before.dump(), self.after.dump()]
        return signing.dumps([self.row.org_id, *kept], salt=SALT, compress=True)


def plan_parts(row: int, seen: str, parts: Sequence[Dated], month: date | None) -> Plan:
    """Split a vendor account: each named unit goes to the first part that it matches; no parts end the split.

    Raises Refused for what makes no part.
    """
    folded = tuple(replace(one, pattern=fold(one.pattern.replace("\x00", ""))) for one in parts)
    said = [(one.field, one.pattern) for one in folded]
    if any(field not in FIELDS or not pattern or len(pattern) > 300 for field, pattern in said):
        raise Refused("Enter what to look for, such as *@branch.example. Nothing was changed.")
    if any(one.target is None for one in folded):
        raise Refused("Choose the account that it goes to. Nothing was changed.")
    if len(folded) > MOST:
        raise Refused(f"At most {MOST} parts can be split off. Nothing was changed.")
    if len(set(said)) < len(said):
        raise Refused(
            "Two parts look for the same: only the first would ever get anything. Nothing was changed."
        )
    verb = "split" if folded else "ended split of"
    return Plan(ACCOUNTS, row, seen, month, verb, lambda shape, m: shape.with_parts(folded, m))


def plan_further(row: int, seen: str, services: Sequence[int], month: date | None) -> Plan:
    """Let a vendor service count to further services, besides the one that it is mapped to."""
    if len(services) > MOST:
        raise Refused(f"It can count to at most {MOST} further services. Nothing was changed.")
    further = tuple(Dated(one) for one in dict.fromkeys(services))
    verb = "set further services of"
    return Plan(SERVICES, row, seen, month, verb, lambda shape, m: shape.with_further(further, m))


def plan_target(side: Side, row: int, seen: str, target: int | None, month: date | None, this: date) -> Plan:
    """Map a vendor row to another target, or to nothing, in all months or from one on.

    In all months: what it was mapped to before was wrong.
    """
    verb = "mapped" if target else "unmapped"
    if month and month > this:
        verb = "planned to map" if target else "planned to unmap"
    return Plan(
        side,
        row,
        seen,
        month,
        verb,
        lambda shape, m: shape.with_target(target, m, this),
        teaches=month is None,
    )


def make(org_id: int, plan: Plan, this: date, *, by: User | None) -> Done:
    """Do what a plan says, with the cards it touches; call it inside the organization's scope.

    Raises Refused when somebody changed the row since it was seen, or when it cannot be; UnknownRow when the
    organization lacks the row or a target.
    """
    audit.hold(org_id)
    apply_due(org_id, this)
    row = mapping.lock_rows(plan.side, org_id, [plan.row])[plan.row]
    before, after = _weigh(org_id, plan, row, this)
    write(plan.side, org_id, row, before, after)
    if before.target != after.target:
        change = Change(row.pk, State(before.target), State(after.target))
        mapping.learn(plan.side, org_id, [change], teaches=plan.teaches)
    _record(plan.side, row, plan.verb, before, after, by)
    return Done(plan.side, row, before, after, plan.verb)


def foresee(org_id: int, plan: Plan, this: date) -> Effect:
    """Give what a plan would do to this month's lines; what begins later is tried as if it began now.

    Raises Refused or UnknownRow when it could not be done.
    """
    apply_due(org_id, this)
    row = mapping.find_rows(plan.side, org_id, [plan.row])[plan.row]
    before, after = _weigh(org_id, plan, row, this)
    if plan.month and plan.month > this:
        after = plan.change(before, this)
    accounts = _accounts(plan.side, org_id, row, before, after)
    return try_out(org_id, accounts, lambda: write(plan.side, org_id, row, before, after))


def take_back(org_id: int, token: str, *, by: User | None) -> Done:
    """Give a vendor row the shape again that it had before an act. Raises Refused, and UnknownRow."""
    try:
        org, key, pk, verb, before, after = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise Refused("That could not be read. Nothing was changed. Reload the page.") from None
    if org != org_id:
        raise UnknownRow("of another organization")
    audit.hold(org_id)
    side, was, became = SIDES[key], Shape.load(before), Shape.load(after)
    row = mapping.lock_rows(side, org_id, [pk])[pk]
    if read_shapes(side, org_id, [pk])[pk] != became:
        raise Refused(MOVED)
    write(side, org_id, row, became, was)
    if was.target != became.target:
        change = Change(pk, State(became.target), State(was.target))
        mapping.learn(side, org_id, [change], teaches=False)
    _record(side, row, f"took back: {verb}", became, was, by)
    return Done(side, row, became, was, verb)


def find_organizations(month: date) -> list[int]:
    """List the organizations with a planned mapping whose month has come."""
    with database.cursor() as cursor:
        cursor.execute("SELECT organizations_with_planned_mappings(%s)", [month])
        return [org_id for (org_id,) in cursor.fetchall()]


def apply_due(org_id: int, month: date) -> int:
    """Make every planned mapping whose month has come today's; gives how many. Needs the organization's scope."""
    due = MappingSpan.due(org_id, month)
    if not due.exists():
        return 0
    audit.hold(org_id)
    done = 0
    with figures_changed.together(org_id):
        for side in (ACCOUNTS, SERVICES):
            ids = due.filter(**{f"{side.owner}__isnull": False}).values_list(f"{side.owner}_id", flat=True)
            rows = mapping.lock_rows(side, org_id, list(ids))
            shapes = read_shapes(side, org_id, list(rows))
            for pk, row in rows.items():
                before, after = shapes[pk], shapes[pk].when_due(month)
                write(side, org_id, row, before, after)
                _record(side, row, "mapped" if after.target else "unmapped", before, after, None)
                done += 1
    return done


def write(side: Side, org_id: int, row: Any, before: Shape, after: Shape) -> None:
    """Write a shape that was checked, and refresh the cards that follow from it."""
    accounts = _accounts(side, org_id, row, before, after)
    with figures_changed.together(org_id):
        if before.target != after.target:
            out = row.excluded_at is not None
            change = Change(row.pk, State(before.target, out), State(after.target, out))
            mapping.write(side, org_id, [change], {row.pk: row})
        for name, model in LISTS.items():
            if getattr(before, name) != getattr(after, name):
                _rewrite(model, side, org_id, row, getattr(after, name))
        if accounts is None or accounts:
            figures_changed.send(MappingSpan, org_id=org_id, account_ids=accounts)


def _rewrite(model: Any, side: Side, org_id: int, row: Any, rows: Sequence[Dated]) -> None:
    """Write all rows of one list anew, in order: of parts, the earlier takes first."""
    model.objects.filter(org_id=org_id, **{f"{side.owner}_id": row.pk}).delete()
    for one in rows:
        more = {"field": one.field, "pattern": one.pattern} if one.field else {}
        of = {f"{side.owner}_id": row.pk, f"{side.noun}_id": one.target}
        model.objects.create(org_id=org_id, from_month=one.start, until_month=one.end, **of, **more)


def _accounts(side: Side, org_id: int, row: Any, before: Shape, after: Shape) -> list[int] | None:
    return mapping.accounts_behind(side, org_id, [row], before.targets | after.targets)


def _weigh(org_id: int, plan: Plan, row: Any, this: date) -> tuple[Shape, Shape]:
    """Give a row's shape before and after a plan; raises Refused or UnknownRow when it cannot be."""
    before = read_shapes(plan.side, org_id, [plan.row])[plan.row]
    if before.mark != plan.seen:
        raise Refused(MOVED)
    after = plan.change(before, plan.month)
    if after == before:
        raise Refused("Nothing is different from what stands. Change something, or go back.")
    if row.excluded_at:
        raise Refused(f"“{row}” is excluded. Nothing was changed. Bring it back first.")
    _check_targets(plan.side, org_id, after.targets - before.targets)
    _check_whole(plan.side, row, before, after, this)
    if before.further != after.further and after.target in {one.target for one in after.from_now(this)}:
        raise Refused("It counts to the service that it is mapped to anyway. Nothing was changed.")
    return before, after


def _check_targets(side: Side, org_id: int, new: set[int]) -> None:
    found = side.target_model.objects.filter(org_id=org_id).in_bulk(new)
    if len(found) < len(new):
        raise UnknownRow(f"no {side.noun}s {sorted(new - set(found))[:5]}")
    gone = next((one for one in found.values() if one.vanished_at), None)
    if gone:
        raise Refused(f"“{gone}” is no longer in your PSA. Nothing was changed. Choose another {side.noun}.")


def _check_whole(side: Side, row: Any, before: Shape, after: Shape, this: date) -> None:
    """Refuse parts, or further services, of what is mapped to nothing, now or later: its rest would count nowhere."""
    standing = {one.target for one in after.from_now(this)}
    planned = after.planned
    if not standing or (after.target and (planned is None or planned.target)):
        return
    if (before.target, before.planned) != (after.target, after.planned):
        many = f"is split over {len(standing | {before.target})} accounts: end the split first"
        said = many if side is ACCOUNTS else "counts to more services too: end that first"
        raise Refused(f"“{row}” {said}. Nothing was changed.")
    if planned and planned.start:
        raise Refused(f"“{row}” is mapped to nothing from {planned.start:%B %Y}. Change that first.")
    rest = (
        "what no part takes goes to the account that it is mapped to"
        if side is ACCOUNTS
        else "it has no service"
    )
    raise Refused(f"Map “{row}” first: {rest}. Nothing was changed.")


def _record(side: Side, row: Any, verb: str, before: Shape, after: Shape, by: User | None) -> None:
    wanted = before.targets | after.targets
    names = {
        pk: str(one)
        for pk, one in side.target_model.objects.filter(org_id=row.org_id).in_bulk(wanted).items()
    }
    old, new = ({}, {}) if before == after else (_said(side, before, names), _said(side, after, names))
    same = [key for key in old if old[key] == new[key]]
    audit.record(
        row.org_id,
        actor=by,
        verb=verb,
        subject=f"{side.owner}:{row.pk}",
        label=f"{row}, {row.integration}",
        old={key: value for key, value in old.items() if key not in same},
        new={key: value for key, value in new.items() if key not in same or key == side.noun},
    )


def _said(side: Side, shape: Shape, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        side.noun: names.get(shape.target or 0),
        "other_months": [say(one, names) for one in shape.spans],
        "parts": [say(one, names) for one in shape.parts],
        "further_services": [say(one, names) for one in shape.further],
    }
