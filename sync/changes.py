"""What the newest good sync of each source changed: quantities that moved, largest first, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import DecimalField, F, Q
from django.db.models.functions import Abs, Coalesce

from dashboard.models import Card
from sync.models import LineChange, SyncRun

# A page shows these; all of them are one click away, and even then no more than a browser can draw.
FEW, MANY = 8, 500
ORDER = {
    Card.State.FAILED: "Push failed",
    Card.State.TODO: "To do",
    Card.State.HELD: "Held",
    Card.State.PUSHING: "Pushing",
    Card.State.READY: "Ready to push",
    Card.State.DONE: "Matches or done",
    Card.State.NONE: "Not compared",
}


@dataclass(frozen=True)
class Row:
    """One quantity that moved, and what its line is now."""

    change: LineChange
    source: str
    state: str
    as_of: datetime | None

    @property
    def moved(self) -> Decimal:
        """Give the difference; what is new came from nothing, what is gone went to nothing."""
        return (self.change.after or Decimal(0)) - (self.change.before or Decimal(0))


@dataclass(frozen=True)
class Changes:
    """The changes shown, how many there are in all, and since when."""

    rows: Sequence[Row]
    total: int
    since: datetime | None

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


def list_changes(*, most: int = FEW) -> Changes:
    """Read the largest changes of the newest good runs, in four queries. Needs the organization's scope."""
    done = SyncRun.objects.filter(state=SyncRun.State.DONE).select_related("connection", "integration")
    done = done.order_by("connection_id", "integration_id", "-id").distinct("connection_id", "integration_id")
    runs = {run.pk: run for run in done}
    found = LineChange.objects.filter(run__in=list(runs))
    total = found.count()
    moved = Abs(_or_zero("after") - _or_zero("before"))
    changes = list(found.order_by(moved.desc(), "id")[:most])
    states = _states(changes)
    rows = [
        Row(
            change,
            str(_source(runs[change.run_id])),
            states.get((change.account_id, change.service_id), ""),
            runs[change.run_id].finished_at,
        )
        for change in changes
    ]
    return Changes(
        rows, total, min((run.finished_at for run in runs.values() if run.finished_at), default=None)
    )


def _or_zero(name: str) -> Coalesce:
    return Coalesce(F(name), Decimal(0), output_field=DecimalField(max_digits=20, decimal_places=6))


def _source(run: SyncRun) -> object:
    return run.connection or run.integration


def _states(changes: Sequence[LineChange]) -> dict[tuple[int | None, int | None], str]:
    """Say what the cards of these accounts and services are now; of several, the one that asks for most."""
    pairs = {(change.account_id, change.service_id) for change in changes}
    wanted = Q(account__in={account for account, _ in pairs if account})
    wanted &= Q(service__in={service for _, service in pairs if service})
    cards = Card.objects.filter(wanted).values_list("account_id", "service_id", "state")
    words = list(ORDER)
    found: dict[tuple[int | None, int | None], str] = {}
    for account, service, state in sorted(cards, key=lambda card: -words.index(Card.State(card[2]))):
        found[account, service] = ORDER[Card.State(state)]
    return found
