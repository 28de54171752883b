"""What Sync status shows: each source with its newest run, what that run read, and what needs a person."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from accounts.models import ReconcileSettings
from dashboard.models import Card
from psa.models import Connection
from sync.models import SyncRun, SyncStep
from sync.tallies import MAIN, tally
from vendors.expiry import in_words
from vendors.models import Integration, Snapshot

State = SyncRun.State
# From so many days before a key's last one its countdown asks for attention.
SOON = 30


@dataclass
class Source:
    """One row: a PSA connection or an integration."""

    row: Connection | Integration
    limit: datetime
    run: SyncRun | None = None
    steps: list[SyncStep] = field(default_factory=list)
    snapshot_id: int | None = None
    waiting_lines: int = 0
    # What the newest run has noted, when it was good.
    changed: Sequence[tuple[int, str]] = ()

    @property
    def is_psa(self) -> bool:
        return isinstance(self.row, Connection)

    @property
    def noun(self) -> str:
        """Name the form field, and the start of the row's id."""
        return "connection" if self.is_psa else "integration"

    @property
    def key(self) -> str:
        return f"{self.noun}-{self.row.pk}"

    @property
    def counted_at(self) -> datetime | None:
        """Give the as-of time of the last good count."""
        return self.row.read_at if isinstance(self.row, Connection) else self.row.counted_at

    @property
    def is_fresh(self) -> bool:
        held = isinstance(self.row, Integration) and self.row.held
        return self.counted_at is not None and self.counted_at >= self.limit and not held

    @property
    def key_days(self) -> int | None:
        """Give how many days the key has left; None while nobody has noted its last day."""
        ends = self.row.credentials_expire_on
        return (ends - timezone.now().date()).days if ends else None

    @property
    def key_words(self) -> str:
        """Count down to the key's last day: "expires in 12 days", "expired yesterday"; empty when unknown."""
        if self.key_days is None:
            return ""
        return f"{'expires' if self.key_days >= 0 else 'expired'} {in_words(self.key_days)}"

    @property
    def key_ends_soon(self) -> bool:
        return self.key_days is not None and self.key_days <= SOON

    @property
    def state(self) -> str:
        """Give the newest run's state; empty when there was none yet."""
        return self.run.state if self.run else ""

    @property
    def is_open(self) -> bool:
        return self.state in (State.QUEUED, State.RUNNING)

    @property
    def needs_someone(self) -> bool:
        return self.state in (State.FAILED, State.HELD)

    @property
    def current_step(self) -> SyncStep | None:
        """Give the list that is being read."""
        return next((step for step in self.steps if step.finished_at is None), None)

    @property
    def percent(self) -> int | None:
        """Give how far the list that is being read is; None while its end is unknown."""
        step = self.current_step
        return min(99, step.read * 100 // step.total) if step and step.total else None

    @property
    def main_step(self) -> SyncStep | None:
        """Give the step whose rows are the point of the sync: lines, or counts."""
        return next((step for step in self.steps if step.name in MAIN), None)

    @property
    def has_details(self) -> bool:
        """Say whether a row below has something to tell."""
        if self.needs_someone:
            return True
        return bool(self.run and self.run.warnings and self.state == State.DONE)


@dataclass(frozen=True)
class Overview:
    """All sources, those that need someone first, and how they stand."""

    sources: Sequence[Source]

    @property
    def total(self) -> int:
        return len(self.sources)

    @property
    def fresh(self) -> int:
        return sum(source.is_fresh for source in self.sources)

    @property
    def running(self) -> list[Source]:
        return [source for source in self.sources if source.state == State.RUNNING]

    @property
    def queued(self) -> list[Source]:
        return [source for source in self.sources if source.state == State.QUEUED]

    @property
    def needing(self) -> list[Source]:
        return [source for source in self.sources if source.needs_someone]

    @property
    def opened(self) -> list[Source]:
        return [source for source in self.sources if source.is_open]

    @property
    def waiting_lines(self) -> int:
        return sum(source.waiting_lines for source in self.needing)

    @property
    def psa(self) -> Source | None:
        """Give the PSA when there is exactly one."""
        found = [source for source in self.sources if source.is_psa]
        return found[0] if len(found) == 1 else None

    @property
    def is_busy(self) -> bool:
        """Say whether the page must ask again by itself."""
        return bool(self.opened)

    def shown(self, which: str) -> Sequence[Source]:
        """Give the sources of a filter: all, action or running."""
        if which == "action":
            return self.needing
        if which == "running":
            return self.opened
        return self.sources


def look(now: datetime | None = None) -> Overview:
    """Read all sources in eight queries. Needs the organization's scope."""
    hours = ReconcileSettings.objects.get().stale_hours
    limit = (now or timezone.now()) - timedelta(hours=hours)
    rows: list[Connection | Integration] = [*Connection.objects.order_by("name")]
    rows += Integration.objects.order_by("name")
    sources = [Source(row, limit) for row in rows]
    _add_runs(sources, _newest_runs())
    _add_waits(sources)
    order = {State.FAILED: 0, State.HELD: 1, State.RUNNING: 2, State.QUEUED: 3}
    return Overview(sorted(sources, key=lambda source: order.get(State(source.state or "done"), 4)))


def count_failed() -> int:
    """Count the sources whose newest run failed: one query, for the navigation."""
    newest = SyncRun.objects.order_by("connection_id", "integration_id", "-id")
    newest = newest.distinct("connection_id", "integration_id")
    return sum(state == State.FAILED for state in newest.values_list("state", flat=True))


def _newest_runs() -> list[SyncRun]:
    runs = SyncRun.objects.order_by("connection_id", "integration_id", "-id")
    return list(runs.distinct("connection_id", "integration_id"))


def _add_runs(sources: Iterable[Source], runs: Sequence[SyncRun]) -> None:
    of_source = {(run.connection_id, run.integration_id): run for run in runs}
    steps: dict[int, list[SyncStep]] = defaultdict(list)
    for step in SyncStep.objects.filter(run__in=[run.pk for run in runs]).order_by("position"):
        steps[step.run_id].append(step)
    changed = tally([run.pk for run in runs if run.state == State.DONE])
    for source in sources:
        pk = source.row.pk
        source.run = of_source.get((pk, None) if source.is_psa else (None, pk))
        if source.run:
            source.steps, source.changed = steps[source.run.pk], changed.get(source.run.pk, ())


def _add_waits(sources: Iterable[Source]) -> None:
    held = dict(Snapshot.objects.filter(state=Snapshot.State.HELD).values_list("integration_id", "id"))
    waiting = Card.objects.filter(kind=Card.Kind.WAITING).values_list("integration_id")
    lines = dict(waiting.annotate(Count("id")).values_list("integration_id", "id__count"))
    for source in sources:
        if not source.is_psa:
            source.snapshot_id = held.get(source.row.pk)
            source.waiting_lines = lines.get(source.row.pk, 0)
