"""What Sync status says of automatic syncs: when the next one is due, and what became of the last ones."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.models import SyncSchedule
from accounts.schedule_rules import AT
from accounts.schedule_words import write_day, write_sentence
from reconcile.templatetags.figures import clock_utc
from sync.models import AutomaticRun, AutomaticSync, SyncRun

SHOWN = 5
State = SyncRun.State
WORDS = {
    State.DONE: "done",
    State.FAILED: "failed",
    State.HELD: "held",
    State.STOPPED: "stopped",
    State.RUNNING: "running",
    State.QUEUED: "waiting",
}


@dataclass(frozen=True)
class Past:
    """One automatic sync and the runs that it asked for."""

    sync: AutomaticSync
    runs: Sequence[AutomaticRun]

    @property
    def outcome(self) -> str:
        """Count its runs by how they ended: "3 done, 1 failed"."""
        counted = Counter(State(asked.run.state) for asked in self.runs)
        found = [f"{counted[state]} {word}" for state, word in WORDS.items() if counted[state]]
        return ", ".join(found) or "no source was connected"

    @property
    def full(self) -> Sequence[AutomaticRun]:
        """Give the runs that read everything, although an automatic sync is a quick one."""
        return [asked for asked in self.runs if asked.why_full]


@dataclass(frozen=True)
class Automatic:
    """The schedule in words, its next slot, and the last automatic syncs, newest first."""

    sentence: str
    next_slot: datetime | None
    past: Sequence[Past]

    @property
    def next_words(self) -> str:
        """Write "Monday 7 December, 02:00 EST (07:00 UTC)"; empty when nothing runs by itself."""
        if self.next_slot is None:
            return ""
        day = timezone.localtime(self.next_slot).date()
        return f"{write_day(day, timezone.localdate().year)}, {clock_utc(self.next_slot)}"

    @property
    def last(self) -> Past | None:
        return self.past[0] if self.past else None


def look_at_schedule() -> Automatic:
    """Read the schedule and the last automatic syncs in three queries. Needs the organization's scope."""
    schedule = SyncSchedule.objects.get()
    syncs = list(AutomaticSync.objects.order_by("-slot")[:SHOWN])
    asked: dict[int, list[AutomaticRun]] = {sync.pk: [] for sync in syncs}
    rows = AutomaticRun.objects.filter(sync__in=list(asked)).order_by("pk")
    for row in rows.select_related("run", "run__connection", "run__integration"):
        asked[row.sync_id].append(row)
    due = schedule.next_sync_at
    return Automatic(
        sentence=write_sentence(schedule.rules),
        next_slot=datetime.combine(due.date(), AT) if due else None,
        past=[Past(sync, asked[sync.pk]) for sync in syncs],
    )
