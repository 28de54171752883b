"""Approving, editing, dismissing and undoing through the URLs, seen in rows of the database."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Organization, ReconcileSettings, User
from accounts.roles import Role
from dashboard.models import Card, Decision
from psa.models import AgreementLine, Connection, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import Integration, VendorAccount


@pytest.fixture
def books(org: Organization) -> Books:
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
        return books


@pytest.fixture
def card(books: Books) -> Card:
    with org_scope(books.org.pk):
        line = books.pair("10", "12")
        books.refresh()
        return books.card(line)


@pytest.fixture
def scoped(org: Organization) -> Iterator[None]:
    with org_scope(org.pk):
        yield


def post(client: Client, card: Card, act: str, **data: Any) -> Any:
    seen = {"seen_psa": "10", "seen_vendor": "12"}
    return client.post(f"/o/northgate-it/lines/{card.pk}/{act}/", seen | data, headers={"HX-Request": "true"})


def pushes() -> list[Push]:
    return list(Push.objects.order_by("pk"))


def test_approving_stages_one_push_and_says_so_in_the_row(approver: Client, card: Card) -> None:
    response = post(approver, card, "approve")
    assert response.status_code == 200
    assert f'id="line-{card.pk}"' in response.content.decode()
    with org_scope(card.org_id):
        (push,) = pushes()
        assert (push.seen, push.wanted, push.state) == (10, 12, "staged")
        assert Card.objects.get().state == "pushing"
        assert Decision.objects.get().units == 12
        assert AuditEntry.objects.filter(subject=f"push:{push.pk}").exists()


def test_a_second_click_stages_nothing_more(approver: Client, card: Card) -> None:
    post(approver, card, "approve")
    assert post(approver, card, "approve").status_code == 422
    with org_scope(card.org_id):
        assert len(pushes()) == 1


def test_a_stale_tab_writes_nothing_and_says_why(approver: Client, card: Card) -> None:
    response = post(approver, card, "approve", seen_psa="9")
    assert response.status_code == 422
    assert "changed since you opened" in response.headers["HX-Trigger"]
    # The sentence asks to look at the new numbers: here they are.
    assert f'id="line-{card.pk}"' in response.content.decode()
    with org_scope(card.org_id):
        assert pushes() == []


@pytest.mark.parametrize(
    "units", ["-1", "1e3000", "NaN", "twelve", "1.1234567", "Infinity", "--", "1,5", "1,50", "0.0.0"]
)
def test_a_quantity_that_is_none_is_refused(approver: Client, card: Card, units: str) -> None:
    response = post(approver, card, "approve", units=units)
    assert response.status_code == 409
    assert "is not a quantity" in response.content.decode()
    with org_scope(card.org_id):
        assert pushes() == []


def test_thousands_may_have_a_comma(approver: Client, card: Card) -> None:
    assert post(approver, card, "approve", units="1,250.5", meant="1250.5").status_code == 200
    with org_scope(card.org_id):
        assert pushes()[0].wanted == Decimal("1250.5")


def test_a_day_that_no_calendar_has_is_refused(approver: Client, card: Card) -> None:
    response = post(approver, card, "approve", way="split|2026-02-31")
    assert response.status_code == 409
    assert "does not exist" in response.content.decode()


def test_a_refused_approval_leaves_what_was_decided_before(approver: Client, card: Card) -> None:
    post(approver, card, "dismiss", reason="Promised to the client")
    with org_scope(card.org_id):
        # A connection that was never tested: no push can be staged.
        Connection.objects.update(remote_account="")
    response = post(approver, card, "approve", units="11")
    assert response.status_code == 409
    assert "Test it first" in response.content.decode()
    with org_scope(card.org_id):
        assert Decision.objects.get().undone_at is None


def test_a_count_that_grew_old_on_the_screen_is_not_approved(approver: Client, card: Card) -> None:
    with org_scope(card.org_id):
        Integration.objects.update(counted_at=timezone.now() - timedelta(days=30))
    assert post(approver, card, "approve").status_code == 422
    body = approver.post("/o/northgate-it/lines/approve/", {"line": [f"{card.pk}|10|12"]}).content.decode()
    assert "0 approved, 1 not" in body
    with org_scope(card.org_id):
        assert pushes() == []


def test_an_edited_quantity_is_what_is_pushed(approver: Client, card: Card) -> None:
    assert post(approver, card, "approve", units="11").status_code == 200
    with org_scope(card.org_id):
        assert pushes()[0].wanted == 11


@pytest.mark.parametrize("units", ["0", "4", "31", "100000"])
def test_a_typed_quantity_beyond_the_guards_asks_whether_it_is_meant(
    approver: Client, card: Card, units: str
) -> None:
    response = post(approver, card, "approve", units=units)
    assert response.status_code == 422
    assert "beyond your guards" in response.content.decode()
    with org_scope(card.org_id):
        assert pushes() == []
    assert post(approver, card, "approve", units=units, meant=units).status_code == 200


def test_a_reviewer_may_not_push(
    join: Callable[[str, Role], User], sign_in: Callable[[User], Client], card: Card
) -> None:
    response = post(sign_in(join("Rita", Role.REVIEWER)), card, "approve")
    assert response.status_code == 403
    assert "approver" in response.content.decode()
    with org_scope(card.org_id):
        assert pushes() == []


def test_a_stranger_finds_nothing(
    charlie: User, other_org: Organization, sign_in: Callable[[User], Client], card: Card
) -> None:
    assert post(sign_in(charlie), card, "approve").status_code == 404


def test_another_organizations_card_is_not_found_here(
    charlie: User, other_org: Organization, sign_in: Callable[[User], Client], card: Card
) -> None:
    response = sign_in(charlie).post(
        f"/o/other-msp/lines/{card.pk}/approve/", {"seen_psa": "10", "seen_vendor": "12"}
    )
    assert response.status_code == 404
    with org_scope(card.org_id):
        assert pushes() == []


def test_a_held_line_asks_for_confirmation(approver: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        line = books.pair("10", "0")
        books.refresh()
        held = books.card(line)
    assert post(approver, held, "approve", seen_vendor="0", units="0").status_code == 409
    assert post(approver, held, "approve", seen_vendor="0", units="0", sure="yes").status_code == 200
    with org_scope(books.org.pk):
        assert pushes()[0].wanted == 0


def test_an_unknown_count_is_never_pushed_without_a_number(
    approver: Client, card: Card, books: Books
) -> None:
    with org_scope(card.org_id):
        VendorAccount.objects.update(gap_reason="Lost connection", gap_since=books.now)
        books.refresh()
    response = post(approver, card, "approve", seen_vendor="", sure="yes")
    assert response.status_code == 409
    assert "unknown" in response.content.decode()
    assert post(approver, card, "approve", seen_vendor="", sure="yes", units="11").status_code == 200


def test_dismissing_and_taking_it_back(approver: Client, card: Card) -> None:
    assert post(approver, card, "dismiss", reason="Promised to the client").status_code == 200
    with org_scope(card.org_id):
        assert Card.objects.get().state == "done"
    assert post(approver, card, "undo").status_code == 200
    with org_scope(card.org_id):
        assert Card.objects.get().state == "todo"
        assert pushes() == []


def test_undoing_before_anything_was_sent_cancels_the_push(approver: Client, card: Card) -> None:
    with org_scope(card.org_id):
        ReconcileSettings.objects.update(pushing="collect")
    post(approver, card, "approve")
    with org_scope(card.org_id):
        assert Card.objects.get().state == "ready"
    assert post(approver, card, "undo").status_code == 200
    with org_scope(card.org_id):
        assert [p.state for p in pushes()] == ["cancelled"]
        assert Card.objects.get().state == "todo"


def test_a_push_that_nobody_can_tell_is_looked_up_again(approver: Client, card: Card, books: Books) -> None:
    post(approver, card, "approve")
    with org_scope(card.org_id):
        Push.objects.update(state="person", reason="Sent, and could not be read back.")
        books.refresh()
    assert "Look it up in the PSA" in approver.get("/o/northgate-it/").content.decode()
    assert post(approver, card, "look").status_code == 200
    with org_scope(card.org_id):
        assert [p.state for p in pushes()] == ["unknown"]
        assert Card.objects.get().state == "pushing"
    assert post(approver, card, "look").status_code == 409


def collect(client: Client, card: Card) -> Push:
    with org_scope(card.org_id):
        ReconcileSettings.objects.update(pushing="collect")
    post(client, card, "approve")
    with org_scope(card.org_id):
        return pushes()[0]


def test_collected_pushes_go_when_they_are_released(approver: Client, card: Card) -> None:
    push = collect(approver, card)
    assert "Push 1 quantity" in approver.get("/o/northgate-it/lines/push/").content.decode()
    body = approver.post("/o/northgate-it/lines/push/send/", {"push": [push.pk]}).content.decode()
    assert "1 push on the way" in body
    with org_scope(card.org_id):
        assert [p.state for p in pushes()] == ["staged"]


def test_a_collected_push_waits_when_its_count_has_changed(
    approver: Client, card: Card, books: Books
) -> None:
    push = collect(approver, card)
    with org_scope(card.org_id):
        VendorAccount.objects.update(gap_reason="Lost connection", gap_since=books.now)
        books.refresh()
    body = approver.post("/o/northgate-it/lines/push/send/", {"push": [push.pk]}).content.decode()
    assert "0 pushes on the way, 1 not" in body
    with org_scope(card.org_id):
        assert [p.state for p in pushes()] == ["waiting"]


def test_a_sum_says_how_many_lines_it_lacks_and_never_counts_them_as_nothing(
    approver: Client, reviewer: Client, add: Callable[..., Card], desk: Books
) -> None:
    """E4: "+$9.00" beside a line without a price would be less than what is written."""
    priced, unpriced, unknown = add("10", "12"), add("10", "14", unit_price=None), add("10", "11")
    with org_scope(desk.org.pk):
        Connection.objects.update(currency="USD")
        VendorAccount.objects.filter(mappings__account=unknown.account_id).update(
            gap_reason="silent", gap_since=desk.now
        )
        desk.refresh()
    here, ids = "/o/northgate-it/lines", [priced.pk, unpriced.pk]
    dialog = approver.post(f"{here}/approve/preview/", {"card": ids}).content.decode()
    assert "Approve 2, +$9.00 and 1 line without a price</button>" in dialog
    alone = approver.post(f"{here}/approve/preview/", {"card": [unpriced.pk]}).content.decode()
    assert "Approve 1, 1 line without a price</button>" in alone
    snooze = reviewer.post(f"{here}/snooze/preview/", {"card": [*ids, unknown.pk]}).content.decode()
    assert "+$9.00 and 1 line without a price and 1 line without a count on the next invoices" in snooze


def test_a_preview_leaves_out_what_needs_a_look_of_its_own(
    approver: Client, card: Card, books: Books
) -> None:
    with org_scope(books.org.pk):
        held = books.pair("10", "0")
        books.refresh()
        held_card = books.card(held)
    body = approver.post(
        "/o/northgate-it/lines/approve/preview/", {"card": [card.pk, held_card.pk]}
    ).content.decode()
    assert "Approve 1 quantity" in body
    assert "1 left out" in body


def test_bulk_approval_reports_each_line(approver: Client, card: Card, books: Books) -> None:
    with org_scope(books.org.pk):
        second = books.card(_refreshed(books, books.pair("20", "25")))
    lines = [f"{card.pk}|10|12", f"{second.pk}|19|25"]
    body = approver.post("/o/northgate-it/lines/approve/", {"line": lines}).content.decode()
    assert "1 approved, 1 not" in body
    with org_scope(books.org.pk):
        assert [(p.seen, p.wanted) for p in pushes()] == [(10, 12)]


def _refreshed(books: Books, line: AgreementLine) -> AgreementLine:
    books.refresh()
    return line


def test_the_dashboard_prints_what_it_knows(approver: Client, card: Card, books: Books) -> None:
    body = approver.get("/o/northgate-it/").content.decode()
    assert "Harbor Dental" in body
    assert "+2" in body
    assert "under-billed" in body


def test_details_explain_the_count(approver: Client, card: Card) -> None:
    body = approver.get(f"/o/northgate-it/lines/{card.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "How 12 was counted" in body
    assert "ManagedWorkstationAgents" in body
    assert Decimal(card.psa_units) == 10


@pytest.mark.parametrize("view", ["list", "cards"])
@pytest.mark.parametrize("group", ["service", "account", "agreement"])
@pytest.mark.parametrize("tab", ["todo", "held", "ready", "done", "all", "other"])
def test_every_view_of_every_tab_opens(approver: Client, card: Card, tab: str, group: str, view: str) -> None:
    assert approver.get(f"/o/northgate-it/?tab={tab}&group={group}&view={view}&q=harbor").status_code == 200


def test_unmapped_usage_is_priced_in_the_psas_own_currency(approver: Client, books: Books) -> None:
    with org_scope(books.org.pk):
        Connection.objects.update(currency="EUR")
        books.usage(books.vendor_account(name="Loose Ends"), books.vendor_service(books.service()), "10")
        books.refresh()
    assert "≈ €45.00" in approver.get("/o/northgate-it/").content.decode()
    with org_scope(books.org.pk):
        second = Connection.objects.create(
            org=books.org, kind="connectwise", name="Second", base_url="https://b.example", currency="USD"
        )
        other = books.service(name="Other", connection=second)
        books.usage(books.vendor_account(name="Loose Change"), books.vendor_service(other), "10")
        books.refresh()
    body = approver.get("/o/northgate-it/").content.decode()
    # Two currencies, and no rate between them: side by side, and no sum.
    assert "≈ €45.00" in body
    assert "and ≈ $45.00" in body
    assert "90.00" not in body


@pytest.mark.parametrize("query", ["page=²", "page=" + "9" * 30, "q=%00", "open=²", "amount=NaN"])
def test_an_odd_address_opens_the_usual_view(approver: Client, card: Card, query: str) -> None:
    assert approver.get(f"/o/northgate-it/?{query}").status_code == 200
    assert approver.get(f"/o/northgate-it/activity/?{query}").status_code == 200


def test_the_first_page_asks_a_fixed_number_of_queries(
    approver: Client, card: Card, books: Books, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert approver.get("/o/northgate-it/").status_code == 200
        return len(asked)

    first = count()
    with org_scope(books.org.pk):
        for _ in range(15):
            books.pair("10", "13")
        books.refresh()
    assert count() == first
