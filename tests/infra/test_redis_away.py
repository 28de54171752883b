"""People can sign up and sign in while Redis is away, and guessing passwords is throttled all the same."""

import pytest
from django.conf import settings
from django.core.cache import caches
from django.test import Client

from accounts.models import User
from reconcile.cache import SteadyCache
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
