"""B3: syncs through the real adapters and the simulated APIs, over HTTP: what arrives, and what bad answers do."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

import demo
from accounts.models import Organization
from psa.connections import store_secret
from psa.models import Account, Agreement, AgreementLine, Board, Connection, Service
from reconcile.tenancy.scope import org_scope
from sync.models import SyncRun, SyncStep
from tests.psa.simulated import Simulated, simulate
from tests.sync.conftest import Sync
from tests.sync.test_ledger import counts
from tests.sync.test_names_over_http import disagreeing
from tests.sync.test_psa_sync import quantities, versions
from vendors import integrations
from vendors.models import Integration, Snapshot, UsageCount, VendorAccount, VendorService

State = SyncRun.State
TRUTH = Path(demo.__file__).parent / "truth.csv"


@pytest.fixture(scope="module")
def psa() -> Iterator[Simulated]:
    with simulate("connectwise", "--data", "scale:1200") as simulated:
        yield simulated


@pytest.fixture(scope="module")
def veeam() -> Iterator[Simulated]:
    with simulate("veeam_vspc", "--data", "demo") as simulated:
        yield simulated


@pytest.fixture(autouse=True)
def _may_call(settings: Settings, psa: Simulated, veeam: Simulated) -> Iterator[None]:
    settings.OUTBOUND_PLAIN_ORIGINS = [psa.url, veeam.url]
    settings.CONNECTWISE_REQUESTS_PER_MINUTE = settings.VEEAM_REQUESTS_PER_MINUTE = 1_000_000
    settings.OUTBOUND_READ_TRIES = 1
    psa.control("POST", "faults", {"rate_limit_per_minute": 0})
    yield
    for simulated in (psa, veeam):
        simulated.control("DELETE", "faults")


@pytest.fixture
def connectwise(org: Organization, psa: Simulated) -> Connection:
    with org_scope(org.pk):
        row = Connection.objects.create(
            org=org,
            kind="connectwise",
            name="ConnectWise PSA",
            base_url=psa.url,
            fields={name: psa.fields[name] for name in ("company", "public_key", "client_id")},
        )
        store_secret(row, "private_key", psa.fields["private_key"])
    return row


@pytest.fixture
def vspc(org: Organization, veeam: Simulated) -> Integration:
    with org_scope(org.pk):
        row = Integration.objects.create(org=org, kind="veeam_vspc", name="Veeam", base_url=veeam.url)
        integrations.store_secret(row, "api_key", veeam.fields["api_key"])
    return row


def let_it_try(org: Organization) -> None:
    with org_scope(org.pk):
        SyncRun.objects.update(not_before=timezone.now())


def test_a_psa_arrives_whole_and_a_second_sync_rewrites_nothing(
    org: Organization, connectwise: Connection, sync: Sync
) -> None:
    run = sync(connectwise)
    assert (run.state, run.cause) == (State.DONE, "")
    with org_scope(org.pk):
        assert AgreementLine.objects.count() == 1200
        assert Account.objects.count() == 20
        assert Agreement.objects.count() == 60
        assert Service.objects.count() == 60
        assert Board.objects.exists()
        assert not AgreementLine.objects.filter(service=None).exists()
        connectwise.refresh_from_db()
        assert connectwise.remote_account
    before = versions(org)
    for mode in (SyncRun.Mode.FULL, SyncRun.Mode.QUICK):
        assert sync(connectwise, mode).changed == 0
        assert versions(org) == before


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("html_200", "a web page instead of data"),
        ("truncated", "broke off the connection"),
        ("empty", "an empty answer"),
        ("429_body", "request limit"),
        ("500", "did not answer in time"),
        ("drop_before", "broke off the connection"),
    ],
)
def test_a_bad_answer_in_the_middle_publishes_nothing_and_the_run_goes_on_later(
    org: Organization, connectwise: Connection, psa: Simulated, sync: Sync, form: str, words: str
) -> None:
    psa.break_next(r"GET /additions\?", form, skip=50, seconds=1)
    run = sync(connectwise)
    assert (run.state, run.who) == (State.QUEUED, "clock")
    assert words in run.cause
    assert quantities(org) == {}
    with org_scope(org.pk):
        lines = SyncStep.objects.get(run=run, name="lines")
        assert lines.read > 0, "pages before it are kept"
    let_it_try(org)
    done = sync(connectwise)
    assert (done.pk, done.state) == (run.pk, State.DONE)
    assert len(quantities(org)) == 1200


def test_a_wrong_key_is_the_admins_to_cure(
    org: Organization, connectwise: Connection, psa: Simulated, sync: Sync
) -> None:
    with org_scope(org.pk):
        store_secret(connectwise, "private_key", "not the key")
    run = sync(connectwise)
    assert (run.state, run.who) == (State.FAILED, "admin")
    assert "refused the keys" in run.cause
    assert "Enter the public and private key" in run.cure


def test_a_changed_quantity_arrives_with_a_quick_sync(
    org: Organization, connectwise: Connection, psa: Simulated, sync: Sync
) -> None:
    sync(connectwise)
    with org_scope(org.pk):
        line = AgreementLine.objects.select_related("agreement").filter(agreement__active=True)[0]
        AgreementLine.objects.filter(pk=line.pk).update(quantity=line.quantity + 7)
    run = sync(connectwise, SyncRun.Mode.QUICK)
    assert run.changed == 1
    assert quantities(org)[line.remote_id] == line.quantity


def test_the_demos_console_arrives_and_silent_accounts_are_gaps(
    org: Organization, vspc: Integration, sync: Sync
) -> None:
    run = sync(vspc)
    assert (run.state, run.cause) == (State.DONE, "")
    with org_scope(org.pk):
        assert VendorAccount.objects.count() >= 60
        assert VendorService.objects.exclude(unit="").exists()
        assert UsageCount.objects.count() >= 200
        silent = VendorAccount.objects.exclude(gap_reason="")
        assert silent.exists()
        assert not silent.filter(gap_since=None).exists()
        vspc.refresh_from_db()
        assert vspc.counted_at is not None
        assert vspc.counted_at > timezone.now() - timedelta(days=3)
    assert sync(vspc).changed == 0


def test_a_console_that_fails_keeps_the_last_counts(
    org: Organization, vspc: Integration, veeam: Simulated, sync: Sync, settings: Settings
) -> None:
    sync(vspc)
    before = counts(org)
    assert before
    settings.SYNC_MAX_ATTEMPTS = 1
    for form in ("html_200", "truncated", "500", "empty"):
        veeam.break_next("GET /.*usage", form)
        run = sync(vspc)
        assert (run.state, run.who) == (State.FAILED, "clock")
        assert counts(org) == before
    with org_scope(org.pk):
        assert Snapshot.objects.count() == 1


def test_a_refused_console_key_is_the_admins_to_cure(
    org: Organization, vspc: Integration, sync: Sync
) -> None:
    with org_scope(org.pk):
        integrations.store_secret(vspc, "api_key", "not the key")
    run = sync(vspc)
    assert (run.state, run.who) == (State.FAILED, "admin")
    assert "refused the credentials" in run.cause


def test_c7_the_demos_names_add_up_to_its_counts_but_where_it_is_planted(
    org: Organization, vspc: Integration, sync: Sync
) -> None:
    run = sync(vspc)
    assert run.warnings == []
    with TRUTH.open(encoding="utf-8", newline="") as file:
        planted = {row["key"]: row["reason"] for row in csv.DictReader(file) if row["kind"] == "names"}
    assert {key: f"{total.normalize():f} named" for key, total in disagreeing(org).items()} == planted
    assert planted
