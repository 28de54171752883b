"""People can sign up and sign in while Redis is away, and guessing passwords is throttled all the same."""

import pytest
from django.conf import settings
from django.core.cache import caches
from django.test import Client

from accounts import invitations
from accounts.models import Membership, Organization, User
from accounts.roles import Role
from reconcile.cache import SteadyCache
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD

NOBODY = "redis://127.0.0.1:1"
LOGIN = "/account/login/"


@pytest.fixture(autouse=True)
def _away(settings) -> None:
    """Let the cache point at a port where nobody listens."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": NOBODY}}
    cache = caches["default"]
    assert isinstance(cache, SteadyCache)
    cache.forget_own()


def sign_in(client: Client, email: str, password: str) -> int:
    return client.post(LOGIN, {"login": email, "password": password}).status_code


def test_signing_in(alice: User, client: Client) -> None:
    assert client.get(LOGIN).status_code == 200
    assert sign_in(client, alice.email, "not the password") == 200
    assert sign_in(client, alice.email, PASSWORD) == 302


def test_signing_up(db: None, client: Client) -> None:
    form = {"email": "new@northgate.example", "password1": PASSWORD, "organization": "Northgate IT"}
    assert client.post("/account/signup/", form).status_code == 302
    assert User.objects.filter(email="new@northgate.example").exists()


def test_guessing_is_still_throttled(alice: User, client: Client) -> None:
    for _ in range(20):
        sign_in(client, alice.email, "not the password")
    assert "try again later" in client.post(LOGIN, {"login": alice.email, "password": PASSWORD}).text.lower()
    assert settings.CACHES["default"]["LOCATION"] == NOBODY


def test_an_invitation_opens_and_opening_many_is_throttled(org: Organization, client: Client) -> None:
    with org_scope(org.pk):
        owner = Membership.objects.get().user
        _, token = invitations.invite(org.pk, "bob@northgate.example", Role.VIEWER, by=owner)
    assert client.get(f"/invitation/{token}/").status_code == 200
    form = {"name": "Bob", "password1": "staple battery horse"}
    assert client.post(f"/invitation/{token}/join/", form).status_code == 302
    assert client.get("/account/").status_code == 200
    assert [client.get("/invitation/guess/").status_code for _ in range(30)][-1] == 429
