"""How many quantities a sync has changed: one count for the row, the notice and the list of what changed."""

from sync.models import SyncRun, SyncStep

# The steps whose rows are the point of a sync: lines of a PSA, counts of a vendor.
MAIN = ("lines", "counts")


def tally(step: SyncStep | None) -> list[tuple[int, str]]:
    """Give how many quantities moved, came and went; what did not happen is left out."""
    if step is None:
        return []
    found = [(step.updated, "moved"), (step.added, "new"), (step.vanished, "gone")]
    return [(number, word) for number, word in found if number]


def tell(run: SyncRun) -> str:
    """Say in a sentence what a finished run has changed. Needs the organization's scope: one query."""
    found = tally(SyncStep.objects.filter(run=run, name__in=MAIN).first())
    if not found:
        return "No quantity has changed."
    return "Quantities: " + ", ".join(f"{number:,} {word}" for number, word in found) + "."
