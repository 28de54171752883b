"""Sign-in by Microsoft and Google (A2): offered when configured, and linked by confirmed addresses only."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import environ
import pytest
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.models import User
from reconcile import sign_in as configured
from tests.accounts.test_mfa import add_app

pytestmark = pytest.mark.django_db
BOTH = {"google": configured.provider("google", "google-id", "x"),
        "microsoft": configured.provider("microsoft", "microsoft-id", "x")}  # fmt: skip


def test_nothing_is_offered_when_nothing_is_configured(client, settings):
    assert settings.SOCIALACCOUNT_PROVIDERS == {}
    page = client.get("/account/login/").text
    assert "Google" not in page
    assert "Microsoft" not in page
    assert "google" not in client.get("/account/login/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(("given", "found"), [
    ({}, []),
    ({"GOOGLE_CLIENT_ID": "a"}, []),
    ({"GOOGLE_CLIENT_ID": "a", "GOOGLE_CLIENT_SECRET": "b"}, ["google"]),
    ({"MICROSOFT_CLIENT_ID": "a", "MICROSOFT_CLIENT_SECRET": "b", "MICROSOFT_TENANT": "t"}, ["microsoft"]),
])  # fmt: skip
def test_a_provider_is_configured_by_its_id_and_secret(monkeypatch, given, found):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    providers = configured.providers(environ.Env())
    assert list(providers) == found
    for one in providers.values():
        assert one["APPS"][0]["settings"].get("tenant") == given.get("MICROSOFT_TENANT")


@pytest.mark.parametrize(("name", "where", "client_id"), [
    ("google", "https://accounts.google.com/o/oauth2/v2/auth", "google-id"),
    ("microsoft", "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize", "microsoft-id"),
])  # fmt: skip
def test_the_button_leads_to_the_provider_with_our_address_to_come_back_to(
    client, settings, name, where, client_id
):
    settings.SOCIALACCOUNT_PROVIDERS = BOTH
    page = client.get("/account/login/").text
    assert f'action="/account/{name}/login/?process=login"' in page
    assert client.get(f"/account/{name}/login/").status_code == 200
    sent = urlsplit(client.post(f"/account/{name}/login/?process=login").url)
    query = parse_qs(sent.query)
    assert f"{sent.scheme}://{sent.netloc}{sent.path}" == where
    assert query["client_id"] == [client_id]
    assert query["redirect_uri"] == [f"http://testserver/account/{name}/login/callback/"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["state"][0]


def test_the_policy_lets_the_buttons_lead_there():
    assert configured.origins(BOTH) == ["https://accounts.google.com", "https://login.microsoftonline.com"]


def come_back(name: str, told: dict[str, object]) -> tuple[Any, Any]:
    """Let a provider say who somebody is, as its callback does after it has checked the code."""
    request: Any = RequestFactory().get(f"/account/{name}/login/callback/")
    for middleware in (SessionMiddleware, MessageMiddleware):
        middleware(lambda _: HttpResponse()).process_request(request)
    request.user = AnonymousUser()
    request.htmx = False
    with context.request_context(request):
        provider = get_adapter().get_provider(request, name)
        response = complete_social_login(request, provider.sociallogin_from_response(request, told))
    return request.user, response


def test_a_confirmed_address_leads_to_the_account_that_is_there(alice, settings):
    settings.SOCIALACCOUNT_PROVIDERS = BOTH
    user, _ = come_back("google", {"sub": "1", "email": alice.email, "email_verified": True, "name": "A"})
    assert user == alice
    assert SocialAccount.objects.get().user == alice


def test_an_unconfirmed_address_never_leads_to_the_account_that_is_there(alice, settings):
    settings.SOCIALACCOUNT_PROVIDERS = BOTH
    EmailAddress.objects.create(user=alice, email=alice.email, verified=True, primary=True)
    told = {"sub": "2", "email": alice.email, "email_verified": False}
    assert come_back("google", told)[0] != alice
    # Microsoft lets any tenant's admin write any address, so its word alone confirms none.
    assert come_back("microsoft", {"id": "3", "mail": alice.email})[0] != alice
    assert not SocialAccount.objects.filter(user=alice).exists()


def test_a_new_person_comes_with_their_name_and_founds_nothing(settings):
    settings.SOCIALACCOUNT_PROVIDERS = BOTH
    told = {
        "sub": "4",
        "email": "new@b.example",
        "email_verified": True,
        "given_name": "Nora",
        "family_name": "Ode",
    }
    user, _ = come_back("google", told)
    assert user == User.objects.get(name="Nora Ode")


def test_the_second_step_is_asked_for_after_a_provider_too(alice, settings):
    settings.SOCIALACCOUNT_PROVIDERS = BOTH
    add_app(alice)
    user, reply = come_back("google", {"sub": "5", "email": alice.email, "email_verified": True})
    assert reply.url == "/account/2fa/authenticate/"
    assert not user.is_authenticated
