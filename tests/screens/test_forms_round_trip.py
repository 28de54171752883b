"""What a settings page shows can be sent back as it is: nothing is refused, and nothing changes (F1, E10, E15, G1)."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, Organization, ReconcileSettings, User
from dashboard.models import StandingRule
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books


class Shown(HTMLParser):
    """Collects what a browser would send for the first form that posts to a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.inside = self.done = False
        self.select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post" and not self.done:
            self.inside = "hx-get" not in given or "action" in given
        if tag == "select":
            self.select = "" if "disabled" in given else given.get("name", "")
        if not self.inside or "disabled" in given:
            return
        if tag == "option" and "selected" in given and self.select:
            self.sent.setdefault(self.select, []).append(given.get("value", ""))
        elif tag == "input" and given.get("name") and self.is_sent(given):
            self.sent.setdefault(given["name"], []).append(given.get("value", "on"))

    def is_sent(self, given: dict[str, str]) -> bool:
        kind = given.get("type", "text")
        return "checked" in given if kind in ("checkbox", "radio") else kind not in ("submit", "file")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.inside:
            self.inside, self.done = False, True


def main_form(html: str) -> dict[str, list[str]]:
    return Shown(html.split('id="main"')[1]).sent


@pytest.fixture
def settled(org: Organization) -> Organization:
    """An organization with settings whose stored decimals are longer than what a person typed."""
    with org_scope(org.pk):
        Books(org).pair("10", "12")
        ReconcileSettings.objects.update(second_from=50)
        StandingRule.objects.create(
            org=org, version=1, active=True, max_units=2, max_money="25.5", currency="USD"
        )
    return org


@pytest.mark.parametrize(
    "name", ["settings_reconciliation", "settings_data_rule", "settings_data", "settings_other"]
)
def test_what_a_settings_page_shows_can_be_saved_as_it_is(
    settled: Organization, alice: User, sign_in: Any, name: str
) -> None:
    client, address = sign_in(alice), reverse(name, args=[settled.slug])
    sent = main_form(client.get(address).text)
    assert len(sent) > 1, sent
    with org_scope(settled.pk):
        entries = AuditEntry.objects.count()
    reply = client.post(address, sent)
    assert reply.status_code == 302, reply.text
    with org_scope(settled.pk):
        assert AuditEntry.objects.count() == entries, AuditEntry.objects.latest("seq").new
