"""E13: a closed month offers nothing that would be refused, to nobody, and nothing of it is written by itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Organization, ReconcileSettings, User
from accounts.roles import Role
from dashboard.models import Card, Decision, MonthReport
from dashboard.tasks import follow_days, follow_rule
from psa.models import Push
from reconcile.period import month_of, next_month
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.closed import See, at, carry_all, close, sign

SEEN = {"seen_psa": "10", "seen_vendor": "12"}
HTMX = {"HX-Request": "true"}
# What stands on a page for each act that a closed month refuses.
ACTS = (
    "/approve/", "/dismiss/", "/snooze/", "/undo/", "/look/", "/add/", "/pair/", "/second/", "/unpair/", "/push/",
    "dialog/edit/", "dialog/date/", "dialog/dismiss/", "dialog/snooze/", "/preview/",
)  # fmt: skip
KEYS = ("approve", "approve-all", "edit", "date", "date-all", "dismiss", "dismiss-all", "snooze", "undo")


def month() -> str:
    return f"{month_of(timezone.now()):%B}"


def offered(page: str) -> list[str]:
    """Give the acts and keys that a page offers."""
    found = [act for act in ACTS if f'{act}"' in page]
    return found + [key for key in KEYS if f'data-key="{key}"' in page]


@pytest.fixture
def client(sign_in: Callable[[User], Client], alice: User) -> Client:
    return sign_in(alice)


@pytest.fixture
def many(desk: Books, lines: dict[str, Card]) -> dict[str, Card]:
    """The lines, and usage that no line bills."""
    with org_scope(desk.org.pk):
        account, service = desk.account("Loose Goods"), desk.service("Endpoint agent")
        desk.usage(desk.vendor_account(account, "Loose"), desk.vendor_service(service, "Agents"), "9")
        desk.refresh()
        return lines | {"new": Card.objects.get(line=None)}


def lock(org: Organization) -> MonthReport:
    """Close the current month whatever stands open, as if a decision had slipped in."""
    with org_scope(org.pk):
        return MonthReport.objects.create(
            org=org, period=month_of(timezone.now()), version=1, closed_at=timezone.now(), lines=1,
            exceptions=0, content=b"", digest="",
        )  # fmt: skip


@pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.APPROVER, Role.ADMIN, Role.OWNER])
def test_e13_no_screen_of_a_closed_month_offers_an_act(
    role: Role, client: Client, many: dict[str, Card], join: Any, sign_in: Any, see: See
) -> None:
    see(lambda: ReconcileSettings.objects.update(contract_view="all"))
    person = sign_in(join("Pat", role))
    assert bool(offered(person.get(at("?tab=all")).content.decode())) == (role > Role.VIEWER)
    report = close(client, see)
    for view in ("?tab=all", "?tab=todo", "?tab=held", "?tab=all&view=cards", "?tab=ready"):
        page = person.get(at(view)).content.decode()
        assert offered(page) == [], view
        assert f"{month()} is closed" in page
        assert at(f"reports/{report.pk}/") in page
        assert ("Reopen…" in page) == (role >= Role.ADMIN)
    for card in many.values():
        panel = person.get(at(f"lines/{card.pk}/"), headers=HTMX).content.decode()
        assert offered(panel) == [], card
        assert f"{month()} is closed" in panel
        assert at(f"reports/{report.pk}/") in panel
        assert offered(person.get(at(f"lines/{card.pk}/row/"), headers=HTMX).content.decode()) == []
    assert "/close/carry/" not in person.get(at("close/")).content.decode()


def test_e13_tickets_notes_and_tags_stay_possible(
    client: Client, many: dict[str, Card], reviewer: Client, see: See
) -> None:
    close(client, see)
    page = reviewer.get(at("?tab=all")).content.decode()
    assert 'data-key="ticket"' in page
    assert at("lines/tag/") in page
    panel = at(f"lines/{many['under'].pk}/")
    assert 'data-key="ticket"' in reviewer.get(panel, headers=HTMX).content.decode()
    assert reviewer.post(f"{panel}note/", {"text": "Ask them"}, headers=HTMX).status_code == 200


def test_e13_a_carried_line_says_so_in_place_of_its_button(
    client: Client, lines: dict[str, Card], see: See
) -> None:
    close(client, see)
    row = client.get(at(f"lines/{lines['under'].pk}/row/"), headers=HTMX).content.decode()
    assert ">Carried</span>" in row


def test_e13_an_old_page_is_told_why_and_changes_nothing(
    client: Client, many: dict[str, Card], see: See
) -> None:
    close(client, see)
    card, new = many["under"].pk, many["new"].pk
    gets = [f"lines/{card}/dialog/{name}/" for name in ("edit", "date", "dismiss", "snooze", "turn-down")]
    gets += [f"lines/{new}/add/", f"lines/{new}/pair/", "lines/push/"]
    posts: dict[str, dict[str, Any]] = {
        f"lines/{card}/second/": SEEN,
        f"lines/{card}/turn-down/": SEEN | {"reason": "x"},
        f"lines/{new}/add/": {"place": "1|2026-12-01|3", "units": "9"},
        f"lines/{new}/pair/": {"line": many["under"].line_id},
        "lines/unpair/": {"pairing": 1},
        "lines/approve/": {"line": f"{card}|10|12"},
        "lines/dismiss/": {"line": f"{card}|10|12", "reason": "x"},
        "lines/snooze/": {"line": f"{card}|10|12", "until": f"{timezone.now().date() + timedelta(days=3)}"},
        "lines/second/": {"line": f"{card}|10"},
        **{f"lines/{act}/preview/": {"card": [card]} for act in ("approve", "dismiss", "snooze", "second")},
    }
    answers = {where: client.get(at(where), headers=HTMX) for where in gets}
    answers |= {where: client.post(at(where), form, headers=HTMX) for where, form in posts.items()}
    for where, response in answers.items():
        assert response.status_code in (409, 422), where
        said = response.content.decode() + response.headers.get("HX-Trigger", "")
        assert f"{month()} is closed. An admin can reopen it." in said, where
    assert not see(lambda: Push.objects.exists() or Decision.objects.exists())


def test_e13_asking_whether_the_month_is_closed_costs_no_query_per_row(
    client: Client, desk: Books, many: dict[str, Card], see: See
) -> None:
    close(client, see)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(at("?tab=all"))
        return len(asked)

    queries()
    before = queries()
    with org_scope(desk.org.pk):
        for _ in range(8):
            desk.pair("10", "12")
        desk.refresh()
    assert queries() == before


def approve_later(client: Client, card: Card) -> None:
    day = timezone.now().date() + timedelta(days=1)
    form = SEEN | {"way": "later", "sent_on": day.isoformat()}
    assert client.post(at(f"lines/{card.pk}/approve/"), form, headers=HTMX).status_code == 200


def test_e13_pushes_with_a_chosen_day_keep_the_month_open_and_are_named(
    client: Client, lines: dict[str, Card], see: See
) -> None:
    approve_later(client, lines["under"])
    last = next_month(month_of(timezone.now())) - timedelta(days=1)
    see(lambda: Push.objects.update(release_on=last))
    carry_all(client)
    page = client.get(at("close/")).content.decode()
    assert "1 push is still to be sent on a chosen day of this month. Wait for that day, or undo it." in page
    assert at("?tab=ready&amp;sort=effective") in page
    assert "collected but not sent" not in page
    assert at("close/sign/") not in page
    refused = sign(client, "x")
    assert refused.status_code == 409
    assert "1 push is still to be sent on a chosen day" in refused.content.decode()
    assert not see(MonthReport.objects.exists)


def test_e13_a_push_for_the_first_of_next_month_does_not_keep_this_one_open(
    client: Client, lines: dict[str, Card], org: Organization, see: See
) -> None:
    """B6: the report names it as waiting, and as nothing that was corrected; it is sent in the month of its day."""
    approve_later(client, lines["under"])
    first = next_month(month_of(timezone.now()))
    see(lambda: Push.objects.update(release_on=first))
    carry_all(client)
    page = client.get(at("close/")).content.decode()
    assert "1 push waits for a chosen day after this month" in page
    assert sign(client).status_code == 302
    report = see(lambda: MonthReport.objects.latest("pk"))
    content = report.open_content()
    (push,) = content["pushes"]
    assert (push["state"], push["state_label"]) == ("waiting", f"Waits for {first:%-d %b %Y}")
    assert "corrected" not in {row["part"] for row in content["totals"]}
    follow_days(org.pk)
    assert see(lambda: Push.objects.get().state) == "waiting"


def test_e13_a_push_for_next_month_that_nobody_agreed_to_keeps_this_one_open(
    client: Client, lines: dict[str, Card], see: See
) -> None:
    """E10: nobody can agree to it while the month is closed."""
    see(lambda: ReconcileSettings.objects.update(second_from=1))
    approve_later(client, lines["under"])
    first = next_month(month_of(timezone.now()))
    see(lambda: Push.objects.update(release_on=first))
    carry_all(client)
    assert sign(client, "x").status_code == 409
    assert "1 push is collected but not sent" in client.get(at("close/")).content.decode()


def test_e13_a_dated_push_waits_while_the_month_is_closed(
    client: Client, lines: dict[str, Card], org: Organization, see: See
) -> None:
    approve_later(client, lines["under"])
    see(lambda: Push.objects.update(release_on=timezone.now().date()))
    report = lock(org)
    follow_days(org.pk)
    assert see(lambda: Push.objects.get().state) == "waiting"
    assert client.post(at(f"reports/{report.pk}/reopen/"), {"reason": "x"}).status_code == 302
    follow_days(org.pk)
    assert see(lambda: Push.objects.get().state) == "staged", "it was only the closed month that kept it"


def test_e13_collected_pushes_wait_while_the_month_is_closed(
    client: Client, lines: dict[str, Card], org: Organization, see: See
) -> None:
    see(lambda: ReconcileSettings.objects.update(pushing="collect"))
    client.post(at(f"lines/{lines['under'].pk}/approve/"), SEEN, headers=HTMX)
    lock(org)
    pushes = see(lambda: list(Push.objects.values_list("pk", flat=True)))
    assert client.post(at("lines/push/send/"), {"push": pushes}).status_code == 409
    assert client.post(at(f"lines/{lines['under'].pk}/undo/"), headers=HTMX).status_code in (409, 422)
    assert see(lambda: Push.objects.get().state) == "waiting"


def test_e13_a_standing_rule_approves_nothing_while_the_month_is_closed(
    client: Client, lines: dict[str, Card], org: Organization, see: See
) -> None:
    see(lambda: lines["under"].connection.__class__.objects.update(currency="USD"))
    form = {"active": "on", "max_units": "3", "max_money": "20", "currency": "USD", "direction": "both"}
    report = lock(org)
    client.post(at("settings/reconciliation/rule/"), form)
    follow_rule(org.pk)
    assert not see(lambda: Push.objects.exists() or Decision.objects.exists())
    client.post(at(f"reports/{report.pk}/reopen/"), {"reason": "x"})
    follow_rule(org.pk)
    assert see(Push.objects.count) == 2
