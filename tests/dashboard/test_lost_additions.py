"""E2, B4, B5: an addition whose usage has lost its row stays in sight until a person settles it (RELIABILITY R4)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization, User
from accounts.roles import Role
from dashboard.models import Card
from psa.models import AgreementLine, Push
from reconcile.tenancy.scope import org_scope
from tests.dashboard.closed import See, at
from tests.dashboard.test_adding import Usage

ASK = "Reconcile sent 9 and cannot tell what became of it."
HTMX = {"HX-Request": "true"}


@pytest.fixture
def usage(org: Organization) -> Usage:
    return Usage(org)


def arrive(usage: Usage) -> Card:
    """Let a sync bring a line of the service into the mirror; gives its card."""
    with org_scope(usage.org.pk):
        line = usage.books.line(usage.agreement, usage.agents, "9")
        usage.books.refresh()
        assert not Card.objects.filter(pk=usage.card.pk).exists()
        return usage.books.card(line)


@pytest.fixture
def lost(approver: Client, usage: Usage) -> Push:
    """An addition that nobody can tell of, and whose usage a line bills by now."""
    usage.add(approver)
    usage.end(Push.State.PERSON, reason=ASK)
    arrive(usage)
    return usage.pushes()[0]


def test_e2_an_addition_without_a_row_stands_above_the_list_until_it_is_settled(
    approver: Client, usage: Usage, lost: Push
) -> None:
    page = approver.get(at("")).content.decode()
    assert "1 added line needs a person: look it up in the PSA." in page
    assert ASK in page
    assert f"reference P{lost.pk}" in page
    look = at(f"additions/{lost.pk}/look/")
    assert f'action="{look}"' in page
    assert "Looking again sends it once more only when the PSA surely does not show it." in page
    assert approver.post(look).status_code == 302
    assert usage.pushes()[0].state == "unknown"
    page = approver.get(at("")).content.decode()
    assert "needs a person" not in page
    assert "It is sent once more only if the PSA surely does not show it." in page
    usage.confirm()
    assert usage.pushes()[0].state == "confirmed"
    assert "needs a person" not in approver.get(at("")).content.decode()
    again = approver.post(look)
    assert again.status_code == 409
    assert "waits for nobody any more" in again.content.decode()


def test_e2_what_nobody_can_tell_after_another_look_is_in_sight_again(
    approver: Client, usage: Usage, lost: Push
) -> None:
    approver.post(at(f"additions/{lost.pk}/look/"))
    usage.end(Push.State.PERSON, reason=ASK)
    assert "1 added line needs a person" in approver.get(at("")).content.decode()


def test_e2_usage_that_has_ended_leaves_its_addition_in_sight(approver: Client, usage: Usage) -> None:
    usage.add(approver)
    usage.end(Push.State.PERSON, reason=ASK)
    assert "needs a person" not in approver.get(at("")).content.decode(), "its own row says it"
    assert ASK in usage.page(approver, "row/")
    with org_scope(usage.org.pk):
        usage.vendor_service.usagecount_set.update(superseded_at=usage.books.now)
        usage.books.refresh()
    assert "1 added line needs a person" in approver.get(at("")).content.decode()


def test_e2_a_reviewer_sees_it_but_only_an_approver_looks_again(
    lost: Push, reviewer: Client, see: See, join: Callable[[str, Role], User], sign_in: Any
) -> None:
    page = reviewer.get(at("")).content.decode()
    assert "1 added line needs a person" in page
    assert f"additions/{lost.pk}/look/" not in page
    assert reviewer.post(at(f"additions/{lost.pk}/look/")).status_code == 403
    assert see(lambda: Push.objects.get().state) == "person"


def test_e2_many_such_additions_cost_one_query(approver: Client, usage: Usage, lost: Push) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            approver.get(at(""))
        return len(asked)

    queries()
    before = queries()
    with org_scope(usage.org.pk):
        for n in range(6):
            values = {f.attname: getattr(lost, f.attname) for f in Push._meta.concrete_fields}
            account = usage.books.account(f"Account {n}")
            key = f"00000000-0000-4000-8000-00000000000{n}"
            Push.objects.create(
                **values | {"id": None, "account_id": account.pk, "key": key, "line_id": None}
            )
    assert queries() == before
    page = approver.get(at("")).content.decode()
    assert "7 added lines need a person: look them up in the PSA." in page
    assert "The first 5 are shown" in page


def test_e2_an_open_page_gets_the_lines_row_in_place_of_the_usages(approver: Client, usage: Usage) -> None:
    usage.add(approver)
    row = usage.page(approver, "row/")
    poll = f'hx-get="/o/northgate-it/lines/{usage.card.pk}/row/?push={usage.pushes()[0].pk}"'
    assert poll in row
    card = arrive(usage)
    answer = usage.page(approver, f"row/?push={usage.pushes()[0].pk}")
    assert f'id="line-{card.pk}"' in answer
    assert f'hx-swap-oob="outerHTML:#line-{usage.card.pk}"' in answer
    assert "every 1s" not in answer
    panel = usage.page(approver, f"?push={usage.pushes()[0].pk}")
    assert f'value="{card.pk}"' in panel
    assert "every 1s" not in panel


@pytest.mark.parametrize("view", ["list", "cards"])
def test_e2_an_open_page_loses_a_row_that_nothing_replaces(approver: Client, usage: Usage, view: str) -> None:
    usage.add(approver)
    with org_scope(usage.org.pk):
        usage.vendor_service.usagecount_set.update(superseded_at=usage.books.now)
        usage.books.refresh()
    headers = HTMX | {"HX-Current-URL": f"http://testserver/o/northgate-it/?view={view}"}
    where = at(f"lines/{usage.card.pk}/row/?push={usage.pushes()[0].pk}")
    answer = approver.get(where, headers=headers)
    assert answer.status_code == 200
    assert f'id="line-{usage.card.pk}" hx-swap-oob="delete"' in answer.content.decode()
    assert "every 1s" not in answer.content.decode()
    assert '<aside id="panel" hidden>' in usage.page(approver, f"?push={usage.pushes()[0].pk}")


def test_e2_a_row_that_never_was_is_not_found(approver: Client, usage: Usage) -> None:
    usage.add(approver)
    assert approver.get(at("lines/999999/row/"), headers=HTMX).status_code == 404
    assert approver.get(at("lines/999999/row/?push=999999"), headers=HTMX).status_code == 404


def test_e2_an_addition_is_in_the_history_before_it_is_confirmed(approver: Client, usage: Usage) -> None:
    usage.add(approver)
    assert "Add a line of 9, queued" in usage.page(approver, "")
    usage.end(Push.State.FAILED, reason="A permission is missing.")
    assert "Add a line of 9, failed" in usage.page(approver, "")
    usage.add(approver, was_stopped="1")
    usage.confirm()
    panel = usage.page(approver, "")
    assert "Add a line of 9, confirmed" in panel
    assert "Add a line of 9, failed" in panel, "what stopped before is still told"
    with org_scope(usage.org.pk):
        assert AgreementLine.objects.count() == 1
