"""B9: two PSAs in one organization, over HTTP: added and synced by screens, both on the dashboard, mappings kept."""

from collections.abc import Callable, Iterator
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Organization, User
from dashboard.models import Card
from psa.models import Account, AgreementLine, Connection, Service
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from sync import runs
from sync.models import SyncRun
from tests.psa.simulated import Simulated, simulate
from tests.vendors.moving import HTMX, TICKED
from vendors.models import (
    AccountMapping,
    Integration,
    ServiceMapping,
    Snapshot,
    UsageCount,
    VendorAccount,
    VendorService,
)

pytestmark = pytest.mark.django_db
LINES = 240


@pytest.fixture(scope="module")
def psas() -> Iterator[dict[str, Simulated]]:
    data = ("--data", f"scale:{LINES}")
    with (
        simulate("connectwise", *data, "--company", "west") as west,
        simulate("connectwise", *data, "--company", "east") as east,
    ):
        yield {"PSA West": west, "PSA East": east}


@pytest.fixture(autouse=True)
def _may_call(settings: Settings, psas: dict[str, Simulated]) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = [one.url for one in psas.values()]
    settings.CONNECTWISE_REQUESTS_PER_MINUTE = 1_000_000
    settings.OUTBOUND_READ_TRIES = 1
    for one in psas.values():
        one.control("POST", "faults", {"rate_limit_per_minute": 0})


@pytest.fixture
def client(
    org: Organization, alice: User, sign_in: Callable[[User], Client], psas: dict[str, Simulated]
) -> Client:
    """The owner, who has connected both PSAs through the form and has started a full sync of each."""
    client = sign_in(alice)
    for name, psa in psas.items():
        form = {"kind": "connectwise", "name": name, "place": "own", "base_url": psa.url} | psa.fields
        assert client.post(at(org, "psa_add"), form).status_code == 302
    for pk in connections(org).values():
        client.post(at(org, "sync_start"), {"connection": pk, "mode": "full"})
    with org_scope(org.pk):
        waiting = list(SyncRun.objects.values_list("pk", flat=True))
    for pk in waiting:
        runs.run(org.pk, pk)
    return client


def at(org: Organization, name: str, *args: object) -> str:
    return reverse(name, args=[org.slug, *args])


def connections(org: Organization) -> dict[str, int]:
    with org_scope(org.pk):
        return dict(Connection.objects.order_by("pk").values_list("name", "pk"))


def test_b9_both_are_listed_synced_and_on_the_dashboard(org: Organization, client: Client) -> None:
    known = connections(org)
    assert list(known) == ["PSA West", "PSA East"]
    with org_scope(org.pk):
        assert {run.state for run in SyncRun.objects.all()} == {SyncRun.State.DONE}
        for pk in known.values():
            assert AgreementLine.objects.filter(connection=pk).count() == LINES
    for pk in known.values():
        use(org, pk)
    for name in ("psa_connections", "sync_status"):
        assert all(psa in client.get(at(org, name)).text for psa in known), name
    page = client.get(at(org, "dashboard"), {"tab": "all"})
    with org_scope(org.pk):
        lines = Card.objects.exclude(vendor_units=None).select_related("connection", "account")
        cards = {card.pk: str(card.connection) for card in lines}
    assert sorted(cards.values()) == ["PSA East", "PSA East", "PSA West", "PSA West"]
    assert page.context["totals"].tabs["all"] == len(cards)
    for pk, name in cards.items():
        assert f'id="line-{pk}"' in page.text
        assert f"<dt>PSA</dt><dd>{name}" in client.get(at(org, "line_details", pk), headers=HTMX).text


def test_b9_mappings_follow_from_one_to_the_other(org: Organization, client: Client) -> None:
    west, east = connections(org).values()
    use(org, west)
    offer = "Carry 3 mappings over from PSA West to PSA East…"
    assert offer in client.get(at(org, "psa_connection", east)).text
    page = unescape(client.get(at(org, "mapping_carry", west, east)).text)
    ticked: dict[str, list[str]] = {"accounts": [], "services": []}
    for side, value in TICKED.findall(page):
        ticked[side].append(value)
    assert {side: len(values) for side, values in ticked.items()} == {"accounts": 2, "services": 1}
    assert compared(org) == {west}
    assert client.post(at(org, "mapping_carry", west, east), ticked, headers=HTMX).status_code == 200
    assert compared(org) == {east}
    with org_scope(org.pk):
        pairs = AccountMapping.objects.values_list("vendor_account__name", "account__name")
        assert all(vendor == account for vendor, account in pairs)


def use(org: Organization, psa: int) -> None:
    """Let a console count a service of two accounts of one PSA, mapped to them."""
    with org_scope(org.pk):
        now = timezone.now()
        veeam = Integration.objects.create(org=org, kind="veeam_vspc", name=f"Veeam {psa}", counted_at=now)
        lines = AgreementLine.objects.filter(connection=psa, card__isnull=False)
        service = Service.objects.get(pk=lines.earliest("pk").service_id or 0)
        agents = VendorService.objects.create(org=org, integration=veeam, external_id="s", name="agents")
        ServiceMapping.objects.create(org=org, vendor_service=agents, service=service)
        snapshot = Snapshot.objects.create(org=org, integration=veeam, taken_at=now, state="published")
        used = lines.filter(service=service).values("account")
        for account in Account.objects.filter(pk__in=used).order_by("pk")[:2]:
            row = VendorAccount.objects.create(
                org=org, integration=veeam, external_id=account.remote_id, name=account.name
            )
            AccountMapping.objects.create(org=org, vendor_account=row, account=account)
            UsageCount.objects.create(
                org=org, integration=veeam, vendor_account=row, vendor_service=agents,
                snapshot=snapshot, quantity=100_000, counted_at=now,
            )  # fmt: skip
        figures_changed.send(None, org_id=org.pk, account_ids=None)


def compared(org: Organization) -> set[int]:
    """Give the PSAs with lines that something is counted for."""
    with org_scope(org.pk):
        found = Card.objects.exclude(vendor_units=None)
        return set(found.values_list("connection", flat=True))
