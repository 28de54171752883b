"""B5, R4: an addition that nobody could tell of is settled by a person's word, which a read of the PSA bears out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts import audit
from accounts.models import AuditEntry, User
from accounts.roles import Role
from psa import push_settling, pushes
from psa.adapters.base import Way
from psa.models import AgreementLine, Push
from psa.push_settling import NotSettled
from reconcile.http.errors import CustomerMustAct, TryLater
from reconcile.tenancy.scope import org_scope
from tests.psa.pushing import Desk

State = Push.State
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _settled(settings) -> None:
    settings.PUSH_SETTLE_SECONDS = 0


@pytest.fixture
def lost(desk: Desk) -> Push:
    """An addition of 9 whose answer was lost, in an agreement with two lines of the service by now."""
    push = desk.add()
    desk.psa.plan = [("write after", TryLater("The PSA broke off the connection."))]
    # Somebody's own line comes between the last look before the write and the first after it.
    desk.psa.watch = lambda moment: desk.psa.put("77", 4) if moment == "write after" else None
    desk.run()
    desk.run_out()
    desk.psa.watch = None
    kept: Push = desk.again(push)
    assert (kept.state, set(desk.psa.readings)) == (State.PERSON, {"77", "new-0"})
    return kept


def settle(desk: Desk, push: Push, line: str, **more: str) -> Any:
    client = Client()
    client.force_login(desk.user)
    where = f"/o/{desk.org.slug}/additions/{push.pk}/settle/"
    return client.post(where, {"line": line} | more, headers=HTMX)


def said(answer: Any) -> str:
    return answer.content.decode().partition('id="said"')[2].partition("</p>")[0]


@pytest.mark.parametrize("form", [{"line": "new-0"}, {"line": "other", "line_id": " #new-0 "}])
def test_the_line_that_a_person_names_is_read_and_confirmed(
    desk: Desk, lost: Push, form: dict[str, str]
) -> None:
    calls, ledger = len(desk.psa.calls), list(desk.psa.ledger)
    answer = settle(desk, lost, **form)
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (200, "true")
    kept = desk.again(lost)
    assert (kept.state, kept.read_back, kept.result_line_remote_id, kept.reason) == (
        State.CONFIRMED,
        9,
        "new-0",
        "",
    )
    assert desk.psa.calls[calls:] == ["identify", "read_back"]
    assert desk.psa.ledger == ledger
    with org_scope(desk.org.pk):
        line = AgreementLine.objects.get()
        assert (line.pk, line.remote_id, line.quantity) == (kept.line_id, "new-0", 9)
        entry = AuditEntry.objects.latest("seq")
        assert (entry.verb, entry.actor_label) == ("push settled by hand: there", desk.user.email)
        assert entry.new["line"] == "new-0"
        assert audit.verify(desk.org.pk) is None
    assert desk.steps(lost)[-1] == "confirmed"
    assert desk.undo(kept).wanted == 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"quantity": Decimal(5)},
            "Line new-0 bills 5, and 9 were sent. If it is the one, set it to 9 first",
        ),
        ({"service_remote_id": "t"}, "bills another service than Backup seat"),
        ({"account_remote_id": "b"}, "belongs to another account than Harbour Dental"),
        ({"ends_on": date(2029, 12, 31)}, "ends before 1 Jan 2030"),
        ({"missing": True}, "Pocket holds no line new-0 in Managed. Look its id up there"),
    ],
)
def test_a_line_that_is_not_what_was_sent_is_refused(
    desk: Desk, lost: Push, changes: dict[str, Any], sentence: str
) -> None:
    desk.psa.readings["new-0"] = replace(desk.psa.readings["new-0"], **changes)
    answer = settle(desk, lost, "new-0")
    assert answer.status_code == 409
    assert sentence in said(answer)
    assert "Nothing was changed and nothing was sent." in said(answer)
    assert desk.again(lost).state == State.PERSON
    assert "push settled by hand: there" not in desk.audit()


def test_a_line_that_another_push_has_made_is_refused_and_not_offered(desk: Desk, lost: Push) -> None:
    with org_scope(desk.org.pk):
        values = {f.attname: getattr(lost, f.attname) for f in Push._meta.concrete_fields}
        key = "00000000-0000-4000-8000-000000000001"
        more = {"id": None, "key": key, "state": State.CONFIRMED, "result_line_remote_id": "new-0"}
        other = Push.objects.create(**values | more)
        for remote_id in ("new-0", "77"):
            AgreementLine.objects.create(remote_id=remote_id, quantity=9, **desk._row)
        assert [line.remote_id for line in push_settling.list_candidates(lost)] == ["77"]
    answer = settle(desk, lost, "new-0")
    assert f"Line new-0 belongs to another push already, P{other.pk}." in said(answer)
    assert desk.again(lost).state == State.PERSON


def test_a_line_that_a_later_push_has_changed_is_still_the_one(desk: Desk, lost: Push) -> None:
    with org_scope(desk.org.pk):
        line = AgreementLine.objects.create(
            remote_id="new-0", quantity=5, starts_on=date(2025, 1, 1), **desk._row
        )
    desk.psa.readings["new-0"] = replace(desk.psa.readings["new-0"], quantity=Decimal(5))
    desk.stage(line, wanted=9, seen=5)
    desk.run()
    assert settle(desk, lost, "new-0").status_code == 200
    assert desk.again(lost).line_id == line.pk


def test_what_the_list_does_not_show_ends_as_failed_and_is_not_sent(desk: Desk, lost: Push) -> None:
    desk.psa.readings.clear()
    calls, ledger = len(desk.psa.calls), list(desk.psa.ledger)
    assert settle(desk, lost, "absent").status_code == 200
    kept = desk.again(lost)
    assert kept.state == State.FAILED
    assert f"{desk.user} looked in Pocket: the line is not there, and its list shows none." in kept.reason
    assert desk.psa.calls[calls:] == ["identify", "find"]
    desk.run_out()
    assert desk.psa.ledger == ledger
    assert desk.audit()[-1] == "push settled by hand: not there"
    assert desk.add().state == State.STAGED, "the usage can be added again"


def test_what_the_list_shows_is_not_called_missing(desk: Desk, lost: Push) -> None:
    answer = settle(desk, lost, "absent")
    assert answer.status_code == 409
    assert "A line with 9 units is there." in said(answer)
    assert "if it must not be billed, end it in Pocket first" in said(answer)
    assert desk.again(lost).state == State.PERSON


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TryLater("The PSA is overloaded."), "The PSA is overloaded. Try again in a few minutes."),
        (CustomerMustAct("A permission is missing."), "A permission is missing. An admin must act"),
        (RuntimeError("bug"), "which is our fault: open a ticket, reference P"),
    ],
)
@pytest.mark.parametrize("line", ["new-0", "absent"])
def test_a_look_that_fails_settles_nothing_and_says_who_must_act(
    desk: Desk, lost: Push, line: str, error: Exception, sentence: str
) -> None:
    desk.psa.plan = [("read_back before" if line == "new-0" else "find before", error)]
    answer = settle(desk, lost, line)
    assert answer.status_code == 409
    assert sentence in said(answer)
    assert desk.again(lost).state == State.PERSON


def test_another_company_behind_the_connection_is_not_believed(desk: Desk, lost: Push) -> None:
    desk.psa.account = "another"
    assert "s PSA answers at this address. An admin must act" in said(settle(desk, lost, "absent"))
    desk.change_connection(epoch=7)
    assert "has changed since this was approved" in said(settle(desk, lost, "new-0"))
    assert desk.again(lost).state == State.PERSON


def test_what_may_still_arrive_is_not_settled_yet(desk: Desk, lost: Push, settings) -> None:
    settings.PUSH_SETTLE_SECONDS = 3600
    assert "may still arrive" in said(settle(desk, lost, "absent"))
    assert desk.again(lost).state == State.PERSON


def test_whoever_comes_second_is_told(desk: Desk, lost: Push) -> None:
    """A look again, or another person, between the read and the word: the first of them counts."""

    def meanwhile(moment: str) -> None:
        if moment == "read_back after":
            desk.psa.watch = None
            with transaction.atomic(), org_scope(desk.org.pk):
                pushes.look_again(lost, desk.user)

    desk.psa.watch = meanwhile
    with pytest.raises(NotSettled, match="waits for nobody any more"):
        push_settling.say_there(desk.org.pk, lost.pk, "new-0", by=desk.user)
    assert desk.again(lost).state == State.UNKNOWN
    assert said(settle(desk, lost, "absent")).endswith(push_settling.MEANWHILE)


def test_the_dialog_offers_the_lines_and_only_to_an_approver(
    desk: Desk, lost: Push, join: Callable[[str, Role], User], sign_in: Any
) -> None:
    where = f"/o/{desk.org.slug}/additions/{lost.pk}/settle/"
    with org_scope(desk.org.pk):
        AgreementLine.objects.create(remote_id="77", quantity=4, **desk._row)
    reviewer = sign_in(join("Rita", Role.REVIEWER))
    assert (reviewer.get(where).status_code, reviewer.post(where, {"line": "absent"}).status_code) == (
        403,
        403,
    )
    approver = sign_in(join("Bob", Role.APPROVER))
    page = approver.get(f"/o/{desk.org.slug}/").content.decode()
    assert f'hx-get="{where}"' in page
    dialog = approver.get(where, headers=HTMX).content.decode()
    assert "It is there: line 77" in dialog
    assert "Bills 4, as last read; 9 were sent" in dialog
    assert "by its id in Pocket" in dialog
    assert lost.reason in dialog
    assert approver.post(where, {"line": "new-0"}).status_code == 302


def test_a_push_that_changes_a_line_is_not_settled_so(desk: Desk) -> None:
    push = desk.stage(desk.line(), 45)
    with org_scope(desk.org.pk):
        Push.objects.filter(pk=push.pk).update(state=State.PERSON)
    assert push.way == Way.IN_PLACE
    assert "waits for nobody" in said(settle(desk, push, "absent"))
