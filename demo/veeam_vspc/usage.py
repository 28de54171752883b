"""The daily usage book: one row per company, location and day (sheet §7)."""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from demo.veeam_vspc.rows import uid_of

Row = dict[str, Any]


def seven_digits(day: date) -> str:
    """Write a day as the console does, with seven fractional digits."""
    return f"{day.isoformat()}T00:00:00.0000000+00:00"


def day_of(text: str) -> date:
    """Read the day of a date or a time as the console or a caller writes it."""
    return date.fromisoformat(text[:10])


class UsageBook:
    """The rows, moving with the calendar: a console that runs for days goes on reporting each new day.

    `today` gives the present day (UTC); dates are shown as many days later as have passed since the start.
    """

    def __init__(self, rows: Iterable[Row], today: Callable[[], date]) -> None:
        self._today = today
        self._started = today()
        self._rows = [(day_of(row["date"]), copy.deepcopy(row)) for row in rows]

    def company_rows(self, start: date | None, end: date | None) -> Iterator[Row]:
        """Yield the rows from `start` to `end`, both included."""
        shift = self._today() - self._started
        for day, row in self._rows:
            shown = day + shift
            if (start is None or shown >= start) and (end is None or shown <= end):
                yield row | {"date": seven_digits(shown)}

    def reseller_rows(
        self, start: date | None, end: date | None, reseller_of: Mapping[str, str | None]
    ) -> list[Row]:
        """Return one row per reseller and day: the sum of its companies; `reseller_of` gives each company's."""
        sums: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in self.company_rows(start, end):
            reseller = row.get("resellerUid") or reseller_of.get(row["companyUid"])
            if reseller:
                for counter in row["counters"]:
                    sums[reseller, row["date"]][counter["type"]] += counter["value"]
        return [
            {
                "resellerUid": reseller,
                "date": day,
                "counters": [{"type": kind, "value": value} for kind, value in counters.items()],
            }
            for (reseller, day), counters in sums.items()
        ]

    def set_counter(self, company: str, kind: str, value: int | None, since: date | None) -> int:
        """Make a company's sum over its locations `value` on each day from `since`, or take it away for None.

        Without `since` it is from yesterday on, or from the last day there is; a `since` after that is a new day, on
        which the company reports what it did on its last. Returns the rows changed.
        """
        by_day: dict[date, list[Row]] = defaultdict(list)
        for day, row in self._rows:
            if row["companyUid"] == company:
                by_day[day].append(row)
        if not by_day:
            by_day[self._started - timedelta(days=1)] = [self._new_row(company)]
        shift = self._today() - self._started
        first = since - shift if since else min(self._started - timedelta(days=1), max(by_day))
        if first > max(by_day):
            by_day[first] = self._repeat(by_day[max(by_day)], first)
        return sum(_set_on_day(rows, kind, value) for day, rows in by_day.items() if day >= first)

    def _repeat(self, rows: Iterable[Row], day: date) -> list[Row]:
        again = [copy.deepcopy(row) | {"date": seven_digits(day)} for row in rows]
        self._rows += [(day, row) for row in again]
        return again

    def _new_row(self, company: str) -> Row:
        day = self._started - timedelta(days=1)
        row: Row = {
            "companyUid": company,
            "resellerUid": None,
            "locationUid": uid_of("location", company),
            "date": seven_digits(day),
            "counters": [],
        }
        self._rows.append((day, row))
        return row


def _set_on_day(rows: list[Row], kind: str, value: int | None) -> int:
    """Put the whole sum on the first location; the others lose the counter."""
    for row in rows:
        row["counters"] = [counter for counter in row["counters"] if counter["type"] != kind]
    if value is not None:
        rows[0]["counters"].append({"type": kind, "value": value})
    return len(rows)
