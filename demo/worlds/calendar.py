"""Days that move with today: a plan names them relative to the current month, so that it holds on any day."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, order=True)
class When:
    """The first day of the month `months` from the current one, plus `days`."""

    months: int = 0
    days: int = 0

    def on(self, today: date) -> date:
        """Return the day this is, seen from `today`."""
        month = today.year * 12 + today.month - 1 + self.months
        return date(month // 12, month % 12 + 1, 1) + timedelta(days=self.days)


LONG_AGO = When(-14)
COMPARE_DAY = When(1)
END_OF_MONTH = When(1, -1)
END_OF_LAST_MONTH = When(0, -1)


def next_invoice(months_per_cycle: int, today: date) -> date:
    """Return the first cycle boundary, counted from January, on or after the compare day."""
    day = COMPARE_DAY.on(today)
    ahead = -(day.month - 1) % months_per_cycle
    return When(1 + ahead).on(today)
