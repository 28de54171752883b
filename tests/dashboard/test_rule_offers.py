"""Whoever dismisses for a reason that stands is offered the dated rule that says it, filled in."""

from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from dashboard.models import Card
from dashboard.words import INTERNAL, MINIMUM, PROMISED, SHARED
from psa.models import Agreement, Service
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books


def dismiss(client: Client, desk: Books, card: Card, reason: str) -> str:
    seen = {"seen_psa": f"{card.psa_units:f}", "seen_vendor": f"{card.vendor_units:f}", "reason": reason}
    url = reverse("line_dismiss", args=[desk.org.slug, card.pk])
    reply = client.post(url, seen, headers={"HX-Request": "true"})
    assert reply.status_code == 200
    return unescape(reply.content.decode())


def offered(page: str) -> dict[str, list[str]]:
    address = page.partition("config/rules/new/?")[2].partition('"')[0]
    return {name: values for name, values in parse_qs(address).items() if name != "service"}


@pytest.mark.parametrize(
    ("psa", "vendor", "reason", "steps"),
    [
        ("25", "12", MINIMUM, [("minimum", "25", "contract")]),
        ("10", "12.5", INTERNAL, [("exclude", "2.5", "internal")]),
        ("10", "12", PROMISED, [("minimum", "10", "promised"), ("maximum", "10", "promised")]),
    ],
)
def test_a_standing_reason_offers_its_rule_filled_in(
    desk: Books, add: Callable[..., Card], alice: User, sign_in: Any, psa: str, vendor: str, reason: str,
    steps: list[tuple[str, str, str]],
) -> None:  # fmt: skip
    card = add(psa, vendor)
    page = dismiss(sign_in(alice), desk, card, reason)
    assert "U takes it back." in page
    assert "Make it a rule…" in page
    found = offered(page)
    assert list(zip(found["do"], found["by"], found["note"], strict=True)) == steps
    scope = {"account": card.account_id} if reason == INTERNAL else {"agreement": card.agreement_id}
    assert {name: found[name] for name in ("account", "agreement") if name in found} == {
        name: [str(pk)] for name, pk in scope.items()
    }


def test_a_shared_user_is_counted_once(
    desk: Books, add: Callable[..., Card], alice: User, sign_in: Any
) -> None:
    card = add("10", "12")
    client = sign_in(alice)
    found = offered(dismiss(client, desk, card, SHARED))
    assert found == {"account": [str(card.account_id)], "combine": ["distinct"]}
    form = client.get(
        reverse("counting_rule_new", args=[desk.org.slug]),
        {"service": card.service_id, "account": card.account_id, "combine": "distinct"},
    )
    assert "<p>Each user or device once</p>" in form.content.decode()


@pytest.mark.parametrize("reason", ["Something else", INTERNAL])
def test_nothing_is_offered_where_no_rule_would_say_it(
    desk: Books, add: Callable[..., Card], alice: User, sign_in: Any, reason: str
) -> None:
    assert "Make it a rule" not in dismiss(sign_in(alice), desk, add("10", "9"), reason)


def test_nothing_is_offered_to_whoever_may_not_make_rules(
    desk: Books, add: Callable[..., Card], reviewer: Client
) -> None:
    assert "Make it a rule" not in dismiss(reviewer, desk, add("25", "12"), MINIMUM)


def test_a_minimum_is_offered_for_all_lines_of_the_agreement_together(
    desk: Books, add: Callable[..., Card], alice: User, sign_in: Any
) -> None:
    card = add("25", "12")
    with org_scope(desk.org.pk):
        agreement, service = Agreement.objects.get(), Service.objects.get()
        desk.line(agreement, service, "10")
        desk.line(agreement, service, "99", billable=False)
        desk.refresh()
        card.refresh_from_db()
    assert offered(dismiss(sign_in(alice), desk, card, MINIMUM))["by"] == ["35"]
