"""A tiny PSA in memory behind the adapter interface, with a ledger and planned accidents, for tests of pushes.

It is the other side, not a stand-in for our code: it stores lines, applies writes and remembers each.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from psa.adapters.base import (
    AddOrder,
    Applied,
    Choice,
    Credentials,
    Finding,
    Identity,
    LineReading,
    LineRef,
    PsaAdapter,
    PsaKind,
    Way,
    WriteKind,
    WriteOrder,
)
from reconcile.tenancy.scope import current_org_id


class KilledError(BaseException):
    """The worker is gone at this very moment: nothing of ours may catch it."""


@dataclass
class PocketPsa:
    """What the PSA holds, what was applied to it (`ledger`: line, before, after, key), and what goes wrong."""

    account: str = "pocket-msp"
    readings: dict[str, LineReading] = field(default_factory=dict)
    adjustments: list[tuple[str, Decimal, str]] = field(default_factory=list)
    ledger: list[tuple[str, Decimal, Decimal, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    # Accidents by "name before" or "name after"; each happens once.
    plan: list[tuple[str, BaseException]] = field(default_factory=list)
    # Accidents by the number of the moment: two per call, before and after.
    kill_at: set[int] = field(default_factory=set)
    moments: int = 0
    # Adjustments that were accepted and do not show yet.
    late: list[tuple[str, Decimal, str]] | None = None
    # Lines that were accepted and do not show yet.
    late_lines: list[tuple[str, AddOrder]] | None = None
    watch: Callable[[str], None] | None = None

    def put(self, line: str, quantity: int, agreement: str = "1") -> None:
        """Hold a line."""
        ref = LineRef(agreement_remote_id=agreement, line_remote_id=line)
        self.readings[line] = LineReading(ref=ref, quantity=Decimal(quantity), service_remote_id="s")

    def quantity(self, line: str) -> Decimal:
        """Say what the line bills."""
        return self.readings[line].quantity

    def moment(self, name: str) -> None:
        """Let what is planned for this moment happen."""
        self.moments += 1
        if self.watch is not None:
            self.watch(name)
        if self.moments in self.kill_at:
            raise KilledError
        for planned in self.plan:
            if planned[0] == name:
                self.plan.remove(planned)
                raise planned[1]

    def apply(self, line: str, after: Decimal, key: str) -> None:
        """Change a quantity, and write it into the ledger."""
        old = self.readings[line]
        self.ledger.append((line, old.quantity, after, key))
        self.readings[line] = replace(old, quantity=after)

    def add(self, line: str, order: AddOrder) -> None:
        """Hold a line that was ordered, and write it into the ledger."""
        ref = LineRef(agreement_remote_id=order.agreement_remote_id, line_remote_id=line)
        self.readings[line] = LineReading(
            ref=ref,
            quantity=order.wanted,
            starts_on=order.effective_on,
            service_remote_id=order.service_remote_id,
            unit_price=order.unit_price,
        )
        self.ledger.append((line, Decimal(0), order.wanted, order.key))

    def come_late(self) -> None:
        """Let what was on its way arrive."""
        for line, order in self.late_lines or []:
            self.add(line, order)
        self.late_lines = None
        for line, change, key in self.late or []:
            self.apply(line, self.quantity(line) + change, key)
            self.adjustments.append((line, change, key))
        self.late = None


class PocketAdapter:
    """Quantities set in place, or by a dated line that follows."""

    key = "pocket"
    write_kind = WriteKind.ABSOLUTE

    def __init__(self, psa: PocketPsa) -> None:
        self.psa = psa

    def _begin(self, name: str) -> None:
        assert current_org_id() is None, "a call inside a transaction"
        self.psa.calls.append(name)
        self.psa.moment(f"{name} before")

    def identify(self) -> Identity:
        self._begin("identify")
        self.psa.moment("identify after")
        return Identity(remote_account=self.psa.account, name=self.psa.account)

    def read_back(self, refs: Iterable[LineRef]) -> dict[LineRef, LineReading]:
        self._begin("read_back")
        found = {ref: self._reading(ref) for ref in refs}
        self.psa.moment("read_back after")
        return found

    def find(self, order: WriteOrder) -> Finding:
        self._begin("find")
        finding = self._judge(order)
        self.psa.moment("find after")
        return finding

    def write(self, order: WriteOrder) -> str:
        self._begin("write")
        self._apply(order)
        self.psa.moment("write after")
        return "200, request 7"

    def find_added(self, order: AddOrder) -> Finding:
        self._begin("find")
        finding = self._judge_added(order)
        self.psa.moment("find after")
        return finding

    def add_line(self, order: AddOrder) -> str:
        self._begin("write")
        new = f"new-{len(self.psa.readings)}"
        if self.psa.late_lines is not None:
            self.psa.late_lines.append((new, order))
        else:
            self.psa.add(new, order)
        self.psa.moment("write after")
        return "201, request 8"

    def _judge_added(self, order: AddOrder) -> Finding:
        alive = [
            each
            for each in self.psa.readings.values()
            if (each.ref.agreement_remote_id, each.service_remote_id)
            == (order.agreement_remote_id, order.service_remote_id)
        ]
        if not alive:
            ref = LineRef(agreement_remote_id=order.agreement_remote_id, line_remote_id="")
            nothing = LineReading(ref=ref, quantity=Decimal(0), missing=True)
            return Finding(applied=Applied.NOT, reading=nothing)
        first = alive[0]
        as_ordered = len(alive) == 1 and (first.quantity, first.starts_on) == (
            order.wanted,
            order.effective_on,
        )
        return Finding(
            applied=Applied.DONE if as_ordered else Applied.OTHER,
            reading=first,
            line_remote_id=first.ref.line_remote_id,
            sentence=f"A line with {first.quantity} units is there.",
        )

    def _apply(self, order: WriteOrder) -> None:
        line = order.ref.line_remote_id
        if order.way is Way.IN_PLACE:
            self.psa.apply(line, order.wanted, order.key)
            return
        if self._judge(order).applied is Applied.NOT:
            new = f"{line}-{order.effective_on}"
            ref = replace(order.ref, line_remote_id=new)
            self.psa.readings[new] = LineReading(
                ref=ref, quantity=order.wanted, starts_on=order.effective_on, service_remote_id="s"
            )
            self.psa.ledger.append((new, Decimal(0), order.wanted, order.key))
            self.psa.moment("split middle")
        last_day = order.effective_on - timedelta(days=1)
        self.psa.readings[line] = replace(self.psa.readings[line], ends_on=last_day)

    def _judge(self, order: WriteOrder) -> Finding:
        now = self._reading(order.ref)
        new = f"{order.ref.line_remote_id}-{order.effective_on}"
        if order.way is Way.IN_PLACE:
            done, new = now.quantity == order.wanted, order.ref.line_remote_id
        else:
            done = new in self.psa.readings
        if done:
            half = order.way is Way.SPLIT and now.ends_on is None
            return Finding(applied=Applied.HALF if half else Applied.DONE, reading=now, line_remote_id=new)
        return Finding(applied=Applied.NOT if now.quantity == order.seen else Applied.OTHER, reading=now)

    def _reading(self, ref: LineRef) -> LineReading:
        missing = LineReading(ref=ref, quantity=Decimal(0), missing=True)
        return self.psa.readings.get(ref.line_remote_id, missing)


class DeltaAdapter(PocketAdapter):
    """Writes are adjustments by a difference; each carries our key, by which it is found again."""

    key = "pocket_delta"
    write_kind = WriteKind.DELTA

    def _apply(self, order: WriteOrder) -> None:
        line, change = order.ref.line_remote_id, order.wanted - order.seen
        if self.psa.late is not None:
            self.psa.late.append((line, change, order.key))
            return
        self.psa.apply(line, self.psa.quantity(line) + change, order.key)
        self.psa.adjustments.append((line, change, order.key))

    def _judge(self, order: WriteOrder) -> Finding:
        now = self._reading(order.ref)
        if any(key == order.key for _, _, key in self.psa.adjustments):
            return Finding(applied=Applied.DONE, reading=now, line_remote_id=order.ref.line_remote_id)
        return Finding(applied=Applied.NOT if now.quantity == order.seen else Applied.OTHER, reading=now)


def make_kind(psa: PocketPsa, adapter: type[PocketAdapter]) -> PsaKind:
    """Give the registry line of a kind that speaks to this one PSA."""

    def build(credentials: Credentials) -> PsaAdapter:
        return adapter(psa)  # type: ignore[return-value]

    return PsaKind(
        key=adapter.key,
        label="Pocket PSA",
        fields=(),
        build=build,
        choices=lambda *_: [],
        write_kind=adapter.write_kind,
        adding=lambda agreement, today: [
            Choice(way=Way.ADD, effective_on=today, label="Takes effect now", help="", default=True)
        ],
    )
