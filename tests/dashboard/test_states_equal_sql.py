"""The pure rule of a card's state and the SQL agree for random decisions and pushes (E3, DESIGN §3.4)."""

import random
import uuid
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Organization
from dashboard.models import Card, Decision
from dashboard.states import Decided, Pushed, settle, stands
from psa.models import AgreementLine, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import NOW, Books
from vendors.models import VendorAccount

TODAY, PERIOD, BILLS_FROM = NOW.date(), date(2026, 11, 1), date(2026, 12, 1)
LAST_MONTH = date(2026, 10, 1)
# Pushes end in this month, at its first moment or later, and in the one before, or have not ended.
BEGINS = datetime(2026, 11, 1, tzinfo=UTC)
ENDS = (None, BEGINS - timedelta(microseconds=1), BEGINS, NOW)


class Fate:
    """Decides at random on the lines of an organization, in the database and as plain values."""

    def __init__(self, books: Books, seed: int) -> None:
        self.books, self.random = books, random.Random(seed)
        self.expected: dict[int, str] = {}

    def pick(self, *values: Any) -> Any:
        return self.random.choice(values)

    def add_line(self) -> AgreementLine:
        line = self.books.pair(self.pick("10", "12"), self.pick("0", "10", "12", "13", None))
        if self.random.random() < 0.1:
            newest = VendorAccount.objects.latest("pk")
            VendorAccount.objects.filter(pk=newest.pk).update(gap_reason="Lost", gap_since=NOW)
        if self.random.random() < 0.1:
            AgreementLine.objects.filter(pk=line.pk).update(billable=False)
        return line

    def add_usage(self) -> Card:
        """Use something that no line bills, and give its card."""
        account, service = self.books.account(), self.books.service()
        self.books.usage(self.books.vendor_account(account), self.books.vendor_service(service), "12")
        self.books.refresh()
        return Card.objects.get(account=account, line=None)

    def push_addition(self, card: Card) -> Push | None:
        if self.random.random() < 0.3:
            return None
        return Push.objects.create(
            org=self.books.org, connection=self.books.psa, epoch=1, remote_host="psa.example", remote_account="x",
            account=card.account, service=card.service, agreement=self.books.agreement(card.account), seen=0,
            agreement_remote_id="1", service_remote_id="1", write_kind="delta", way="add", wanted=Decimal(12),
            key=uuid.uuid4(), request_hash="x", effective_on=BILLS_FROM, state=self.pick(*Push.State),
            finished_at=self.pick(*ENDS),
        )  # fmt: skip

    def push(self, line: AgreementLine) -> Push | None:
        if self.random.random() < 0.3:
            return None
        return Push.objects.create(
            org=self.books.org, connection=self.books.psa, epoch=1, remote_host="psa.example", remote_account="x",
            line=line, agreement_remote_id="1", line_remote_id="1", service_remote_id="1", write_kind="absolute",
            way=self.pick("in_place", "split"), seen=Decimal(self.pick("10", "12")),
            wanted=Decimal(self.pick("12", "13")), key=uuid.uuid4(), request_hash="x",
            effective_on=self.pick(TODAY, BILLS_FROM, BILLS_FROM + timedelta(days=1)),
            state=self.pick(*[s for s in Push.State if s != Push.State.CANCELLED], "confirmed", "confirmed"),
            finished_at=self.pick(*ENDS),
        )  # fmt: skip

    def decide(self, card: Card, push: Push | None) -> Decision | None:
        same = self.random.random() < 0.7
        verb = self.pick(None, "approve", "dismiss", "snooze", "snooze")
        if verb is None:
            return None
        until = TODAY + timedelta(days=self.pick(-1, 0, 1, 40)) if verb == "snooze" else None
        return Decision.objects.create(
            org=self.books.org, line=card.line, account=card.account, service=card.service, verb=verb, until=until,
            period=self.pick(PERIOD, PERIOD, LAST_MONTH), units=Decimal(self.pick("12", "13")),
            psa_units=card.psa_units if same else Decimal(self.pick("10", "12")),
            vendor_units=card.vendor_units if same else self.pick(None, Decimal(0), Decimal(12)),
            push=push if verb == "approve" and self.random.random() < 0.8 else None,
        )  # fmt: skip

    def keeps(self, decision: Decision | None, push: Push | None) -> bool:
        """Say whether a card has a decision, which is what can be undone."""
        decided, pushed = self.as_values(decision, push)
        return decided is not None and stands(decided, pushed, today=TODAY, period=PERIOD)

    def expect(self, card: Card, decision: Decision | None, push: Push | None) -> str:
        decided, pushed = self.as_values(decision, push)
        days = {"today": TODAY, "period": PERIOD, "bills_from": BILLS_FROM}
        return settle(card.kind, card.psa_units, card.vendor_units, decided, pushed, **days)

    def as_values(self, decision: Decision | None, push: Push | None) -> tuple[Decided | None, Pushed | None]:
        decided = None if decision is None else Decided(
            verb=decision.verb, period=decision.period, psa_units=decision.psa_units,
            vendor_units=decision.vendor_units, units=decision.units, until=decision.until, push=decision.push_id,
        )  # fmt: skip
        pushed = None if push is None else Pushed(
            id=push.pk, state=push.state, seen=push.seen, wanted=push.wanted, way=push.way,
            effective_on=push.effective_on, finished_on=push.finished_at and push.finished_at.date(),
        )  # fmt: skip
        return decided, pushed


@pytest.mark.parametrize("seed", range(4))
def test_sql_and_the_pure_rule_agree_on_the_state(org: Organization, seed: int) -> None:
    with org_scope(org.pk):
        fate = Fate(Books(org), seed)
        said: dict[int, tuple[Decision | None, Push | None]] = {}
        lines = [fate.add_line() for _ in range(120)]
        fate.books.refresh()
        for line in lines:
            push = fate.push(line)
            said[line.pk] = (fate.decide(fate.books.card(line), push), push)
        fate.books.refresh()
        found = {card.line_id: card for card in Card.objects.filter(line__isnull=False)}
        expected = {pk: fate.expect(found[pk], *of_it) for pk, of_it in said.items()}
        assert {pk: card.state for pk, card in found.items()} == expected
        kept = {pk for pk, of_it in said.items() if fate.keeps(*of_it)}
        assert {pk for pk, card in found.items() if card.decision_id} == kept
    assert set(Counter(expected.values())) == set(Card.State), expected


@pytest.mark.parametrize("seed", range(2))
def test_they_agree_on_usage_without_a_line_too(org: Organization, seed: int) -> None:
    with org_scope(org.pk):
        fate = Fate(Books(org), seed)
        usage = [fate.add_usage() for _ in range(60)]
        said = {}
        for card in usage:
            push = fate.push_addition(card)
            said[card.pk] = (fate.decide(card, push), push)
        fate.books.refresh()
        found = {card.pk: card for card in Card.objects.all()}
        expected = {
            pk: fate.expect(found[pk], decision, push if push and push.state != "cancelled" else None)
            for pk, (decision, push) in said.items()
        }
        assert {pk: card.state for pk, card in found.items()} == expected
        pushed = {pk: push.pk for pk, (_, push) in said.items() if push and push.state != "cancelled"}
        assert {pk: card.push_id for pk, card in found.items() if card.push_id} == pushed
    seen = Counter(expected.values())
    assert {"todo", "pushing", "ready", "failed", "done", "snoozed"} <= set(seen), seen
