"""A second reading of the card rules, from the rows that the APIs send: what the planter wrote is held against it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from demo.mappings import EXCLUDED, Mappings
from demo.world import World
from demo.worlds.calendar import COMPARE_DAY

Row = dict[str, Any]
Shown = tuple[str, str, Decimal | None, Decimal | None, Decimal | None]
LOST = (17, 41)
NO_LINE = ("account_inactive", "agreement_inactive", "line_ended")


def number(value: Any) -> Decimal:
    """Read a JSON number exactly as it is written; an unset one is zero."""
    return Decimal(str(value or 0))


def day(text: str | None) -> date | None:
    """Read a date; missing, null and "" are unset."""
    return date.fromisoformat(text[:10]) if text else None


@dataclass
class Reading:
    """Counts and lines of a world on a day, by account and service."""

    world: World
    mappings: Mappings
    today: date
    counts: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.compare = COMPARE_DAY.on(self.today)
        self.agreements = {row["id"]: row for row in self.world.connectwise["agreements"]}
        self.companies = {row["id"]: row for row in self.world.connectwise["companies"]}
        self.cycles = {row["id"]: row["billingOptions"] for row in self.world.connectwise["billing_cycles"]}
        self.prices = {row["id"]: number(row["price"]) for row in self.world.connectwise["catalog"]}
        self.counts = self._counts()
        self.stale = self._stale()
        self.services = {k: int(v[0]) for k, v in self.mappings.services.items() if v != EXCLUDED}
        self.tenants: dict[int, list[str]] = defaultdict(list)
        for uid, company in self.mappings.accounts.items():
            if company != EXCLUDED:
                self.tenants[int(company)].append(uid)

    def _counts(self) -> dict[str, dict[str, Decimal]]:
        yesterday = (self.today - timedelta(days=1)).isoformat()
        found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for row in self.world.veeam["usage"]:
            if row["date"].startswith(yesterday):
                for counter in row["counters"]:
                    found[row["companyUid"]][counter["type"]] += counter["value"]
        for counters in found.values():
            for counter in [name for name in counters if name.endswith(("Size", "Usage"))]:
                counters[counter] /= 1024**3
        return found

    def _stale(self) -> set[str]:
        lost = {
            row["instanceUid"] for row in self.world.veeam["alarm_templates"] if row["internalId"] in LOST
        }
        return {
            row["object"]["companyUid"] or row["object"]["organizationUid"]
            for row in self.world.veeam["active_alarms"]
            if row["alarmTemplateUid"] in lost and row["lastActivation"]["status"] in ("Error", "Warning")
        }

    def usage(self, company: int, service: int) -> Decimal | None:
        """Return the units in use, None when a source is silent."""
        tenants = self.tenants.get(company, [])
        if self.stale & set(tenants):
            return None
        return sum(
            (
                self.counts[uid].get(counter, Decimal(0))
                for uid in tenants
                for counter, mapped in self.services.items()
                if mapped == service
            ),
            Decimal(0),
        )

    def hidden(self, line: Row) -> str:
        """Return why a line is not compared, empty when it is."""
        agreement = self.agreements[line["agreementId"]]
        company = self.companies[agreement["company"]["id"]]
        starts, ends = day(line["effectiveDate"]), day(line.get("cancelledDate"))
        cycle = agreement.get("billingCycle")
        reasons = {
            "account_inactive": company["deletedFlag"]
            or company["status"]["name"] != "Active"
            or company["types"][0]["name"] == "Prospect",
            "agreement_out_of_scope": str(agreement["type"]["id"])
            in self.mappings.agreement_types_out_of_scope,
            "agreement_inactive": self._inactive(agreement),
            "not_recurring": not cycle or self.cycles[cycle["id"]] == "NotRecurring",
            "not_billed": line["billCustomer"] != "Billable",
            "line_ended": ends is not None and ends < self.compare,
            "line_future": starts is not None and starts > self.compare,
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def _inactive(self, agreement: Row) -> bool:
        starts, ends = day(agreement["startDate"]), day(agreement.get("endDate"))
        ended = ends is not None and ends < self.compare
        begins_later = starts is not None and starts > self.compare
        return agreement["cancelledFlag"] or agreement["agreementStatus"] != "Active" or ended or begins_later

    def cards(self) -> dict[str, Shown]:
        """Return what has to be shown, by key."""
        shown: dict[str, Shown] = {}
        in_play: dict[tuple[int, int], list[Row]] = defaultdict(list)
        kept: set[tuple[int, int]] = set()
        for line in self.world.connectwise["additions"]:
            place = (self.agreements[line["agreementId"]]["company"]["id"], line["product"]["id"])
            reason = self.hidden(line)
            if reason not in NO_LINE:
                kept.add(place)
            if reason:
                shown[str(line["id"])] = ("hidden", reason, number(line["quantity"]), None, None)
            else:
                in_play[place].append(line)
        for place, lines in in_play.items():
            shown |= self._compared(place, lines)
        return shown | dict(self._new(kept)) | dict(self._unmapped())

    def _compared(self, place: tuple[int, int], lines: list[Row]) -> dict[str, Shown]:
        company, service = place
        used = self.usage(company, service)
        if service not in self.services.values():
            kind, reason = "psa_only", "no_vendor_service"
        elif company not in self.tenants:
            kind, reason = "psa_only", "no_vendor_account"
        elif used is None:
            kind, reason = "waiting", "source_silent"
        else:
            return dict(_shared(lines, used))
        return {str(line["id"]): (kind, reason, number(line["quantity"]), None, None) for line in lines}

    def _new(self, kept: set[tuple[int, int]]) -> Iterator[tuple[str, Shown]]:
        for company in list(self.tenants):
            for service in set(self.services.values()):
                used = self.usage(company, service)
                if used and (company, service) not in kept:
                    yield f"{company}/{service}", ("new", "", None, used, used * self.prices[service])

    def _unmapped(self) -> Iterator[tuple[str, Shown]]:
        unknown: dict[str, Decimal] = defaultdict(Decimal)
        for uid, counters in self.counts.items():
            for counter, units in counters.items():
                if not units or self.mappings.accounts.get(uid) == EXCLUDED:
                    continue
                if counter not in self.mappings.services:
                    unknown[counter] += units
                elif uid not in self.mappings.accounts:
                    effect = units * self.prices[self.services[counter]]
                    yield f"{uid}/{counter}", ("unmapped_account", "", None, units, effect)
        for counter, units in unknown.items():
            yield counter, ("unmapped_service", "", None, units, None)


def _shared(lines: list[Row], used: Decimal) -> Iterator[tuple[str, Shown]]:
    lines = sorted(lines, key=lambda line: (line["effectiveDate"], line["id"]))
    left = used
    for line in lines:
        billed, free = number(line["quantity"]), number(line.get("lessIncluded"))
        share = left if line is lines[-1] else min(billed, left)
        left -= share
        kind, reason = _verdict(billed, share) if len(lines) == 1 else ("held", "shared")
        if share == billed:
            kind, reason = "match", ""
        effect = (max(share - free, Decimal(0)) - max(billed - free, Decimal(0))) * number(line["unitPrice"])
        yield str(line["id"]), (kind, reason, billed, share, effect)


def _verdict(billed: Decimal, used: Decimal) -> tuple[str, str]:
    if used == 0:
        return "held", "zero"
    if used < billed - max(billed / 5, Decimal(5)):
        return "held", "drop"
    if used > billed + max(billed, Decimal(20)):
        return "held", "jump"
    return "adjust", ""
