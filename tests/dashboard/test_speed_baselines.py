"""What keeps 20,000 lines fast, without a clock: numbers of queries, plans, and what is left untouched."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit, rates
from accounts.exchange import MANUAL, Rate
from accounts.models import AuditEntry, Organization, ReconcileSettings, User
from accounts.roles import Role
from dashboard import bulk, cards, statistics
from dashboard.asides import Aside, set_many_aside
from dashboard.decisions import Seen
from dashboard.models import Card, Decision
from dashboard.undoing import undo_act
from psa.models import AgreementLine, Connection, Push
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books

# May fall; whoever raises them says why.
# An address without a view asks which one the person chose to see first; each page, whether the month is closed.
# Three are for money and times as the organization reads them (G1): how that is, the rates, and each group's sums.
# One asks for added lines that a person must look up and no row shows (RELIABILITY R4).
FIRST_PAGE = 34
APPROVAL = 25
# Setting aside and taking back each ask whether the month is closed.
ASIDE_AND_BACK = 27
UNDO_OF_PUSHES = 25


@pytest.fixture
def outside(org: Organization) -> Books:
    """Give the books to a test that opens pages; it opens the scope itself."""
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
    return books


@pytest.fixture
def books(outside: Books) -> Iterator[Books]:
    with org_scope(outside.org.pk):
        yield outside


def add_lines(books: Books, number: int) -> list[Card]:
    lines = [books.pair("10", "12") for _ in range(number)]
    books.refresh()
    return list(Card.objects.filter(line__in=lines).order_by("pk"))


def as_seen(found: list[Card]) -> dict[int, Seen]:
    return {card.pk: Seen(card.psa_units, card.vendor_units) for card in found}


@pytest.fixture
def refreshes() -> Iterator[list[Any]]:
    """Give the accounts of each time that cards followed."""
    heard: list[Any] = []

    def listen(sender: Any, *, account_ids: Any, **kwargs: Any) -> None:
        heard.append(account_ids)

    figures_changed.connect(listen)
    yield heard
    figures_changed.disconnect(listen)


def test_approving_many_lines_asks_what_approving_a_few_asks(books: Books, alice: User) -> None:
    asked = []
    for number in (5, 15):
        chosen = as_seen(add_lines(books, number))
        with CaptureQueriesContext(connection) as queries:
            done, refused = bulk.approve_many(books.org.pk, chosen, by=alice)
        assert (len(done), refused) == (number, [])
        asked.append(len(queries))
    assert asked[0] == asked[1] <= APPROVAL


def test_comparing_many_amounts_at_a_rate_asks_what_a_few_ask(books: Books, alice: User) -> None:
    """E10: the rates are read once for an act, and not at all where every amount is in the threshold's currency."""
    Connection.objects.update(currency="EUR")
    rates.enter(books.org.pk, Rate("EUR", "USD", Decimal("1.1"), timezone.now().date(), MANUAL), by=alice)
    asked = []
    for number, currency in ((5, "USD"), (15, "USD"), (5, "EUR")):
        ReconcileSettings.objects.update(second_from=10000, second_currency=currency)
        chosen = as_seen(add_lines(books, number))
        with CaptureQueriesContext(connection) as queries:
            done, refused = bulk.approve_many(books.org.pk, chosen, by=alice)
        assert (len(done), refused) == (number, [])
        asked.append(len(queries))
    assert asked[0] == asked[1] == asked[2] + 1 <= APPROVAL + 1


@pytest.mark.parametrize("aside", [Aside("Promised"), Aside("", date(2999, 1, 1))])
def test_setting_many_aside_and_undoing_it_asks_what_a_few_ask(
    books: Books, alice: User, aside: Aside
) -> None:
    asked = []
    for number in (5, 15):
        chosen, act = as_seen(add_lines(books, number)), uuid4()
        with CaptureQueriesContext(connection) as queries:
            done, refused = set_many_aside(books.org.pk, chosen, aside, by=alice, act=act)
            assert (len(done), refused) == (number, [])
            undone, refused = undo_act(books.org.pk, act, by=alice, may_push=False)
            assert (len(undone), refused) == (number, [])
        asked.append(len(queries))
    assert asked[0] == asked[1] <= ASIDE_AND_BACK


@pytest.mark.parametrize("state", ["staged", "confirmed"])
def test_undoing_many_pushes_asks_what_undoing_a_few_asks(books: Books, alice: User, state: str) -> None:
    """Whether they are cancelled, or their opposites staged."""
    asked = []
    for number in (5, 15):
        act = uuid4()
        bulk.approve_many(books.org.pk, as_seen(add_lines(books, number)), by=alice, act=act)
        made = Push.objects.filter(state="staged", undoes=None)
        if state == "confirmed":
            AgreementLine.objects.filter(pk__in=made.values("line")).update(quantity=12)
            made.update(state="confirmed", sent_count=1)
            books.refresh()
        with CaptureQueriesContext(connection) as queries:
            done, refused = undo_act(books.org.pk, act, by=alice, may_push=True)
        assert (len(done), refused) == (number, [])
        asked.append(len(queries))
    assert asked[0] == asked[1] <= UNDO_OF_PUSHES


def test_approving_many_lines_refreshes_their_cards_once(
    books: Books, alice: User, refreshes: list[Any]
) -> None:
    found = add_lines(books, 5)
    bulk.approve_many(books.org.pk, as_seen(found), by=alice)
    assert refreshes == [sorted(card.account_id for card in found)]
    assert set(Card.objects.values_list("state", flat=True)) == {"pushing"}


def test_many_approvals_leave_what_each_alone_would_leave(books: Books, alice: User) -> None:
    first, second, third = add_lines(books, 3)
    chosen = as_seen([first, second, third]) | {second.pk: Seen(Decimal(9), Decimal(12))}
    done, refused = bulk.approve_many(books.org.pk, chosen, by=alice)
    assert [(card.pk, "changed since" in sentence) for card, sentence in refused] == [(second.pk, True)]
    assert [d.line_id for d in done] == [first.line_id, third.line_id]
    pushes = list(Push.objects.order_by("pk"))
    assert [(p.line_id, p.seen, p.wanted, p.state) for p in pushes] == [
        (first.line_id, 10, 12, "staged"),
        (third.line_id, 10, 12, "staged"),
    ]
    assert [d.push for d in Decision.objects.order_by("pk")] == pushes
    assert [e.subject for e in AuditEntry.objects.filter(verb="push staged").order_by("seq")] == [
        f"push:{p.pk}" for p in pushes
    ]
    assert audit.verify(books.org.pk) is None


def test_a_second_bulk_approval_stages_nothing_more(books: Books, alice: User) -> None:
    chosen = as_seen(add_lines(books, 3))
    bulk.approve_many(books.org.pk, chosen, by=alice)
    done, refused = bulk.approve_many(books.org.pk, chosen, by=alice)
    assert (done, len(refused), Push.objects.count()) == ([], 3, 3)


@pytest.mark.parametrize("query", ["", "?group=account", "?group=agreement", "?view=cards"])
def test_the_first_page_asks_the_same_however_long_the_list(
    outside: Books, join: Callable[[str, Role], User], sign_in: Callable[[User], Client], query: str
) -> None:
    client = sign_in(join("Vera", Role.APPROVER))
    asked = []
    for number in (1, 15):
        with org_scope(outside.org.pk):
            add_lines(outside, number)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/o/northgate-it/{query}").status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= FIRST_PAGE


def test_no_plan_of_a_large_refresh_joins_line_by_line(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    add_lines(books, 3)
    plan: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql != cards.REFRESH:
            return execute(sql, params, many, context)
        execute(f"EXPLAIN {sql}", params, many, context)
        plan.extend(row[0] for row in context["cursor"].fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        books.refresh()
    assert any("Hash" in line for line in plan)
    assert [line for line in plan if "Nested Loop" in line] == []


def test_the_planner_is_itself_again_after_a_refresh(books: Books) -> None:
    add_lines(books, 1)
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_nestloop")
        assert cursor.fetchone() == ("on",)


def test_an_unchanged_card_is_neither_written_nor_locked(books: Books) -> None:
    add_lines(books, 3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, ctid::text, xmin::text, xmax::text FROM dashboard_card ORDER BY id")
        before = cursor.fetchall()
        assert books.refresh() == 0
        cursor.execute("SELECT id, ctid::text, xmin::text, xmax::text FROM dashboard_card ORDER BY id")
        assert cursor.fetchall() == before


def test_the_application_role_renews_statistics(books: Books) -> None:
    add_lines(books, 40)
    statistics.renew()
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'dashboard_card'")
        assert cursor.fetchone()[0] >= 40


def test_statistics_follow_only_a_refresh_that_wrote_much(
    books: Books, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(statistics, "MANY_CARDS", 5)
    with django_capture_on_commit_callbacks() as few:
        add_lines(books, 4)
    with django_capture_on_commit_callbacks() as many:
        add_lines(books, 5)
    assert (len(few), len(many)) == (0, 1)


def test_changes_of_a_block_are_told_as_one(refreshes: list[Any], org: Organization) -> None:
    with org_scope(org.pk), figures_changed.together(org.pk):
        figures_changed.send(None, org_id=org.pk, account_ids=[2])
        with figures_changed.together(org.pk):
            figures_changed.send(None, org_id=org.pk, account_ids=[1, 2])
        assert refreshes == []
    assert refreshes == [[1, 2]]


def test_a_change_of_everything_swallows_the_rest(refreshes: list[Any], org: Organization) -> None:
    with org_scope(org.pk), figures_changed.together(org.pk):
        figures_changed.send(None, org_id=org.pk, account_ids=[2])
        figures_changed.send(None, org_id=org.pk, account_ids=None)
    assert refreshes == [None]


def break_off(org_id: int) -> None:
    with org_scope(org_id), figures_changed.together(org_id):
        figures_changed.send(None, org_id=org_id, account_ids=[2])
        raise ValueError("broken")


def test_a_block_that_fails_or_changes_nothing_tells_nothing(refreshes: list[Any], org: Organization) -> None:
    with org_scope(org.pk), figures_changed.together(org.pk):
        pass
    with pytest.raises(ValueError, match="broken"):
        break_off(org.pk)
    with pytest.raises(RuntimeError, match="two organizations"), figures_changed.together(org.pk):
        figures_changed.send(None, org_id=org.pk + 1, account_ids=[2])
    assert refreshes == []
