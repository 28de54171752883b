"""E10, A7: nobody lifts the second approver's amount unseen, or with a sign-in of long ago."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, Letter, Notice, Organization, ReconcileSettings, User
from accounts.roles import Role
from dashboard.models import StandingRule
from reconcile.tenancy.scope import org_scope

PAGE = "/o/northgate-it/settings/reconciliation/"
LIMITS = ("guard_percent", "guard_units", "jump_percent", "jump_units", "vanish_percent", "stale_hours")
RULE = {"active": "on", "max_units": "3", "max_money": "20", "currency": "USD", "direction": "both"}
LONG_AGO = 24 * 60 * 60
Sign = Callable[..., Client]


@pytest.fixture(autouse=True)
def threshold(org: Organization) -> None:
    with org_scope(org.pk):
        ReconcileSettings.objects.update(second_from=20, second_currency="USD")


def change(client: Client, org: Organization, **to: str) -> Any:
    """Save the page with a second approver asked for as given; without an amount, switched off."""
    with org_scope(org.pk):
        stored = ReconcileSettings.objects.get()
    form = {name: str(getattr(stored, name)) for name in LIMITS} | {"pushing": "at_once"}
    return client.post(PAGE, form | ({"ask_second": "on"} | to if to else {}))


def told(org: Organization) -> list[tuple[str, str]]:
    with org_scope(org.pk):
        return list(Notice.objects.filter(kind="limit").order_by("pk").values_list("title", "body"))


def test_e10_a_sign_in_of_long_ago_changes_neither_the_amount_nor_the_rule(
    alice: User, sign_in: Sign, org: Organization
) -> None:
    client = sign_in(alice, ago=LONG_AGO)
    assert client.get(PAGE).status_code == 200
    for reply in (change(client, org), client.post(f"{PAGE}rule/", RULE)):
        assert reply.status_code == 302
        assert "next=" in reply["Location"]
    with org_scope(org.pk):
        assert ReconcileSettings.objects.get().second_from == 20
        assert not StandingRule.objects.exists()
        assert not AuditEntry.objects.filter(verb__startswith="changed").exists()


def test_e10_a_limit_that_is_lifted_and_restored_was_seen_by_every_approver(
    alice: User, sign_in: Sign, join: Callable[[str, Role], User], org: Organization
) -> None:
    bob, rita = join("Bob", Role.APPROVER), join("Rita", Role.REVIEWER)
    client = sign_in(alice)
    assert change(client, org, second_from="500").status_code == 302
    assert change(client, org, second_from="20").status_code == 302
    assert change(client, org).status_code == 302
    assert change(client, org, second_from="20").status_code == 302
    assert told(org) == [
        (
            "The second approver's amount has changed",
            "Changed by Alice. Before, a second person had to agree from $20.00 (USD) on; now from $500.00 (USD) on.",
        ),
        (
            "The second approver is switched off",
            "Changed by Alice. Before, a second person had to agree from $20.00 (USD) on; now never.",
        ),
    ]
    with org_scope(org.pk):
        assert Letter.objects.filter(to=bob.email).count() == 2
        assert not Letter.objects.filter(to=rita.email).exists()
    page = "/o/northgate-it/notices/"
    assert "The second approver is switched off" in sign_in(bob).get(page).text
    assert "The second approver is switched off" not in sign_in(rita).get(page).text


def test_e10_another_currency_is_told_and_a_stricter_amount_is_not(
    alice: User, sign_in: Sign, org: Organization
) -> None:
    client = sign_in(alice)
    change(client, org, second_from="10", second_currency="USD")
    assert told(org) == []
    change(client, org, second_from="10", second_currency="EUR")
    ((title, body),) = told(org)
    assert title == "The second approver's amount has changed"
    assert "now from €10.00 (EUR) on" in body
