"""D8, A3: tags on accounts and services, and notes on lines: who may, what the trail keeps, where they show."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import Card, Note
from dashboard.notes import LONGEST
from psa.models import AccountTag, ServiceTag, Tag, Ticket
from psa.tags import MOST
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books

HOME = "/o/northgate-it/"


@pytest.fixture
def books(org: Organization) -> Books:
    with org_scope(org.pk):
        return Books(org, now=timezone.now())


@pytest.fixture
def rita(join: Callable[[str, Role], User]) -> User:
    return join("Rita", Role.REVIEWER)


@pytest.fixture
def reviewer(rita: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(rita)


def differ(books: Books, number: int = 1) -> list[Card]:
    with org_scope(books.org.pk):
        lines = [books.pair("10", "12") for _ in range(number)]
        books.refresh()
        return list(Card.objects.filter(line__in=lines).order_by("pk"))


def tag(client: Client, card: Card, name: str, on: str = "account", act: str = "put_on") -> int:
    address = f"{HOME}lines/{card.pk}/tag/"
    return client.post(address, {"name": name, "on": on, "act": act, "panel": card.pk}).status_code


def note(client: Client, card: Card, **form: object) -> int:
    return client.post(f"{HOME}lines/{card.pk}/note/", {"panel": card.pk} | form).status_code


def names(client: Client, query: str) -> list[int]:
    return [row.id for group in client.get(HOME + query).context["page"].groups for row in group.rows]


def test_d8_a_tag_is_on_every_line_of_its_account_filters_and_comes_off(
    books: Books, reviewer: Client
) -> None:
    first, second = differ(books, 2)
    assert tag(reviewer, first, "  Renews   in March ") == 200
    assert tag(reviewer, second, "renews in march") == 200
    assert tag(reviewer, second, "Backup first", on="service") == 200
    with org_scope(books.org.pk):
        march, backup = Tag.objects.order_by("-name")
        assert (march.name, backup.name) == ("Renews in March", "Backup first")
        assert (AccountTag.objects.count(), ServiceTag.objects.count()) == (2, 1)
    page = reviewer.get(HOME).text
    assert page.count('title="Renews in March, Backup first"') == 2
    assert sorted(names(reviewer, f"?tag={march.pk}")) == [first.pk, second.pk]
    assert names(reviewer, f"?tag={backup.pk}") == [second.pk]
    assert "Tag: Renews in March" in reviewer.get(f"{HOME}?tag={march.pk}").text
    menu = reviewer.get(f"{HOME}lines/filter/tag/").text
    assert re.findall(r'<span class="clip">(.*?)</span>', menu) == ["Backup first", "Renews in March"]
    assert tag(reviewer, second, "RENEWS IN MARCH", act="take_off") == 200
    assert names(reviewer, f"?tag={march.pk}") == [first.pk]
    assert tag(reviewer, first, "Renews in March", act="take_off") == 200
    # What nothing wears is not offered.
    assert "March" not in reviewer.get(f"{HOME}lines/filter/tag/").text


def test_d8_the_trail_keeps_who_tagged_what(books: Books, reviewer: Client) -> None:
    (card,) = differ(books)
    for act in ("put_on", "put_on", "take_off", "take_off"):
        tag(reviewer, card, "VIP", act=act)
    with org_scope(books.org.pk):
        entries = list(AuditEntry.objects.filter(subject=f"account:{card.account_id}").order_by("seq"))
        assert audit.verify(books.org.pk) is None
    assert [(e.verb, e.label, e.old, e.new) for e in entries] == [
        ("tagged", "Harbor Dental", {}, {"tag": "VIP"}),
        ("untagged", "Harbor Dental", {"tag": "VIP"}, {}),
    ]


@pytest.mark.parametrize("name", ["", "   ", "x" * 41])
def test_d8_a_tag_without_a_word_or_too_long_is_refused(books: Books, reviewer: Client, name: str) -> None:
    (card,) = differ(books)
    assert tag(reviewer, card, name) == 409
    assert tag(reviewer, card, "VIP", on="agreement") == 404
    with org_scope(books.org.pk):
        assert not Tag.objects.exists()


def test_d8_more_tags_than_anyone_reads_are_refused(books: Books, reviewer: Client) -> None:
    (card,) = differ(books)
    assert {tag(reviewer, card, f"Tag {n}") for n in range(MOST)} == {200}
    assert tag(reviewer, card, "One more") == 409


def test_d8_text_of_a_tag_is_never_markup(books: Books, reviewer: Client) -> None:
    (card,) = differ(books)
    tag(reviewer, card, "<b>VIP</b>")
    assert "<b>VIP" not in reviewer.get(f"{HOME}?open={card.pk}").text


def test_a_note_says_who_and_when_marks_the_row_and_outlasts_the_period(
    books: Books, reviewer: Client, rita: User
) -> None:
    card, other = differ(books, 2)
    assert note(reviewer, card, text=" They want the <b>names</b> first.\r\nCall Ann. ") == 200
    page = reviewer.get(f"{HOME}?open={card.pk}").text
    assert "They want the &lt;b&gt;names&lt;/b&gt; first.<br>Call Ann." in page
    assert page.count('aria-label="Has a note"') == 1
    assert re.search(r"<small>Rita, \d+ \w+, \d\d:\d\d", page)
    assert names(reviewer, "?mark=note") == [card.pk]
    with org_scope(books.org.pk):
        # The cards are derived anew; the note is not theirs.
        Card.objects.all().delete()
        books.refresh()
        again = Card.objects.get(line_id=card.line_id)
        assert (Note.objects.get().by, AuditEntry.objects.latest("seq").verb) == (rita, "noted")
    assert names(reviewer, "?mark=note") == [again.pk]
    assert other.pk != card.pk


def test_a_note_on_usage_without_a_line_is_there_when_the_line_comes(books: Books, reviewer: Client) -> None:
    with org_scope(books.org.pk):
        account, service = books.account(), books.service()
        books.usage(books.vendor_account(account), books.vendor_service(service), "7")
        books.refresh()
        loose = Card.objects.get()
    note(reviewer, loose, text="Sold in June")
    assert names(reviewer, "?mark=note") == [loose.pk]
    with org_scope(books.org.pk):
        line = books.line(books.agreement(account), service, "5")
        books.refresh()
        card = books.card(line)
    assert "Sold in June" in reviewer.get(f"{HOME}?open={card.pk}").text
    assert names(reviewer, "?mark=note") == [card.pk]


def test_only_who_wrote_a_note_takes_it_away_and_the_trail_keeps_it(
    books: Books, reviewer: Client, join: Callable[[str, Role], User], sign_in: Callable[[User], Client]
) -> None:
    (card,) = differ(books)
    note(reviewer, card, text="Ask Ann")
    with org_scope(books.org.pk):
        written = Note.objects.get()
    owner = sign_in(join("Olga", Role.OWNER))
    assert note(owner, card, delete=written.pk) == 409
    assert "Take away the note" not in owner.get(f"{HOME}?open={card.pk}").text
    assert note(reviewer, card, delete=written.pk) == 200
    assert note(reviewer, card, delete=written.pk) == 409
    assert "Ask Ann" not in reviewer.get(f"{HOME}?open={card.pk}").text
    assert names(reviewer, "?mark=note") == []
    with org_scope(books.org.pk):
        entry = AuditEntry.objects.latest("seq")
        assert (entry.verb, entry.old) == ("deleted a note", {"text": "Ask Ann"})
        assert Note.objects.get().deleted_at is not None


def test_e6_lines_with_a_ticket_of_this_month_are_found(books: Books, reviewer: Client) -> None:
    card, other = differ(books, 2)
    with org_scope(books.org.pk):
        for one, period in ((card, card.period), (other, card.period.replace(year=2020))):
            Ticket.objects.create(
                org=books.org, connection=books.psa, epoch=1, remote_host="psa.example", remote_account="x",
                account_id=one.account_id, line_id=one.line_id, service_id=one.service_id, period=period,
                account_remote_id="1", summary="Check", body="Check", key=f"key-{one.pk}",
            )  # fmt: skip
    assert names(reviewer, "?mark=ticket") == [card.pk]
    assert "With: A ticket" in reviewer.get(f"{HOME}?mark=ticket").text


@pytest.mark.parametrize("text", ["", " \n ", "x" * (LONGEST + 1)])
def test_a_note_without_a_word_or_too_long_is_refused(books: Books, reviewer: Client, text: str) -> None:
    (card,) = differ(books)
    assert note(reviewer, card, text=text) == 409
    with org_scope(books.org.pk):
        assert not Note.objects.exists()


def test_a_viewer_reads_notes_and_tags_and_is_offered_neither(
    books: Books, reviewer: Client, join: Callable[[str, Role], User], sign_in: Callable[[User], Client]
) -> None:
    (card,) = differ(books)
    note(reviewer, card, text="Ask Ann")
    tag(reviewer, card, "VIP")
    viewer = sign_in(join("Vera", Role.VIEWER))
    page = viewer.get(f"{HOME}?open={card.pk}").text
    assert "Ask Ann" in page
    assert 'title="On the account">VIP</li>' in page
    assert "Add note" not in page
    assert "Add a tag" not in page
    assert (note(viewer, card, text="x"), tag(viewer, card, "x")) == (403, 403)


def test_marks_cost_no_query_per_row(books: Books, reviewer: Client) -> None:
    asked = []
    for number in (1, 9):
        for card in differ(books, number):
            tag(reviewer, card, "VIP")
            tag(reviewer, card, "Slow payer", on="service")
            note(reviewer, card, text="Ask Ann")
        with CaptureQueriesContext(connection) as queries:
            assert (
                reviewer.get(f"{HOME}?mark=note&sort=account").text.count('aria-label="Has a note"') >= number
            )
        asked.append(len(queries))
    assert asked[0] == asked[1]
