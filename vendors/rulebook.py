"""Which counting rule holds where and when: the narrower before the wider, then the one that began later."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from vendors.counting import AS_COUNTED, Rule, Step
from vendors.counting_models import CountingRule


@dataclass(frozen=True)
class Span:
    """Months from the first until before the last, both first days; None: without that bound."""

    start: date | None = None
    end: date | None = None

    def covers(self, month: date) -> bool:
        """Say whether a month (its first day) is one of them."""
        return (self.start is None or self.start <= month) and (self.end is None or month < self.end)


@dataclass(frozen=True)
class Scoped:
    """A rule with where and when it holds."""

    id: int
    service: int
    account: int | None
    agreement: int | None
    span: Span
    rule: Rule

    @classmethod
    def of(cls, row: CountingRule) -> Self:
        # A rule that is tried and not stored yet is the newest.
        number = row.pk or 2**63
        account = None if row.agreement_id else row.account_id
        span = Span(row.from_month, row.until_month)
        return cls(number, row.service_id, account, row.agreement_id, span, row.plain)


@dataclass
class Rulebook:
    """All rules of an organization."""

    by_scope: dict[tuple[int, int | None, int | None], list[Scoped]] = field(
        default_factory=lambda: defaultdict(list)
    )

    @classmethod
    def of(cls, rows: Iterable[CountingRule]) -> Self:
        """Make a rulebook of rows; those that were removed hold nowhere."""
        book = cls()
        for row in rows:
            if row.removed_at is None:
                scoped = Scoped.of(row)
                book.by_scope[scoped.service, scoped.account, scoped.agreement].append(scoped)
        return book

    def find(
        self, service: int, month: date, *, account: int | None = None, agreement: int | None = None
    ) -> Scoped | None:
        """Give the rule of exactly this scope that holds in a month."""
        standing = (x for x in self.by_scope.get((service, account, agreement), ()) if x.span.covers(month))
        return max(standing, key=lambda x: (x.span.start or date.min, x.id), default=None)

    def of_pair(self, service: int, account: int, month: date) -> Rule:
        """Give the rule for the counts of a service of an account: its own, or else that of the service."""
        found = self.find(service, month, account=account) or self.find(service, month)
        return found.rule if found else AS_COUNTED

    def is_own(self, service: int, account: int, month: date) -> bool:
        """Say whether an account has a rule of its own for the counts of a service."""
        return self.find(service, month, account=account) is not None

    def of_agreement(self, service: int, agreement: int, month: date) -> tuple[Step, ...] | None:
        """Give the steps that the lines of an agreement take from their share; None: it has no rule of its own."""
        found = self.find(service, month, agreement=agreement)
        return found.rule.steps if found else None

    def services_by_names(self) -> set[int]:
        """Give the services with a rule that looks at named units, in whatever months."""
        return {one.service for many in self.by_scope.values() for one in many if one.rule.needs_names}


def load(org_id: int) -> Rulebook:
    """Read the rules of an organization; needs its scope. One query."""
    return Rulebook.of(CountingRule.objects.filter(org_id=org_id, removed_at=None).order_by("pk"))
