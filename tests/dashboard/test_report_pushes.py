"""E13: what a month's report says of pushes: added lines, splits, undos, currencies, and pushes of two months."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pypdf
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, ReconcileSettings, User
from accounts.roles import Role
from dashboard.cards import bills_from, refresh
from dashboard.models import Card, Decision, StandingRule
from psa import additions, push_steps, push_undo, pushes
from psa.adapters.base import LineReading, LineRef, Way
from psa.models import Agreement, AgreementLine, AgreementType, Connection, Push
from reconcile.period import month_of
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.dashboard.closed import See, at, close
from tests.dashboard.test_adding import Usage


@pytest.fixture
def books(desk: Books) -> Books:
    return desk


@pytest.fixture
def client(sign_in: Callable[[User], Client], alice: User) -> Client:
    return sign_in(alice)


def end(state: Push.State, org_id: int, *readings: LineReading, written: str = "") -> None:
    """Let a worker come to this end with the one push that is queued."""
    (work,) = push_steps.claim(org_id)
    assert push_steps.mark_sending(work)
    push_steps.finish(work, state, readings=readings, written_line=written)


def read(line: AgreementLine, quantity: int, name: str = "") -> LineReading:
    """Say what the PSA answers for a line, or for the one that a split made of it."""
    with org_scope(line.org_id):
        ref = LineRef(agreement_remote_id=line.agreement.remote_id, line_remote_id=name or line.remote_id)
        return LineReading(ref=ref, quantity=Decimal(quantity), service_remote_id=line.service.remote_id)


def write(line: AgreementLine, quantity: int, by: User, way: Way = Way.IN_PLACE, new: str = "") -> Push:
    """Push a quantity from what the line holds, and let a worker confirm it."""
    with org_scope(line.org_id):
        line.refresh_from_db()
        today = timezone.now().date()
        push = pushes.stage(
            line, seen=line.quantity, wanted=Decimal(quantity), effective_on=today, way=way, by=by
        )
    old = int(push.seen) if new else quantity
    readings = [read(line, old), *([read(line, quantity, new)] if new else [])]
    end(Push.State.CONFIRMED, line.org_id, *readings, written=new or line.remote_id)
    return push


def corrected(content: dict[str, Any]) -> dict[str, tuple[int, str, str, int]]:
    return {
        row["currency"]: (row["lines"], row["under"], row["over"], row["unknown"])
        for row in content["totals"]
        if row["part"] == "corrected"
    }


@pytest.mark.parametrize("last", ["cancelled", "failed", "confirmed", "undone"])
def test_e13_an_added_line_is_in_the_report_whatever_became_of_it(
    last: str, client: Client, org: Organization, see: See
) -> None:
    usage = Usage(org)
    usage.add(client)
    if last == "cancelled":
        client.post(at(f"lines/{usage.card.pk}/undo/"), headers={"HX-Request": "true"})
    elif last == "failed":
        usage.end(Push.State.FAILED, reason="The PSA refused it")
    else:
        usage.confirm()
    if last == "undone":
        client.post(at(f"lines/{usage.card.pk}/undo/"), headers={"HX-Request": "true"})
        back = read(see(AgreementLine.objects.get), 0)
        usage.end(Push.State.CONFIRMED, readings=[back], written_line="new-1")
    content = close(client, see).open_content()
    added = content["pushes"][0]
    assert (added["account"], added["service"], added["agreement"]) == (
        "Harbor Dental", "Endpoint agent", "Managed Services",
    )  # fmt: skip
    assert (added["price"], added["effect"], added["from"], added["to"]) == ("3", "27", "0", "9")
    assert added["state"] == ("confirmed" if last == "undone" else last)
    assert corrected(content) == ({"USD": (1, "27", "0", 0)} if last == "confirmed" else {})


def test_e13_each_added_line_counts_by_itself(
    client: Client, books: Books, org: Organization, see: See, alice: User
) -> None:
    with org_scope(books.org.pk):
        agreement = books.agreement(books.account(), billing_cycle="Monthly", next_invoice_on=bills_from())
        wanted = [
            additions.Addition(agreement, books.service(f"Agent {n}", "2"), Decimal(9), Decimal(2), bills_from())
            for n in range(2)
        ]  # fmt: skip
    for n, addition in enumerate(wanted):
        additions.stage(addition, by=alice)
        ref = LineRef(agreement_remote_id=agreement.remote_id, line_remote_id=f"new-{n}")
        reading = LineReading(
            ref=ref, quantity=Decimal(9), unit_price=Decimal(2), service_remote_id=addition.service.remote_id
        )
        end(Push.State.CONFIRMED, org.pk, reading, written=f"new-{n}")
    assert corrected(close(client, see).open_content()) == {"USD": (2, "36", "0", 0)}


@pytest.mark.parametrize("undone", [False, True])
def test_e13_a_split_and_what_followed_on_the_line_that_it_made_are_one_line(
    undone: bool, client: Client, books: Books, see: See, alice: User
) -> None:
    with org_scope(books.org.pk):
        line = books.pair("10", "12")
        books.refresh()
    push = write(line, 12, alice, Way.SPLIT, new="split-1")
    if undone:
        push_undo.undo(push, alice)
        end(Push.State.CONFIRMED, books.org.pk, read(line, 10, "split-1"), written="split-1")
    content = close(client, see).open_content()
    assert len(content["pushes"]) == (2 if undone else 1)
    assert corrected(content) == ({} if undone else {"USD": (1, "9", "0", 0)})


def test_e13_a_push_taken_back_and_made_again_corrected_one_line(
    client: Client, books: Books, see: See, alice: User
) -> None:
    with org_scope(books.org.pk):
        line = books.pair("10", "12")
        books.refresh()
    push = write(line, 12, alice)
    push_undo.undo(push, alice)
    end(Push.State.CONFIRMED, books.org.pk, read(line, 10), written=line.remote_id)
    write(line, 13, alice)
    assert corrected(close(client, see).open_content()) == {"USD": (1, "13.5", "0", 0)}


def test_e13_corrections_count_in_the_currency_of_their_agreement(
    client: Client, books: Books, see: See, alice: User
) -> None:
    with org_scope(books.org.pk):
        dollars, euros = books.pair("10", "12"), books.pair("10", "12")
        Agreement.objects.filter(pk=euros.agreement_id).update(currency="EUR")
        books.refresh()
    for line in (dollars, euros):
        write(line, 12, alice)
    content = close(client, see).open_content()
    assert corrected(content) == {"EUR": (1, "9", "0", 0), "USD": (1, "9", "0", 0)}
    assert {push["currency"] for push in content["pushes"]} == {"EUR", "USD"}


def test_e13_lines_of_two_connections_that_are_named_alike_are_two(
    client: Client, books: Books, see: See, alice: User
) -> None:
    with org_scope(books.org.pk):
        first = books.pair("10", "12")
        one, books.psa = books.psa, Connection.objects.create(
            org=books.org, kind="connectwise", name="Second PSA", base_url="https://two.example",
            read_at=books.now, remote_account="two", checked_at=books.now,
        )  # fmt: skip
        books.type = AgreementType.objects.create(
            org=books.org, connection=books.psa, remote_id="t", changed_at=books.now, name="Managed"
        )
        other = books.pair("12", "10", remote_id=first.remote_id)
        books.psa = one
        books.refresh()
    write(first, 12, alice)
    write(other, 10, alice)
    assert corrected(close(client, see).open_content()) == {"USD": (2, "9", "-9", 0)}


def test_e13_a_push_counts_in_the_month_in_which_it_ended(
    client: Client, books: Books, see: See, alice: User
) -> None:
    with org_scope(books.org.pk):
        late, past = books.pair("10", "12"), books.pair("10", "13")
        books.refresh()
    approved = month_of(books.now) - timedelta(days=2)
    before = datetime(approved.year, approved.month, approved.day, tzinfo=UTC)
    for line, ended in ((late, timezone.now()), (past, before)):
        push = write(line, 12, alice)
        see(lambda: Push.objects.filter(pk=push.pk).update(created_at=before, finished_at=ended))  # noqa: B023
    content = close(client, see).open_content()
    assert [push["account"] for push in content["pushes"]] == [see(lambda: str(late.account))]
    assert corrected(content) == {"USD": (1, "9", "0", 0)}


def test_e13_the_report_names_the_second_person_and_the_rule(
    client: Client, lines: dict[str, Card], see: See, join: Callable[[str, Role], User], sign_in: Any
) -> None:
    see(lambda: ReconcileSettings.objects.update(second_from=1))
    card, sam = lines["under"], sign_in(join("Sam", Role.APPROVER))
    seen = {"seen_psa": "10", "seen_vendor": "12"}
    for who, verb in ((client, "approve"), (sam, "second")):
        push = see(lambda: Card.objects.get(pk=card.pk).push_id)
        form = seen | ({"push": push} if push else {})
        assert (
            who.post(at(f"lines/{card.pk}/{verb}/"), form, headers={"HX-Request": "true"}).status_code == 200
        )
    line = see(lambda: Card.objects.select_related("line").get(pk=card.pk).line)
    end(Push.State.CONFIRMED, card.org_id, read(line, 12), written=line.remote_id)
    rule = see(lambda: StandingRule.objects.create(org_id=card.org_id, version=3))
    same = lines["match"]
    see(
        lambda: Decision.objects.create(
            org_id=card.org_id, line_id=same.line_id, account_id=same.account_id, service_id=same.service_id,
            period=card.period, verb="approve", units=5, psa_units=5, vendor_units=5, rule=rule,
        )
    )  # fmt: skip
    see(lambda: refresh(card.org_id))
    report = close(client, see)
    content = report.open_content()
    assert [(push["by"], push["second_by"]) for push in content["pushes"]] == [("Alice", "Sam")]
    assert "Standing rule, version 3" in {
        line["decision"]["by"] for line in content["lines"] if line["decision"]
    }
    book = openpyxl.load_workbook(io.BytesIO(client.post(at(f"reports/{report.pk}/xlsx/")).content))
    heads, row = list(book["Pushes"].iter_rows(values_only=True))
    assert dict(zip(heads, row, strict=True))["Agreed by"] == "Sam"
    printed = client.post(at(f"reports/{report.pk}/pdf/")).content
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed)).pages)
    assert "agreed by Sam" in " ".join(text.split())
