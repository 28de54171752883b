"""E13: what is looked at when a month is closed and what is sealed are the same figures, whatever moves meanwhile."""

from collections.abc import Callable
from decimal import Decimal

from django.utils import timezone

from accounts.models import Organization, User
from dashboard import closing
from dashboard.decisions import Refused
from dashboard.models import MonthReport
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.sync.test_lock_order import PATIENCE, Aside, wait_until_somebody_waits


def test_e13_a_sync_that_moves_a_figure_is_waited_for(
    committed_db: None, person: Callable[..., User]
) -> None:
    alice = person("Alice")
    org = Organization.found(name="Northgate IT", owner=alice)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        line = books.pair("5", "5")
        books.refresh()
        seen = closing.look(org.pk).fingerprint

    def close() -> None:
        with org_scope(org.pk):
            closing.close(org, seen, by=alice)

    other = Aside(close)
    with org_scope(org.pk):
        line.quantity = Decimal(4)
        line.save()
        books.refresh()
        other.start()
        wait_until_somebody_waits()
    other.join(PATIENCE)
    assert isinstance(other.error, Refused)
    assert "Nothing was closed" in str(other.error.sentence)
    with org_scope(org.pk):
        assert not MonthReport.objects.exists()
