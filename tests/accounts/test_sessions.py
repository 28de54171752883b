"""Where a person is signed in (A2), the profile, and fresh sign-in before secrets and many lines (RELIABILITY §4)."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.sessions import name_browser
from dashboard.models import Decision
from psa.models import Connection, Push
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD
from tests.dashboard.builders import Books

pytestmark = pytest.mark.django_db
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
HOUR = 3600


@pytest.fixture(autouse=True)
def _nobody_was_throttled() -> None:
    cache.clear()


def enter(user: User, agent: str) -> Client:
    client = Client(headers={"User-Agent": agent})
    assert client.post("/account/login/", {"login": user.email, "password": PASSWORD}).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


@pytest.mark.parametrize(("agent", "words"), [
    (EDGE, "Edge on Windows"), (CHROME, "Chrome on Linux"), ("curl/8", "A browser"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
])  # fmt: skip
def test_a_browser_is_named_in_words(agent, words):
    assert name_browser(agent) == words


def test_each_browser_is_listed_and_one_is_ended_from_another(alice):
    here, there = enter(alice, CHROME), enter(alice, EDGE)
    page = here.get(reverse("usersessions_list")).text
    assert "Chrome on Linux" in page
    assert "Edge on Windows" in page
    other = UserSession.objects.get(user_agent=EDGE)
    assert (
        "That browser is signed out." in here.post(reverse("end_session", args=[other.pk]), follow=True).text
    )
    assert is_in(here)
    assert not is_in(there)


def test_all_others_are_ended_at_once(alice):
    here, there, elsewhere = (enter(alice, agent) for agent in (CHROME, EDGE, CHROME))
    here.post(reverse("usersessions_list"))
    assert [is_in(one) for one in (here, there, elsewhere)] == [True, False, False]


def test_a_strangers_session_cannot_be_ended(alice, charlie):
    hers, his = enter(alice, CHROME), enter(charlie, EDGE)
    session = UserSession.objects.get(user=alice)
    assert his.post(reverse("end_session", args=[session.pk])).status_code == 404
    assert is_in(hers)


@pytest.mark.parametrize(
    "name", ["profile", "usersessions_list", "mfa_index", "mfa_activate_totp", "sign_in_again"]
)
def test_a_persons_own_pages_ask_who_it_is(client, name):
    assert client.get(reverse(name)).url.startswith("/account/login/")


def test_a_new_password_ends_the_others(alice):
    here, there = enter(alice, CHROME), enter(alice, EDGE)
    new = {"oldpassword": PASSWORD, "password1": "staple battery horse", "password2": "staple battery horse"}
    assert here.post("/account/password/change/", new).status_code == 302
    assert is_in(here)
    assert not is_in(there)


def test_use_is_noted_once_in_a_while(alice):
    cache.clear()
    client = enter(alice, CHROME)
    client.get("/account/")
    long_ago = timezone.now() - timedelta(days=1)
    UserSession.objects.update(last_seen_at=long_ago)
    client.get("/account/")
    assert UserSession.objects.get().last_seen_at == long_ago
    cache.clear()
    client.get("/account/")
    assert UserSession.objects.get().last_seen_at > long_ago


def test_the_profile_changes_the_name_and_switches_letters_off(org, alice, sign_in):
    client = sign_in(alice)
    assert 'data-single-keys="off"' not in client.get("/account/").text
    reply = client.post("/account/", {"name": "Alice Ames"}, follow=True)
    assert "Saved." in reply.text
    assert 'data-single-keys="off"' in reply.text
    alice.refresh_from_db()
    assert (alice.name, alice.single_keys) == ("Alice Ames", False)
    menu = client.get(reverse("activity", args=[org.slug])).text
    assert f'href="{reverse("profile")}"' in menu


SECRETS = ["psa_add", "psa_connection", "integration_add", "integration"]


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_change_only_after_a_fresh_sign_in(org, alice, sign_in, name):
    with org_scope(org.pk):
        books = Books(org)
    ids = {"psa_connection": [books.psa.pk], "integration": [books.veeam.pk]}.get(name, [])
    where = reverse(name, args=[org.slug, *ids])
    old, new = sign_in(alice, ago=HOUR), sign_in(alice)
    assert old.get(where).status_code == 200
    assert old.post(where, {"name": "x"}).url.startswith("/account/reauthenticate/")
    assert new.post(where, {"name": "x"}).status_code == 422


def test_who_has_just_signed_up_is_not_asked_again(client):
    form = {"email": "new@northgate.example", "password1": PASSWORD, "organization": "New MSP"}
    assert client.post("/account/signup/", form).status_code == 302
    assert client.post(reverse("psa_add", args=["new-msp"]), {"name": "x"}).status_code == 422


def test_many_lines_at_once_need_a_fresh_sign_in_and_few_do_not(org, join, sign_in, settings):
    settings.FRESH_SIGN_IN_LINES = 1
    bob = join("Bob", Role.APPROVER)
    with org_scope(org.pk):
        books = Books(org)
        lines = [books.pair("10", "12") for _ in range(2)]
        books.refresh()
        texts = [f"{books.card(line).pk}|10|12" for line in lines]
    where, client = reverse("line_approve_many", args=[org.slug]), sign_in(bob, ago=HOUR)
    assert client.post(where, {"line": texts}).url.startswith("/account/reauthenticate/")
    shown = f"http://testserver{reverse('dashboard', args=[org.slug])}"
    headers = {"HX-Request": "true", "HX-Current-URL": shown}
    led = client.post(where, {"line": texts}, headers=headers)
    assert led.headers["HX-Redirect"].startswith("/account/reauthenticate/?next=%2Fo%2F")
    # Neither is led away: what stops the line is that its connection was never tested.
    assert "0 approved, 1 not" in client.post(where, {"line": texts[:1]}).text
    assert "0 approved, 2 not" in sign_in(bob).post(where, {"line": texts}).text


def test_undoing_many_pushes_needs_a_fresh_sign_in_as_approving_them_did(org, join, sign_in, settings):
    settings.FRESH_SIGN_IN_LINES = 1
    bob = join("Bob", Role.APPROVER)
    with org_scope(org.pk):
        books = Books(org)
        Connection.objects.update(remote_account="northgate", checked_at=books.now)
        lines = [books.pair("10", "12") for _ in range(2)]
        books.refresh()
        texts = [f"{books.card(line).pk}|10|12" for line in lines]
    old, new = sign_in(bob, ago=HOUR), sign_in(bob)
    assert "2 approved" in new.post(reverse("line_approve_many", args=[org.slug]), {"line": texts}).text
    with org_scope(org.pk):
        act = Decision.objects.values_list("act", flat=True).distinct().get()
    where = reverse("act_undo", args=[org.slug, act])
    assert old.post(where).url.startswith("/account/reauthenticate/")
    with org_scope(org.pk):
        assert set(Push.objects.values_list("state", flat=True)) == {"staged"}
    assert "2 taken back" in new.post(where).text
