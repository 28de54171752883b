"""What the dashboard shows of the demo equals the planter's truth, line by line, every difference and no other."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import demo
from dashboard.models import Card
from dashboard.totals import find_unmapped
from reconcile.tenancy.scope import org_scope
from tests.demo.seeded import Demo, seeded_demo

TRUTH = Path(demo.__file__).parent / "truth.csv"
Shown = tuple[str, str, str, str, str, str, str, str]


@pytest.fixture
def demo_org(committed_db: None) -> Iterator[Demo]:
    with seeded_demo() as seeded:
        yield seeded


def number(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize() + 0:f}"


def truth(*kinds: str) -> list[dict[str, str]]:
    with TRUTH.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["kind"] in kinds]


def expected() -> dict[str, Shown]:
    return {
        row["key"]: (
            row["account"], row["agreement"], row["service"], row["psa_units"], row["vendor_units"], row["kind"],
            row["reason"], number(Decimal(row["effect"])) if row["effect"] else "",
        )
        for row in truth(*Card.Kind.values)
    }  # fmt: skip


def shown(card: Card) -> tuple[str, Shown]:
    key = card.line.remote_id if card.line else f"{card.account.remote_id}/{card.service.remote_id}"
    has_money = card.kind not in ("hidden", "psa_only", "waiting")
    return key, (
        card.account.name, card.agreement.name if card.agreement else "", card.service.name if card.service else "",
        number(card.psa_units), number(card.vendor_units), card.kind, card.reason,
        number(card.effect) if has_money else "",
    )  # fmt: skip


def test_the_dashboard_equals_the_truth(demo_org: Demo) -> None:
    with org_scope(demo_org.org.pk):
        cards = dict(map(shown, Card.objects.select_related("line", "account", "service", "agreement")))
        loose = find_unmapped(demo_org.org.pk, limit=500)
    wanted = expected()
    assert {key: cards.get(key) for key in wanted if cards.get(key) != wanted[key]} == {}
    assert {key: card for key, card in cards.items() if key not in wanted} == {}
    unmapped = {
        row["key"].split("/")[0] for row in truth("unmapped_account") if Decimal(row["vendor_units"] or 0) > 0
    }
    assert len(unmapped) == len([row for row in loose.rows if not row.excluded])
    assert loose.services == len(truth("unmapped_service"))
    assert len([row for row in truth(*Card.Kind.values) if row["planted"] == "yes"]) >= 40
