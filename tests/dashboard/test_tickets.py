"""B7: a ticket from a card, never a second one for the same card; the simulated PSA's ledger has the last word."""

import re
from collections.abc import Iterator

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.roles import Role
from psa import ticket_runs
from psa.models import Board, Connection, Ticket, TicketPlace
from reconcile.tenancy.scope import org_scope
from tests.dashboard.ticketing import HTMX, Shop, open_shop
from tests.psa.pushing import LONG_AGO
from tests.psa.simulated import Simulated, simulate

pytestmark = pytest.mark.django_db

State = Ticket.State
LOSSES = ["drop_after", "500_after", "truncated", "empty", "headers_only"]
REFUSALS = ["drop_before", "500", "html_502"]


@pytest.fixture(scope="module")
def remote() -> Iterator[Simulated]:
    with simulate("connectwise", "--data", "demo", "--fault", "rate_limit_per_minute=0") as running:
        yield running


@pytest.fixture
def shop(org, remote, monkeypatch, settings) -> Iterator[Shop]:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.CONNECTWISE_REQUESTS_PER_MINUTE = 1_000_000
    settings.PUSH_SETTLE_SECONDS = 0
    monkeypatch.setattr("reconcile.http.retry.BASE_SECONDS", 0.01)
    remote.control("DELETE", "faults")
    remote.control("POST", "role", {})
    yield open_shop(org, remote)
    remote.control("DELETE", "faults")
    remote.control("POST", "role", {})


@pytest.fixture
def client(shop, join, sign_in):
    return sign_in(join("Rita", Role.REVIEWER))


def test_b7_the_dialog_is_filled_with_the_numbers_and_asks_for_the_board_until_an_admin_has_chosen(
    shop, client, alice, sign_in
):
    page = client.get(shop.address(), headers=HTMX).text
    assert 'value="Workstation backup: 43 billed, 47 in Veeam"' in page
    assert "Difference: +4" in page
    assert "Price per unit: $4.50" in page
    board = shop.board()
    assert f'value="{board.remote_id}|">{board.name}, as the board sets it' in page
    assert shop.ask(client).status_code == 200
    with org_scope(shop.org.pk):
        Ticket.objects.all().delete()
        assert not TicketPlace.objects.exclude(board_remote_id="").exists(), "a setting is an admin's"
    assert shop.ask(sign_in(alice)).status_code == 200
    with org_scope(shop.org.pk):
        Ticket.objects.all().delete()
        assert TicketPlace.objects.get().board_remote_id == board.remote_id
    again = client.get(shop.address(), headers=HTMX).text
    assert 'name="board"' not in again
    assert f"Goes to {board.name}, {board.statuses[0][1]}." in again


def test_b7_a_ticket_is_made_where_it_was_chosen_and_the_row_shows_its_number(shop, client):
    reply = shop.ask(client)
    assert "A ticket is being created" in reply.headers["HX-Trigger"]
    assert 'hx-trigger="load delay:2s"' in reply.text, "the row asks again until it is made"
    assert shop.made() == [], "a row before it is a call"
    shop.run_out()
    (made,) = shop.made()
    board, ticket = shop.board(), shop.ticket()
    assert (ticket.state, ticket.remote_id) == (State.CREATED, str(made["id"]))
    assert made["summary"] == "Please look at the seats"
    assert str(made["board"]["id"]) == board.remote_id
    assert str(made["status"]["id"]) == board.statuses[0][0]
    assert str(made["company"]["id"]) == ticket.account_remote_id
    assert made["externalXRef"] == ticket.key
    page = client.get(reverse("dashboard", args=[shop.org.slug])).text
    assert f'title="Ticket {made["id"]} in ConnectWise PSA"' in page
    with org_scope(shop.org.pk):
        entries = AuditEntry.objects.filter(subject=f"ticket:{ticket.pk}").order_by("seq")
        verbs = [entry.verb for entry in entries]
    assert verbs == ["asked for a ticket", "ticket created"]


def test_b7_asking_again_makes_no_second_one(shop, client):
    shop.ask(client)
    second = shop.ask(client)
    assert second.status_code == 422
    assert "being created already" in second.headers["HX-Trigger"]
    shop.run_out()
    third = shop.ask(client)
    assert f"has a ticket already: {shop.ticket().remote_id}" in third.headers["HX-Trigger"]
    shop.run_out()
    assert len(shop.made()) == 1
    shown = client.get(shop.address(), headers=HTMX).text
    assert f"Ticket {shop.ticket().remote_id}" in shown
    assert "<form" not in shown


@pytest.mark.parametrize("form", LOSSES)
def test_b7_a_ticket_whose_answer_was_lost_is_found_and_not_made_twice(shop, client, form):
    shop.ask(client)
    shop.remote.break_next("POST /service/tickets", form)
    shop.run_out()
    (made,) = shop.made()
    assert (shop.ticket().state, shop.ticket().remote_id) == (State.CREATED, str(made["id"]))


@pytest.mark.parametrize("form", REFUSALS)
def test_b7_a_ticket_that_did_not_arrive_is_tried_again_and_made_once(shop, client, form):
    shop.ask(client)
    shop.remote.break_next("POST /service/tickets", form)
    shop.run_out()
    assert len(shop.made()) == 1
    assert shop.ticket().state == State.CREATED


def test_b7_a_worker_that_died_after_the_call_leaves_one_ticket(shop, client):
    shop.ask(client)
    claimed = ticket_runs.claim(shop.org.pk)
    assert claimed is not None
    # The call was made and applied; the worker was gone before it could write that down.
    ticket_runs.create(claimed)
    assert ticket_runs.claim(shop.org.pk) is None, "nobody takes it while the dead worker's lease holds"
    shop.run_out()
    assert len(shop.made()) == 1
    assert shop.ticket().remote_id == str(shop.made()[0]["id"])
    ticket_runs.finish(claimed, State.FAILED, remote_id="", reason="late")
    assert shop.ticket().state == State.CREATED, "a worker that was given up changes nothing"


def test_b7_a_missing_permission_is_said_plainly_and_trying_again_makes_one(shop, client):
    shop.remote.control("POST", "role", {"functions": {"Service Desk > Service Tickets": {"add": "None"}}})
    shop.ask(client)
    shop.run_out()
    ticket = shop.ticket()
    assert ticket.state == State.FAILED
    assert "lacks Service Desk > Service Tickets (Add, Edit, Inquire: All)" in ticket.reason
    assert "An admin must act" in ticket.reason
    page = client.get(reverse("dashboard", args=[shop.org.slug])).text
    assert "No ticket was created; see why" in page
    dialog = client.get(shop.address(), headers=HTMX).text
    assert "Try the ticket again" in dialog
    assert "Service Desk &gt; Service Tickets" in dialog
    shop.remote.control("POST", "role", {})
    shop.ask(client, summary="Once more")
    shop.run_out()
    (made,) = shop.made()
    assert made["summary"] == "Once more"
    assert made["externalXRef"] == ticket.key, "the same row and the same key"


def test_b7_a_ticket_is_given_up_after_its_tries_and_says_so(shop, client, settings):
    settings.PUSH_MAX_ATTEMPTS = 2
    shop.remote.control(
        "POST", "faults", {"fail_next": [{"match": "POST /service/tickets", "form": "500", "times": 9}]}
    )
    shop.ask(client)
    shop.run_out()
    assert shop.ticket().state == State.FAILED
    assert "Given up after 2 tries" in shop.ticket().reason
    assert shop.made() == []


@pytest.mark.parametrize(
    "change", [{"epoch": 2}, {"remote_account": "other-msp"}, {"base_url": "https://else.example"}]
)
def test_b7_a_connection_that_has_changed_gets_no_ticket_asked_for_before(shop, client, change):
    shop.ask(client)
    with org_scope(shop.org.pk):
        Connection.objects.update(**change)
    shop.run_out()
    assert shop.ticket().state == State.FAILED
    assert "has changed since" in shop.ticket().reason
    assert shop.made() == []


def test_b7_another_companys_psa_gets_no_ticket(shop, client):
    with org_scope(shop.org.pk):
        Connection.objects.update(remote_account="other-msp")
    shop.ask(client)
    shop.run_out()
    assert "Another company" in shop.ticket().reason
    assert shop.made() == []


def test_b7_a_new_month_may_have_a_new_ticket(shop, client):
    shop.ask(client)
    shop.run_out()
    with org_scope(shop.org.pk):
        Ticket.objects.update(period=LONG_AGO.date())
    assert shop.ask(client).status_code == 200
    shop.run_out()
    assert len(shop.made()) == 2


def test_b7_what_is_missing_is_said_in_the_dialog(shop, client):
    reply = client.post(shop.address(), {"summary": " ", "body": "x", "board": ""}, headers=HTMX)
    assert reply.status_code == 422
    assert "Say in a few words what it is about." in reply.text
    assert shop.tickets() == []


def test_b7_a_viewer_creates_none(shop, join, sign_in):
    viewer = sign_in(join("Vera", Role.VIEWER))
    assert shop.ask(viewer).status_code == 403
    page = viewer.get(reverse("dashboard", args=[shop.org.slug])).text
    assert 'data-key="ticket"' not in page


def test_b7_marks_ask_for_nothing_per_row(shop, client):
    def count() -> int:
        with CaptureQueriesContext(database) as caught:
            client.get(reverse("dashboard", args=[shop.org.slug]))
        return len(caught)

    count()
    few = count()
    shop.ask(client)
    shop.run_out()
    assert count() == few


# ---- PSA configuration, Tickets ------------------------------------------------------------------


def test_b7_an_admin_chooses_board_status_and_priority(shop, alice, sign_in):
    admin = sign_in(alice)
    with org_scope(shop.org.pk):
        pk = Connection.objects.get().pk
    page = reverse("psa_tickets", args=[shop.org.slug, pk])
    assert "Not read yet." in admin.get(page).text
    admin.post(reverse("psa_priorities", args=[shop.org.slug, pk]))
    shown = admin.get(page).text
    (priority, name), *_ = re.findall(
        r'<option value="(\d+)">([^<,]+)</option>', shown.split('name="priority"')[1]
    )
    board = shop.board()
    form = {"board": f"{board.remote_id}|{board.statuses[1][0]}", "priority": priority}
    assert admin.post(page, form).status_code == 302
    dialog = admin.get(shop.address(), headers=HTMX).text
    assert f"Goes to {board.name}, {board.statuses[1][1]}, priority {name}." in dialog
    assert "Change where tickets go" in dialog
    shop.ask(admin)
    shop.run_out()
    (made,) = shop.made()
    assert str(made["priority"]["id"]) == priority
    assert admin.post(page, {"board": "999|"}).status_code == 422


def test_b7_a_board_that_is_gone_is_asked_for_again(shop, client):
    shop.ask(client)
    with org_scope(shop.org.pk):
        Ticket.objects.all().delete()
        Board.objects.filter(pk=shop.board().pk).update(vanished_at=LONG_AGO)
    assert 'name="board"' in client.get(shop.address(), headers=HTMX).text


def test_b7_without_a_known_board_the_psas_own_default_takes_it(shop, client):
    with org_scope(shop.org.pk):
        Board.objects.all().delete()
    reply = client.post(shop.address(), {"summary": "Seats", "body": "Look"}, headers=HTMX)
    assert reply.status_code == 200
    shop.run_out()
    assert len(shop.made()) == 1
