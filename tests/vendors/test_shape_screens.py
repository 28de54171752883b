"""D5 at Advanced config: splits, further services and dated mappings, tried before they are kept, marked and undone."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organization, User
from accounts.roles import Role
from reconcile.period import next_month
from reconcile.tenancy.scope import org_scope
from tests.vendors.mapping_desk import BILLED, COMPARED, HTMX, Desk
from tests.vendors.test_shapes_refresh import name
from vendors.models import AccountMapping, AccountSplit, AlsoCounts, MappingSpan

THIS = timezone.now().date().replace(day=1)
NEXT = next_month(THIS)


class Screen(Desk):
    """The desk with its loose account mapped to Harbor since long ago, and names behind its agents."""

    def __init__(self, org: Organization, client: Client) -> None:
        super().__init__(org, client)
        with org_scope(org.pk):
            AccountMapping.objects.create(
                org=org, vendor_account=self.loose, account=self.harbor, created_at="2020-01-01T00:00Z"
            )
            people = [f"p{n}@harbor.example" for n in range(10)] + ["a@quarry.example", "b@quarry.example"]
            name(self.books, self.loose, self.agents, *people)
            self.books.refresh()

    def url(self, name: str) -> str:
        row = {"mapping_split": [self.loose.pk], "mapping_further": [self.agents.pk]}.get(name, [])
        return reverse(name, args=[self.org.slug, *row])

    def form(self, name: str, **values: Any) -> dict[str, Any]:
        page = unescape(self.client.get(self.url(name)).text)
        (seen,) = re.findall(r'name="seen" value="([0-9a-f]{16})"', page)
        return {"seen": seen, "begins": "this"} | values

    def send(self, name: str, act: str, form: dict[str, Any]) -> Any:
        return self.client.post(self.url(name), form | {"act": act})

    def split(self, act: str = "save", **values: Any) -> Any:
        part = {
            "key": "0", "field-0": "domain", "pattern-0": "Quarry.example", "target-0": self.quarry.pk,
        }  # fmt: skip
        return self.send("mapping_split", act, self.form("mapping_split", **(part | values)))

    def dated(self, go: str, begins: str, target: int | None) -> Any:
        form = {
            "side": "accounts",
            "act": "map" if target else "unmap",
            "target": target or "",
            "from": begins,
        }
        form |= {"row": f"{self.loose.pk}|{self.harbor.pk}", "go": go}
        return self.client.post(self.url("mapping_dated"), form, headers=HTMX)

    def token(self, text: str) -> str:
        found = re.findall(r'"token": "([^"]+)"', unescape(text))
        return str(found[0])

    def take_back(self, token: str) -> Any:
        return self.client.post(self.url("mapping_shape_undo"), {"token": token}, headers=HTMX)


@pytest.fixture
def screen(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Screen:
    return Screen(org, sign_in(alice))


def words(reply: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", reply.text)))


# ---- Split over accounts -------------------------------------------------------------------------------


def test_the_menu_of_a_mapped_row_leads_to_the_form(screen: Screen) -> None:
    assert f'href="{screen.url("mapping_split")}"' in screen.get()
    assert f'href="{screen.url("mapping_further")}"' in screen.get("mapping_services")


def test_the_form_says_what_each_part_takes_right_now(screen: Screen) -> None:
    page = words(screen.split("look"))
    assert "quarry.example 2 Workstation agents a@quarry.example, b@quarry.example" in page.lower().replace(
        "workstation", "Workstation"
    )
    assert "What is left 10 Workstation agents" in page
    assert "7 more to Harbor Dental" in page
    assert "Cloud storage: 0 named, 250.5 counted" in page, "no names: it would be unknown in every part"


def test_a_split_is_tried_saved_marked_and_undone(screen: Screen) -> None:
    tried = screen.split("try")
    assert tried.status_code == 200
    assert "domain Quarry.example to Quarry Lane Builders" in words(tried)
    assert "2 lines change" in words(tried)
    assert f"From {THIS:%B %Y} on. The months before stay as they were." in words(tried)
    assert screen.lines() == [COMPARED]
    saved = screen.split()
    assert saved.status_code == 302
    assert [(a, str(v)) for a, _, _, v in screen.lines()] == [
        ("Harbor Dental", "10.000000"),
        ("Quarry Lane Builders", "2.000000"),
    ]
    page = screen.client.get(saved.headers["Location"])
    assert "Split over 2 accounts" in words(page)
    assert "Split harbor DENTAL. over 2 accounts Undo" in words(page)
    assert screen.rebuilt() == 0
    undone = screen.take_back(screen.token(page.text))
    assert undone.status_code == 200
    assert "as it was before" in words(undone)
    assert screen.lines() == [COMPARED]
    assert screen.take_back(screen.token(page.text)).status_code == 409


def test_a_split_planned_for_next_month_shows_its_month(screen: Screen) -> None:
    tried = words(screen.split("try", begins="next"))
    assert f"From {NEXT:%B %Y} on. Until then all stays as it is." in tried
    assert "2 lines change" in tried
    screen.split(begins="next")
    assert screen.lines() == [COMPARED]
    assert f"Split from {NEXT:%B} on" in screen.get()
    assert 'value="next" selected' in screen.client.get(screen.url("mapping_split")).text


def test_parts_are_added_moved_removed_and_searched_without_a_script(screen: Screen) -> None:
    two = {
        "key": ["0", "5"], "field-0": "email", "pattern-0": "a@*", "target-0": screen.quarry.pk,
        "field-5": "email", "pattern-5": "b@*", "find-5": "quarry",
    }  # fmt: skip
    page = screen.split("look", **two).text
    assert f'value="pick:5:{screen.quarry.pk}"' in page
    moved = screen.split("up:5", **two).text
    assert moved.index('value="b@*"') < moved.index('value="a@*"')
    assert "Move part 3 up" in screen.split("add", **two).text
    assert "a@*" not in screen.split("remove:0", **two).text
    picked = screen.split(f"pick:5:{screen.quarry.pk}", **two).text
    assert f'name="target-5" value="{screen.quarry.pk}"' in picked
    assert 'name="find-0"' in screen.split("unpick:0:", **two).text


def test_what_is_wrong_is_said_beside_its_field(screen: Screen) -> None:
    reply = screen.split("try", **{"pattern-0": " "})
    assert reply.status_code == 422
    assert "Enter what to look for" in words(reply)
    assert "Choose the account that it goes to" in words(screen.split("try", **{"target-0": ""}))
    twice = {
        "key": ["0", "1"],
        "field-1": "domain",
        "pattern-1": "QUARRY.EXAMPLE",
        "target-1": screen.harbor.pk,
    }
    assert "Two parts look for the same" in words(screen.split("try", **twice))
    assert "Choose from which month on" in words(screen.split("try", begins="1999"))
    stale = screen.form("mapping_split", key="0")
    screen.split()
    reply = screen.send("mapping_split", "save", stale)
    assert reply.status_code == 422
    assert "Somebody else changed this since you loaded this page" in words(reply)


def test_removing_all_parts_ends_the_split(screen: Screen) -> None:
    screen.split(begins="always")
    form = screen.form("mapping_split", begins="this")
    assert "End this split?" in words(screen.send("mapping_split", "try", form))
    screen.send("mapping_split", "save", form)
    with org_scope(screen.org.pk):
        assert AccountSplit.objects.get().until_month == THIS
    assert screen.lines() == [COMPARED]


# ---- Further services ----------------------------------------------------------------------------------


def test_a_service_counts_towards_a_bundle_from_this_month_on(screen: Screen) -> None:
    with org_scope(screen.org.pk):
        bundle = screen.books.service("Care bundle", "20")
        screen.books.line(screen.books.agreement(screen.harbor, "Care"), bundle, "5")
        screen.books.refresh()
    form = screen.form("mapping_further")
    found = screen.send("mapping_further", "look", form | {"find-new": "care"}).text
    assert f'value="pick:new:{bundle.pk}"' in found
    picked = screen.send("mapping_further", f"pick:new:{bundle.pk}", form).text
    assert f'name="target-0" value="{bundle.pk}"' in picked
    form |= {"key": "0", "target-0": bundle.pk}
    assert "1 line changes" in words(screen.send("mapping_further", "try", form))
    saved = screen.send("mapping_further", "save", form)
    page = screen.client.get(saved.headers["Location"])
    assert "Counts to 1 more service" in words(page)
    with org_scope(screen.org.pk):
        assert AlsoCounts.objects.get().from_month == THIS
    assert screen.rebuilt() == 0


# ---- From which month ----------------------------------------------------------------------------------


def test_another_target_is_offered_from_this_month_and_a_first_one_always(screen: Screen) -> None:
    mapped = screen.search(side="accounts", row=f"{screen.loose.pk}|{screen.harbor.pk}", find="quarry")
    assert '<option value="this" selected>' in mapped
    assert '"from": "this"' in mapped
    later = screen.search(
        side="accounts", row=f"{screen.loose.pk}|{screen.harbor.pk}", find="quarry", **{"from": "next"}
    )
    assert '"from": "next"' in later
    with org_scope(screen.org.pk):
        fresh = screen.books.vendor_account(None, "Fresh")
    first = screen.search(side="accounts", row=f"{fresh.pk}|", find="quarry")
    assert '<option value="always" selected>' in first
    assert '"from":' not in first


def test_from_this_month_is_shown_done_and_undone(screen: Screen) -> None:
    asked = screen.dated("", "this", screen.quarry.pk)
    assert "Map harbor DENTAL. to Quarry Lane Builders" in words(asked)
    assert "Stays as it was Harbor Dental, until the end of" in words(asked)
    assert "2 lines change" in words(asked)
    assert screen.lines() == [COMPARED]
    done = screen.dated("save", "this", screen.quarry.pk)
    assert screen.lines()[0] == BILLED
    assert "The months before stay as they were" in words(done)
    with org_scope(screen.org.pk):
        assert MappingSpan.objects.get().account == screen.harbor
    assert screen.take_back(screen.token(done.text)).status_code == 200
    assert screen.lines() == [COMPARED]
    assert screen.mapped() == {screen.loose.pk: screen.harbor.pk}


def test_from_next_month_is_planned_and_marked(screen: Screen) -> None:
    asked = screen.dated("", "next", None)
    assert f"On 1 {NEXT:%B} it is mapped anew by itself" in words(asked)
    assert screen.dated("save", "next", None).status_code == 200
    assert screen.lines() == [COMPARED]
    assert f"From {NEXT:%B}: mapped to nothing" in screen.get()


def test_a_stale_row_or_one_that_is_split_is_refused(screen: Screen) -> None:
    screen.split()
    reply = screen.dated("", "this", None)
    assert reply.status_code == 409
    assert "is split over 2 accounts: end the split first" in words(reply)
    with org_scope(screen.org.pk):
        AccountMapping.objects.update(account=screen.quarry)
    assert "Somebody else changed this" in words(screen.dated("save", "this", screen.quarry.pk))


# ---- Who ------------------------------------------------------------------------------------------------


def test_only_admins_see_or_change_shapes(
    screen: Screen, join: Callable[[str, Role], User], sign_in: Callable[[User], Client]
) -> None:
    form = screen.form("mapping_split")
    screen.client = sign_in(join("Bob", Role.APPROVER))
    assert screen.client.get(screen.url("mapping_split")).status_code == 403
    assert screen.send("mapping_split", "save", form).status_code == 403
    assert screen.dated("save", "this", screen.quarry.pk).status_code == 403
    assert screen.url("mapping_split") not in screen.get()


def test_a_row_of_another_organization_is_not_found(
    screen: Screen, other_org: Organization, charlie: User, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(charlie)
    for page, row in (("mapping_split", screen.loose.pk), ("mapping_further", screen.agents.pk)):
        assert client.get(reverse(page, args=[other_org.slug, row])).status_code == 404
    assert screen.split("try", **{"target-0": 999_999}).status_code == 404


@pytest.mark.parametrize("parts", [1, 8])
def test_the_queries_of_the_form_do_not_grow_with_its_parts(
    screen: Screen, parts: int, django_assert_max_num_queries: Any
) -> None:
    with org_scope(screen.org.pk):
        for n in range(parts):
            AccountSplit.objects.create(
                org=screen.org,
                vendor_account=screen.loose,
                account=screen.quarry,
                field="name",
                pattern=f"p{n}*",
            )
    with django_assert_max_num_queries(24):
        screen.client.get(screen.url("mapping_split"))
