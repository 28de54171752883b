"""Twelve months of one line as a drawing: path data for inline SVG, made on the server. Pure: points in, text out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 388, 4, 316, 10, 84
# So close above one another, two labels would overlap.
LABEL = 16
Height = Callable[[Decimal], int]


@dataclass(frozen=True)
class Point:
    """What both sides said at the end of a day; None: unknown, or the line was not there."""

    day: date
    psa: Decimal | None
    vendor: Decimal | None


@dataclass(frozen=True)
class Chart:
    """A drawing of points: paths in the coordinates of its view box, labels, and a sentence for who cannot see it."""

    psa: str
    vendor: str
    gaps: Sequence[str]
    months: Sequence[tuple[int, str, str]]
    psa_label: tuple[int, Decimal] | None
    vendor_label: tuple[int, Decimal] | None
    sentence: str


def draw(points: Sequence[Point]) -> Chart | None:
    """Draw at least one known number, oldest first; None when nothing is known."""
    known = [n for p in points for n in (p.psa, p.vendor) if n is not None]
    if not known:
        return None
    low, high = min(known), max(known)

    def y(number: Decimal) -> int:
        # A line that never moved runs through the middle.
        part = (number - low) / (high - low) if high > low else Decimal("0.5")
        return int(BOTTOM - 10 - part * (BOTTOM - TOP - 10))

    xs = [LEFT + (RIGHT - LEFT) * n // len(points) for n in range(len(points) + 1)]
    psa_label, vendor_label = _labels(points[-1], y)
    return Chart(
        psa=_path([p.psa for p in points], xs, y),
        vendor=_path([p.vendor for p in points], xs, y),
        gaps=[
            f"M{xs[n]} {y(p.vendor)}H{xs[n + 1]}V{y(p.psa)}H{xs[n]}Z"
            for n, p in enumerate(points)
            if p.psa is not None and p.vendor is not None and p.vendor > p.psa
        ],
        months=_months(points, xs),
        psa_label=psa_label,
        vendor_label=vendor_label,
        sentence=_sentence(points),
    )


def _path(numbers: Sequence[Decimal | None], xs: Sequence[int], height: Height) -> str:
    """Draw steps: each number holds for its month; a gap breaks the line."""
    parts, drawn = [], False
    for n, number in enumerate(numbers):
        if number is None:
            drawn = False
            continue
        parts.append(f"{'L' if drawn else 'M'}{xs[n]} {height(number)}H{xs[n + 1]}")
        drawn = True
    return "".join(parts)


def _labels(last: Point, height: Height) -> tuple[tuple[int, Decimal] | None, tuple[int, Decimal] | None]:
    """Place the last numbers beside their lines, apart from each other."""
    psa = None if last.psa is None else height(last.psa) + 4
    vendor = None if last.vendor is None else height(last.vendor) + 4
    if psa is not None and vendor is not None and abs(psa - vendor) < LABEL:
        above = last.vendor is not None and last.psa is not None and last.vendor >= last.psa
        vendor, psa = (psa - LABEL, psa) if above else (psa + LABEL, psa)
    return (
        None if psa is None or last.psa is None else (psa, last.psa),
        None if vendor is None or last.vendor is None else (vendor, last.vendor),
    )


def _months(points: Sequence[Point], xs: Sequence[int]) -> list[tuple[int, str, str]]:
    """Name every third month, and the last."""
    named = {*range(0, len(points), 3), len(points) - 1}
    # The last name is set from its right edge; one beside it would run into it.
    named -= {len(points) - 2}
    return [
        (
            xs[-1] if n == len(points) - 1 else xs[n],
            f"{points[n].day:%b}",
            "end" if n == len(points) - 1 else "start",
        )
        for n in sorted(named)
    ]


def _sentence(points: Sequence[Point]) -> str:
    def told(what: str, numbers: Sequence[Decimal | None]) -> str:
        known = [n for n in numbers if n is not None]
        if not known:
            return f"{what} are unknown."
        first, last = known[0], known[-1]
        if first == last:
            return f"{what} stood at {last.normalize():f}."
        return f"{what} went from {first.normalize():f} to {last.normalize():f}."

    span = f"{points[0].day:%B %Y} to {points[-1].day:%B %Y}: "
    return span + " ".join(
        [told("Vendor units", [p.vendor for p in points]), told("PSA units", [p.psa for p in points])]
    )
