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
def reviewer(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Rita", Role.REVIEWER))
