"""A small organization at its Advanced config, and what a person does there."""

from decimal import Decimal
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Organization
from dashboard.models import Card
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import AccountMapping

HTMX = {"HX-Request": "true"}
Line = tuple[str, str, Decimal | None, Decimal | None]
BILLED = ("Harbor Dental", "psa_only", Decimal(10), None)
COMPARED = ("Harbor Dental", "adjust", Decimal(10), Decimal(12))


class Desk:
    """One organization with a little of everything, and what a person does at its Advanced config.

    `loose` uses 12 agents at 4.50 and 250.5 GB of a service that nobody has mapped; Harbor Dental is billed for 10.
    """

    def __init__(self, org: Organization, client: Client) -> None:
        self.org, self.client = org, client
        with org_scope(org.pk):
            self.books = books = Books(org, now=timezone.now())
            self.harbor, self.quarry = books.account("Harbor Dental"), books.account("Quarry Lane Builders")
            self.backup = books.service("Workstation backup", "4.50")
            self.agents = books.vendor_service(self.backup, "Workstation agents")
            self.storage = books.vendor_service(None, "Cloud storage", unit="GB")
            self.loose = books.vendor_account(None, " harbor  DENTAL. ")
            books.usage(self.loose, self.agents, "12")
            books.usage(self.loose, self.storage, "250.5")
            books.line(books.agreement(self.harbor), self.backup, "10")
            books.refresh()

    def get(self, name: str = "mapping_accounts", **query: str) -> str:
        return unescape(self.client.get(reverse(name, args=[self.org.slug]), query).text)

    def post(self, name: str, act: str, rows: tuple[str, ...], side: str = "accounts", **more: Any) -> Any:
        form = {"side": side, "act": act, "row": list(rows)} | more
        return self.client.post(reverse(name, args=[self.org.slug]), form, headers=HTMX)

    def act(self, act: str, *rows: str, **more: Any) -> Any:
        return self.post("mapping_set", act, rows, **more)

    def preview(self, act: str, *rows: str, **more: Any) -> Any:
        return self.post("mapping_preview", act, rows, **more)

    def search(self, **query: Any) -> str:
        return unescape(
            self.client.get(reverse("mapping_search", args=[self.org.slug]), query, headers=HTMX).text
        )

    def lines(self) -> list[Line]:
        with org_scope(self.org.pk):
            found = Card.objects.select_related("account").order_by(
                "account__name", "line_id", "service__name"
            )
            return [(str(c.account), c.kind, c.psa_units, c.vendor_units) for c in found]

    def mapped(self) -> dict[int, int]:
        with org_scope(self.org.pk):
            return dict(AccountMapping.objects.values_list("vendor_account_id", "account_id"))

    def trail(self) -> list[tuple[str, str]]:
        with org_scope(self.org.pk):
            assert audit.verify(self.org.pk) is None
            return list(AuditEntry.objects.filter(seq__gt=1).order_by("seq").values_list("verb", "subject"))

    def rebuilt(self) -> int:
        """Rebuild every card from nothing kept; give how many were not as they should have been."""
        with org_scope(self.org.pk):
            return self.books.refresh()
