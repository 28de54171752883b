"""E2: usage without a line is counted to a line that exists, by a person's word, until that is undone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import Card, LinePairing
from psa.models import AgreementLine, Connection
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books

LINES = "/o/northgate-it/lines"


class Bundle:
    """An account with a bundle line of 10 that nothing counts, and 9 agents in use that no line bills."""

    def __init__(self, org: Organization) -> None:
        with org_scope(org.pk):
            self.books = Books(org, now=timezone.now())
            Connection.objects.update(remote_account="northgate", checked_at=self.books.now)
            self.account = self.books.account()
            self.agreement = self.books.agreement(self.account)
            self.agents = self.books.service("Endpoint agent", "3.00")
            self.line = self.books.line(self.agreement, self.books.service("Workplace bundle", "40"), "10")
            va = self.books.vendor_account(self.account)
            self.books.usage(va, self.books.vendor_service(self.agents), "9")
            self.books.refresh()

    def card(self, line: AgreementLine | None = None) -> Card | None:
        with org_scope(self.books.org.pk):
            of = {"line": line} if line else {"line": None, "service": self.agents}
            return Card.objects.filter(**of).first()

    def pair(self, client: Client, **data: Any) -> Any:
        usage = self.card()
        assert usage
        form = {"line": self.line.pk, "seen_psa": "", "seen_vendor": "9", "panel": usage.pk} | data
        url = f"http://testserver/o/northgate-it/{form.pop('asked_from', '')}"
        headers = {"HX-Request": "true", "HX-Current-URL": url}
        return client.post(f"{LINES}/{usage.pk}/pair/", form, headers=headers)

    def figures(self) -> tuple[Any, ...]:
        card = self.card(self.line)
        assert card
        return card.kind, card.psa_units, card.vendor_units, card.effect

    def panel(self, client: Client, card: Card | None) -> str:
        assert card
        return client.get(f"{LINES}/{card.pk}/", headers={"HX-Request": "true"}).content.decode()

    def change(self, **values: Any) -> None:
        with org_scope(self.books.org.pk):
            AgreementLine.objects.filter(pk=self.line.pk).update(**values)
            self.books.refresh()


@pytest.fixture
def bundle(org: Organization) -> Bundle:
    return Bundle(org)


@pytest.fixture
def approver(join: Callable[[str, Role], User], sign_in: Callable[[User], Client]) -> Client:
    return sign_in(join("Bob", Role.APPROVER))


def test_paired_usage_counts_to_the_line_at_once_and_says_by_whom(approver: Client, bundle: Bundle) -> None:
    usage = bundle.card()
    assert usage
    assert bundle.figures()[0] == "psa_only"
    dialog = approver.get(f"{LINES}/{usage.pk}/pair/").content.decode()
    assert "Workplace bundle" in dialog
    answer = bundle.pair(approver, asked_from=f"?tab=all&open={usage.pk}")
    line = bundle.card(bundle.line)
    assert line
    assert answer.headers["HX-Redirect"] == f"/o/northgate-it/?tab=all&open={line.pk}"
    page = approver.get(answer.headers["HX-Redirect"]).content.decode()
    assert "9 Endpoint agent count to Workplace bundle now" in page
    assert 'data-key="undo" hx-post="/o/northgate-it/lines/unpair/"' in page
    assert bundle.card() is None
    assert bundle.figures() == ("adjust", 10, 9, -40)
    why = bundle.panel(approver, bundle.card(bundle.line))
    assert "Endpoint agent counts to it too: paired by Bob" in why
    assert "ManagedWorkstationAgents" in why  # the vendor's rows behind it
    with org_scope(bundle.books.org.pk):
        entry = AuditEntry.objects.get(verb="paired usage")
        assert entry.new == {"line": "Workplace bundle", "units": "9"}
        assert audit.verify(bundle.books.org.pk) is None


def test_what_the_line_counts_itself_is_added_to_it(approver: Client, bundle: Bundle) -> None:
    with org_scope(bundle.books.org.pk):
        va = bundle.books.vendor_account(bundle.account)
        bundle.books.usage(va, bundle.books.vendor_service(bundle.line.service), "1")
        bundle.books.refresh()
    bundle.pair(approver)
    assert bundle.figures() == ("match", 10, 10, 0)


def test_undo_makes_it_new_revenue_again(approver: Client, bundle: Bundle) -> None:
    bundle.pair(approver)
    with org_scope(bundle.books.org.pk):
        pairing = LinePairing.objects.get()
    form = {"pairing": pairing.pk}
    response = approver.post(f"{LINES}/unpair/", form, headers={"HX-Request": "true"})
    assert response.headers["HX-Refresh"] == "true"
    usage = bundle.card()
    assert usage
    assert (usage.kind, usage.vendor_units) == ("new", 9)
    assert bundle.figures()[0] == "psa_only"
    again = approver.post(f"{LINES}/unpair/", form)
    assert again.status_code == 409
    assert "undone already" in again.content.decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ends_on": timezone.now().date() - timedelta(days=40)}, "line ends before the next invoice"),
        ({"vanished_at": timezone.now()}, "no longer in the PSA"),
    ],
)
def test_a_line_that_ends_gives_the_usage_back_and_says_so(
    approver: Client, bundle: Bundle, change: dict[str, Any], said: str
) -> None:
    bundle.pair(approver)
    bundle.change(**change)
    usage = bundle.card()
    assert usage
    assert usage.kind == "new"
    why = bundle.panel(approver, usage)
    assert "Bob paired it with the line Workplace bundle" in why
    assert f"its line ended: {said}" in why
    # And it counts again as soon as the line is back.
    bundle.change(ends_on=None, vanished_at=None)
    assert bundle.card() is None
    assert bundle.figures()[2] == 9


def test_a_line_of_its_own_comes_first(approver: Client, bundle: Bundle) -> None:
    bundle.pair(approver)
    with org_scope(bundle.books.org.pk):
        own = bundle.books.line(bundle.agreement, bundle.agents, "9")
        bundle.books.refresh()
    card = bundle.card(own)
    assert card
    assert (card.kind, card.vendor_units) == ("match", 9)
    assert bundle.figures()[0] == "psa_only"


def test_a_count_that_is_unknown_leaves_the_line_unknown(approver: Client, bundle: Bundle) -> None:
    bundle.pair(approver)
    with org_scope(bundle.books.org.pk):
        bundle.books.veeam.counted_at = timezone.now() - timedelta(days=60)
        bundle.books.veeam.save()
        bundle.books.refresh()
    card = bundle.card(bundle.line)
    assert card
    assert (card.kind, card.reason, card.vendor_units, card.last_units) == ("waiting", "source_old", None, 9)
    assert card.unknown_since == bundle.books.veeam.counted_at


@pytest.mark.parametrize("data", [{"line": 10**9}, {"line": ""}, {"seen_vendor": "8"}])
def test_what_was_not_on_the_screen_is_refused(
    approver: Client, bundle: Bundle, data: dict[str, Any]
) -> None:
    assert bundle.pair(approver, **data).status_code in (409, 422)
    assert bundle.card()


def test_two_tabs_pair_once(approver: Client, bundle: Bundle) -> None:
    usage = bundle.card()
    assert usage
    url = f"{LINES}/{usage.pk}/pair/"
    form = {"line": bundle.line.pk, "seen_psa": "", "seen_vendor": "9"}
    answers = [approver.post(url, form).status_code for _ in range(2)]
    assert answers == [302, 404]
    with org_scope(bundle.books.org.pk):
        assert LinePairing.objects.count() == 1


def test_a_reviewer_sees_it_and_may_not_pair(
    join: Callable[[str, Role], User], sign_in: Callable[[User], Client], bundle: Bundle
) -> None:
    reviewer = sign_in(join("Rae", Role.REVIEWER))
    assert "An approver can do this" in bundle.panel(reviewer, bundle.card())
    assert bundle.pair(reviewer).status_code == 403
