"""Maps vendor accounts to accounts and vendor services to services, leaves some out, and takes it back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from itertools import groupby
from operator import attrgetter
from typing import Any, Self

from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import User
from psa.models import Account, AgreementLine, Service
from reconcile.signals import figures_changed
from vendors.models import (
    AccountMapping,
    AccountSplit,
    AlsoCounts,
    MappingRefusal,
    ServiceMapping,
    VendorAccount,
    VendorService,
)

# Above this many accounts one refresh of all of them is no slower than naming each.
NAMED_ACCOUNTS = 500


class Refused(Exception):
    """A mapping that was not made; `sentence` says why, and that nothing was changed."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class UnknownRow(LookupError):
    """A row or a target that this organization does not have."""


@dataclass(frozen=True)
class State:
    """Where a vendor's account or service stands. One that is excluded keeps its target for its return."""

    target: int | None = None
    excluded: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` gives; raises ValueError for anything else."""
        digits = text.removeprefix("x")
        if digits and not (digits.isascii() and digits.isdigit() and len(digits) < 19):
            raise ValueError(f"not a state: {text[:30]!r}")
        return cls(int(digits) if digits else None, text.startswith("x"))

    def __str__(self) -> str:
        return ("x" if self.excluded else "") + (str(self.target) if self.target else "")

    @property
    def status(self) -> str:
        """One of excluded, mapped, unmapped."""
        return "excluded" if self.excluded else "mapped" if self.target else "unmapped"

    @property
    def in_play(self) -> int | None:
        """The target whose figures follow from this row; None while there is none."""
        return None if self.excluded else self.target

    def mapped_to(self, target: int) -> "State":
        return State(target)

    def unmapped(self) -> "State":
        return State()

    def left_out(self) -> "State":
        return replace(self, excluded=True)

    def brought_back(self) -> "State":
        return replace(self, excluded=False)


@dataclass(frozen=True)
class Change:
    """From the state that a person saw to the one they want."""

    row: int
    seen: State
    wanted: State

    @property
    def reversed(self) -> "Change":
        return Change(self.row, self.wanted, self.seen)

    @property
    def verb(self) -> str:
        """What was done, as the audit trail and the toast say it."""
        if self.wanted.target != self.seen.target:
            return "mapped" if self.wanted.target else "unmapped"
        return "excluded" if self.wanted.excluded else "brought back"


@dataclass(frozen=True)
class Side:
    """Accounts or services: which models and which words. The vendor's row is `owner`, the PSA's is `target`."""

    key: str
    noun: str
    row_model: Any
    mapping_model: Any
    target_model: Any

    @property
    def owner(self) -> str:
        return f"vendor_{self.noun}"

    def targets(self, org_id: int, ids: Sequence[int]) -> dict[int, int]:
        """Give the target of each mapped row among `ids`."""
        wanted = self.mapping_model.objects.filter(org_id=org_id, **{f"{self.owner}_id__in": ids})
        return dict(wanted.values_list(f"{self.owner}_id", f"{self.noun}_id"))


ACCOUNTS = Side("accounts", "account", VendorAccount, AccountMapping, Account)
SERVICES = Side("services", "service", VendorService, ServiceMapping, Service)
SIDES = {side.key: side for side in (ACCOUNTS, SERVICES)}


def apply(
    side: Side,
    org_id: int,
    changes: Sequence[Change],
    *,
    by: User | None,
    teaches: bool = True,
    back_to_gone: bool = False,
) -> list[Change]:
    """Make all of the changes or none, with the cards they touch; call it inside the organization's scope.

    Unless it `teaches`, what was mapped before was not wrong: an act is taken back, or carried over. What takes an act
    back may lead `back_to_gone` targets, which the PSA no longer has.

    Gives those that changed something. Raises Refused when somebody changed a row since it was seen,
    or when a target has left the PSA; UnknownRow when the organization has no such row or target.
    """
    audit.hold(org_id)
    rows = lock_rows(side, org_id, [c.row for c in changes])
    states = read_states(side, org_id, rows)
    open_changes = [c for c in changes if states[c.row] != c.wanted]
    _check_unmoved(side, org_id, open_changes, rows, states)
    names = _find_targets(side, org_id, open_changes, back_to_gone=back_to_gone)
    check_shapes(side, org_id, open_changes, rows)
    write(side, org_id, open_changes, rows)
    learn(side, org_id, open_changes, teaches=teaches)
    for verb, same in groupby(open_changes, key=attrgetter("verb")):
        audit.record_all(
            org_id, actor=by, verb=verb, notes=[_note(side, c, rows[c.row], names) for c in same]
        )
    return open_changes


def write(side: Side, org_id: int, changes: Sequence[Change], rows: Mapping[int, Any]) -> None:
    """Write changes that were checked, and refresh the cards that follow from them."""
    moved = [c for c in changes if c.wanted.target != c.seen.target]
    side.mapping_model.objects.filter(
        org_id=org_id, **{f"{side.owner}_id__in": [c.row for c in moved]}
    ).delete()
    side.mapping_model.objects.bulk_create(
        side.mapping_model(org_id=org_id, **{f"{side.owner}_id": c.row, f"{side.noun}_id": c.wanted.target})
        for c in moved
        if c.wanted.target
    )
    flipped = [c for c in changes if c.wanted.excluded != c.seen.excluded]
    for excluded, moment in ((True, timezone.now()), (False, None)):
        ids = [c.row for c in flipped if c.wanted.excluded is excluded]
        side.row_model.objects.filter(org_id=org_id, pk__in=ids).update(excluded_at=moment)
    account_ids = affected_accounts(side, org_id, changes, rows)
    if account_ids is None or account_ids:
        figures_changed.send(side.mapping_model, org_id=org_id, account_ids=account_ids)


def learn(side: Side, org_id: int, changes: Sequence[Change], *, teaches: bool) -> None:
    """Remember what was taken back, so that it is not suggested as sure again; what is chosen after all is forgiven.

    What teaches nothing, as an undo, says nothing of what is right: it only takes back what was remembered.
    """
    row, target = f"{side.owner}_id", f"{side.noun}_id"
    moved = [c for c in changes if c.wanted.target != c.seen.target]
    chosen = {(c.row, c.wanted.target) for c in moved}
    known = MappingRefusal.objects.filter(org_id=org_id, **{f"{row}__in": [c.row for c in moved]})
    forgiven = [pk for pk, *pair in known.values_list("pk", row, target) if tuple(pair) in chosen]
    MappingRefusal.objects.filter(org_id=org_id, pk__in=forgiven).delete()
    wrong = [c for c in moved if c.seen.target] if teaches else []
    MappingRefusal.objects.bulk_create(
        (MappingRefusal(org_id=org_id, **{row: c.row, target: c.seen.target}) for c in wrong),
        ignore_conflicts=True,
    )


def affected_accounts(
    side: Side, org_id: int, changes: Sequence[Change], rows: Mapping[int, Any]
) -> list[int] | None:
    """Give the accounts whose cards may change; None when they are many."""
    targets = {t for c in changes for t in (c.seen.in_play, c.wanted.in_play) if t}
    return accounts_behind(side, org_id, [rows[c.row] for c in changes], targets)


def accounts_behind(side: Side, org_id: int, rows: Sequence[Any], targets: set[int]) -> list[int] | None:
    """Give the accounts whose cards follow from vendor rows that count to some targets; None when they are many.

    Those that parts of a vendor account go to follow too, as do the further services that a vendor service counts to.
    """
    ids = [row.pk for row in rows]
    if side is ACCOUNTS:
        parted = AccountSplit.objects.filter(org_id=org_id, vendor_account__in=ids).values_list("account_id")
        found = targets | {account_id for (account_id,) in parted.distinct()[: NAMED_ACCOUNTS + 1]}
    else:
        also = AlsoCounts.objects.filter(org_id=org_id, vendor_service__in=ids)
        services = targets | set(also.values_list("service_id", flat=True))
        found = accounts_counting(org_id, {row.integration_id for row in rows}, services)
    return sorted(found) if len(found) <= NAMED_ACCOUNTS else None


def accounts_counting(org_id: int, integrations: set[int], services: set[int]) -> set[int]:
    """Give the accounts that some integrations count, and those with a line of some services, up to one too many.

    Whether any source counts it is part of what a line's card says.
    """
    if not services:
        return set()
    counted = Q(vendor_account__integration__in=integrations)
    every = (
        AccountMapping.objects.filter(counted, org_id=org_id).values_list("account_id"),
        AccountSplit.objects.filter(counted, org_id=org_id).values_list("account_id"),
    )
    billed = AgreementLine.objects.filter(org_id=org_id, service_id__in=services)
    some = billed.values_list("account_id").union(*every)[: NAMED_ACCOUNTS + 1]
    return {account_id for (account_id,) in some}


def check_shapes(side: Side, org_id: int, changes: Sequence[Change], rows: Mapping[int, Any]) -> None:
    """Raise Refused when a row would lose its mapping while it has parts elsewhere, or counts to more.

    What no split takes goes to the mapping: without one it would count nowhere, and nobody would see it.
    """
    ending = [c.row for c in changes if c.seen.target and not c.wanted.target]
    if not ending:
        return
    shapes: Any = AccountSplit.objects if side is ACCOUNTS else AlsoCounts.objects
    now = Q(until_month=None) | Q(until_month__gt=timezone.now().astimezone(UTC).date())
    standing = shapes.filter(now, org_id=org_id, **{f"{side.owner}__in": ending})
    many: dict[int, set[int]] = defaultdict(set)
    for row, target in standing.values_list(f"{side.owner}_id", f"{side.noun}_id").order_by(
        f"{side.owner}_id"
    ):
        many[row].add(target)
    for row, targets in many.items():
        said, n = rows[row], len(targets)
        if side is ACCOUNTS:
            raise Refused(
                f"“{said}” is split over {n + 1} accounts: end the split first. Nothing was changed."
            )
        more = f"{n} more service{'' if n == 1 else 's'}"
        raise Refused(f"“{said}” counts to {more} too: end that first. Nothing was changed.")


def read_states(side: Side, org_id: int, rows: Mapping[int, Any]) -> dict[int, State]:
    """Give where each of the rows stands now."""
    targets = side.targets(org_id, list(rows))
    return {pk: State(targets.get(pk), row.excluded_at is not None) for pk, row in rows.items()}


def find_rows(side: Side, org_id: int, ids: Sequence[int]) -> dict[int, Any]:
    """Give the vendor's rows by id; raises UnknownRow when the organization lacks one of them."""
    return _all_of(side.row_model.objects.filter(org_id=org_id).select_related("integration"), ids)


def lock_rows(side: Side, org_id: int, ids: Sequence[int]) -> dict[int, Any]:
    """Give the vendor's rows by id, locked; raises UnknownRow when the organization lacks one of them."""
    rows = side.row_model.objects.filter(org_id=org_id).select_related("integration")
    return _all_of(rows.select_for_update(of=("self",)), ids)


def _all_of(rows: Any, ids: Sequence[int]) -> dict[int, Any]:
    found = {row.pk: row for row in rows.filter(pk__in=set(ids)).order_by("pk")}
    if missing := set(ids) - set(found):
        raise UnknownRow(f"no rows {sorted(missing)[:5]}")
    return found


def _check_unmoved(
    side: Side, org_id: int, changes: Sequence[Change], rows: Mapping[int, Any], states: Mapping[int, State]
) -> None:
    moved = [c for c in changes if states[c.row] != c.seen]
    if not moved:
        return
    state, row = states[moved[0].row], rows[moved[0].row]
    target = side.target_model.objects.filter(org_id=org_id, pk=state.target).first()
    now = f"mapped to {target}" if state.status == "mapped" else state.status
    others = f", and {len(moved) - 1} more of these changed too" if len(moved) > 1 else ""
    raise Refused(
        f"Somebody else changed “{row}” since you loaded this page: it is {now} now{others}. "
        "Nothing was changed by you. Reload the page, then decide again."
    )


def _find_targets(
    side: Side, org_id: int, changes: Sequence[Change], *, back_to_gone: bool
) -> dict[int, str]:
    """Give the names of all targets, old and new; a new one must still be in the PSA, unless an act is taken back."""
    new = {c.wanted.target for c in changes if c.wanted.target and c.wanted.target != c.seen.target}
    old = {c.seen.target for c in changes if c.seen.target}
    found = _all_of(side.target_model.objects.filter(org_id=org_id), [*new, *old])
    gone = [row for pk, row in found.items() if pk in new and row.vanished_at]
    if gone and not back_to_gone:
        raise Refused(
            f"“{gone[0]}” is no longer in your PSA. Nothing was changed. Choose another {side.noun}."
        )
    return {pk: str(row) for pk, row in found.items()}


def _note(side: Side, change: Change, row: Any, names: Mapping[int, str]) -> audit.Note:
    def said(state: State) -> dict[str, Any]:
        return {side.noun: names.get(state.target or 0), "id": state.target, "excluded": state.excluded}

    return audit.Note(
        subject=f"{side.owner}:{row.pk}",
        label=f"{row}, {row.integration}",
        old=said(change.seen),
        new=said(change.wanted),
    )


# ---- One row at a time, for callers that hold the rows --------------------------------------------


def map_account(row: VendorAccount, account: Account, *, by: User | None) -> None:
    """Map a vendor account to an account; raises Refused."""
    _move(ACCOUNTS, row, State(account.pk), by)


def unmap_account(row: VendorAccount, *, by: User | None) -> None:
    """Take a vendor account's mapping away: its usage counts as unmapped at once."""
    _move(ACCOUNTS, row, State(), by)


def map_service(row: VendorService, service: Service, *, by: User | None) -> None:
    """Map a vendor service to a service; raises Refused."""
    _move(SERVICES, row, State(service.pk), by)


def unmap_service(row: VendorService, *, by: User | None) -> None:
    """Take a vendor service's mapping away."""
    _move(SERVICES, row, State(), by)


def exclude(row: VendorAccount | VendorService, *, by: User | None) -> None:
    """Leave a vendor's account or service out of every comparison until somebody brings it back."""
    side = _side_of(row)
    _move(side, row, read_states(side, row.org_id, {row.pk: row})[row.pk].left_out(), by)


def include(row: VendorAccount | VendorService, *, by: User | None) -> None:
    """Bring back what was excluded, with the mapping it had."""
    side = _side_of(row)
    _move(side, row, read_states(side, row.org_id, {row.pk: row})[row.pk].brought_back(), by)


def _side_of(row: VendorAccount | VendorService) -> Side:
    return ACCOUNTS if isinstance(row, VendorAccount) else SERVICES


def _move(side: Side, row: Any, wanted: State, by: User | None) -> None:
    rows = find_rows(side, row.org_id, [row.pk])
    seen = read_states(side, row.org_id, rows)[row.pk]
    apply(side, row.org_id, [Change(row.pk, seen, wanted)], by=by)
