"""A sync that publishes and a person who decides never wait for each other in a circle."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database
from django.db import connections

from accounts.models import Organization, User
from psa import pushes
from psa.adapters.base import Way
from psa.models import AgreementLine, Connection, Push
from reconcile.tenancy.scope import org_scope
from sync.models import SyncRun
from tests.psa.pushing import NEXT_MONTH
from tests.sync.conftest import Sync
from tests.sync.pocket import PocketPsa

PATIENCE = 30.0


@pytest.fixture
def alice(committed_db: None, person: Callable[..., User]) -> User:
    """The owner, really committed, so that other threads see her organization."""
    return person("Alice")


class Aside(threading.Thread):
    """Does something on a connection of its own, and keeps what went wrong."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.act = act
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.act()
        except Exception as error:
            self.error = error
        finally:
            connections.close_all()


def wait_until_somebody_waits() -> None:
    """Return once one of the transactions waits for a lock of another."""
    ends = time.monotonic() + PATIENCE
    with database.cursor() as cursor:
        while time.monotonic() < ends:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits for a lock")


def test_an_approval_and_a_psa_sync_of_the_same_connection_both_end(
    org: Organization, alice: User, connection: Connection, pocket: PocketPsa, sync: Sync
) -> None:
    sync(connection)
    pocket.bill("l1.1", "8")
    found: list[SyncRun] = []
    other = Aside(lambda: found.append(sync(connection)))
    with org_scope(org.pk):
        line = AgreementLine.objects.get(remote_id="l2.3")
        what = {"effective_on": NEXT_MONTH, "way": Way.IN_PLACE, "by": alice}
        pushes.stage(line, seen=Decimal(3), wanted=Decimal(4), **what)  # type: ignore[arg-type]
        other.start()
        wait_until_somebody_waits()
    other.join(PATIENCE)
    assert (other.error, [run.state for run in found]) == (None, [SyncRun.State.DONE])
    with org_scope(org.pk):
        assert Push.objects.count() == 1
