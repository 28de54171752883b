"""D2, D3, E5: what is unmapped, excluded or left out by the contract view is off the lists, counted and priced."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.exchange import MANUAL, Part, Rate
from accounts.models import AuditEntry, Organization, ReconcileSettings, User
from accounts.rates import enter, exchange_for
from accounts.roles import Role
from dashboard.hidden import find_hidden
from dashboard.models import Card
from psa.models import Connection
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.mapping import SIDES
from vendors.models import VendorAccount, VendorService

HOME = "/o/northgate-it/"


@pytest.fixture
def books(org: Organization) -> Books:
    with org_scope(org.pk):
        return Books(org, now=timezone.now())


@pytest.fixture
def admin(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Ada", Role.ADMIN))


def difference(books: Books, psa: str = "10", vendor: str = "12") -> tuple[VendorAccount, VendorService]:
    """Make one line that differs, and give what stands behind it."""
    with org_scope(books.org.pk):
        books.pair(psa, vendor)
        books.refresh()
        return VendorAccount.objects.latest("pk"), VendorService.objects.latest("pk")


def act(client: Client, side: str, name: str, row: int, state: str) -> None:
    reply = client.post(f"{HOME}config/set/", {"side": side, "act": name, "row": [f"{row}|{state}"]})
    assert reply.status_code == 200


def words(client: Client, query: str = "") -> str:
    """Give the text of the dashboard, with every run of blanks as one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(HOME + query).text))


def test_d2_an_unmapped_account_leaves_the_list_at_once_and_counts_as_unmapped(
    books: Books, admin: Client
) -> None:
    vendor_account, _ = difference(books)
    with org_scope(books.org.pk):
        target = vendor_account.mappings.get().account_id
    assert 'id="line-' in admin.get(HOME).text
    act(admin, "accounts", "unmap", vendor_account.pk, str(target))
    page = admin.get(HOME)
    assert 'id="line-' not in page.text
    assert "1 account not mapped" in words(admin)
    assert page.context["unmapped"].worth.amount == Decimal("54.00")
    # Its line stays billed, and is counted among what is hidden.
    (part,) = page.context["hidden"].parts
    assert (part.key, part.number, part.units, part.money) == (
        "no_vendor_account",
        1,
        10,
        {"USD": Decimal(45)},
    )


def test_d2_an_unmapped_service_leaves_the_list_at_once_and_counts_as_unmapped(
    books: Books, admin: Client
) -> None:
    _, vendor_service = difference(books)
    with org_scope(books.org.pk):
        target = vendor_service.mappings.get().service_id
    act(admin, "services", "unmap", vendor_service.pk, str(target))
    page = admin.get(HOME)
    assert 'id="line-' not in page.text
    assert "1 service" in words(admin)
    assert [part.key for part in page.context["hidden"].parts] == ["no_vendor_service"]


@pytest.mark.parametrize("side", ["accounts", "services"])
def test_d3_what_is_excluded_is_gone_counted_and_priced_until_it_is_brought_back(
    books: Books, admin: Client, side: str
) -> None:
    vendor_account, vendor_service = difference(books)
    row = vendor_account if side == "accounts" else vendor_service
    with org_scope(books.org.pk):
        target = SIDES[side].targets(books.org.pk, [row.pk])[row.pk]
    act(admin, side, "exclude", row.pk, str(target))
    with org_scope(books.org.pk):
        # A day later, and after another look at everything, it is still out.
        books.refresh()
    page = admin.get(HOME)
    assert 'id="line-' not in page.text
    excluded, left = page.context["hidden"].parts
    assert (excluded.key, excluded.number, excluded.units) == (side, 1, 12)
    assert excluded.money == {"USD": Decimal(54)}
    assert (left.number, left.money) == (1, {"USD": Decimal(45)})
    text = words(admin)
    assert "2 hidden , $45.00 billed, ≈ $54.00 used" in text
    assert "not mapped" not in text
    assert f'href="/o/northgate-it/config/{side}/?status=excluded"' in page.text
    act(admin, side, "include", row.pk, f"x{target}")
    page = admin.get(HOME)
    assert page.text.count('<tr id="line-') == 1
    assert page.context["hidden"].parts == []


def test_d3_usage_excluded_on_both_sides_is_counted_once(books: Books, admin: Client) -> None:
    vendor_account, vendor_service = difference(books)
    with org_scope(books.org.pk):
        for row in (vendor_account, vendor_service):
            row.excluded_at = timezone.now()
            row.save()
        hidden = find_hidden(books.org.pk, shows_all=True)
    assert [(p.key, p.number, p.units, p.money) for p in hidden.parts] == [
        ("accounts", 1, Decimal(12), {"USD": Decimal(54)}),
        ("services", 1, Decimal(0), {}),
    ]


def test_d3_hidden_money_of_several_currencies_is_never_one_sum(books: Books, admin: Client) -> None:
    with org_scope(books.org.pk):
        for currency in ("USD", "EUR"):
            account = books.account()
            agreement = books.agreement(account, currency=currency)
            books.line(agreement, books.service(), "10", included=Decimal(4))
        books.refresh()
        hidden = find_hidden(books.org.pk, shows_all=False).price(exchange_for(books.org.pk))
    # Six of the ten units are billed; four are included free.
    assert hidden.billed
    assert hidden.billed.parts == (Part("EUR", Decimal(27)), Part("USD", Decimal(27)))
    assert "2 hidden , €27.00, $27.00 billed" in words(admin)
    assert "No rate for EUR, so there is no sum across currencies" in words(admin)


def test_g1_hidden_money_is_one_sum_at_dated_rates(books: Books, admin: Client, alice: User) -> None:
    with org_scope(books.org.pk):
        for currency in ("USD", "EUR"):
            books.line(books.agreement(books.account(), currency=currency), books.service(), "10")
        second = Connection.objects.create(
            org=books.org, kind="connectwise", name="Second", base_url="https://b.example", currency="EUR"
        )
        loose = books.vendor_account(None, excluded_at=books.now)
        for where in (books.psa, second):
            books.usage(loose, books.vendor_service(books.service(connection=where)), "2")
        books.refresh()
        enter(books.org.pk, Rate("EUR", "USD", Decimal("1.2"), books.now.date(), MANUAL), by=alice)
    # Billed: 45 + 45 × 1.2; used: 9 + 9 × 1.2, which is an estimate however it is priced.
    text = words(admin)
    assert "3 hidden , ≈ $99.00 billed, ≈ $19.80 used" in text
    assert "Together 3 ≈ $99.00 billed, ≈ $19.80 used" in text
    assert "≈ at 1 EUR = 1.2 USD, entered by hand" in text
    assert "No rate" not in text


def test_d3_a_count_without_a_price_is_said_to_have_none(books: Books, admin: Client) -> None:
    with org_scope(books.org.pk):
        account = books.vendor_account(None, excluded_at=books.now)
        books.usage(account, books.vendor_service(None), "7")
    (part,) = admin.get(HOME).context["hidden"].parts
    assert (part.units, part.unpriced, part.money) == (7, 1, {})
    assert "no price" in words(admin)


def leave_out(books: Books) -> None:
    """Add lines that no source counts: one without a vendor, and one whose agreement has ended."""
    with org_scope(books.org.pk):
        account = books.account("Pine Street Dental")
        books.line(books.agreement(account), books.service("Hosted telephone"), "3")
        ended = books.agreement(account, ends_on=books.now.date().replace(day=1))
        books.line(ended, books.service("Old backup"), "2")
        books.refresh()


def test_e5_only_mapped_lines_are_listed_and_the_others_are_one_click_away(
    books: Books, admin: Client
) -> None:
    difference(books)
    leave_out(books)
    page = admin.get(f"{HOME}?tab=all")
    assert page.text.count('<tr id="line-') == 1
    assert page.context["totals"].tabs["all"] == 1
    assert ("other", "Not compared") not in page.context["filters"].tabs
    parts = {part.key: part for part in page.context["hidden"].parts}
    assert {key: part.number for key, part in parts.items()} == {
        "no_vendor_service": 1,
        "agreement_inactive": 1,
    }
    # What has ended is on no invoice, so it adds no money.
    assert page.context["hidden"].billed.parts == (Part("USD", Decimal("13.50")),)
    every = admin.get(f"{HOME}?tab=all&contracts=all")
    assert every.text.count('<tr id="line-') == 3
    assert every.context["totals"].tabs["all"] == 3
    assert every.context["hidden"].parts == []
    # What was compared stays the same, whoever looks at more.
    assert every.context["totals"].billable == page.context["totals"].billable == 1
    one = admin.get(f"{HOME}?tab=other&why=agreement_inactive")
    assert "Old backup" in one.text
    assert "Hosted telephone" not in one.text


def test_e5_the_default_holds_for_everyone_and_each_person_can_still_switch(
    books: Books, admin: Client, join: Callable[[str, Role], User], sign_in: Callable[[User], Client]
) -> None:
    difference(books)
    leave_out(books)
    settings = f"{HOME}settings/reconciliation/"
    shown = re.sub(r"\s+", " ", admin.get(settings).text)
    assert "Adds 2 lines that no source counts." in shown
    assert "1 line. The other 2 stay billed as they are" in shown
    stored = {
        name: str(getattr(ReconcileSettings(), name))
        for name in (
            "guard_percent",
            "guard_units",
            "jump_percent",
            "jump_units",
            "vanish_percent",
            "stale_hours",
        )
    }
    before = cards_written(books)
    reply = admin.post(settings, stored | {"pushing": "at_once", "contract_view": "all"}, follow=True)
    assert "Saved." in reply.text
    assert cards_written(books) == before
    with org_scope(books.org.pk):
        entry = AuditEntry.objects.latest("seq")
    assert (entry.old, entry.new) == ({"contract view": "mapped"}, {"contract view": "all"})
    viewer = sign_in(join("Vera", Role.VIEWER))
    assert viewer.get(f"{HOME}?tab=all").text.count('<tr id="line-') == 3
    assert viewer.get(f"{HOME}?tab=all&contracts=mapped").text.count('<tr id="line-') == 1
    # Naming the default changes nothing; a word that is none falls back to it.
    assert viewer.get(f"{HOME}?tab=all&contracts=all").context["filters"].contracts == ""
    assert viewer.get(f"{HOME}?tab=all&contracts=none").context["filters"].shows_all


def test_e5_a_form_that_does_not_name_the_view_keeps_it(books: Books, admin: Client) -> None:
    with org_scope(books.org.pk):
        ReconcileSettings.objects.update(contract_view="all")
    stored = {"guard_percent": "30", "guard_units": "5", "jump_percent": "100", "jump_units": "20"}
    admin.post(
        f"{HOME}settings/reconciliation/",
        stored | {"vanish_percent": "10", "stale_hours": "192", "pushing": "at_once"},
    )
    with org_scope(books.org.pk):
        found = ReconcileSettings.objects.get()
    assert (found.guard_percent, found.contract_view) == (30, "all")


def cards_written(books: Books) -> list[tuple[int, str]]:
    with org_scope(books.org.pk):
        return [(card.pk, card.state) for card in Card.objects.order_by("pk")]
