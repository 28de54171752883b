"""E6: saved views: one's own and everybody's, renamed, deleted, brought back, and the one that opens first."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import OpeningView, SavedView
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books

HOME = "/o/northgate-it/"


@pytest.fixture
def books(org: Organization) -> Books:
    with org_scope(org.pk):
        books = Books(org, now=timezone.now())
        books.pair("10", "12")
        books.refresh()
    return books


@pytest.fixture
def people(
    books: Books, join: Callable[[str, Role], User], sign_in: Callable[[User], Client]
) -> dict[str, Client]:
    return {"admin": sign_in(join("Ada", Role.ADMIN)), "viewer": sign_in(join("Vera", Role.VIEWER))}


def save(client: Client, name: str, query: str, **form: str) -> int:
    return client.post(f"{HOME}views/save/", {"name": name, "query": query} | form).status_code


def offered(client: Client, query: str = "") -> list[str]:
    """Give the names in the menu of views."""
    return re.findall(r'<span class="clip">(.*?)</span>', client.get(f"{HOME}views/{query}").text)


def kept(books: Books) -> dict[str, tuple[str, bool]]:
    with org_scope(books.org.pk):
        return {view.name: (view.query, view.is_shared) for view in SavedView.objects.order_by("name")}


def pk_of(books: Books, name: str) -> int:
    with org_scope(books.org.pk):
        return SavedView.objects.get(name=name).pk


def change(client: Client, pk: int, act: str, **form: str) -> int:
    return client.post(f"{HOME}views/{pk}/", {"act": act} | form).status_code


def test_e6_a_view_is_kept_as_its_address_and_nobody_else_sees_it(
    books: Books, people: dict[str, Client]
) -> None:
    dialog = people["viewer"].get(f"{HOME}views/save/?tab=held&group=account&units=5&page=2&open=7").text
    assert 'name="query" value="tab=held&amp;group=account&amp;units=5"' in dialog
    assert "For everybody" not in dialog
    # What is no part of a view is left out, whatever a form says.
    assert save(people["viewer"], " Big  ones ", "tab=held&units=5&page=3&open=9&evil=1&sort=nonsense") == 302
    assert kept(books) == {"Big ones": ("tab=held&units=5", False)}
    assert offered(people["viewer"]) == ["Big ones"]
    assert (
        f'href="{HOME}?tab=held&amp;units=5" aria-current="true"'
        in people["viewer"].get(f"{HOME}views/?units=5&tab=held").text
    )
    assert offered(people["admin"]) == []
    assert change(people["admin"], pk_of(books, "Big ones"), "delete") == 404
    assert change(people["admin"], pk_of(books, "Big ones"), "open") == 404


def test_e6_a_view_of_the_same_name_is_replaced(books: Books, people: dict[str, Client]) -> None:
    save(people["viewer"], "Mine", "tab=held")
    save(people["viewer"], "MINE", "tab=done")
    save(people["admin"], "mine", "tab=all", shared="yes")
    assert kept(books) == {"MINE": ("tab=done", False), "mine": ("tab=all", True)}


def test_e6_an_admin_keeps_views_for_everybody_and_the_trail_says_so(
    books: Books, people: dict[str, Client]
) -> None:
    assert save(people["viewer"], "Ours", "tab=held", shared="yes") == 409
    assert kept(books) == {}
    assert save(people["admin"], "Ours", "tab=held", shared="yes") == 302
    assert offered(people["viewer"]) == ["Ours"]
    pk = pk_of(books, "Ours")
    assert change(people["viewer"], pk, "rename", name="Mine") == 409
    assert change(people["viewer"], pk, "delete") == 409
    assert change(people["admin"], pk, "rename", name="Held lines") == 200
    assert change(people["admin"], pk, "delete") == 200
    with org_scope(books.org.pk):
        entries = AuditEntry.objects.filter(subject=f"view:{pk}").order_by("seq")
        said = [(e.verb, e.old, e.new) for e in entries]
    assert said == [
        ("saved a view", {}, {"name": "Ours", "query": "tab=held"}),
        ("renamed a view", {"name": "Ours"}, {"name": "Held lines"}),
        ("deleted a view", {"name": "Held lines", "query": "tab=held"}, {}),
    ]


def test_e6_a_deleted_view_is_brought_back_by_undo(books: Books, people: dict[str, Client]) -> None:
    save(people["admin"], "Ours", "tab=held&q=backup", shared="yes")
    reply = people["admin"].post(f"{HOME}views/{pk_of(books, 'Ours')}/", {"act": "delete"}).text
    assert "Deleted “Ours”." in reply
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(.*?)">', reply))
    assert kept(books) == {}
    brought = people["admin"].post(
        f"{HOME}views/save/", {k: v.replace("&amp;", "&") for k, v in fields.items()}
    )
    assert "Ours" in brought.text
    assert kept(books) == {"Ours": ("tab=held&q=backup", True)}


def test_e6_the_dashboard_opens_with_the_view_that_a_person_chose(
    books: Books, people: dict[str, Client]
) -> None:
    save(people["admin"], "Ours", "tab=held&group=account", shared="yes")
    pk = pk_of(books, "Ours")
    assert change(people["viewer"], pk, "open") == 200
    opened = people["viewer"].get(HOME)
    assert (opened.status_code, opened["Location"]) == (302, f"{HOME}?tab=held&group=account")
    # For that person alone, and never in the place of a view that was asked for.
    assert people["admin"].get(HOME).status_code == 200
    todo = people["viewer"].get(f"{HOME}?tab=todo")
    assert todo.status_code == 200
    assert f'href="{HOME}?tab=todo"' in people["viewer"].get(f"{HOME}?tab=held").text
    change(people["viewer"], pk, "usual")
    assert people["viewer"].get(HOME).status_code == 200
    change(people["viewer"], pk, "open")
    change(people["admin"], pk, "delete")
    assert people["viewer"].get(HOME).status_code == 200
    with org_scope(books.org.pk):
        assert not OpeningView.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_e6_a_view_without_a_name_or_with_a_long_one_is_refused(
    books: Books, people: dict[str, Client], name: str
) -> None:
    assert save(people["viewer"], name, "tab=held") == 409
    assert kept(books) == {}


def test_e6_renaming_to_a_name_that_is_taken_is_refused(books: Books, people: dict[str, Client]) -> None:
    save(people["viewer"], "One", "tab=held")
    save(people["viewer"], "Two", "tab=done")
    assert change(people["viewer"], pk_of(books, "Two"), "rename", name="one") == 409
    assert set(kept(books)) == {"One", "Two"}
