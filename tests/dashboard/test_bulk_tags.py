"""D8, E4: a tag on many at once, from lines and from Advanced config: counted first, and taken back exactly."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import Card
from psa.models import Account, AccountTag, ServiceTag, Tag
from psa.tags import MOST
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import VendorAccount

HOME = "/o/northgate-it/"


@pytest.fixture
def books(org: Organization) -> Books:
    """Three accounts with one line each that differs; the first has a second line."""
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        last = [books.pair("10", "12") for _ in range(3)][-1]
        books.line(last.agreement, books.service("Hosted telephone"), "4")
        books.refresh()
    return books


@pytest.fixture
def reviewer(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Rita", Role.REVIEWER))


def todo(books: Books) -> list[Card]:
    with org_scope(books.org.pk):
        return list(Card.objects.filter(state="todo").order_by("pk"))


def fields(html: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="(.*?)">', html))


def tagged(books: Books) -> list[tuple[str, int]]:
    with org_scope(books.org.pk):
        return list(AccountTag.objects.order_by("account_id").values_list("tag__name", "account_id"))


def test_d8_a_selection_is_tagged_after_a_look_at_how_many_and_taken_back(
    books: Books, reviewer: Client
) -> None:
    cards = todo(books)
    dialog = reviewer.post(f"{HOME}lines/tag/", {"card": [card.pk for card in cards]}).text
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", dialog))
    assert "3 accounts 4 lines in all, also those that you did not select" in words
    assert "3 services 3 lines in all" in words
    assert tagged(books) == []
    accounts = fields(dialog)["account"]
    assert accounts == " ".join(str(card.account_id) for card in cards)
    one = {"on": "account", "account": str(cards[0].account_id), "name": "VIP", "act": "put_on"}
    reviewer.post(f"{HOME}tags/", one)
    reply = reviewer.post(f"{HOME}tags/", one | {"account": accounts}).text
    # The first wore it already, so undoing leaves it there.
    assert "“VIP” on 2 accounts" in reply
    assert [account for _, account in tagged(books)] == [card.account_id for card in cards]
    with org_scope(books.org.pk):
        assert AuditEntry.objects.filter(verb="tagged").count() == 3
    undo = fields(reply)
    assert undo["act"] == "take_off"
    assert "“VIP” off 2 accounts" in reviewer.post(f"{HOME}tags/", undo).text
    assert tagged(books) == [("VIP", cards[0].account_id)]
    assert "It was like this already" in reviewer.post(f"{HOME}tags/", undo).text


def test_d8_all_lines_of_a_view_are_tagged_also_those_on_other_pages(books: Books, reviewer: Client) -> None:
    cards = todo(books)
    dialog = reviewer.post(f"{HOME}lines/tag/", {"view": f"?account={cards[1].account_id}"}).text
    assert fields(dialog) == {"account": str(cards[1].account_id), "service": str(cards[1].service_id)}
    form = {"on": "service", "service": fields(dialog)["service"], "name": "Backup first"}
    assert "1 line shows it" in reviewer.post(f"{HOME}tags/", form).text
    with org_scope(books.org.pk):
        assert ServiceTag.objects.get().service_id == cards[1].service_id


def test_d8_tagging_nothing_says_so(books: Books, reviewer: Client) -> None:
    assert reviewer.post(f"{HOME}lines/tag/").status_code == 409
    assert reviewer.get(f"{HOME}config/tag/").status_code == 409
    assert reviewer.get(f"{HOME}config/tag/", {"row": ["nonsense"]}).status_code == 409


def test_d8_one_that_is_full_refuses_the_whole_act(books: Books, reviewer: Client) -> None:
    cards = todo(books)
    with org_scope(books.org.pk):
        for n in range(MOST):
            tag = Tag.objects.create(org=books.org, name=f"Tag {n}")
            AccountTag.objects.create(org=books.org, tag=tag, account_id=cards[1].account_id)
    every = " ".join(str(card.account_id) for card in cards)
    reply = reviewer.post(f"{HOME}tags/", {"on": "account", "account": every, "name": "VIP"})
    assert reply.status_code == 409
    assert "Nothing was changed" in reply.text
    assert "VIP" not in [name for name, _ in tagged(books)]


def test_d8_another_organizations_accounts_are_not_tagged(
    books: Books, charlie: User, other_org: Organization, sign_in: Callable[[User], Client]
) -> None:
    with org_scope(books.org.pk):
        stolen = Account.objects.earliest("pk").pk
    reply = sign_in(charlie).post("/o/other-msp/tags/", {"on": "account", "account": stolen, "name": "VIP"})
    assert "It was like this already" in reply.text
    assert tagged(books) == []


def test_d8_advanced_config_tags_what_rows_are_mapped_to_and_shows_it(
    books: Books, join: Callable[[str, Role], User], sign_in: Callable[[User], Client]
) -> None:
    admin = sign_in(join("Ada", Role.ADMIN))
    with org_scope(books.org.pk):
        rows = list(VendorAccount.objects.order_by("pk"))
        loose = books.vendor_account(None, "Nobody's")
        target = rows[0].mappings.get().account_id
    assert "Tag…" in admin.get(f"{HOME}config/accounts/").text
    picks = {"side": "accounts", "row": [f"{rows[0].pk}|{target}", f"{loose.pk}|"]}
    dialog = admin.get(f"{HOME}config/tag/", picks).text
    assert fields(dialog) == {"account": str(target)}
    assert "1 of the selected rows is not mapped" in dialog
    admin.post(f"{HOME}tags/", {"on": "account", "account": fields(dialog)["account"], "name": "VIP"})
    assert admin.get(f"{HOME}config/accounts/").text.count('title="VIP">VIP</span>') == 1
    assert admin.get(f"{HOME}config/tag/", {"row": [f"{loose.pk}|"]}).status_code == 409
