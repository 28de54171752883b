"""Dismissing and snoozing (E3, E4), one line and many, through the URLs, seen in rows and on the screen."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry
from dashboard import asides, cards
from dashboard.asides import presets
from dashboard.decisions import Seen
from dashboard.models import Card, Decision
from psa.models import AgreementLine, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from vendors.models import Integration, UsageCount, VendorAccount

HERE = "/o/northgate-it/lines"
Add = Callable[..., Card]


def day(ahead: int) -> str:
    return (timezone.now().date() + timedelta(days=ahead)).isoformat()


def seen(card: Card) -> dict[str, str]:
    def plain(units: Any) -> str:
        return "" if units is None else f"{units.normalize():f}"

    return {"seen_psa": plain(card.psa_units), "seen_vendor": plain(card.vendor_units)}


def snooze(client: Client, card: Card, **form: str) -> Any:
    return client.post(f"{HERE}/{card.pk}/snooze/", seen(card) | form, headers={"HX-Request": "true"})


def state(card: Card) -> str:
    with org_scope(card.org_id):
        return Card.objects.get(pk=card.pk).state


def refresh(books: Books, days: int) -> None:
    with org_scope(books.org.pk):
        cards.refresh_if_outdated(books.org.pk, 24 * 365, timezone.now() + timedelta(days=days))


def test_a_snoozed_line_leaves_to_do_and_is_counted_in_its_own_tab(reviewer: Client, add: Add) -> None:
    """E3."""
    card = add("10", "12")
    reply = snooze(reviewer, card, until=day(3), reason="Client confirms two leavers")
    assert reply.status_code == 200
    assert "Snoozed until" in reply.headers["HX-Trigger"]
    assert state(card) == "snoozed"
    shown = reviewer.get("/o/northgate-it/?tab=snoozed").content.decode()
    assert re.search(r"Snoozed <span class=\"count\">1<", shown)
    assert f'id="line-{card.pk}"' in shown
    assert f'id="line-{card.pk}"' not in reviewer.get("/o/northgate-it/").content.decode()
    with org_scope(card.org_id):
        entry = AuditEntry.objects.get(verb="snoozed")
        assert entry.new == {"reason": "Client confirms two leavers", "until": day(3)}
        assert Push.objects.count() == 0
    panel = reviewer.get(f"{HERE}/{card.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "Client confirms two leavers" in panel


def test_it_comes_back_by_itself_on_its_day_and_not_before(reviewer: Client, add: Add, desk: Books) -> None:
    """E3."""
    card = add("10", "12")
    snooze(reviewer, card, until=day(3))
    refresh(desk, 2)
    assert state(card) == "snoozed"
    refresh(desk, 3)
    assert state(card) == "todo"


def test_it_comes_back_when_a_number_changes(reviewer: Client, add: Add, desk: Books) -> None:
    """E3."""
    card = add("10", "12")
    snooze(reviewer, card, until=day(30))
    with org_scope(desk.org.pk):
        UsageCount.objects.update(quantity=13)
        desk.refresh()
    assert state(card) == "todo"


def test_a_snooze_outlives_the_month_and_a_dismissal_does_not(add: Add, desk: Books, alice: Any) -> None:
    """E3."""
    snoozed, dismissed = add("10", "12"), add("10", "12")
    first, last = datetime(2026, 11, 30, 12, tzinfo=UTC), datetime(2026, 12, 1, 12, tzinfo=UTC)
    with org_scope(desk.org.pk):
        Integration.objects.update(counted_at=first)
        for card, aside in (
            (snoozed, asides.Aside("", date(2026, 12, 2))),
            (dismissed, asides.Aside("Promised")),
        ):
            asides.set_aside(card, Seen(card.psa_units, card.vendor_units), aside, by=alice)
        cards.refresh(desk.org.pk, None, first)
        assert [state(card) for card in (snoozed, dismissed)] == ["snoozed", "done"]
        cards.refresh(desk.org.pk, None, last)
        assert [state(card) for card in (snoozed, dismissed)] == ["snoozed", "todo"]
        assert cards.refresh_if_outdated(desk.org.pk, 24 * 30, last) is False
        assert cards.refresh_if_outdated(desk.org.pk, 24 * 30, last + timedelta(days=1)) is True
        assert state(snoozed) == "todo"


def test_held_lines_and_lines_without_a_count_can_be_snoozed(reviewer: Client, add: Add, desk: Books) -> None:
    """E3: a guard's line waits for Monday; an outage, too, and ends with the first count."""
    held = add("10", "0")
    assert state(held) == "held"
    assert snooze(reviewer, held, until=day(2)).status_code == 200
    assert state(held) == "snoozed"
    with org_scope(desk.org.pk):
        VendorAccount.objects.update(gap_reason="Lost connection", gap_since=desk.now)
        desk.refresh()
        held.refresh_from_db()
    assert (held.state, held.vendor_units) == ("held", None)
    assert snooze(reviewer, held, until=day(2)).status_code == 200
    assert state(held) == "snoozed"
    with org_scope(desk.org.pk):
        VendorAccount.objects.update(gap_reason="", gap_since=None)
        desk.refresh()
    assert state(held) == "held"


def test_undo_wakes_a_line_up(reviewer: Client, add: Add) -> None:
    """E3."""
    card = add("10", "12")
    snooze(reviewer, card, until=day(2))
    assert reviewer.post(f"{HERE}/{card.pk}/undo/", headers={"HX-Request": "true"}).status_code == 200
    assert state(card) == "todo"
    with org_scope(card.org_id):
        assert AuditEntry.objects.filter(verb="undid snooze").count() == 1
        assert audit.verify(card.org_id) is None


@pytest.mark.parametrize("form", [{}, {"until": "2026-02-31"}, {"day": "soon"}, {"until": "2020-01-01"}])
def test_a_day_that_is_none_or_past_or_far_is_refused(
    reviewer: Client, add: Add, form: dict[str, str]
) -> None:
    card = add("10", "12")
    assert snooze(reviewer, card, **form).status_code == 409
    assert snooze(reviewer, card, until=day(0)).status_code == 409
    assert snooze(reviewer, card, until=day(400)).status_code == 409
    assert state(card) == "todo"


def test_a_line_that_moved_on_is_not_set_aside_blindly(reviewer: Client, add: Add) -> None:
    card = add("10", "12")
    reply = snooze(reviewer, card, until=day(2), seen_vendor="11")
    assert reply.status_code == 422
    assert state(card) == "todo"


@pytest.mark.parametrize(
    ("today", "days"),
    [
        (date(2026, 11, 25), [(11, 26), (11, 30), (12, 1)]),
        (date(2026, 11, 30), [(12, 1), (12, 7), (12, 1)]),
        (date(2027, 1, 31), [(2, 1), (2, 1), (2, 1)]),
        (date(2028, 2, 29), [(3, 1), (3, 6), (3, 1)]),
    ],
)
def test_the_days_that_are_offered(today: date, days: list[tuple[int, int]]) -> None:
    assert [(when.month, when.day) for _, when in presets(today)] == days


def test_the_dialog_offers_days_on_one_click(reviewer: Client, add: Add) -> None:
    card = add("10", "12")
    shown = reviewer.get(f"{HERE}/{card.pk}/dialog/snooze/").content.decode()
    assert f'name="until" value="{day(1)}"' in shown
    assert "comes back by itself" in shown


def packed(body: str) -> str:
    found = re.search(r'name="line" value="([^"]*)"', body)
    assert found
    return found[1]


def test_many_are_snoozed_with_a_preview_and_taken_back_together(
    reviewer: Client, add: Add, desk: Books
) -> None:
    """E4: units, money per currency, who is left out; E3: undo all of them."""
    found = [add("10", "12"), add("20", "17"), add("10", "0")]
    matching = add("5", "5")
    body = reviewer.post(
        f"{HERE}/snooze/preview/", {"card": [c.pk for c in [*found, matching]]}
    ).content.decode()
    assert "Snooze 3 lines" in body
    assert "+2 units, −13" in body
    assert "−$49.50" in body
    assert "1 left out" in body
    assert "nothing to snooze" in body
    body = reviewer.post(
        f"{HERE}/snooze/", {"line": packed(body), "until": day(4), "reason": "Audit"}
    ).content.decode()
    assert "3 snoozed until" in body
    assert [state(card) for card in found] == ["snoozed"] * 3
    with org_scope(desk.org.pk):
        (act,) = set(Decision.objects.values_list("act", flat=True))
        assert AuditEntry.objects.filter(verb="snoozed").count() == 3
    # The page after offers the same undo: U finds it in the toast.
    assert f"acts/{act}/undo/" in reviewer.get("/o/northgate-it/").content.decode()
    body = undo(reviewer, act)
    assert "3 taken back" in body
    assert [state(card) for card in found] == ["todo", "todo", "held"]
    assert "0 taken back" in undo(reviewer, act)


def undo(client: Client, act: UUID | None) -> str:
    return client.post(f"/o/northgate-it/acts/{act}/undo/").content.decode()


def test_many_are_dismissed_and_one_that_moved_is_reported(reviewer: Client, add: Add, desk: Books) -> None:
    """E4."""
    first, second = add("10", "12"), add("20", "25")
    body = reviewer.post(f"{HERE}/dismiss/preview/", {"card": [first.pk, second.pk]}).content.decode()
    assert "Dismiss 2 lines for" in body
    assert "+7 units" in body
    with org_scope(desk.org.pk):
        AgreementLine.objects.filter(card=second).update(quantity=21)
        desk.refresh()
    body = reviewer.post(f"{HERE}/dismiss/", {"line": packed(body), "reason": "Promised"}).content.decode()
    assert "1 dismissed, 1 not" in body
    assert "changed since you opened" in body
    assert [state(first), state(second)] == ["done", "todo"]


def test_a_whole_view_is_selected_by_its_filters_also_beyond_the_page(
    reviewer: Client, add: Add, settings: Any
) -> None:
    """E4: all lines of the view, not only the page's; a cap is said."""
    settings.PAGE_LINES = 2
    for _ in range(5):
        add("10", "12")
    other = add("10", "14")
    view = {"view": f"?tab=todo&account={other.account_id}"}
    assert "Snooze 1 line<" in reviewer.post(f"{HERE}/snooze/preview/", view).content.decode()
    body = reviewer.post(f"{HERE}/snooze/preview/", {"view": "?tab=todo"}).content.decode()
    assert "Snooze 6 lines" in body
    settings.BULK_LINES = 4
    body = reviewer.post(f"{HERE}/snooze/preview/", {"view": "?tab=todo"}).content.decode()
    assert "Snooze 4 lines" in body
    assert "2 more lines of this view" in body
    # The largest amounts are never those that are left for later.
    assert f"{other.pk}|10|14" in packed(body)


def test_an_unreadable_selection_decides_nothing(reviewer: Client, add: Add) -> None:
    card = add("10", "12")
    for line in ("nonsense", f"{card.pk}|ten|12", f"{card.pk}|10"):
        reply = reviewer.post(f"{HERE}/dismiss/", {"line": line})
        assert reply.status_code == 409
    assert state(card) == "todo"


def test_a_bulk_approval_is_undone_as_a_whole_line_by_line(approver: Client, add: Add, desk: Books) -> None:
    """E3: undo all of them, each line by its own checks."""
    found = [add("10", "12") for _ in range(3)]
    line = " ".join(f"{card.pk}|10|12" for card in found)
    assert "3 approved" in approver.post(f"{HERE}/approve/", {"line": line}).content.decode()
    with org_scope(desk.org.pk):
        first, second, third = Push.objects.order_by("pk")
        # One is being sent right now, one was confirmed, and one has not been touched.
        Push.objects.filter(pk=first.pk).update(state="sending", sent_count=1)
        Push.objects.filter(pk=second.pk).update(state="confirmed", sent_count=1)
        AgreementLine.objects.filter(pk=second.line.pk).update(quantity=12)
        desk.refresh()
        act = Decision.objects.values_list("act", flat=True).distinct().get()
    body = undo(approver, act)
    assert "2 taken back, 1 not" in body
    assert "on its way to the PSA" in body
    with org_scope(desk.org.pk):
        back = Push.objects.get(undoes=second)
        assert (back.seen, back.wanted, back.state) == (12, 10, "staged")
        assert Push.objects.get(pk=third.pk).state == "cancelled"
    assert "0 taken back, 1 not" in undo(approver, act)


def test_a_reviewer_takes_back_no_push_of_an_act(
    approver: Client, reviewer: Client, add: Add, desk: Books
) -> None:
    card = add("10", "12")
    approver.post(f"{HERE}/approve/", {"line": f"{card.pk}|10|12"})
    with org_scope(desk.org.pk):
        act = Decision.objects.get().act
    assert "needs the approver role" in undo(reviewer, act)
    with org_scope(desk.org.pk):
        assert Push.objects.get().state == "staged"
