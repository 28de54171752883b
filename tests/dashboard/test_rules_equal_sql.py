"""The pure rules and the SQL give the same cards for random organizations; shares conserve units."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Organization
from dashboard.models import Card, LinePairing
from dashboard.rules import (
    Count,
    Guards,
    Line,
    Verdict,
    add_up,
    explains,
    hide,
    judge,
    judge_usage,
    share,
)
from psa.models import AgreementLine, AgreementType
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import VendorAccount

DAY = date(2026, 12, 1)
DATES = [None, date(2026, 1, 1), date(2026, 11, 30), DAY, date(2026, 12, 2), date(2027, 6, 30)]
units = st.decimals(0, 500, places=2)


@given(st.lists(units, min_size=1, max_size=6), units)
def test_shares_add_up_to_the_count(quantities: list[Decimal], total: Decimal) -> None:
    lines = [Line(remote_id=str(n), quantity=q) for n, q in enumerate(quantities)]
    assert sum(share(lines, total).values()) == total
    assert all(x >= 0 for x in share(lines, total).values())


@given(st.permutations([Line(remote_id=str(n), quantity=Decimal(n)) for n in range(5)]), units)
def test_the_order_of_reading_does_not_matter(lines: list[Line], total: Decimal) -> None:
    assert share(lines, total) == share(sorted(lines, key=lambda x: x.remote_id), total)


@given(st.lists(st.tuples(units, units), min_size=1, max_size=6), units)
def test_what_is_paired_with_a_line_leaves_the_rest_of_the_count_to_the_others(
    quantities: list[tuple[Decimal, Decimal]], total: Decimal
) -> None:
    lines = [Line(remote_id=str(n), quantity=q) for n, (q, _) in enumerate(quantities)]
    taken = {str(n): t for n, (_, t) in enumerate(quantities)}
    shares = share(lines, total, taken)
    assert sum(shares.values()) == total
    in_order = sorted(lines, key=lambda x: (len(x.remote_id), x.remote_id))
    assert all(
        shares[x.remote_id] + taken[x.remote_id] <= max(x.quantity, taken[x.remote_id]) for x in in_order[:-1]
    )


class Chance:
    """Makes one random pair of account and service, in the database and as plain values."""

    def __init__(self, books: Books, seed: int) -> None:
        self.books, self.random = books, random.Random(seed)
        self.services = [books.service(f"S{n}", self.random.choice(["1.25", "7", None])) for n in range(4)]
        # The third service is counted by another source, so that one count may be known and the other not.
        self.other = books.integration("Other")
        sources = [books.veeam, books.veeam, self.other]
        self.vendor_services = [
            books.vendor_service(s, integration=source)
            for s, source in zip(self.services[:3], sources, strict=True)
        ]
        self.closed = AgreementType.objects.create(**books._row(name="Projects", in_scope=False))
        self.expected: dict[Any, Verdict] = {}

    def pick(self, *values: Any) -> Any:
        return self.random.choice(values)

    def add_account(self) -> None:
        account = self.books.account(active=self.random.random() > 0.1)
        first, second = (self.add_vendor_account(account, of) for of in (self.books.veeam, self.other))
        lines = {
            n: [self.add_line(account, s) for _ in range(self.pick(0, 0, 1, 1, 2, 3))] for n, s in self.each
        }
        counts = {n: self.add_count(second if n == 2 else first, n) for n, _ in self.each}
        plain = {n: [self.plain(line) for line in lines[n]] for n in lines}
        pairs = self.add_pairs(account, lines)
        for n, service in self.each:
            paired = self.count_pairs(pairs, plain, counts)
            verdicts = judge(plain[n], counts[n], served=n < 3, day=DAY, guards=Guards(), paired=paired)
            self.expected |= {line.pk: verdicts[line.remote_id] for line in lines[n]}
            with_line = self.plain(pairs[n]) if n in pairs else None
            usage = judge_usage(plain[n], counts[n], price=service.price, day=DAY, paired_with=with_line)
            if usage:
                self.expected[account.pk, service.pk] = usage

    def add_vendor_account(self, account: Any, source: Any) -> VendorAccount | None:
        if self.random.random() < 0.15:
            return None
        va = self.books.vendor_account(account, integration=source)
        if self.random.random() < 0.15:
            VendorAccount.objects.filter(pk=va.pk).update(
                gap_reason="Lost connection", gap_since=self.books.now
            )
            va.gap_reason = "Lost connection"
        return va

    @property
    def each(self) -> list[tuple[int, Any]]:
        return list(enumerate(self.services))

    def add_pairs(self, account: Any, lines: dict[int, list[AgreementLine]]) -> dict[int, AgreementLine]:
        """Pair the usage of some services with some line of the account: of another service, or even of the same."""
        every = [line for n in lines for line in lines[n]]
        pairs = {n: self.pick(*every) for n, _ in self.each if every and self.random.random() < 0.4}
        for n, line in pairs.items():
            LinePairing.objects.create(
                org=self.books.org, account=account, service=self.services[n], line=line
            )
        return pairs

    def count_pairs(
        self, pairs: dict[int, AgreementLine], plain: dict[int, list[Line]], counts: dict[int, Count | None]
    ) -> dict[str, Count]:
        """Give what counts to each line besides its own service."""
        found: dict[str, list[Count]] = defaultdict(list)
        for n, line in pairs.items():
            count = counts[n]
            if count and not explains(plain[n], DAY) and not hide(self.plain(line), DAY):
                found[line.remote_id].append(count)
        return {name: total for name, these in found.items() if (total := add_up(these))}

    def add_count(self, va: VendorAccount | None, n: int) -> Count | None:
        if va is None or n == 3:
            return None
        quantity = self.pick(None, "0", "3", "10", "12.5", "40", "500")
        if quantity is not None:
            self.books.usage(va, self.vendor_services[n], quantity)
        return Count(units=Decimal(quantity or 0), gap="source_silent" if va.gap_reason else "")

    def add_line(self, account: Any, service: Any) -> AgreementLine:
        agreement = self.books.agreement(
            account,
            active=self.pick(True, True, True, False),
            recurring=self.pick(True, True, True, False),
            agreement_type=self.pick(self.books.type, self.books.type, self.closed, None),
            starts_on=self.pick(*[None] * 9, *DATES),
            ends_on=self.pick(*[None] * 14, *DATES),
        )
        return self.books.line(
            agreement, service, self.pick("0", "3", "10", "12.5", "40", "200"),
            included=Decimal(self.pick("0", "0", "2")), starts_on=self.pick(*[None] * 9, *DATES),
            ends_on=self.pick(*[None] * 14, *DATES), billable=self.pick(True, True, True, False),
            unit_price=self.pick(Decimal("4.5"), Decimal("0.333333"), None),
        )  # fmt: skip

    def plain(self, line: AgreementLine) -> Line:
        agreement = line.agreement
        return Line(
            remote_id=line.remote_id, quantity=line.quantity, included=line.included, unit_price=line.unit_price,
            starts_on=line.starts_on, ends_on=line.ends_on, billable=line.billable,
            account_active=agreement.account.active, agreement_active=agreement.active,
            type_in_scope=agreement.agreement_type is None or agreement.agreement_type.in_scope,
            agreement_starts_on=agreement.starts_on, agreement_ends_on=agreement.ends_on,
            recurring=agreement.recurring,
        )  # fmt: skip


@pytest.fixture
def books(org: Organization) -> Iterator[Books]:
    with org_scope(org.pk):
        yield Books(org)


def rounded(amount: Decimal | None) -> Decimal | None:
    # PostgreSQL rounds a half away from zero.
    return None if amount is None else amount.quantize(Decimal("0.000001"), ROUND_HALF_UP) + 0


@pytest.mark.parametrize("seed", range(4))
def test_sql_and_pure_rules_agree(books: Books, seed: int) -> None:
    chance = Chance(books, seed)
    for _ in range(70):
        chance.add_account()
    books.refresh()
    found = {
        card.line_id or (card.account_id, card.service_id): Verdict(
            kind=card.kind, reason=card.reason, vendor_units=card.vendor_units, effect=rounded(card.effect)
        )
        for card in Card.objects.all()
    }
    expected = {
        key: Verdict(kind=v.kind, reason=v.reason, vendor_units=v.vendor_units, effect=rounded(v.effect))
        for key, v in chance.expected.items()
    }
    assert found == expected
    kinds: dict[str, int] = defaultdict(int)
    for verdict in found.values():
        kinds[verdict.kind] += 1
    assert set(kinds) == set(Card.Kind), kinds
