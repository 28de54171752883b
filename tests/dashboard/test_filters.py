"""E1, E6: what narrows, groups and orders the lines; every view is an address, and no address can break."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, User
from accounts.roles import Role
from dashboard.choices import SHOWN
from dashboard.filters import SORTS, Filters
from dashboard.models import Card
from psa.models import AgreementType
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books

HOME = "/o/northgate-it/"


@pytest.fixture
def books(org: Organization) -> Books:
    with org_scope(org.pk):
        return Books(org, now=timezone.now())


@pytest.fixture
def viewer(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Vera", Role.VIEWER))


def sell(books: Books, name: str, psa: str, vendor: str, **values: Any) -> Card:
    """Add an account of this name with one line that bills `psa` and is counted as `vendor`."""
    with org_scope(books.org.pk):
        account, service = books.account(name), books.service(values.pop("service", "Backup"))
        integration = values.pop("integration", books.veeam)
        va = books.vendor_account(account, integration=integration)
        books.usage(va, books.vendor_service(service, integration=integration), vendor)
        line = books.line(books.agreement(account, **values), service, psa)
        books.refresh()
        return books.card(line)


def listed(client: Client, query: str) -> set[str]:
    """Give the accounts whose lines a view lists."""
    reply = client.get(HOME + query)
    assert reply.status_code == 200
    return {str(row.card.account) for group in reply.context["page"].groups for row in group.rows}


def test_e6_each_filter_keeps_what_it_names(books: Books, viewer: Client) -> None:
    with org_scope(books.org.pk):
        flat = AgreementType.objects.create(**books._row(name="Flat rate"))
        old = books.integration("Old console", counted_at=books.now - timedelta(days=3))
    small = sell(books, "Alder", "10", "11")
    large = sell(books, "Birch", "10", "14", agreement_type=flat)
    older = sell(books, "Cedar", "20", "19", integration=old)
    sell(books, "Dogwood", "10", "0")
    every = {"Alder", "Birch", "Cedar"}
    assert listed(viewer, "?") == every
    assert listed(viewer, f"?account={small.account_id}") == {"Alder"}
    assert listed(viewer, f"?source={old.pk}") == {"Cedar"}
    assert listed(viewer, f"?type={flat.pk}") == {"Birch"}
    assert listed(viewer, "?units=2") == {"Birch"}
    assert listed(viewer, "?units=1") == every
    assert listed(viewer, "?amount=18") == {"Birch"}
    assert large.effect == 18
    assert listed(viewer, "?fresh=day") == {"Alder", "Birch"}
    assert listed(viewer, "?fresh=older") == {"Cedar"}
    assert listed(viewer, "?tab=held&kind=held") == {"Dogwood"}
    assert listed(viewer, "?tab=held&kind=adjust") == set()
    assert listed(viewer, f"?units=1&type={flat.pk}&q=birch backup") == {"Birch"}
    assert older.integration_id == old.pk


def test_e6_a_count_that_is_too_old_is_found_as_such(books: Books, viewer: Client) -> None:
    with org_scope(books.org.pk):
        old = books.integration("Old console", counted_at=books.now - timedelta(days=30))
    sell(books, "Cedar", "20", "19", integration=old)
    sell(books, "Dogwood", "10", "0")
    assert listed(viewer, "?tab=held&fresh=unknown") == {"Cedar"}
    assert listed(viewer, "?tab=held&fresh=older") == set()


def test_e6_a_filter_that_is_on_says_its_name_and_can_be_taken_off(books: Books, viewer: Client) -> None:
    card = sell(books, "Alder & Finch", "10", "11")
    text = viewer.get(f"{HOME}?account={card.account_id}&units=1&kind=adjust&q=back").text
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    assert "Account: Alder &amp; Finch" in words
    assert "Kind: Adjust" in words
    assert "Difference: 1 or more units" in words
    assert (
        f'href="{HOME}?q=back&amp;account={card.account_id}&amp;kind=adjust" aria-label="Remove the filter Difference"'
        in text
    )
    # Searching goes on within the filters that are on.
    assert f'<input type="hidden" name="account" value="{card.account_id}">' in text
    assert "Clear filters" in words
    assert "Clear filters" not in viewer.get(f"{HOME}?tab=held&group=account").text.split('id="list"')[0]


def test_e6_a_long_list_of_accounts_is_searched_not_printed(books: Books, viewer: Client) -> None:
    with org_scope(books.org.pk):
        service = books.service()
        for n in range(SHOWN + 5):
            account = books.account(f"Maple {n:03}")
            books.line(books.agreement(account), service, "3")
        books.account("Maple without lines")
        books.refresh()
    menu = viewer.get(f"{HOME}lines/filter/account/?tab=all&units=2").text
    assert menu.count('class="item" href') == SHOWN
    assert "More: type a part of the name" in menu
    found = viewer.get(f"{HOME}lines/filter/account/?find=maple+014").text
    assert re.findall(r'<span class="clip">(.*?)</span>', found) == ["Maple 014"]
    assert "Nothing fits" in viewer.get(f"{HOME}lines/filter/account/?find=without+lines").text
    # A value keeps the rest of the view.
    assert re.search(r'href="/o/northgate-it/\?tab=all&amp;account=\d+&amp;units=2"', menu)
    assert viewer.get(HOME).text.count("Maple") == 0


@pytest.mark.parametrize("name", ["source", "type", "kind", "fresh", "mark", "difference"])
def test_e6_every_menu_opens(books: Books, viewer: Client, name: str) -> None:
    reply = viewer.get(f"{HOME}lines/filter/{name}/?sort=psa")
    assert reply.status_code == 200
    assert "sort" in reply.text
    assert "psa" in reply.text


def test_e6_there_is_no_menu_of_other_things(books: Books, viewer: Client) -> None:
    assert viewer.get(f"{HOME}lines/filter/password/").status_code == 404


def test_e6_unknown_values_fall_back_to_the_default() -> None:
    address = QueryDict(
        "tab=x&group=x&view=x&contracts=x&source=-1&account=' OR 1&type=٣&kind=x&why=x&fresh=x&units=-3&amount=NaN"
        "&sort=password&page=0&open=x"
    )
    assert Filters.read(address, "mapped") == Filters()


def test_e6_an_address_leads_back_to_the_same_view() -> None:
    query = (
        "tab=all&group=account&view=cards&contracts=all&q=pine+tree&source=3&account=4&type=5&kind=held&why=line_ended"
        "&fresh=older&units=2&amount=1.50&sort=-counted"
    )
    filters = Filters.read(QueryDict(query), "mapped")
    assert filters.address() == f"?{query}"
    assert Filters.read(QueryDict(filters.address(page=2)[1:]), "mapped").page == 2
    assert filters.cleared == "?tab=all&group=account&view=cards&contracts=all&sort=-counted"


@pytest.mark.parametrize("key", SORTS)
def test_e6_every_column_sorts_both_ways(books: Books, viewer: Client, key: str) -> None:
    with org_scope(books.org.pk):
        service = books.service("Backup")
        for name, psa, vendor in (("Alder", "10", "11"), ("Birch", "20", "24")):
            account = books.account(name)
            books.usage(books.vendor_account(account), books.vendor_service(service), vendor)
            books.line(books.agreement(account, name=name), service, psa)
        books.refresh()
    page = viewer.get(f"{HOME}?sort={key}").text
    assert "aria-sort" in page
    orders = []
    for sort in (key, f"-{key}"):
        (group,) = viewer.get(f"{HOME}?sort={sort}").context["page"].groups
        orders.append([str(row.card.account) for row in group.rows])
    # One price, one day and one moment of counting: those ties keep their place.
    assert sorted(orders[0]) == ["Alder", "Birch"]
    if key in ("account", "agreement", "psa", "vendor", "difference", "effect"):
        assert orders == [["Alder", "Birch"], ["Birch", "Alder"]]


def test_e1_a_line_without_a_source_does_not_hide_the_sum_of_its_group(books: Books, viewer: Client) -> None:
    card = sell(books, "Alder", "10", "12")
    with org_scope(books.org.pk):
        books.line(card.agreement, books.service("Hosted telephone"), "3")
        books.refresh()
    page = viewer.get(f"{HOME}?tab=all&contracts=all&group=account&view=cards")
    (group,) = page.context["page"].groups
    assert group.effect is not None
    assert (group.lines, group.effect.first.amount, group.standing) == (2, 9, "1 differs")
    # A sum over a count that nobody has is still a gap.
    assert group.vendor is None
    assert "Billed, but nothing counts it" in page.text


@pytest.mark.parametrize("group", ["service", "account", "agreement"])
@pytest.mark.parametrize("view", ["list", "cards"])
def test_e1_lines_stand_in_groups_with_their_sums(
    books: Books, viewer: Client, group: str, view: str
) -> None:
    sell(books, "Alder", "10", "12")
    page = viewer.get(f"{HOME}?group={group}&view={view}")
    (found,) = page.context["page"].groups
    assert (found.lines, found.psa, found.vendor, found.net) == (1, 10, 12, 2)
    name = {"service": "Backup", "account": "Alder", "agreement": "Managed Services"}[group]
    assert found.name == name
    assert f'id="group-{group}-{found.id}"' in page.text
