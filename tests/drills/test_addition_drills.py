"""Drill 1 for lines that are added (E2, B5): the worker group killed with -9 in mid-push, by the PSA's ledger.

The simulated PSA applies one addition and keeps its answer back, so that the kill hits a push whose line is there and
whose answer is not. The drill is also shown failing on the naive push.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from psa import additions
from psa.adapters.base import AddOrder
from psa.models import Account, Agreement, AgreementLine, Connection, Push, Service
from reconcile import embedded
from reconcile.tenancy.scope import org_scope
from tests.drills.rig import (
    Rig,
    connect,
    flush_redis,
    kill_and_start_later,
    naive_worker,
    product_worker,
    read_plain_lines,
    speak,
    until,
)
from tests.drills.scale import FULL
from tests.psa.adding_contract import list_orders
from tests.psa.simulated import simulate

pytestmark = pytest.mark.drill
COUNT = 100 if FULL else 16


@dataclass
class Additions:
    """The rig, and the lines that are to be added, one of each service and agreement."""

    rig: Rig
    orders: list[AddOrder]

    def stage_all(self) -> None:
        """Mirror what the orders are about, and approve each."""
        with org_scope(self.rig.org.pk):
            connection = Connection.objects.get()
            row: dict[str, Any] = {"org": self.rig.org, "connection": connection}
            more = {"name": "N", "changed_at": connection.created_at}
            for order in self.orders:
                account, _ = Account.objects.get_or_create(
                    **row, remote_id=order.account_remote_id, defaults=more
                )
                agreement, _ = Agreement.objects.update_or_create(
                    **row, remote_id=order.agreement_remote_id, defaults=more | {"account": account}
                )
                service, _ = Service.objects.get_or_create(
                    **row, remote_id=order.service_remote_id, defaults=more
                )
                wanted = additions.Addition(
                    agreement, service, order.wanted, order.unit_price, order.effective_on
                )
                additions.stage(wanted, by=self.rig.user)

    def hold_one_answer_back(self) -> None:
        self.rig.remote.break_next("POST /additions", "hang", skip=COUNT // 4, seconds=600)

    def wait_for_the_middle(self) -> None:
        until(self._is_held, "an addition whose answer is held back")
        assert 0 < len(self.rig.remote.writes()) < COUNT

    def _is_held(self) -> bool:
        return int(self.rig.remote.control("GET", "faults")["fail_next"][0]["hits"]) == 1

    def made(self) -> Counter[tuple[str, str]]:
        """Count the ledger's new lines by agreement and service."""
        new = [entry for entry in self.rig.remote.writes() if entry["before"] is None]
        return Counter((str(each["agreement"]), str(each["after"]["product"]["id"])) for each in new)


@pytest.fixture
def adding(
    committed_db: None, person: Callable[..., User], tmp_path: Path, settings: Settings
) -> Iterator[Additions]:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    flush_redis()
    alice = person("Alice")
    org = Organization.found(name="Northgate IT", owner=alice)
    calm = ("--fault", "rate_limit_per_minute=0")
    with simulate("connectwise", "--data", "demo", *calm, "--ledger", str(tmp_path / "ledger")) as remote:
        rig = connect(org, alice, remote, read_plain_lines(remote)[:1])
        orders = list(islice(list_orders(speak(remote)), COUNT))
        assert len(orders) == COUNT
        remote.control("POST", "faults", {"latency_ms": 15})
        yield Additions(rig, orders)
    flush_redis()


def test_a_worker_killed_in_the_middle_adds_each_line_once(adding: Additions, tmp_path: Path) -> None:
    adding.hold_one_answer_back()
    adding.stage_all()
    rig = adding.rig
    with product_worker(tmp_path) as worker:
        adding.wait_for_the_middle()
        worker.kill()
        # Written into the ledger, and known to us only as "may have been sent".
        assert rig.states()[Push.State.SENDING] >= 1
        worker.start()
        until(rig.has_finished, "every addition at its end")
    assert rig.states() == {Push.State.CONFIRMED: COUNT}
    wanted = {(order.agreement_remote_id, order.service_remote_id): 1 for order in adding.orders}
    assert adding.made() == wanted
    with org_scope(rig.org.pk):
        assert AgreementLine.objects.filter(push__way="add", quantity=9).count() == COUNT
        pushed = AuditEntry.objects.filter(subject__startswith="push:").values_list("verb", flat=True)
        assert Counter(pushed) == {"push staged": COUNT, "push confirmed": COUNT}
        assert audit.verify(rig.org.pk) is None


def test_the_naive_push_adds_a_line_twice(adding: Additions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAIVE_BROKER_URL", embedded.broker_url())
    from bench.naive_push import add

    adding.hold_one_answer_back()
    psa: dict[str, Any] = {"url": adding.rig.remote.url, **adding.rig.remote.fields}
    for order in adding.orders:
        add.delay(
            psa,
            order.agreement_remote_id,
            order.service_remote_id,
            str(order.wanted),
            f"{order.effective_on}",
        )
    with naive_worker() as worker:
        adding.wait_for_the_middle()
        kill_and_start_later(worker)
        until(lambda: max(adding.made().values()) > 1, "a line that was added twice")
    assert max(adding.made().values()) > 1
