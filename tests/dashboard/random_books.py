"""Makes small random organizations of every shape: lines, mappings, splits, bundles, rules, names and pairings."""

import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Organization
from dashboard.models import LinePairing
from psa.models import Account, Agreement, AgreementLine, AgreementType, Connection, Service
from reconcile.period import month_of, next_month
from vendors.counting import Combine, Do, Filter, Step, fold
from vendors.models import (
    AccountMapping,
    AccountSplit,
    AlsoCounts,
    CountingRule,
    Integration,
    MappingSpan,
    NamedUnit,
    ServiceMapping,
    Snapshot,
    UsageCount,
    VendorAccount,
    VendorService,
)

PEOPLE = ["Ana", "Bo", "Cy", "Di", "Svc-Backup", "Svc-Scan"]
FILTERS = [("name", "svc-*"), ("name", "?o"), ("domain", "north.example"), ("domain", "*"), ("site", "Oslo*")]
QUANTITIES = ["0", "3", "10", "12.5", "40", "200"]


class RandomBooks:
    """One organization; call it inside its scope. `now` is later than everything that it writes."""

    def __init__(self, org: Organization, seed: int, now: datetime) -> None:
        self.org, self.random, self.now = org, random.Random(seed), now
        self.said = now - timedelta(minutes=5)
        self.month = month_of(now)
        self.next = next_month(self.month)
        self.last = (self.month - timedelta(days=1)).replace(day=1)
        self._make_sources()
        self._make_lines()
        self._map()
        self._count()
        self._rule()

    def pick(self, *values: Any) -> Any:
        return self.random.choice(values)

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    def some(self, values: Sequence[Any], most: int) -> list[Any]:
        return self.random.sample(values, min(len(values), self.random.randint(0, most)))

    def _save(self, rows: Iterable[Any]) -> list[Any]:
        every = list(rows)
        for row in every:
            row.org = self.org
        return type(every[0]).objects.bulk_create(every) if every else []

    def _make_sources(self) -> None:
        self.psa = Connection.objects.create(
            org=self.org, kind="connectwise", name="PSA", base_url="https://psa.example", read_at=self.said
        )
        self.mirrored: dict[str, Any] = {"connection": self.psa, "changed_at": self.said}
        self.types = self._save(
            AgreementType(remote_id=name, name=name, in_scope=name == "Managed", **self.mirrored)
            for name in ("Managed", "Projects")
        )  # fmt: skip
        self.integrations = self._save(
            Integration(
                kind="veeam_vspc", name=name, base_url="https://vendor.example",
                counted_at=None if self.chance(0.03) else self.said,
            )
            for name in ("One", "Other")
        )  # fmt: skip
        self._save(
            Snapshot(integration=i, taken_at=self.said, state="published")
            for i in self.integrations
            if i.counted_at
        )
        self.accounts = self._save(
            Account(remote_id=str(n), name=f"Account {n}", active=not self.chance(0.03), **self.mirrored)
            for n in range(self.pick(1, 2, 3))
        )  # fmt: skip
        self.services = self._save(
            Service(remote_id=str(n), name=f"Service {n}", price=self.pick(None, Decimal("1.25")), **self.mirrored)
            for n in range(4)
        )  # fmt: skip
        self.vendor_services = self._save(
            VendorService(
                integration=self.integrations[n % 2], external_id=str(n), name=f"SKU {n}",
                excluded_at=self.said if self.chance(0.05) else None,
                names_gap_since=self.now - timedelta(days=self.pick(1, 30)) if self.chance(0.1) else None,
            )
            for n in range(5)
        )  # fmt: skip
        self.vendor_accounts = self._save(
            VendorAccount(
                integration=self.integrations[n % 2], external_id=str(n), name=f"Tenant {n}",
                excluded_at=self.said if self.chance(0.05) else None,
                **({"gap_reason": "Lost", "gap_since": self.said} if self.chance(0.08) else {}),
            )
            for n in range(self.pick(2, 3, 4))
        )  # fmt: skip

    def _make_lines(self) -> None:
        near = [
            self.last,
            self.month,
            self.next,
            self.next + timedelta(days=1),
            self.next + timedelta(days=200),
        ]
        self.agreements = self._save(
            Agreement(
                **self.mirrored, remote_id=f"{account.pk}-{n}", name=f"Agreement {n}", account=account,
                agreement_type=self.pick(*[self.types[0]] * 5, self.types[1], None),
                active=not self.chance(0.06), recurring=not self.chance(0.06),
                starts_on=self.pick(*[None] * 40, *near), ends_on=self.pick(*[None] * 40, *near[1:]),
            )
            for account in self.accounts for n in range(2)
        )  # fmt: skip
        numbers = iter(range(1, 1000))
        self.lines = self._save(
            AgreementLine(
                **self.mirrored, remote_id=str(next(numbers)), agreement=agreement, account_id=agreement.account_id,
                service=service, quantity=Decimal(self.pick(*QUANTITIES)), included=Decimal(self.pick("0", "0", "2")),
                unit_price=self.pick(Decimal("4.5"), Decimal("0.333333"), None), billable=not self.chance(0.06),
                starts_on=self.pick(*[None] * 25, *near), ends_on=self.pick(*[None] * 40, *near),
            )
            for agreement in self.agreements for service in self.services for _ in range(self.pick(0, 0, 1, 1, 2, 3))
        )  # fmt: skip
        self._pair()

    def _pair(self) -> None:
        """Count services to lines of others, now and then to several of one agreement."""
        pairs: dict[tuple[int, int], AgreementLine] = {}
        for line in self.some(self.lines, 4):
            beside = [
                x for x in self.lines
                if x.agreement_id == line.agreement_id and x.service_id == line.service_id
            ]  # fmt: skip
            billed = {x.service_id for x in self.lines if x.account_id == line.account_id}
            others = [x for x in self.services if x.pk not in billed] or self.services
            pairs |= {(line.account_id, self.pick(*others).pk): target for target in self.some(beside, 3)}
        self._save(
            LinePairing(account_id=account, service_id=service, line=line, at=self.said)
            for (account, service), line in pairs.items()
        )

    def _map(self) -> None:
        self._save(
            AccountMapping(vendor_account=va, account=self.pick(*self.accounts))
            for va in self.vendor_accounts if not self.chance(0.1)
        )  # fmt: skip
        self._save(
            ServiceMapping(vendor_service=vs, service=self.pick(*self.services[:3]))
            for vs in self.vendor_services if not self.chance(0.1)
        )  # fmt: skip
        self._save(
            AlsoCounts(vendor_service=vs, service=service, **self._months())
            for vs in self.some(self.vendor_services, 2) for service in self.some(self.services, 2)
        )  # fmt: skip
        self._save(
            AccountSplit(
                vendor_account=va, account=self.pick(*self.accounts), field=field, pattern=fold(pattern),
                **self._months(),
            )
            for va in (self.some(self.vendor_accounts, 1) if self.chance(0.4) else [])
            for field, pattern in self.some(FILTERS, 3)
        )  # fmt: skip
        past_and_planned = [{"until_month": self.month}, {"from_month": self.next}]
        # What stood before this month, or will from a later one, changes nothing today.
        self._save(
            MappingSpan(vendor_account=va, account=self.pick(None, *self.accounts), **span)
            for va, span in zip(self.vendor_accounts, past_and_planned, strict=False)
        )  # fmt: skip

    def _months(self) -> dict[str, date | None]:
        none: dict[str, date | None] = {}
        return self.pick(
            none, none, {"from_month": self.month}, {"from_month": self.next}, {"until_month": self.month},
            {"until_month": self.next}, {"from_month": self.last, "until_month": self.next},
        )  # fmt: skip

    def _count(self) -> None:
        snapshot = Snapshot.objects.filter(org=self.org).first()
        if snapshot is None:
            return
        usage, named = [], []
        for va in self.vendor_accounts:
            for vs in self.vendor_services:
                if va.integration_id != vs.integration_id or self.chance(0.2):
                    continue
                names = self.some(PEOPLE, 5)
                quantity = Decimal(self.pick(*QUANTITIES)) if self.chance(0.15) else Decimal(len(names))
                usage.append(
                    UsageCount(
                        integration_id=va.integration_id, vendor_account=va, vendor_service=vs, snapshot=snapshot,
                        quantity=quantity, counted_at=self.said,
                    )
                )  # fmt: skip
                named += [self._name(va, vs, name) for name in names]
        self._save(usage)
        self._save(named)

    def _name(self, va: VendorAccount, vs: VendorService, name: str) -> NamedUnit:
        traits = {"name": fold(name), "domain": self.pick("north.example", "south.example")}
        if self.chance(0.5):
            traits["site"] = self.pick("oslo", "oslo east", "bergen")
        return NamedUnit(
            integration_id=va.integration_id, vendor_account=va, vendor_service=vs, external_id=name, name=name,
            key=fold(name), traits=traits, named_at=self.said, counts=not self.chance(0.02),
            gone_at=self.said if self.chance(0.02) else None,
        )  # fmt: skip

    def _rule(self) -> None:
        self._save(self._any_rule() for _ in range(self.pick(0, 2, 6, 12)))

    def _any_rule(self) -> CountingRule:
        scope = self.pick("service", "account", "agreement", "agreement")
        steps = [
            Step(do=do, by=Decimal(self.pick("1", "2.5", "5", "33.333333", "120"))).write()
            for do in self.some(list(Do), 3)
        ]
        filters = [
            Filter(field=field, pattern=pattern, keeps=self.chance(0.4)).write()
            for field, pattern in self.some(FILTERS, 2)
        ]
        of_agreement = scope == "agreement" and bool(self.lines)
        line = self.pick(*self.lines) if self.lines else None
        return CountingRule(
            service=line.service if line else self.services[0],
            account=self.pick(*self.accounts) if scope == "account" else None,
            agreement=line.agreement if line and of_agreement else None,
            combine=Combine.SUM if of_agreement else self.pick(*Combine),
            filters=[] if of_agreement or self.chance(0.6) else filters, steps=steps,
            removed_at=self.said if self.chance(0.1) else None, **self._months(),
        )  # fmt: skip
