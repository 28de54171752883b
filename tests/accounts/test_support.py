"""A5: the Support menu, the links that carry a failure's reference, and feedback that is kept whatever happens."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.core import mail
from django.urls import reverse

from accounts import letters, support
from accounts.models import AuditEntry, Feedback, Letter
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
PORTAL = "https://help.reconcile.example/new?team=billing"


@pytest.fixture
def address(org):
    return reverse("support_feedback", args=[org.slug])


def menu(client, org):
    page = client.get(reverse("activity", args=[org.slug])).text
    return page[page.index('id="support-menu"') : page.index('id="feedback"')]


def test_a5_the_menu_leads_to_the_portal(org, alice, sign_in, settings):
    settings.SUPPORT_PORTAL_NEW_URL = PORTAL
    settings.SUPPORT_PORTAL_MINE_URL = "https://help.reconcile.example/mine"
    shown = menu(sign_in(alice), org)
    assert 'href="https://help.reconcile.example/mine"' in shown
    assert f"team=billing&amp;reference={org.slug}" in shown
    assert "New ticket" in shown
    assert "spam folder" in shown
    assert f'href="mailto:{settings.SUPPORT_EMAIL}"' in shown


def test_a5_without_a_portal_the_menu_says_how_to_write(org, alice, sign_in, settings):
    shown = menu(sign_in(alice), org)
    assert "New ticket, by e-mail" in shown
    assert f"mailto:{settings.SUPPORT_EMAIL}?subject={org.slug}" in shown
    assert "answers in your mailbox" in shown


def test_a5_a_link_carries_our_reference_and_nothing_else(settings):
    settings.SUPPORT_PORTAL_NEW_URL = PORTAL
    settings.SUPPORT_PORTAL_REFERENCE_PARAMETER = "subject line"
    link = support.ticket_link("R12-1 x&evil=1 Harbor Dental", slug="northgate-it", cause="sync failed")
    assert parse_qs(urlsplit(link).query) == {
        "team": ["billing"],
        "subject line": ["R12-1, northgate-it, sync failed"],
    }
    settings.SUPPORT_PORTAL_NEW_URL = ""
    written = support.ticket_link("R12-1 x&body=1", slug="northgate-it", cause="sync failed")
    assert unquote(written.partition("?subject=")[2]) == "R12-1, northgate-it, sync failed"
    assert "&" not in written


def test_a5_feedback_is_kept_and_reaches_support(org, join, sign_in, address, settings):
    vera = join("Vera", Role.VIEWER)
    reply = sign_in(vera).post(address, {"text": "The list is\nlong."}, headers=HTMX)
    assert reply.status_code == 200
    assert "close-dialogs" in reply.headers["HX-Trigger"]
    assert mail.outbox == [], "nothing is sent by the page itself"
    letters.send_due(org.pk)
    (sent,) = mail.outbox
    assert sent.to == [settings.SUPPORT_EMAIL]
    assert sent.reply_to == ["vera@northgate.example"]
    assert "The list is\nlong." in str(sent.body)
    with org_scope(org.pk):
        row = Feedback.objects.get()
        assert (row.text, row.by_id, row.letter.state) == (
            "The list is\nlong.",
            vera.pk,
            "sent",
        )
        assert AuditEntry.objects.filter(verb="sent feedback").count() == 1


def test_a5_feedback_is_kept_without_any_mail_delivery(org, alice, sign_in, address, settings):
    settings.EMAIL_BACKEND = "tests.accounts.mail_servers.Away"
    assert sign_in(alice).post(address, {"text": "Hello"}).url == reverse("dashboard", args=[org.slug])
    letters.send_due(org.pk)
    with org_scope(org.pk):
        assert Feedback.objects.get().text == "Hello"
        assert Letter.objects.get().state == Letter.State.WAITING


@pytest.mark.parametrize(
    ("text", "said"), [("  ", "Write a few words first."), ("x" * 4001, "longer than 4,000 characters")]
)
@pytest.mark.parametrize("headers", [HTMX, {}])
def test_a5_feedback_that_cannot_be_taken_says_why_and_keeps_the_words(
    org, alice, sign_in, address, text, said, headers
):
    reply = sign_in(alice).post(address, {"text": text}, headers=headers)
    assert reply.status_code == 422
    assert said in reply.text
    assert ("<html" in reply.text) == (not headers)
    with org_scope(org.pk):
        assert not Feedback.objects.exists()


def test_a5_feedback_is_limited_per_person_and_hour(org, alice, join, sign_in, address, settings):
    settings.FEEDBACK_PER_HOUR = 2
    client = sign_in(alice)
    replies = [client.post(address, {"text": f"Words {number}"}, headers=HTMX) for number in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 422]
    assert "Words 2" in replies[2].text
    assert "this one was not kept" in replies[2].text
    assert (
        sign_in(join("Bob", Role.REVIEWER)).post(address, {"text": "Mine"}, headers=HTMX).status_code == 200
    )
    with org_scope(org.pk):
        assert Feedback.objects.count() == 3
