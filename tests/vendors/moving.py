"""An organization that changes its PSA: what it had mapped in the old one, and what the new one holds."""

import re
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Organization
from dashboard.models import Card
from psa.models import Connection
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import AccountMapping, CountingRule, ServiceMapping

HTMX = {"HX-Request": "true"}
TICKED = re.compile(r'data-select name="(\w+)" value="([^"]*)" checked')


class Move:
    """Harbor Dental is billed for 10 in both PSAs and uses 12; nothing but names and part numbers tells them alike."""

    def __init__(self, org: Organization, client: Client) -> None:
        self.org, self.client = org, client
        with org_scope(org.pk):
            self.books = books = Books(org, now=timezone.now())
            self.old = books.psa
            self.new = Connection.objects.create(
                org=org, kind="connectwise", name="New PSA", base_url="https://new.example", read_at=books.now
            )
            self.backup = books.service("Workstation backup", "4.50", part_number="BK-WS")
            self.backup_there = self.there(
                "service", "Backup of a workstation", price="5", part_number="bk-ws"
            )
            self.harbor, self.harbor_there = self.both("Harbor Dental", "HARBOR DENTAL")
            self.agents = books.vendor_service(self.backup, "Workstation agents")
            self.row = books.vendor_account(self.harbor, "harbor dental")
            books.usage(self.row, self.agents, "12")
            books.line(books.agreement(self.harbor), self.backup, "10")
            agreement = books.agreement(self.harbor_there, connection=self.new, agreement_type=None)
            books.line(agreement, self.backup_there, "10", connection=self.new)
            books.refresh()

    def there(self, noun: str, name: str, **values: Any) -> Any:
        """Add an account or service to the new PSA."""
        return getattr(self.books, noun)(name, connection=self.new, **values)

    def both(self, name: str, name_there: str) -> tuple[Any, Any]:
        """Add an account to both PSAs, under ids of their own."""
        return self.books.account(name), self.there("account", name_there)

    def at(self, name: str = "mapping_carry", *ids: int) -> str:
        return reverse(name, args=[self.org.slug, *(ids or (self.old.pk, self.new.pk))])

    def page(self, *ids: int, **query: str) -> str:
        return unescape(self.client.get(self.at("mapping_carry", *ids), query).text)

    def ticked(self, *ids: int, **query: str) -> dict[str, Any]:
        """Give what the page's form sends as it comes: what is ticked beforehand, and nothing chosen."""
        found: dict[str, Any] = {"accounts": [], "services": []}
        for side, value in TICKED.findall(self.page(*ids, **query)):
            found[side].append(value)
        return found

    def carry(self, form: dict[str, Any], *ids: int, name: str = "mapping_carry") -> Any:
        return self.client.post(self.at(name, *ids), form, headers=HTMX)

    def look(self, form: dict[str, Any] | None = None, *ids: int) -> str:
        """Give the dialog that says what would happen; without a form, to what is ticked beforehand."""
        return unescape(self.carry(form or self.ticked(*ids), *ids, name="mapping_carry_look").text)

    def mapped(self) -> tuple[dict[int, int], dict[int, int]]:
        with org_scope(self.org.pk):
            return (
                dict(AccountMapping.objects.values_list("vendor_account_id", "account_id")),
                dict(ServiceMapping.objects.values_list("vendor_service_id", "service_id")),
            )

    def lines(self) -> list[tuple[str, str, Decimal | None, Decimal | None]]:
        with org_scope(self.org.pk):
            found = Card.objects.select_related("account").order_by("account__connection_id", "pk")
            return [(str(c.account), c.kind, c.psa_units, c.vendor_units) for c in found]

    def trail(self) -> list[AuditEntry]:
        with org_scope(self.org.pk):
            assert audit.verify(self.org.pk) is None
            return list(AuditEntry.objects.filter(seq__gt=1).order_by("seq"))


def month(later: int = 0) -> date:
    """Give the first day of this month, or of one so many months later."""
    now = month_of(timezone.now())
    years, index = divmod(now.month - 1 + later, 12)
    return date(now.year + years, index + 1, 1)


def rules_of(service: Any, **about: Any) -> list[tuple[date | None, date | None, list[dict[str, Any]]]]:
    """Give the rules of exactly one scope: months and steps, in the order in which they were made."""
    wanted = {"account": None, "agreement": None} | about
    found = CountingRule.objects.filter(service=service, removed_at=None, **wanted).order_by("pk")
    return list(found.values_list("from_month", "until_month", "steps"))
