"""Invitations (A4): by e-mail, used once, for people with and without an account, and in no way an oracle of either."""

import re
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import invitations, people
from accounts.invitation_models import hash_token
from accounts.models import AuditEntry, Invitation, Membership, Organization, User
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope, user_scope
from tests.conftest import PASSWORD

NEW = {"name": "Bob", "password1": "staple battery horse"}


@pytest.fixture
def invite(org: Organization, alice: User, sign_in) -> Callable[..., str]:
    """Invite by the screen; give the link of the mail."""

    def send(email: str, role: Role = Role.APPROVER) -> str:
        form = {"email": email, "role": role.value}
        reply = sign_in(alice).post(reverse("people_invite", args=[org.slug]), form, follow=True)
        assert f"The invitation is on its way to {email.lower()}." in reply.text
        return link()

    return send


def link() -> str:
    found = re.search(r"http://testserver(/invitation/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def memberships(email: str) -> list[tuple[str, int]]:
    user = User.objects.get(email=email)
    with user_scope(user.pk):
        return [(m.org.name, m.role) for m in Membership.objects.select_related("org").filter(user=user)]


def open_invitation(org: Organization) -> Invitation:
    with org_scope(org.pk):
        return Invitation.objects.get(accepted_at=None, revoked_at=None)


def test_a_new_person_joins_without_founding_anything(org, invite, client):
    way_in = invite("Bob@Northgate.example")
    message = mail.outbox[0]
    assert message.subject == "Alice invites you to Northgate IT"
    assert message.to == ["bob@northgate.example"]
    assert "as approver" in message.body
    page = client.get(way_in)
    assert "Join Northgate IT" in page.text
    assert "no-store" in page.headers["Cache-Control"]
    reply = client.post(f"{way_in}join/", NEW)
    assert reply.url == reverse("dashboard", args=[org.slug])
    assert client.get(reverse("activity", args=[org.slug])).status_code == 200
    assert memberships("bob@northgate.example") == [("Northgate IT", Role.APPROVER)]
    with org_scope(org.pk):
        entries = [(e.verb, e.actor_label) for e in AuditEntry.objects.order_by("seq")][1:]
    assert entries == [
        ("invited", "alice@northgate.example"),
        ("accepted invitation", "bob@northgate.example"),
    ]
    # The mailbox is proved by the link: no second mail asks for it.
    assert len(mail.outbox) == 1


def test_a_person_with_an_account_signs_in_and_joins_a_second_organization(
    org, invite, charlie, other_org, client
):
    way_in = invite(charlie.email, Role.VIEWER)
    assert f'href="/account/login/?next={way_in}"' in client.get(way_in).text
    reply = client.post("/account/login/", {"login": charlie.email, "password": PASSWORD, "next": way_in})
    assert reply.url == way_in
    assert f'action="{way_in}accept/"' in client.get(way_in).text
    assert "Welcome to Northgate IT." in client.post(f"{way_in}accept/", follow=True).text
    assert sorted(memberships(charlie.email)) == [("Northgate IT", Role.VIEWER), ("Other MSP", Role.OWNER)]


def test_the_database_keeps_no_token(org, invite):
    token = invite("bob@northgate.example").split("/")[2]
    kept = open_invitation(org)
    assert token not in str(vars(kept))
    assert kept.token_hash == hash_token(token)


def test_signed_in_as_somebody_else_says_so_and_joins_nobody(org, invite, charlie, sign_in):
    way_in = invite("bob@northgate.example")
    client = sign_in(charlie)
    page = client.get(way_in).text
    assert "You are signed in as <b>charlie@northgate.example</b>" in page
    assert "accept/" not in page
    assert (
        "This invitation is for bob@northgate.example." in client.post(f"{way_in}accept/", follow=True).text
    )
    client.post(f"{way_in}join/", NEW)
    assert not User.objects.filter(email="bob@northgate.example").exists()
    assert open_invitation(org).is_usable


def spoil_use(org, way_in):
    Client().post(f"{way_in}join/", NEW)


def spoil_age(org, way_in):
    with org_scope(org.pk):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("spoil", [spoil_use, spoil_age, "people_revoke", "people_resend"])
def test_a_link_that_was_used_or_is_too_old_or_replaced_leads_nowhere(
    org, alice, sign_in, invite, client, spoil
):
    way_in = invite("bob@northgate.example")
    if callable(spoil):
        spoil(org, way_in)
    else:
        sign_in(alice).post(reverse(spoil, args=[org.slug, open_invitation(org).pk]))
    void = client.get("/invitation/never-was-one/")
    for reply in (client.get(way_in), client.post(f"{way_in}join/", NEW | {"name": "Eve"}), void):
        assert reply.status_code == 404
        assert "This invitation no longer works" in reply.text
    assert not User.objects.filter(name="Eve").exists()


def test_sent_again_works_with_the_new_link_and_new_time(org, alice, sign_in, invite, client, settings):
    invite("bob@northgate.example")
    settings.INVITATION_DAYS = 30
    sign_in(alice).post(reverse("people_resend", args=[org.slug, open_invitation(org).pk]))
    assert open_invitation(org).expires_at > timezone.now() + timedelta(days=29)
    assert client.post(f"{link()}join/", NEW).status_code == 302
    assert len(mail.outbox) == 2


def test_inviting_again_replaces_and_revoking_is_shown_and_written_down(org, alice, sign_in, invite):
    invite("bob@northgate.example", Role.VIEWER)
    invite("bob@northgate.example", Role.ADMIN)
    assert open_invitation(org).role == Role.ADMIN
    page = sign_in(alice).get(reverse("people_page", args=[org.slug])).text
    assert page.count("bob@northgate.example</th>") == 1
    reply = sign_in(alice).post(
        reverse("people_revoke", args=[org.slug, open_invitation(org).pk]), follow=True
    )
    assert "Its link no longer works." in reply.text
    with org_scope(org.pk):
        assert AuditEntry.objects.filter(verb="revoked invitation", label="bob@northgate.example").exists()


def test_the_owner_is_told_the_same_whether_or_not_there_is_an_account(org, alice, charlie, sign_in):
    pages = []
    for email in (charlie.email, "nobody@northgate.example"):
        form = {"email": email, "role": Role.VIEWER.value}
        reply = sign_in(alice).post(reverse("people_invite", args=[org.slug]), form, follow=True)
        pages.append(re.sub(r'(?<=oken": ")\w+|(?<=value=")\w{64}', "", reply.text).replace(email, "WHO"))
        with org_scope(org.pk):
            Invitation.objects.all().delete()
    assert len(pages[0]) == len(pages[1])
    assert "WHO" in pages[0]


def test_both_ways_in_are_offered_whether_or_not_there_is_an_account(org, charlie, invite, client):
    pages = []
    for email in (charlie.email, "nobody@northgate.example"):
        page = client.get(invite(email)).text
        pages.append(
            re.sub(r'/invitation/[^/]+/|(?<=oken": ")\w+|(?<=value=")\w{64}', "", page).replace(email, "WHO")
        )
    assert pages[0] == pages[1]


def test_an_account_that_exists_is_not_taken_over_by_its_invitation(org, charlie, invite, client):
    way_in = invite(charlie.email)
    reply = client.post(f"{way_in}join/", NEW)
    assert reply.status_code == 422
    assert "Sign in with it to join." in reply.text
    charlie.refresh_from_db()
    assert charlie.check_password(PASSWORD)


@pytest.mark.parametrize(("form", "said"), [
    ({"email": "", "role": "20"}, "Say where the invitation goes."),
    ({"email": "no address", "role": "20"}, "Enter an e-mail address."),
    ({"email": "bob@northgate.example", "role": "60"}, "Choose one of the roles."),
    ({"email": "Alice@northgate.example", "role": "20"}, "alice@northgate.example is a member already."),
])  # fmt: skip
def test_what_cannot_be_invited_says_why_and_sends_nothing(org, alice, sign_in, form, said):
    reply = sign_in(alice).post(reverse("people_invite", args=[org.slug]), form)
    assert reply.status_code == 422
    assert said in reply.text
    assert mail.outbox == []


@pytest.mark.parametrize("weak", ["12345678", "short", ""])
def test_an_invited_persons_password_is_held_to_the_same_rules(org, invite, client, weak):
    way_in = invite("bob@northgate.example")
    assert client.post(f"{way_in}join/", NEW | {"password1": weak}).status_code == 422
    assert not User.objects.filter(email="bob@northgate.example").exists()


def test_guessing_links_and_sending_many_are_throttled(org, alice, sign_in, client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"open_invitation": "3/m/ip", "send_invitation": "2/h/key"}
    assert [client.get("/invitation/guess/").status_code for _ in range(4)] == [404, 404, 404, 429]
    owner, page = sign_in(alice), reverse("people_invite", args=[org.slug])
    sent = [owner.post(page, {"email": f"{n}@b.example", "role": 20}).status_code for n in range(3)]
    assert sent == [302, 302, 429]


def test_a_mail_server_that_is_away_is_said_and_the_invitation_kept(org, alice, sign_in, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    form = {"email": "bob@northgate.example", "role": 20}
    reply = sign_in(alice).post(reverse("people_invite", args=[org.slug]), form, follow=True)
    assert "the mail could not be sent" in reply.text
    assert open_invitation(org).email == "bob@northgate.example"


def test_one_link_opened_twice_at_once_makes_one_member(committed_db, person) -> None:
    alice, bob = person("Alice"), person("Bob")
    org = Organization.found(name="Northgate IT", owner=alice)
    with org_scope(org.pk):
        _, token = invitations.invite(org.pk, bob.email, Role.VIEWER, by=alice)
    start, refused = Barrier(2), []

    def accept() -> None:
        try:
            start.wait(timeout=30)
            with org_scope(org.pk):
                invitations.accept(org.pk, token, bob)
        except people.Refused as error:
            refused.append(str(error))
        finally:
            connections.close_all()

    threads = [Thread(target=accept) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert refused == ["This invitation no longer works."]
    assert memberships(bob.email) == [("Northgate IT", Role.VIEWER)]


def test_another_organizations_invitations_are_out_of_reach(org, other_org, charlie, invite, sign_in):
    invite("bob@northgate.example")
    theirs = open_invitation(org)
    for name in ("people_resend", "people_revoke"):
        assert sign_in(charlie).post(reverse(name, args=[other_org.slug, theirs.pk])).status_code == 404
    assert open_invitation(org).token_hash == theirs.token_hash
