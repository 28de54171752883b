"""Chance that repeats: the same numbers on every Python, machine and hash seed."""

import random
from collections.abc import Sequence
from typing import TypeVar

Side = TypeVar("Side")


class Dice:
    """Draws from `random.random()` alone, the one method whose sequence Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def between(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def pick(self, sides: Sequence[Side]) -> Side:
        """Return one of the sides."""
        return sides[self.between(0, len(sides) - 1)]

    def chance(self, percent: int) -> bool:
        """Whether something that happens in `percent` of 100 cases happens now."""
        return self._random() * 100 < percent
