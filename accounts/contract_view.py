"""What the default contract view (E5) means in lines, told by the app that has the lines."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ContractLines:
    """How many lines a source counts, and how many none does: those are shown, or left out."""

    with_source: int = 0
    without: int = 0


# The dashboard adds its counter from its AppConfig.ready(), because dependencies point the other way.
COUNTERS: list[Callable[[int], ContractLines]] = []


def count_lines(org_id: int) -> ContractLines:
    """Count an organization's lines; runs inside its scope."""
    counted = [counter(org_id) for counter in COUNTERS]
    return ContractLines(sum(c.with_source for c in counted), sum(c.without for c in counted))
