"""The pure calculation and the one SQL statement say the same of five hundred random organizations."""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization, User
from dashboard import arithmetic, cards, pairing, past_loading
from dashboard.models import Card
from dashboard.past import Past
from reconcile.tenancy.scope import org_scope
from tests.dashboard.random_books import RandomBooks

ORGANIZATIONS = 500
PARTS = 4


def rounded(amount: Decimal | None) -> Decimal | None:
    # PostgreSQL rounds a half away from zero.
    return None if amount is None else amount.quantize(Decimal("0.000001"), ROUND_HALF_UP) + 0


def by_sql(org_id: int) -> dict[Any, Any]:
    return {
        card.line_id or (card.account_id, card.service_id): (
            card.psa_units, card.kind, card.reason, card.vendor_units, rounded(card.effect)
        )
        for card in Card.objects.filter(org_id=org_id)
    }  # fmt: skip


def by_rules(org_id: int) -> dict[Any, Any]:
    whole, today = past_loading.load(org_id), timezone.now().date()
    return {
        one.line or pair: (
            one.quantity, one.verdict.kind, one.verdict.reason, one.verdict.vendor_units, rounded(one.verdict.effect)
        )
        for pair in whole.pairs()
        for one in whole.judge(pair, today)
    }  # fmt: skip


def misses(org_id: int) -> list[Any]:
    """Give the cards whose arithmetic, read for their account alone, does not end in their units."""
    accounts: dict[int, Past] = {}
    wrong = []
    for card in Card.objects.filter(org_id=org_id, vendor_units__isnull=False):
        if card.account_id not in accounts:
            accounts[card.account_id] = past_loading.load(org_id, card.account_id)
        whole = accounts[card.account_id]
        found = arithmetic.explain(card, whole, timezone.now(), list(pairing.counted_to(card)))
        if found is None or found.units != card.vendor_units:
            wrong.append((card.kind, card.vendor_units, found))
    return wrong


@pytest.mark.parametrize("part", range(PARTS))
def test_sql_and_pure_calculation_agree(alice: User, part: int) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(part, ORGANIZATIONS, PARTS):
        org = Organization.found(name=f"Random {seed}", owner=alice)
        with org_scope(org.pk):
            RandomBooks(org, seed, timezone.now())
            cards.refresh(org.pk)
            found = by_sql(org.pk)
            assert found == by_rules(org.pk), f"seed {seed}"
            assert seed % 5 or not misses(org.pk), f"seed {seed}"
        kinds.update(f"{kind} {reason}".strip() for _, kind, reason, _, _ in found.values())
    assert {kind.split()[0] for kind in kinds} == set(Card.Kind), kinds
    assert kinds["waiting names_missing"], kinds
