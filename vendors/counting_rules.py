"""Makes counting rules, ends them before a month, removes those made by mistake, replaces them, and takes it back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self

from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import User
from psa.models import Account, Agreement, Service
from reconcile.signals import figures_changed
from vendors.counting import Rule
from vendors.counting_words import say_dated
from vendors.mapping import NAMED_ACCOUNTS, Refused, UnknownRow, accounts_counting
from vendors.models import AlsoCounts, CountingRule, ServiceMapping

# The months that a form offers, and no others: those of this century.
STATE = re.compile(r"(x?)(?:(20\d\d)-(0[1-9]|1[0-2]))?", re.ASCII)
MOVED = (
    "Somebody else changed this rule since you loaded this page. Nothing was changed by you. Reload the page."
)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A rule that somebody wants: of a service in every account, in one, or on the lines of one agreement."""

    service: int
    account: int | None = None
    agreement: int | None = None
    rule: Rule
    from_month: date | None = None
    until_month: date | None = None
    note: str = ""

    def build(self, org_id: int, by: User | None) -> CountingRule:
        return CountingRule(
            org_id=org_id, service_id=self.service, account_id=self.account, agreement_id=self.agreement,
            combine=self.rule.combine.value, from_month=self.from_month, until_month=self.until_month,
            filters=[one.write() for one in self.rule.filters], steps=[one.write() for one in self.rule.steps],
            note=self.note, by=by,
        )  # fmt: skip


def draft_of(row: CountingRule) -> Draft:
    """Give what would make a rule such as this one."""
    return Draft(
        service=row.service_id, account=row.account_id, agreement=row.agreement_id, rule=row.plain,
        from_month=row.from_month, until_month=row.until_month, note=row.note,
    )  # fmt: skip


@dataclass(frozen=True)
class State:
    """What may change of a rule: before which month it ends, and whether it was made by mistake."""

    until: date | None = None
    removed: bool = False

    @classmethod
    def of(cls, row: CountingRule) -> Self:
        return cls(row.until_month, row.removed_at is not None)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` gives; raises ValueError for anything else."""
        found = STATE.fullmatch(text)
        if not found:
            raise ValueError(f"not a state of a rule: {text[:20]!r}")
        return cls(date(int(found[2]), int(found[3]), 1) if found[2] else None, bool(found[1]))

    def __str__(self) -> str:
        return ("x" if self.removed else "") + (f"{self.until:%Y-%m}" if self.until else "")


@dataclass(frozen=True)
class Change:
    """From the state of a rule that a person saw to the one they want."""

    row: int
    seen: State
    wanted: State

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` gives; raises ValueError for anything else."""
        row, seen, wanted = text.split("|")
        if not (row.isascii() and row.isdigit() and len(row) < 19):
            raise ValueError(f"not a rule: {row[:30]!r}")
        return cls(int(row), State.read(seen), State.read(wanted))

    def __str__(self) -> str:
        return f"{self.row}|{self.seen}|{self.wanted}"

    @property
    def reversed(self) -> "Change":
        return Change(self.row, self.wanted, self.seen)

    @property
    def verb(self) -> str:
        """What was done, as the audit trail says it."""
        if self.wanted.removed != self.seen.removed:
            return "removed rule" if self.wanted.removed else "put rule back"
        return "ended rule" if self.wanted.until else "let rule go on"


@dataclass(frozen=True)
class Plan:
    """What is done together: rules that change, the one that is new, and what is left of an old one after it."""

    changes: tuple[Change, ...] = ()
    draft: Draft | None = None
    rest: Draft | None = None

    @property
    def drafts(self) -> list[Draft]:
        return [one for one in (self.draft, self.rest) if one]


@dataclass(frozen=True)
class Written:
    """What a plan did: the rules it changed, and those it made."""

    plan: Plan
    rows: tuple[CountingRule, ...] = ()

    @property
    def made(self) -> CountingRule | None:
        """The rule that was wanted, where there was one."""
        return next(iter(self.rows), None)

    @property
    def undo(self) -> list[Change]:
        """The changes that take all of it back."""
        back = [one.reversed for one in self.plan.changes]
        for row in self.rows:
            state = State.of(row)
            back.append(Change(row.pk, state, State(state.until, removed=True)))
        return back


def plan_end(row: CountingRule, seen: State, until: date | None) -> Plan:
    """Let a rule end before a month, its first day; None: let it go on. Raises Refused."""
    _check_end(row, until)
    if until == seen.until:
        raise Refused("It ends then already. Nothing was changed. Choose another month, or go back.")
    return Plan((Change(row.pk, seen, State(until, seen.removed)),))


def plan_removal(row: CountingRule, seen: State) -> Plan:
    """Remove a rule that was made by mistake: it counts in no month, past ones too."""
    return Plan((Change(row.pk, seen, State(seen.until, removed=True)),))


def plan_replacement(row: CountingRule, seen: State, draft: Draft) -> Plan:
    """Put a rule of the same scope in the place of another, in the months of the new one only. Raises Refused.

    One that begins no later than the old one is its correction: the old one goes, and what is left of it after the
    new one ends is made anew. One that begins later ends it, or lies over it when the old one lasts longer. Where
    nothing but the end is another, the old one gets that end.
    """
    same = _content(draft.rule) == _content(row.plain)
    begins, stood = draft.from_month or date.min, row.from_month or date.min
    ends, stood_until = draft.until_month or date.max, seen.until or date.max
    if same and draft.note == row.note and stood <= begins <= stood_until:
        if draft.until_month == seen.until:
            raise Refused("Nothing is different from the rule as it is. Change something, or go back.")
        return plan_end(row, seen, draft.until_month)
    if ends <= stood or stood_until <= begins:
        return Plan((), draft)
    left = ends < stood_until and not same
    if begins > stood:
        return Plan(() if left else (Change(row.pk, seen, State(draft.from_month, seen.removed)),), draft)
    rest = replace(draft_of(row), from_month=draft.until_month, until_month=seen.until)
    return Plan((Change(row.pk, seen, State(seen.until, removed=True)),), draft, rest if left else None)


def _content(rule: Rule) -> object:
    """Give how a rule counts as it is compared: filters as they are kept, folded."""
    return rule.combine, [one.write() for one in rule.filters], rule.steps


def make(org_id: int, plan: Plan, *, by: User | None) -> Written:
    """Do all of a plan or nothing, with the cards it touches; call it inside the organization's scope.

    Raises Refused when somebody changed a rule since it was seen or when the new one cannot stand; UnknownRow
    when the organization has no such rule, service, account or agreement.
    """
    audit.hold(org_id)
    rows = find_rules(org_id, [one.row for one in plan.changes], lock=True)
    check(org_id, plan, rows)
    before = {pk: say_dated(row) for pk, row in rows.items()}
    written = write(org_id, plan, rows, by=by)
    for change in plan.changes:
        row = rows[change.row]
        old, new = said(before[row.pk], change.seen), said(say_dated(row), change.wanted)
        _record(row, change.verb, old, new, by)
    for made in written.rows:
        _record(made, "made rule", {}, said(say_dated(made), State()), by)
    return written


def remove(org_id: int, rows: Sequence[CountingRule], *, by: User | None) -> None:
    """Remove rules that stand, as one; they hold what they are about. Call it inside the organization's scope."""
    notes = []
    for row in rows:
        state, words = State.of(row), say_dated(row)
        row.removed_at = timezone.now()
        notes.append(note_of(row, said(words, state), said(words, State.of(row))))
    CountingRule.objects.bulk_update(rows, ["removed_at"])
    audit.record_all(org_id, actor=by, verb="removed rule", notes=notes)
    account_ids = affected_accounts(org_id, rows)
    if account_ids is None or account_ids:
        figures_changed.send(CountingRule, org_id=org_id, account_ids=account_ids)


def write(org_id: int, plan: Plan, rows: Mapping[int, CountingRule], *, by: User | None = None) -> Written:
    """Write a plan that was checked, and refresh the cards that follow from it."""
    touched = [rows[one.row] for one in plan.changes]
    for change, row in zip(plan.changes, touched, strict=True):
        row.until_month = change.wanted.until
        row.removed_at = timezone.now() if change.wanted.removed else None
        row.save(update_fields=["until_month", "removed_at"])
    made = tuple(one.build(org_id, by) for one in plan.drafts)
    for row in made:
        row.save(force_insert=True)
    account_ids = affected_accounts(org_id, [*touched, *made])
    if account_ids is None or account_ids:
        figures_changed.send(CountingRule, org_id=org_id, account_ids=account_ids)
    return Written(plan, made)


def check(org_id: int, plan: Plan, rows: Mapping[int, CountingRule]) -> None:
    """Raise Refused or UnknownRow unless a plan can be made."""
    if any(State.of(rows[one.row]) != one.seen for one in plan.changes):
        raise Refused(MOVED)
    going = {one.row for one in plan.changes if one.wanted.removed}
    for draft in plan.drafts:
        check_draft(org_id, draft)
        _check_alone(org_id, draft.build(org_id, None), going)
    for change in plan.changes:
        _check_end(rows[change.row], change.wanted.until)
        if change.seen.removed and not change.wanted.removed:
            _check_alone(org_id, rows[change.row], going)


def check_draft(org_id: int, draft: Draft) -> None:
    """Raise Refused for a rule that cannot be, UnknownRow when it is about what this organization does not have."""
    agreement = _find(Agreement, org_id, draft.agreement)
    for row in (
        _find(Service, org_id, draft.service),
        _find(Account, org_id, draft.account),
        agreement,
    ):
        if row is not None and row.vanished_at:
            raise Refused(f"“{row}” is no longer in your PSA. Nothing was changed. Choose another.")
    if agreement and draft.account:
        raise Refused("A rule is of one account or of one agreement, not of both. Nothing was changed.")
    if agreement and draft.rule != Rule(steps=draft.rule.steps):
        raise Refused(
            "The count belongs to the account, so a rule of one agreement only has steps. Nothing was changed."
        )
    if draft.from_month and draft.until_month and draft.until_month <= draft.from_month:
        raise Refused("It would end before it begins. Nothing was changed. Choose a later end.")


def _check_end(row: CountingRule, until: date | None) -> None:
    if until and row.from_month and until <= row.from_month:
        raise Refused(
            "It would end before it begins. Remove it instead: then it counts in no month. Nothing was changed."
        )


def find_rules(org_id: int, ids: Sequence[int], *, lock: bool = False) -> dict[int, CountingRule]:
    """Give rules by id, with what they are about; raises UnknownRow when the organization lacks one of them."""
    found = CountingRule.objects.filter(org_id=org_id, pk__in=set(ids)).order_by("pk")
    found = found.select_related("service", "account", "agreement__account", "by")
    rows = {row.pk: row for row in (found.select_for_update(of=("self",)) if lock else found)}
    if missing := set(ids) - set(rows):
        raise UnknownRow(f"no rules {sorted(missing)[:5]}")
    return rows


def same_scope(org_id: int, row: CountingRule) -> Any:
    """Give all rules about the very same: service, and account or agreement; removed ones are left out."""
    return CountingRule.objects.filter(
        org_id=org_id, service=row.service_id, account=row.account_id, agreement=row.agreement_id, removed_at=None
    )  # fmt: skip


def find_standing(
    org_id: int, service: int, month: date, *, account: int | None = None, agreement: int | None = None
) -> CountingRule | None:
    """Give the rule of exactly this scope that stands in a month; of several the one that began later."""
    found = CountingRule.objects.filter(
        CountingRule.standing(month), org_id=org_id, service=service, account=account, agreement=agreement,
        removed_at=None,
    )  # fmt: skip
    return max(found, key=lambda row: (row.from_month or date.min, row.pk), default=None)


def affected_accounts(org_id: int, rows: Sequence[CountingRule]) -> list[int] | None:
    """Give the accounts whose cards may change; None when they are many."""
    agreements = [row.agreement_id for row in rows if row.agreement_id]
    ids = {row.account_id for row in rows if row.account_id}
    ids |= set(
        Agreement.objects.filter(org_id=org_id, pk__in=agreements).values_list("account_id", flat=True)
    )
    services = {row.service_id for row in rows if not (row.account_id or row.agreement_id)}
    if services:
        ids |= _accounts_of(org_id, services)
    return sorted(ids) if len(ids) <= NAMED_ACCOUNTS else None


def _accounts_of(org_id: int, services: set[int]) -> set[int]:
    """Give the accounts that have a line of one of the services, or a source that counts it."""
    integrations = {
        *ServiceMapping.objects.filter(org_id=org_id, service__in=services)
        .values_list("vendor_service__integration", flat=True),
        *AlsoCounts.objects.filter(org_id=org_id, service__in=services)
        .values_list("vendor_service__integration", flat=True),
    }  # fmt: skip
    return accounts_counting(org_id, integrations, services)


def _find(model: Any, org_id: int, pk: int | None) -> Any:
    if pk is None:
        return None
    row = model.objects.filter(org_id=org_id, pk=pk).first()
    if row is None:
        raise UnknownRow(f"no {model.__name__} {pk}")
    return row


def _check_alone(org_id: int, row: CountingRule, going: set[int]) -> None:
    """Refuse a second rule about the same from the same month: only one of them could ever count."""
    begins = Q(from_month=row.from_month) if row.from_month else Q(from_month=None)
    other = same_scope(org_id, row).filter(begins).exclude(pk__in=going).exclude(pk=row.pk).first()
    if other:
        when = f"from {row.from_month:%B %Y}" if row.from_month else "from the beginning"
        raise Refused(
            f"There is a rule for this {when} already. Nothing was changed. Change that one instead."
        )


def scope_words(row: CountingRule) -> str:
    """Say for whom a rule is: every account, one, or one agreement."""
    if row.agreement_id:
        return f"{row.agreement.account}, {row.agreement}"
    return str(row.account) if row.account_id else "every account"


def note_of(row: CountingRule, old: dict[str, Any], new: dict[str, Any]) -> audit.Note:
    """Give what the audit trail says of a rule, which must hold what it is about."""
    if row.note:
        new = new | {"note": row.note}
    label = f"{row.service}, {scope_words(row)}"
    return audit.Note(subject=f"counting_rule:{row.pk}", label=label, old=old, new=new)


def said(words: str, state: State) -> dict[str, Any]:
    """Give what a note says of a rule before or after an act; `words` are those of `say_dated`."""
    return {"rule": words, "removed": state.removed}


def _record(row: CountingRule, verb: str, old: dict[str, Any], new: dict[str, Any], by: User | None) -> None:
    audit.record_all(row.org_id, actor=by, verb=verb, notes=[note_of(row, old, new)])
