"""How many quantities a sync has changed: one count of what it noted, for row, strip, notice and list."""

from collections.abc import Collection

from django.db.models import Count, Q

from sync.models import LineChange, SyncRun

# The steps whose rows are the point of a sync: lines of a PSA, counts of a vendor.
MAIN = ("lines", "counts")
# NULL before: it is new; NULL after: it is gone (sync.models.LineChange).
WORDS = {
    "moved": Q(before__isnull=False, after__isnull=False),
    "new": Q(before__isnull=True),
    "gone": Q(after__isnull=True),
}


def tally(run_ids: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """Give for each run how many quantities moved, came and went; what did not happen is left out: one query.

    A first read has nothing to compare with and notes nothing. Needs the organization's scope.
    """
    counts = {word: Count("pk", filter=which) for word, which in WORDS.items()}
    rows = LineChange.objects.filter(run__in=run_ids).values("run_id").annotate(**counts)
    return {
        run_id: [(number, word) for number, word in zip(numbers, WORDS, strict=True) if number]
        for run_id, *numbers in rows.values_list("run_id", *WORDS)
    }


def tell(run: SyncRun) -> str:
    """Say in a sentence what a finished run has changed. Needs the organization's scope: one query."""
    found = tally([run.pk]).get(run.pk)
    if not found:
        return "No quantity has changed."
    return "Quantities: " + ", ".join(f"{number:,} {word}" for number, word in found) + "."
