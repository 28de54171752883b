"""Daily usage: one number per company and counter, from the latest day that is complete (sheet §7, §16).

Rows come per company, location and day. Locations of one day are summed, days never.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from vendors.adapters.base import CountRecord, Outcome
from vendors.adapters.veeam_vspc.counters import kind_of
from vendors.adapters.veeam_vspc.errors import unknown_shape
from vendors.adapters.veeam_vspc.outcomes import Findings

Row = dict[str, Any]
# The console sends 63-bit whole numbers; anything above is not a count.
_TOO_MUCH = 2**63


@dataclass
class Day:
    """One company's rows of one day."""

    day: date
    locations: set[str] = field(default_factory=set)
    sums: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    refs: list[str] = field(default_factory=list)
    problem: str = ""

    def add(self, row: Row) -> None:
        """Add one location's counters; a number that is none spoils the day."""
        location = str(row.get("locationUid") or "-")
        self.locations.add(location)
        self.refs.append(f"usage {self.day.isoformat()} location {location}")
        for counter in row.get("counters") or []:
            kind, value = counter.get("type"), counter.get("value")
            if not isinstance(kind, str) or not kind or not is_count(value):
                self.problem = (
                    f"The console reported {kind or 'a counter'} as {str(value)[:40]!r}, which is no count."
                )
            else:
                self.sums[kind] += Decimal(value)

    def counts(self, company: str) -> list[CountRecord]:
        """Return the day's sums in units."""
        as_of = datetime.combine(self.day, time(), UTC)
        return [
            CountRecord(
                account_external_id=company,
                service_external_id=kind,
                quantity=kind_of(kind).quantity(value),
                as_of=as_of,
                source_refs=tuple(self.refs),
            )
            for kind, value in self.sums.items()
        ]


def counts_of(
    rows: Iterable[Row], quiet: Iterable[str], last_day: date, findings: Findings
) -> list[CountRecord]:
    """Return the counts of the latest complete day of each company, noting in `findings` what is not right.

    `quiet` are the companies of which a row is expected; `last_day` is the latest day that may count.
    """
    days = _days_by_company(rows, last_day)
    latest = max((max(by_day) for by_day in days.values()), default=None)
    counts: list[CountRecord] = []
    for company, by_day in days.items():
        chosen = _chosen(by_day, latest or last_day, company, findings)
        if chosen is not None:
            counts += chosen.counts(company)
    for company in quiet:
        if company not in days:
            findings.add(company, Outcome.SKIPPED, "The console has no usage of this company for these days.")
    return counts


def last_finished_day(rows: Iterable[Row], day: date, today: date) -> date:
    """Return the latest day that may count: `day`, but not today, which still grows, unless there is nothing else."""
    finished = min(day, today - timedelta(days=1))
    return finished if any(_day_of(row.get("date")) <= finished for row in rows) else day


def row_key(row: Row) -> Hashable:
    """Tell usage rows apart: company, location and day."""
    return str(row.get("companyUid")), str(row.get("locationUid")), str(row.get("date"))


def is_count(value: Any) -> bool:
    """Whether a value is a finite number, not negative and of a size the console can mean."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 <= value < _TOO_MUCH


def _days_by_company(rows: Iterable[Row], last_day: date) -> dict[str, dict[date, Day]]:
    days: dict[str, dict[date, Day]] = defaultdict(dict)
    for row in rows:
        company, day = row.get("companyUid"), _day_of(row.get("date"))
        if not isinstance(company, str) or not company:
            raise unknown_shape("a usage row without companyUid")
        if day <= last_day:
            days[company].setdefault(day, Day(day)).add(row)
    return days


def _day_of(text: Any) -> date:
    """Read `2023-05-17T00:00:00.0000000+00:00` (seven digits), or a bare date."""
    try:
        return datetime.fromisoformat(str(text)).date()
    except ValueError:
        raise unknown_shape(f"a usage row dated {str(text)[:40]!r}") from None


def _chosen(by_day: dict[date, Day], latest: date, company: str, findings: Findings) -> Day | None:
    """Choose a company's latest day on which every location of the day before reported again."""
    newest, *older = sorted(by_day.values(), key=lambda one: one.day, reverse=True)
    chosen = newest
    if older and (missing := older[0].locations - newest.locations):
        places = "location has" if len(missing) == 1 else "locations have"
        findings.add(
            company,
            Outcome.STALE,
            f"{len(missing)} {places} sent nothing for {newest.day}; the counts are those of {older[0].day}.",
        )
        chosen = older[0]
    elif newest.day < latest:
        findings.add(company, Outcome.STALE, f"The console has no usage after {newest.day} of this company.")
    if chosen.problem:
        findings.add(company, Outcome.FAILED, chosen.problem)
        return None
    return chosen


def services_in(counts: Sequence[CountRecord]) -> list[str]:
    """Return the counter types that occur, each once."""
    return list(dict.fromkeys(count.service_external_id for count in counts))
