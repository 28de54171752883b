"""Second steps (A2): what the pages say and do without a browser; the browser's part is in tests/screens."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Organization
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
HOUR = 3600


@pytest.fixture(autouse=True)
def _nobody_was_throttled() -> None:
    cache.clear()


def code_for(secret: str) -> str:
    """Give what an authenticator app shows now."""
    # Those before and after it stand around the one of now.
    counters = sorted(yield_hotp_counters_from_time())
    return format_hotp_value(hotp_value(secret, counters[len(counters) // 2]))


def add_app(user) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def test_an_authenticator_app_is_set_up_sealed_and_asked_for(alice, sign_in, client):
    owner = sign_in(alice)
    page = owner.get(reverse("mfa_activate_totp")).text
    assert '<svg class="qr"' in page
    assert "data:" not in page
    found = re.search(r'id="secret">(\w+)<', page)
    assert found
    assert owner.post(reverse("mfa_activate_totp"), {"code": "000000"}).status_code == 200
    assert not Authenticator.objects.exists()
    done = owner.post(reverse("mfa_activate_totp"), {"code": code_for(found[1])}, follow=True)
    assert "Recovery codes" in done.text
    # Neither the app's secret nor the codes' seed is readable in the database.
    for kept in Authenticator.objects.all():
        assert found[1] not in str(kept.data)
        assert len(kept.data.get("secret", kept.data.get("seed"))) > 80
    first = client.post("/account/login/", {"login": alice.email, "password": PASSWORD})
    assert first.url.startswith(reverse("mfa_authenticate"))
    assert client.get("/").url.startswith("/account/login/")
    recovery = re.findall(r"<code>(\d+)</code>", done.text)
    assert len(recovery) == 10
    assert client.post(first.url, {"code": recovery[0]}).status_code == 302
    assert client.get("/account/").status_code == 200


def test_a_wrong_code_signs_nobody_in_and_guessing_is_throttled(alice, client):
    add_app(alice)
    client.post("/account/login/", {"login": alice.email, "password": PASSWORD})
    replies = [client.post(reverse("mfa_authenticate"), {"code": "000000"}) for _ in range(12)]
    assert "Incorrect code" in replies[0].text
    assert "try again later" in replies[-1].text.lower()
    assert client.get("/").url.startswith("/account/login/")


def test_a_code_by_e_mail_signs_in_and_says_the_same_for_any_address(alice):
    pages, client = [], Client()
    for who in ("nobody@northgate.example", alice.email):
        client = Client()
        reply = client.post(reverse("account_request_login_code"), {"email": who}, follow=True)
        pages.append(re.sub(r'(?<=oken": ")\w+|(?<=value=")\w{64}', "", reply.text).replace(who, "WHO"))
    assert pages[0] == pages[1]
    found = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found
    assert client.post(reverse("account_confirm_login_code"), {"code": found[1]}).status_code == 302
    assert client.get("/account/").status_code == 200


def test_a_code_by_e_mail_does_not_replace_the_second_step(alice, client):
    add_app(alice)
    client.post(reverse("account_request_login_code"), {"email": alice.email})
    found = re.search(r"^\s*([A-Z0-9-]{6,9})\s*$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found
    reply = client.post(reverse("account_confirm_login_code"), {"code": found[1]})
    assert reply.url.startswith(reverse("mfa_authenticate"))


def require(org: Organization, client, on: bool = True):
    form = {"require_mfa": "on"} if on else {}
    return client.post(reverse("access", args=[org.slug]), form, follow=True)


def required(org: Organization) -> bool:
    with org_scope(org.pk):
        return Organization.objects.get(pk=org.pk).require_mfa


def test_an_owner_without_mfa_cannot_require_it(org, alice, sign_in):
    assert "Set up your own second step first" in require(org, sign_in(alice)).text
    assert not required(org)


def test_who_lacks_the_required_mfa_is_led_to_it_and_other_organizations_stay_open(org, alice, join, sign_in):
    bob = join("Bob", Role.ADMIN)
    his = Organization.found(name="Bob's own", owner=bob)
    add_app(alice)
    assert "Everybody needs a second step now." in require(org, sign_in(alice)).text
    client = sign_in(bob)
    for name in ("activity", "dashboard", "people_page"):
        shut = client.get(reverse(name, args=[org.slug]))
        assert shut.status_code == 403
        assert reverse("mfa_activate_totp") in shut.text
        assert "Alice" not in shut.text
    posted = client.post(reverse("people_leave", args=[org.slug]))
    assert posted.status_code == 403
    assert client.get(reverse("activity", args=[his.slug])).status_code == 200
    assert client.get("/account/").status_code == 200
    add_app(bob)
    assert client.get(reverse("activity", args=[org.slug])).status_code == 200
    with org_scope(org.pk):
        entry = AuditEntry.objects.get(verb="changed required MFA")
    assert (entry.old, entry.new) == ({"MFA for everybody": False}, {"MFA for everybody": True})
    assert "optional now" in require(org, sign_in(alice), on=False).text
    assert not required(org)


def test_a_stranger_learns_nothing_from_the_requirement(org, other_org, alice, charlie, sign_in):
    add_app(alice)
    require(org, sign_in(alice))
    assert sign_in(charlie).get(reverse("activity", args=[org.slug])).status_code == 404


def test_requiring_needs_a_fresh_sign_in(org, alice, sign_in):
    add_app(alice)
    reply = sign_in(alice, ago=HOUR).post(reverse("access", args=[org.slug]), {"require_mfa": "on"})
    assert reply.url.startswith("/account/reauthenticate/")
    assert not required(org)


def test_people_shows_the_owner_who_has_a_second_step(org, alice, join, sign_in):
    join("Bob", Role.VIEWER)
    add_app(alice)
    page = sign_in(alice).get(reverse("people_page", args=[org.slug])).text
    rows = {name: row for row in page.split("<tr>") for name in ("Alice", "Bob") if f'row">{name}' in row}
    assert "Yes" in rows["Alice"]
    assert ">No<" in rows["Bob"]


PAGES = ["mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn", "usersessions_list", "profile",
         "mfa_generate_recovery_codes", "socialaccount_connections"]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_sign_in_wears_our_clothes_and_fits_the_policy(alice, sign_in, name):
    page = sign_in(alice).get(reverse(name)).text
    assert 'class="solo"' in page
    assert " style=" not in page
    assert "<script>" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)


@pytest.mark.parametrize("name", ["mfa_activate_totp", "mfa_add_webauthn", "mfa_generate_recovery_codes"])
def test_second_steps_change_only_after_a_fresh_sign_in(alice, sign_in, name):
    assert sign_in(alice, ago=HOUR).get(reverse(name)).url.startswith("/account/reauthenticate/")
