"""C7: the Veeam adapter reads who is behind all counts in a few whole lists, and misses none of them for another."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from demo.veeam_vspc.rows import uid_of
from demo.veeam_vspc.sample import SampleWorld, company_row, usage_row
from demo.veeam_vspc.simulator import build
from tests.vendors.adapter_contract import pull
from tests.vendors.simulated import Simulated, serving
from tests.vendors.test_veeam_figures import adapter_on
from vendors.adapters.base import Item, NamedItems, Progress
from vendors.adapters.veeam_vspc.items import DRILLS

TODAY = datetime.now(UTC).date()
MANY = 620
FIRST, SECOND = "ab000000-0000-4000-8000-000000000001", "ab000000-0000-4000-8000-000000000002"
THIRD = "ab000000-0000-4000-8000-000000000003"


def mailbox(number: int, company: str, name: str = "", **facts: Any) -> dict[str, Any]:
    return {
        "id": f"user-{number}", "name": name or f"p{number}@first.example", "protectedDataType": "User",
        "organizationUid": company, "consumesLicense": True, "isEducationalUser": number % 2 == 0,
        "latestRestorePointDate": "2025-01-30T21:04:05.1234567+00:00",
    } | facts  # fmt: skip


def world() -> SampleWorld:
    yesterday = TODAY - timedelta(days=1)
    first = {"Vb365ProtectedUsers": MANY, "Vb365ProtectedEducationalUsers": MANY // 2, "BackedupVms": 1}
    return SampleWorld(
        {
            "companies": [
                company_row(FIRST, "First"),
                company_row(SECOND, "Second"),
                company_row(THIRD, "3rd"),
            ],
            "usage": [
                usage_row(FIRST, uid_of(1), yesterday, **first),
                usage_row(SECOND, uid_of(2), yesterday, Vb365ProtectedUsers=2),
                usage_row(
                    THIRD, uid_of(3), yesterday, Vb365ProtectedUsers=1, Vb365ProtectedEducationalUsers=2
                ),
            ],
            "vb365_objects": [
                *(mailbox(number, FIRST.upper()) for number in range(MANY)),
                mailbox(9001, SECOND, "Ana Ruiz"),
                mailbox(9002, SECOND, "bo@second.example", consumesLicense=False),
                mailbox(9003, uid_of("nobody we know")),
                *(mailbox(9010 + n, THIRD, isEducationalUser=True) for n in range(2)),
                mailbox(9012, THIRD, "cy@third.example", isEducationalUser=False),
            ],
            "virtual_machines": [{"instanceUid": "vm-1", "organizationUid": FIRST, "name": "DC01"}],
        }
    )


@pytest.fixture(scope="module")
def console() -> Iterator[Simulated]:
    with serving(build, world()) as simulated:
        yield simulated


@pytest.fixture(autouse=True)
def _calm(settings: Settings, console: Simulated) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.OUTBOUND_READ_TRIES = 1
    settings.VEEAM_REQUESTS_PER_MINUTE = 100_000
    console.reset()


def read(console: Simulated, heard: list[Progress] | None = None) -> NamedItems:
    adapter = adapter_on(console)
    usage = pull(adapter, TODAY)
    console.control("DELETE", "requests")
    return adapter.read_names(usage, (heard if heard is not None else []).append)


def behind(items: NamedItems, account: str, service: str) -> tuple[Item, ...]:
    return next(
        (
            group.items
            for group in items.groups
            if (group.account_external_id, group.service_external_id) == (account, service)
        ),
        (),
    )


def test_all_names_come_in_pages_of_whole_lists(console: Simulated) -> None:
    heard: list[Progress] = []
    items = read(console, heard)
    assert len(behind(items, FIRST, "Vb365ProtectedUsers")) == MANY, "an id is the same in any case"
    assert len(behind(items, FIRST, "Vb365ProtectedEducationalUsers")) == MANY // 2
    assert [one.name for one in behind(items, FIRST, "BackedupVms")] == ["DC01"]
    assert (items.whole, items.unread) == (frozenset(DRILLS), {})
    assert sum(console.requests()["counts"].values()) == 5, "four lists, one of them in two pages"
    assert all(one.total is not None and one.done <= one.total for one in heard)


def test_the_count_says_whether_users_include_the_educational_ones(console: Simulated) -> None:
    assert [one.name for one in behind(read(console), THIRD, "Vb365ProtectedUsers")] == ["cy@third.example"]
    assert len(behind(read(console), THIRD, "Vb365ProtectedEducationalUsers")) == 2


def test_what_is_not_counted_is_nobody_behind_a_count(console: Simulated) -> None:
    items = read(console)
    assert behind(items, FIRST, "ManagedVms") == ()
    assert {group.account_external_id for group in items.groups} == {FIRST, SECOND, THIRD}


def test_an_address_is_an_identity_and_a_name_for_show_is_none(console: Simulated) -> None:
    ana, bo = behind(read(console), SECOND, "Vb365ProtectedUsers")
    assert (ana.key(7), bo.key(7)) == ("7:user-9001", "bo@second.example")
    assert (bo.traits["domain"], "domain" in ana.traits) == ("second.example", False)
    assert (ana.counts, bo.counts) == (True, False)
    (machine,) = behind(read(console), FIRST, "BackedupVms")
    assert machine.key(7) == "dc01"


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ({"status": 403}, "does not show its Microsoft 365 objects"),
        ({"status": 404}, "does not list its Microsoft 365 objects"),
        ({"form": "500"}, ""),
        ({"form": "html_200"}, ""),
    ],
)
def test_a_list_that_cannot_be_read_costs_the_others_nothing(
    console: Simulated, failure: dict[str, Any], words: str
) -> None:
    console.fail("GET /protectedWorkloads/vb365ProtectedObjects", **failure)
    items = read(console)
    assert set(items.unread) == {service for service in DRILLS if service.startswith("Vb365")}
    assert items.whole == frozenset(DRILLS) - set(items.unread)
    assert all(words in reason and reason for reason in items.unread.values())
    assert behind(items, FIRST, "BackedupVms")
    assert not behind(items, FIRST, "Vb365ProtectedUsers")
