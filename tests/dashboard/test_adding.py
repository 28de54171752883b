"""E2, B4: from usage that no line bills to a line in an agreement, through the addresses, seen in rows."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, ReconcileSettings, User
from accounts.roles import Role
from dashboard import cards
from dashboard.models import Card, Decision
from psa import push_steps
from psa.adapters.base import LineReading, LineRef
from psa.models import AgreementLine, Connection, Push
from reconcile.signals import figures_changed
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books

LINES = "/o/northgate-it/lines"


class Usage:
    """An account with two open agreements, and 9 agents in use that no line bills."""

    def __init__(self, org: Organization) -> None:
        self.org = org
        with org_scope(org.pk):
            self.books = Books(org, now=timezone.now())
            Connection.objects.update(remote_account="northgate", checked_at=self.books.now)
            self.account = self.books.account()
            terms: dict[str, Any] = {"billing_cycle": "Monthly", "next_invoice_on": cards.bills_from()}
            self.agreement = self.books.agreement(self.account, **terms)
            self.other = self.books.agreement(self.account, "Projects", active=False, **terms)
            self.prorated = self.books.agreement(self.account, "Cloud", prorate=True, **terms)
            self.agents = self.books.service("Endpoint agent", "3.00")
            self.vendor_service = self.books.vendor_service(self.agents)
            self.books.usage(self.books.vendor_account(self.account), self.vendor_service, "9")
            self.books.refresh()
            self.card = Card.objects.get()

    def place(self) -> str:
        return f"{self.agreement.pk}|{cards.bills_from():%Y-%m-%d}|3"

    def add(self, client: Client, **data: Any) -> Any:
        form = {"place": self.place(), "units": "9", "seen_psa": "", "seen_vendor": "9"} | data
        return client.post(f"{LINES}/{self.card.pk}/add/", form, headers={"HX-Request": "true"})

    def again(self) -> Card:
        with org_scope(self.org.pk):
            return Card.objects.select_related("line", "push", "decision").get(pk=self.card.pk)

    def pushes(self) -> list[Push]:
        with org_scope(self.org.pk):
            return list(Push.objects.order_by("pk"))

    def end(self, state: Push.State, **more: Any) -> None:
        """Let a worker come to this end."""
        (work,) = push_steps.claim(self.org.pk)
        assert push_steps.mark_sending(work)
        push_steps.finish(work, state, **more)

    def confirm(self) -> None:
        """Let a worker read the new line back."""
        ref = LineRef(agreement_remote_id=self.agreement.remote_id, line_remote_id="new-1")
        reading = LineReading(
            ref=ref, quantity=Decimal(9), starts_on=cards.bills_from(), unit_price=Decimal("3.00"),
            service_remote_id=self.agents.remote_id,
        )  # fmt: skip
        self.end(Push.State.CONFIRMED, readings=[reading], written_line="new-1")

    def page(self, client: Client, address: str) -> str:
        return client.get(
            f"{LINES}/{self.card.pk}/{address}", headers={"HX-Request": "true"}
        ).content.decode()


@pytest.fixture
def usage(org: Organization) -> Usage:
    return Usage(org)


@pytest.fixture
def approver(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Bob", Role.APPROVER))


def test_the_dialog_offers_open_agreements_with_their_honest_days(approver: Client, usage: Usage) -> None:
    row = approver.get("/o/northgate-it/").content.decode()
    assert 'data-key="approve" hx-get="/o/northgate-it/lines/' in row
    assert "Add to…" in row
    dialog = usage.page(approver, "add/")
    assert f'value="{usage.place()}"' in dialog
    assert "Projects" not in dialog
    today = f'value="{usage.prorated.pk}|{timezone.now().date():%Y-%m-%d}|3"'
    assert today in dialog
    assert "+$27.00" in dialog
    assert "Undo sets the new line to 0 units" in dialog


def test_one_click_adds_one_line_and_the_row_stays_the_same_row(approver: Client, usage: Usage) -> None:
    body = usage.add(approver).content.decode()
    assert f'id="line-{usage.card.pk}"' in body
    assert usage.again().state == "pushing"
    (push,) = usage.pushes()
    assert (push.way, push.seen, push.wanted, push.unit_price) == ("add", 0, 9, 3)
    assert push.effective_on == cards.bills_from()
    usage.confirm()
    card = usage.again()
    assert card.line
    assert (card.kind, card.state, card.psa_units, card.vendor_units) == ("match", "done", 9, 9)
    assert (card.agreement_id, card.line.remote_id, card.push_id) == (usage.agreement.pk, "new-1", push.pk)
    assert "Confirmed" in usage.page(approver, "row/")
    assert "Undo: set the line to 0 units" in usage.page(approver, "")
    with org_scope(usage.org.pk):
        assert cards.refresh(usage.org.pk) == 0  # a rebuild gives the same cards


def test_undo_sets_the_new_line_to_zero(approver: Client, usage: Usage) -> None:
    usage.add(approver)
    usage.confirm()
    response = approver.post(f"{LINES}/{usage.card.pk}/undo/", headers={"HX-Request": "true"})
    assert response.status_code == 200
    _, back = usage.pushes()
    assert (back.way, back.seen, back.wanted, back.state) == ("in_place", 9, 0, "staged")
    with org_scope(usage.org.pk):
        assert Decision.objects.get().undone_at is not None


def test_undo_before_it_was_sent_gives_the_usage_back(approver: Client, usage: Usage) -> None:
    with org_scope(usage.org.pk):
        ReconcileSettings.objects.update(pushing=ReconcileSettings.Pushing.COLLECT)
    usage.add(approver)
    assert usage.again().state == "ready"
    assert approver.get("/o/northgate-it/?tab=ready").status_code == 200
    assert "Endpoint agent" in approver.get(f"{LINES}/push/").content.decode()
    approver.post(f"{LINES}/{usage.card.pk}/undo/", headers={"HX-Request": "true"})
    assert (usage.again().kind, usage.again().state) == ("new", "todo")
    assert usage.pushes()[0].state == "cancelled"


def test_two_tabs_add_one_line(approver: Client, usage: Usage) -> None:
    assert usage.add(approver).status_code == 200
    other = usage.add(approver, place=f"{usage.prorated.pk}|{cards.bills_from():%Y-%m-%d}|3")
    assert other.status_code == 422
    assert "being added for this usage already" in other.headers["HX-Trigger"]
    usage.confirm()
    assert usage.add(approver).status_code in (409, 422)
    assert len(usage.pushes()) == 1


def test_a_stopped_addition_says_why_and_can_be_tried_again(approver: Client, usage: Usage) -> None:
    usage.add(approver)
    usage.end(Push.State.FAILED, reason="A permission is missing.")
    assert usage.again().state == "failed"
    assert "A permission is missing." in usage.page(approver, "row/")
    assert "A permission is missing." in usage.page(approver, "add/")
    assert usage.add(approver, was_stopped="1").status_code == 200
    assert [push.state for push in usage.pushes()] == ["failed", "staged"]


def test_an_addition_that_may_have_arrived_is_looked_up_before_the_usage_is_placed(
    approver: Client, usage: Usage
) -> None:
    """R4: pairing it would take its card away, and with it the row that asks a person to look."""
    with org_scope(usage.org.pk):
        line = usage.books.line(usage.agreement, usage.books.service("Workplace bundle"), "10")
    usage.add(approver)
    usage.end(Push.State.PERSON, reason="Nobody can tell whether the line was added.")
    pairs = {"line": line.pk, "seen_psa": "", "seen_vendor": "9"}
    for answer in (
        approver.post(f"{LINES}/{usage.card.pk}/pair/", pairs, headers={"HX-Request": "true"}),
        usage.add(approver),
    ):
        assert answer.status_code in (409, 422)
        assert "may have been added" in answer.content.decode() + answer.headers.get("HX-Trigger", "")
    assert (usage.again().state, len(usage.pushes())) == ("failed", 1)
    page = approver.get("/o/northgate-it/").content.decode()
    assert "Look it up in the PSA" in page
    assert "Looking again sends it once more only when the PSA surely does not show it." in page
    assert "Add to…" not in page
    assert "Pair with a line…" not in usage.page(approver, "")


def test_a_line_that_was_there_first_is_compared_instead(approver: Client, usage: Usage) -> None:
    usage.add(approver)
    ref = LineRef(agreement_remote_id=usage.agreement.remote_id, line_remote_id="77")
    reading = LineReading(ref=ref, quantity=Decimal(7), unit_price=Decimal("3.00"))
    usage.end(
        Push.State.CONFLICT, reason="A line with 7 units is there. Nothing was written.", readings=[reading]
    )
    card = usage.again()
    assert (card.kind, card.state, card.psa_units, card.vendor_units) == ("adjust", "failed", 7, 9)
    assert "Nothing was written" in usage.page(approver, "row/")
    seen = {"seen_psa": "7", "seen_vendor": "9"}
    assert (
        approver.post(f"{LINES}/{usage.card.pk}/approve/", seen, headers={"HX-Request": "true"}).status_code
        == 200
    )
    assert usage.pushes()[-1].way == "in_place"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"place": "0|2026-12-01|3"}, "Choose an agreement"),
        ({"place": ""}, "Choose an agreement"),
        ({"units": "0", "meant": "0"}, "0 units bills nothing"),
        ({"units": "nine"}, "is not a quantity"),
    ],
)
def test_what_may_not_be_added_is_refused(
    approver: Client, usage: Usage, data: dict[str, Any], said: str
) -> None:
    response = usage.add(approver, **data)
    assert response.status_code == 409
    assert said in response.content.decode()
    assert usage.pushes() == []


def test_a_quantity_beyond_the_guards_is_added_once_that_very_number_is_meant(
    approver: Client, usage: Usage
) -> None:
    for units, meant in (("0", ""), ("900", ""), ("900", "90")):
        response = usage.add(approver, units=units, meant=meant)
        assert response.status_code in (409, 422)
        assert f"{units} is far from the 9 that the vendor counts" in response.content.decode()
    assert usage.pushes() == []
    assert usage.add(approver, units="900", meant="900").status_code == 200
    assert usage.pushes()[0].wanted == 900


def test_a_price_or_count_that_moved_is_looked_at_again(approver: Client, usage: Usage) -> None:
    assert usage.add(approver, seen_vendor="8").status_code == 422
    with org_scope(usage.org.pk):
        usage.agents.price = Decimal("4.00")
        usage.agents.save()
        figures_changed.send(None, org_id=usage.org.pk, account_ids=None)
    response = usage.add(approver)
    assert response.status_code == 409
    assert "price has changed" in response.content.decode()
    assert usage.pushes() == []


def test_another_quantity_within_the_guards_is_what_is_added(approver: Client, usage: Usage) -> None:
    assert usage.add(approver, units="8").status_code == 200
    assert usage.pushes()[0].wanted == 8


def test_a_line_that_begins_after_the_next_invoice_can_be_undone_too(approver: Client, usage: Usage) -> None:
    usage.add(approver)
    usage.confirm()
    with org_scope(usage.org.pk):
        AgreementLine.objects.update(starts_on=cards.bills_from() + timedelta(days=31))
        usage.books.refresh()
    assert usage.again().reason == "line_future"
    assert "Undo: set the line to 0 units" in usage.page(approver, "")


def test_a_reviewer_may_not_add(
    join: Callable[[str, Role], User], sign_in: Callable[[User], Client], usage: Usage
) -> None:
    reviewer = sign_in(join("Rae", Role.REVIEWER))
    assert usage.add(reviewer).status_code == 403
    assert "Add to…" not in reviewer.get("/o/northgate-it/").content.decode()
    assert usage.pushes() == []


def test_a_line_above_the_threshold_waits_for_a_second_approver(
    approver: Client, join: Callable[[str, Role], User], sign_in: Callable[[User], Client], usage: Usage
) -> None:
    """E10: nobody adds a large line alone; what a second person turns down is usage without a line again."""
    second = sign_in(join("Sam", Role.APPROVER))
    with org_scope(usage.org.pk):
        ReconcileSettings.objects.update(second_from=20)
    seen, headers = {"seen_psa": "", "seen_vendor": "9"}, {"HX-Request": "true"}
    usage.add(approver)
    seen["push"] = str(usage.again().push_id)
    assert (usage.again().state, usage.pushes()[0].needs_second) == ("ready", True)
    assert approver.post(f"{LINES}/{usage.card.pk}/second/", seen, headers=headers).status_code == 422
    turned_down = seen | {"reason": "They gave notice"}
    assert second.post(f"{LINES}/{usage.card.pk}/turn-down/", turned_down, headers=headers).status_code == 200
    assert (usage.again().kind, usage.again().state) == ("new", "todo")
    usage.add(approver)
    # What the page showed before is another change, of the same size.
    assert second.post(f"{LINES}/{usage.card.pk}/second/", seen, headers=headers).status_code == 422
    seen["push"] = str(usage.again().push_id)
    assert second.post(f"{LINES}/{usage.card.pk}/second/", seen, headers=headers).status_code == 200
    assert [push.state for push in usage.pushes()] == ["cancelled", "staged"]
