"""C2: two consoles of one vendor in one organization, over HTTP: named, and apart in all but the sum of a card."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Count
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Organization, SyncSchedule
from demo.veeam_vspc.sample import NORTHWIND, SampleWorld, sheet_world, usage_row
from demo.veeam_vspc.simulator import build
from reconcile.tenancy.scope import org_scope
from sync import runs, schedules
from sync.models import AutomaticRun, SyncRun
from tests.dashboard.builders import Books
from tests.vendors.simulated import Simulated, serving
from vendors.models import Integration, Snapshot, UsageCount, VendorAccount, VendorService

State = SyncRun.State
HTMX = {"HX-Request": "true"}


def world(name: str, agents: int) -> SampleWorld:
    """A console of its own that calls the same customer by the same id as the other."""
    yesterday = datetime.now(UTC).date() - timedelta(1)
    provider = {"instanceUid": f"00000000-0000-4000-8000-{agents:012}", "name": name, "type": "Provider"}
    rows = dict(sheet_world().veeam) | {"organizations": [provider | {"companyId": None}]}
    place = "9d0a1c9e-2222-4c1b-9f43-111111111111"
    rows["usage"] = [usage_row(NORTHWIND, place, yesterday, ManagedWorkstationAgents=agents)]
    return SampleWorld(rows)


@pytest.fixture(scope="module")
def consoles() -> Iterator[dict[str, Simulated]]:
    with serving(build, world("West", 12)) as west, serving(build, world("East", 3)) as east:
        yield {"Veeam West": west, "Veeam East": east}


@pytest.fixture(autouse=True)
def _may_call(settings: Settings, consoles: dict[str, Simulated]) -> Iterator[None]:
    settings.OUTBOUND_PLAIN_ORIGINS = [one.url for one in consoles.values()]
    settings.VEEAM_REQUESTS_PER_MINUTE = 1_000_000
    settings.OUTBOUND_READ_TRIES = settings.SYNC_MAX_ATTEMPTS = 1
    yield
    for one in consoles.values():
        one.reset()


def connect(client: Client, org: Organization, console: Simulated, name: str) -> str:
    """Connect a console through the form; gives what the page says."""
    form = {
        "kind": "veeam_vspc", "name": name, "base_url": console.url, "verify_tls": "on",
        "sign_in": "API key, recommended", "api_key": console.credentials["api_key"],
    }  # fmt: skip
    return client.post(at(org, "integration_add"), form, follow=True).text


def at(org: Organization, name: str, *args: object) -> str:
    return reverse(name, args=[org.slug, *args])


def sync_all(org: Organization, weeks: int = 0) -> dict[str, SyncRun]:
    """Let the schedule start a sync, and work on its runs; gives each console's run."""
    due = datetime(2027, 3, 1, 7, 30, tzinfo=UTC) + timedelta(weeks=weeks)
    with org_scope(org.pk):
        SyncSchedule.objects.update(weekday=0, next_sync_at=due - timedelta(minutes=29))
    started = schedules.start(org.pk, due)
    assert started is not None
    with org_scope(org.pk):
        asked = AutomaticRun.objects.filter(sync=started, run__integration__name__startswith="Veeam ")
        run_ids = list(asked.values_list("run_id", flat=True))
    for run_id in run_ids:
        runs.run(org.pk, run_id)
    with org_scope(org.pk):
        found = SyncRun.objects.filter(pk__in=run_ids).select_related("integration")
        return {str(run.integration): run for run in found}


@pytest.fixture
def client(org: Organization, alice, sign_in, consoles: dict[str, Simulated]) -> Client:
    """The owner, who has connected both consoles."""
    client = sign_in(alice)
    for name, console in consoles.items():
        connect(client, org, console, name)
    return client


@pytest.mark.django_db
def test_c2_each_console_has_its_name_its_accounts_and_its_state(
    org: Organization, client: Client, consoles: dict[str, Simulated]
) -> None:
    assert {name: run.state for name, run in sync_all(org).items()} == dict.fromkeys(consoles, State.DONE)
    with org_scope(org.pk):
        twins = VendorAccount.objects.filter(external_id=NORTHWIND).order_by("-integration__name")
        assert [str(one.integration) for one in twins] == ["Veeam West", "Veeam East"]
        used = UsageCount.objects.filter(vendor_account__in=twins, quantity__gt=0)
        assert dict(used.values_list("integration__name", "quantity")) == {"Veeam West": 12, "Veeam East": 3}
    page = client.get(at(org, "sync_status")).text
    assert all(name in page for name in consoles)
    consoles["Veeam West"].fail("GET /.*usage", form="500")
    later = sync_all(org, weeks=1)
    assert (later["Veeam West"].state, later["Veeam East"].state) == (State.FAILED, State.DONE)
    with org_scope(org.pk):
        published = dict(
            Snapshot.objects.values("integration__name")
            .annotate(Count("id"))
            .values_list("integration__name", "id__count")
        )
        assert dict(used.values_list("integration__name", "quantity")) == {"Veeam West": 12, "Veeam East": 3}
    assert published == {"Veeam West": 1, "Veeam East": 2}
    overview = client.get(at(org, "sync_status")).context["overview"]
    states = {str(source.row): source.state for source in overview.sources}
    assert (states["Veeam West"], states["Veeam East"]) == (State.FAILED, State.DONE)


@pytest.mark.django_db
def test_c2_a_card_adds_both_up_names_both_and_follows_each_mapping(
    org: Organization, client: Client
) -> None:
    sync_all(org)
    with org_scope(org.pk):
        books = Books(org)
        account, service = books.account("Northwind Dental"), books.service()
        line = books.line(books.agreement(account), service, "20")
        accounts = dict(
            VendorAccount.objects.filter(external_id=NORTHWIND).values_list("integration__name", "pk")
        )
        agents = dict(
            VendorService.objects.filter(usagecount__quantity__gt=0).values_list("integration__name", "pk")
        )
    assert accounts.keys() == agents.keys() == {"Veeam West", "Veeam East"}

    def act(side: str, what: str, row: str, target: int | str = "") -> None:
        form = {"side": side, "act": what, "row": row, "target": target}
        assert client.post(at(org, "mapping_set"), form, headers=HTMX).status_code == 200

    def shown() -> tuple[Decimal | None, str]:
        with org_scope(org.pk):
            card = books.card(line)
        return card.vendor_units, client.get(at(org, "line_details", card.pk), headers=HTMX).text

    for name in accounts:
        act("services", "map", f"{agents[name]}|", service.pk)
    act("accounts", "map", f"{accounts['Veeam West']}|", account.pk)
    assert shown()[0] == 12
    act("accounts", "map", f"{accounts['Veeam East']}|", account.pk)
    units, details = shown()
    assert units == 15
    assert "Veeam West, Northwind Dental" in details
    assert "Veeam East, Northwind Dental" in details
    act("accounts", "unmap", f"{accounts['Veeam West']}|{account.pk}")
    units, details = shown()
    assert units == 3
    assert "Veeam West, Northwind Dental" not in details


@pytest.mark.django_db
def test_c2_an_unreadable_console_makes_the_sum_unknown_not_smaller(
    org: Organization, client: Client, consoles: dict[str, Simulated]
) -> None:
    with org_scope(org.pk):
        Integration.objects.filter(name="Veeam East").update(base_url="http://127.0.0.1:9")
    sync_all(org)
    with org_scope(org.pk):
        books = Books(org)
        account, service = books.account("Northwind Dental"), books.service()
        line = books.line(books.agreement(account), service, "20")
        (west,) = VendorAccount.objects.filter(external_id=NORTHWIND)
        agents = VendorService.objects.get(usagecount__quantity__gt=0)
        east = Integration.objects.get(name="Veeam East")
        for instance, vendor_account, vendor_service in (
            (west.integration, west, agents),
            (east, books.vendor_account(None, "Northwind Dental", integration=east), None),
        ):
            vendor_account.mappings.create(org=org, account=account)
            other = vendor_service or books.vendor_service(None, "agents", integration=instance)
            other.mappings.create(org=org, service=service)
        books.refresh()
        card = books.card(line)
    assert card.vendor_units is None
    assert card.reason == "never_counted"


@pytest.mark.django_db
def test_c2_the_same_console_or_the_same_name_twice_is_refused(
    org: Organization, client: Client, consoles: dict[str, Simulated]
) -> None:
    west, east = consoles["Veeam West"], consoles["Veeam East"]
    assert "connected already, as Veeam West" in connect(client, org, west, "Veeam third")
    with org_scope(org.pk):
        Integration.objects.filter(name="Veeam East").delete()
    assert "Another integration has this name" in connect(client, org, east, "Veeam West")
    with org_scope(org.pk):
        assert list(Integration.objects.values_list("name", flat=True)) == ["Veeam West"]
