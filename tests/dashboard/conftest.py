"""What tests of decisions share: an organization with one line that differs, and people to decide."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from accounts.roles import Role
from dashboard.models import Card
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.closed import See
from vendors.models import VendorAccount


@pytest.fixture
def desk(org: Organization) -> Books:
    """Give the books of an organization whose connection may write; open its scope to use them."""
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
        return books


@pytest.fixture
def add(desk: Books) -> Callable[..., Card]:
    """Add a line with its count, and give its card."""

    def make(psa: str, vendor: str | None, **line: Any) -> Card:
        with org_scope(desk.org.pk):
            made = desk.pair(psa, vendor, **line)
            desk.refresh()
            return desk.card(made)

    return make


@pytest.fixture
def approver(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Bob", Role.APPROVER))


@pytest.fixture
def second(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Sam", Role.APPROVER))


@pytest.fixture
def reviewer(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Rita", Role.REVIEWER))


@pytest.fixture
def lines(desk: Books) -> dict[str, Card]:
    """One line of each outcome: under-billed, over-billed, held, unknown, and one that matches."""
    with org_scope(desk.org.pk):
        made = {
            "under": desk.pair("10", "12"),
            "over": desk.pair("10", "9"),
            "held": desk.pair("10", "0"),
            "unknown": desk.pair("10", "11"),
            "match": desk.pair("5", "5"),
        }
        VendorAccount.objects.filter(mappings__account=made["unknown"].account).update(
            gap_reason="silent", gap_since=desk.now
        )
        desk.refresh()
        return {name: desk.card(line) for name, line in made.items()}


@pytest.fixture
def see(org: Organization) -> See:
    """Run a read inside the organization's scope, which no request may find open."""

    def run(read: Callable[[], Any]) -> Any:
        with org_scope(org.pk):
            return read()

    return run
