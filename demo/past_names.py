"""Who came and went in the invented year before the demo's first sync, as many as its counts moved."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from accounts.models import Organization
from demo.worlds.names import address
from vendors.models import NamedUnit, UsageCount

# Of ten counts so many also had a change of people this month that no number shows.
SWAPS = 3
# Names of people who have left begin here, far from those who are there.
LEFT = 500

Pair = tuple[int, int]


def invent(org: Organization, past: Sequence[UsageCount]) -> None:
    """Let the names of today have come when the `past` counts rose, and others have gone when they fell."""
    spans: dict[Pair, list[UsageCount]] = defaultdict(list)
    for count in past:
        spans[count.vendor_account_id, count.vendor_service_id].append(count)
    names: dict[Pair, list[NamedUnit]] = defaultdict(list)
    for unit in NamedUnit.objects.filter(org=org, gone_at=None, counts=True).order_by("external_id"):
        names[unit.vendor_account_id, unit.vendor_service_id].append(unit)
    moved: list[NamedUnit] = []
    left: list[NamedUnit] = []
    for pair in sorted(spans.keys() & names.keys()):
        one = _Year(names[pair], sorted(spans[pair], key=lambda count: count.counted_at))
        one.run()
        moved += names[pair]
        left += one.left
    NamedUnit.objects.bulk_update(moved, ["named_at"], batch_size=500)
    NamedUnit.objects.bulk_create(left, batch_size=500)


class _Year:
    """One count's year, walked from today back."""

    def __init__(self, names: Iterable[NamedUnit], spans: Sequence[UsageCount]) -> None:
        self._here = list(names)
        self._spans = spans
        self._like = self._here[0]
        self._chance = random.Random(self._like.external_id)
        self.left: list[NamedUnit] = []

    def run(self) -> None:
        swaps = []
        if self._chance.randint(0, 9) < SWAPS:
            swaps = [self._like.named_at - timedelta(days=self._chance.randint(2, 20))]
        for span in reversed(self._spans):
            if span.superseded_at is None or span.counted_at >= span.superseded_at:
                continue
            if swaps and span.superseded_at < swaps[0]:
                self._swap(swaps.pop())
            self._step(int(span.quantity), span.superseded_at)
        for unit in self._here:
            unit.named_at = min(unit.named_at, self._spans[0].counted_at)

    def _step(self, before: int, at: datetime) -> None:
        """Let as many come or go at a moment that `before` of them were there until then."""
        while len(self._here) > before:
            self._here.pop(self._chance.randrange(len(self._here))).named_at = at
        while len(self._here) < before:
            self._here.append(self._leaver(at))

    def _swap(self, at: datetime) -> None:
        """Let one person have come in another's place."""
        leaver = self._leaver(at)
        self._here.pop(self._chance.randrange(len(self._here))).named_at = at
        self._here.append(leaver)

    def _leaver(self, at: datetime) -> NamedUnit:
        like, number = self._like, LEFT + len(self.left)
        name = f"Former {like.kind} {number - LEFT + 1}"
        if like.kind == "device":
            name = f"{like.name.rpartition('-')[0]}-X{number - LEFT + 1:02}"
        elif like.kind == "user":
            name = f"{address('x', number).partition('@')[0]}@{like.name.partition('@')[2]}"
        folded = name.lower()
        said = {"name": folded, "kind": like.kind}
        if like.kind == "user":
            said |= {"email": folded, "domain": folded.partition("@")[2]}
        unit = NamedUnit(
            org_id=like.org_id, integration_id=like.integration_id, vendor_account_id=like.vendor_account_id,
            vendor_service_id=like.vendor_service_id, external_id=f"left {folded}", key=folded, name=name,
            kind=like.kind, traits=said, named_at=at, gone_at=at,
        )  # fmt: skip
        self.left.append(unit)
        return unit
