"""Says what an act, such as mappings, would do to the lines of the dashboard: does it, looks, and takes it back."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from reconcile.signals import figures_changed
from vendors.mapping import Change, Side, affected_accounts, check_shapes, find_rows, write

ZERO = Decimal(0)


@dataclass(frozen=True)
class LineFigures:
    """One line of the dashboard: its kind and state in words, its units, and its money on that invoice."""

    key: int | tuple[int, int | None]
    account: str
    service: str
    kind: str
    state: str
    psa_units: Decimal | None
    vendor_units: Decimal | None
    effect: Decimal | None
    currency: str
    psa: str = ""

    @property
    def place(self) -> str:
        """Say what the line is and where it stands: once, where both are the same word, or where it is of the past."""
        kind, state = self.kind, self.state.lower()
        return kind if kind.lower() == state or not state else f"{kind}, {state}"


# The dashboard adds its reader from its AppConfig.ready(), because dependencies point the other way. It gives the
# lines of an organization, those of some accounts when ids are named. It runs inside the organization's scope.
READERS: list[Callable[[int, Sequence[int] | None], list[LineFigures]]] = []


NO_LINE = LineFigures(0, "", "", "", "", None, None, None, "")


@dataclass(frozen=True)
class LineChange:
    """A line before and after; None where there is no such line."""

    before: LineFigures | None
    after: LineFigures | None

    @property
    def line(self) -> LineFigures:
        """The side of it that exists, the later one first."""
        return self.after or self.before or NO_LINE

    @property
    def units_before(self) -> Decimal | None:
        return self.before.vendor_units if self.before else None

    @property
    def units_after(self) -> Decimal | None:
        return self.after.vendor_units if self.after else None

    @property
    def money(self) -> Decimal:
        """How much the next invoice's open difference moves, in the line's currency."""
        return _effect(self.after) - _effect(self.before)


@dataclass(frozen=True)
class Effect:
    """All lines that would change, those that move the most money first."""

    changes: list[LineChange]

    @property
    def shown(self) -> list[LineChange]:
        return self.changes[:50]

    @property
    def more(self) -> int:
        return len(self.changes) - len(self.shown)

    @property
    def by_state(self) -> list[tuple[str, int]]:
        """How many lines are where afterwards, in words; lines that go are counted as gone."""
        counts: dict[str, int] = defaultdict(int)
        for change in self.changes:
            counts[change.after.place.lower() if change.after else "gone"] += 1
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    @property
    def money(self) -> list[tuple[str, Decimal]]:
        """The sum of a month by currency, without the currencies in which nothing moves."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for change in self.changes:
            sums[change.line.currency] += change.money
        return sorted((currency, total) for currency, total in sums.items() if total)


def _effect(line: LineFigures | None) -> Decimal:
    return line.effect if line and line.effect is not None else ZERO


def foresee(side: Side, org_id: int, changes: Sequence[Change]) -> Effect:
    """Give what mappings would do."""
    return foresee_together(org_id, {side: changes})


def foresee_together(
    org_id: int,
    changes: Mapping[Side, Sequence[Change]],
    more: Callable[[], object] = lambda: None,
    touched: Sequence[list[int] | None] = (),
) -> Effect:
    """Give what changes of both sides would do as one act: an account's usage is billed by what its services become.

    `more` is done with them, to the lines of the accounts `touched`. Raises Refused and UnknownRow, as the act would.
    """
    acts = [(side, some, find_rows(side, org_id, [c.row for c in some])) for side, some in changes.items()]

    for side, some, rows in acts:
        check_shapes(side, org_id, some, rows)

    def act() -> None:
        with figures_changed.together(org_id):
            for side, some, rows in acts:
                write(side, org_id, some, rows)
            more()

    affected = [affected_accounts(side, org_id, some, rows) for side, some, rows in acts]
    return try_out(org_id, _all_or_none([*affected, *touched]), act)


def try_out(org_id: int, account_ids: Sequence[int] | None, act: Callable[[], object]) -> Effect:
    """Give what an act would do to the lines of some accounts (None: all), and do nothing.

    The cards' own calculation answers, so that it can't differ from the act.
    """
    before = _read(org_id, account_ids)
    with transaction.atomic():
        act()
        after = _read(org_id, account_ids)
        transaction.set_rollback(True)
    keys = [*before, *(key for key in after if key not in before)]
    return order_changes(LineChange(before.get(key), after.get(key)) for key in keys)


def order_changes(found: Iterable[LineChange]) -> Effect:
    """Give those that change something, the ones that move the most money first."""
    changed = [change for change in found if change.before != change.after]
    return Effect(sorted(changed, key=lambda c: (-abs(c.money), c.line.account, c.line.service)))


def _all_or_none(found: Sequence[list[int] | None]) -> list[int] | None:
    """Give the accounts of all acts together; None when those of one are too many to name."""
    named = [ids for ids in found if ids is not None]
    return sorted({pk for ids in named for pk in ids}) if len(named) == len(found) else None


def _read(org_id: int, account_ids: Sequence[int] | None) -> dict[int | tuple[int, int | None], LineFigures]:
    return {line.key: line for reader in READERS for line in reader(org_id, account_ids)}
