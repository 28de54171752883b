"""E13: a month is signed off once nothing is open, and nothing of it is decided while it is closed."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Organization, ReconcileSettings, User
from accounts.roles import Role
from dashboard.models import Card, CarryOver, Decision, MonthReport
from dashboard.months import previous_month
from psa.models import Connection, Push
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.closed import See, at, carry_all, change, close, close_past_month, seen_on, sign


@pytest.fixture
def books(desk: Books) -> Books:
    return desk


@pytest.fixture
def client(sign_in: Callable[[User], Client], alice: User) -> Client:
    return sign_in(alice)


def test_e13_a_month_with_open_lines_is_not_closed_and_says_which(
    client: Client, lines: dict[str, Card]
) -> None:
    page = client.get(at("close/")).content.decode()
    assert "4 lines are still open" in page
    assert "close/sign/" not in page
    response = sign(client, "x")
    assert response.status_code == 409
    assert "4 lines are still open" in response.content.decode()
    assert "Nothing was closed" in response.content.decode()


def test_e13_each_open_line_is_carried_over_with_its_reason(
    client: Client, lines: dict[str, Card], see: See
) -> None:
    two = {"card": [lines["under"].pk, lines["held"].pk], "other": "Client asked us"}
    assert client.post(at("close/carry/"), two | {"seen": "an older page"}).status_code == 409
    assert not see(CarryOver.objects.exists)
    client.post(at("close/carry/"), two | {"seen": seen_on(client)})
    assert see(lambda: set(CarryOver.objects.values_list("reason", flat=True))) == {"Client asked us"}
    assert "2 lines are still open" in client.get(at("close/")).content.decode()
    assert client.post(at("close/carry/"), {"card": [lines["over"].pk], "reason": " "}).status_code == 409
    carry_all(client)
    assert see(CarryOver.objects.count) == 4, "nothing is marked twice, and what matches is not marked"
    notes = see(lambda: list(AuditEntry.objects.filter(verb="carried over").order_by("seq")))
    assert [note.new["reason"] for note in notes][:2] == ["Client asked us"] * 2
    client.post(at("close/take-back/"), {"card": [lines["under"].pk]})
    assert "1 line is still open" in client.get(at("close/")).content.decode()


def test_e13_a_mark_ends_when_its_numbers_move(
    client: Client, lines: dict[str, Card], books: Books, see: See
) -> None:
    carry_all(client)
    change(books, lines["under"], "11")
    assert "1 line is still open" in client.get(at("close/")).content.decode()
    carry_all(client, "Moved again")
    standing = see(lambda: CarryOver.objects.get(line=lines["under"].line, undone_at=None))
    assert (standing.reason, standing.psa_units) == ("Moved again", 11)


def test_e13_collected_pushes_are_sent_or_undone_first(
    client: Client, lines: dict[str, Card], org: Organization, see: See
) -> None:
    see(lambda: ReconcileSettings.objects.update(pushing="collect"))
    seen = {"seen_psa": "10", "seen_vendor": "12"}
    client.post(at(f"lines/{lines['under'].pk}/approve/"), seen, headers={"HX-Request": "true"})
    carry_all(client)
    response = sign(client, "x")
    assert "1 push is collected but not sent" in response.content.decode()


def test_e13_figures_that_moved_since_the_page_was_opened_are_looked_at_first(
    client: Client, lines: dict[str, Card], books: Books, see: See
) -> None:
    carry_all(client)
    seen = seen_on(client)
    change(books, lines["match"], "7")
    carry_all(client)
    response = sign(client, seen)
    assert response.status_code == 409
    assert "changed since you opened the page" in response.content.decode()
    assert sign(client).status_code == 302


def test_e13_nothing_is_decided_while_a_month_is_closed(
    client: Client, lines: dict[str, Card], see: See
) -> None:
    close(client, see)
    card = lines["under"]
    seen = {"seen_psa": "10", "seen_vendor": "12", "reason": "x", "until": f"{timezone.now():%Y}-12-31"}
    said = f"{month_of(timezone.now()):%B} is closed. An admin can reopen it."
    for act in ("approve", "dismiss", "snooze", "undo", "look"):
        for headers in ({}, {"HX-Request": "true"}):
            response = client.post(at(f"lines/{card.pk}/{act}/"), seen, headers=headers)
            assert response.status_code in (409, 422), act
            assert said in response.content.decode() or said in response.headers.get("HX-Trigger", ""), act
    packed = {"line": [f"{card.pk}|10|12"], "act": "x"}
    for act in ("lines/approve/", "lines/dismiss/", "lines/snooze/"):
        assert client.post(at(act), packed | seen).status_code in (404, 405, 409), act
    assert client.post(at("lines/push/send/"), {"push": [1]}).status_code == 409
    assert carry_all(client).status_code == 409
    assert client.post(at("close/take-back/"), {"card": [card.pk]}).status_code == 409
    assert not see(lambda: Push.objects.exists() or Decision.objects.exists())


def test_e13_a_reopened_month_keeps_its_report_and_closing_again_makes_a_second(
    client: Client, lines: dict[str, Card], join: Callable[[str, Role], User], sign_in: Any, see: See
) -> None:
    first = close(client, see)
    before = (bytes(first.content), first.digest)
    approver = sign_in(join("Bob", Role.APPROVER))
    assert approver.post(at(f"reports/{first.pk}/reopen/"), {"reason": "x"}).status_code == 403
    assert client.post(at(f"reports/{first.pk}/reopen/"), {"reason": ""}).status_code == 409
    client.post(at(f"reports/{first.pk}/reopen/"), {"reason": "A credit was missing"})
    assert see(lambda: AuditEntry.objects.latest("seq").new) == {"reason": "A credit was missing"}
    assert client.post(at(f"reports/{first.pk}/reopen/"), {"reason": "again"}).status_code == 409
    assert sign(approver).status_code == 302
    see(first.refresh_from_db)
    assert (bytes(first.content), first.digest) == before
    versions = MonthReport.objects.order_by("version").values_list("version", flat=True)
    assert see(lambda: list(versions)) == [1, 2]
    page = client.get(at("reports/")).content.decode()
    assert "Reopened by Alice: A credit was missing" in page
    assert "Locked" in page
    closed = client.get(at("close/")).content.decode()
    assert "is closed.</b> Signed off by Bob" in closed


def test_e13_a_line_says_that_it_was_carried_over_from_the_month_before(
    client: Client, lines: dict[str, Card], org: Organization, see: See
) -> None:
    before = previous_month(month_of(timezone.now()))
    card = lines["under"]
    with org_scope(org.pk):
        CarryOver.objects.create(
            org=org, line=card.line, account_id=card.account_id, service_id=card.service_id, period=before,
            psa_units=10, vendor_units=12, reason="Waits for the client",
        )  # fmt: skip
    said = f"Carried over from {before:%B}: Waits for the client"
    assert said not in client.get(at("")).content.decode(), (
        "a month that was never closed carried nothing over"
    )
    with org_scope(org.pk):
        MonthReport.objects.create(
            org=org, period=before, version=1, closed_at=timezone.now(), lines=1, exceptions=1, content=b"", digest="",
        )  # fmt: skip
    assert said in client.get(at("")).content.decode()
    assert said in client.get(at(f"lines/{card.pk}/"), headers={"HX-Request": "true"}).content.decode()


def test_e13_an_earlier_month_stands_beside_the_current_one(
    client: Client, lines: dict[str, Card], org: Organization, see: See
) -> None:
    past = see(lambda: close_past_month(org))
    carry_all(client)
    assert sign(client).status_code == 302
    page = client.get(at("reports/")).content.decode()
    assert page.index("report-" + str(see(lambda: MonthReport.objects.latest("pk").pk))) < page.index(
        f'id="report-{past.pk}"'
    )
    assert client.post(at(f"reports/{past.pk}/reopen/"), {"reason": "x"}).status_code == 409


@pytest.mark.usefixtures("committed_db")
def test_e13_two_people_who_close_at_once_make_one_report(person: Any) -> None:
    owner = person("Alice")
    org = Organization.found(name="Northgate IT", owner=owner)
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
        books.pair("10", "10")
        books.refresh()
    client = Client()
    client.force_login(owner)
    seen, statuses = seen_on(client), []
    start = threading.Barrier(4)

    def press() -> None:
        own = Client()
        own.cookies = client.cookies
        start.wait()
        statuses.append(sign(own, seen).status_code)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 409, 409, 409]
    with org_scope(org.pk):
        assert MonthReport.objects.count() == 1
        assert audit.verify(org.pk) is None
