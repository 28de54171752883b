"""An admin at the screens of counting rules: what tests of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from dashboard.models import Card
from psa.models import AgreementLine
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import CountingRule

AT_LEAST: dict[str, Any] = {
    "step_key": ["0"],
    "step_do": ["minimum"],
    "step_by": ["25"],
    "step_note": ["contract"],
}


@dataclass
class Screen:
    """An admin at the screens of rules, with one line of 10 units of which 12 are used."""

    client: Client
    books: Books
    line: AgreementLine

    @property
    def org(self) -> Organization:
        return self.books.org

    def url(self, name: str, *args: Any) -> str:
        return reverse(name, args=[self.org.slug, *args])

    def see(self, name: str, *args: Any, query: str = "", status: int = 200) -> str:
        reply = self.client.get(self.url(name, *args) + query)
        assert reply.status_code == status, reply.content.decode()[:400]
        return unescape(reply.content.decode())

    def post(self, act: str, rule: int | None = None, *, htmx: bool = False, **fields: Any) -> Any:
        name, args = ("counting_rule", [rule]) if rule else ("counting_rule_new", [])
        form = {"act": act, "service": self.line.service_id, "scope": "all", "begins": self.month} | fields
        return self.client.post(self.url(name, *args), form, headers={"HX-Request": "true"} if htmx else {})

    @property
    def month(self) -> str:
        return f"{month_of(timezone.now()):%Y-%m}"

    def card(self) -> Card:
        with org_scope(self.org.pk):
            return Card.objects.get(line=self.line)

    def rules(self) -> list[CountingRule]:
        with org_scope(self.org.pk):
            return list(CountingRule.objects.order_by("pk"))

    def save(self, **fields: Any) -> CountingRule:
        reply = self.post("save", **(AT_LEAST | fields))
        assert reply.status_code == 302, reply.content.decode()
        return self.rules()[-1]


@pytest.fixture
def screen(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Screen:
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        line = books.pair("10", "12")
        books.refresh()
    return Screen(sign_in(alice), books, line)


def words(reply: Any) -> str:
    return unescape(reply.content.decode())
