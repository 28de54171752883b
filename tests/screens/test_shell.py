"""The shell around every page, the way in, and the pages that say no."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import shell
from accounts.models import Membership, Organization, User
from accounts.roles import Role
from reconcile.tenancy.scope import user_scope
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.urls("tests.screens.shell_urls"), pytest.mark.django_db]


def said(html: str) -> str:
    """Give the page without its tokens, which differ on every one."""
    return re.sub(r'(?<=oken": ")\w+|(?<=value=")\w{64}', "", html)


def memberships(user: User) -> list[tuple[str, int]]:
    with user_scope(user.pk):
        return [
            (one.org.name, one.role) for one in Membership.objects.select_related("org").filter(user=user)
        ]


def test_the_navigation_leads_into_the_organization(org, alice, sign_in):
    page = sign_in(alice).get(f"/o/{org.slug}/integrations/").text
    for name in (
        "dashboard",
        "integrations",
        "mapping_accounts",
        "sync_status",
        "activity",
        "settings_data",
    ):
        assert f'href="{reverse(name, args=[org.slug])}"' in page
    assert re.findall(r'title="([^"]+)" aria-current="page"', page) == ["Integrations"]
    assert "Northgate IT" in page
    assert ">Owner<" in page


def test_the_navigation_shows_what_waits_and_says_what_failed(org, alice, sign_in, monkeypatch):
    counters = {"dashboard": lambda _: shell.Count(1047), "sync": lambda _: shell.Count(1, failed=True)}
    monkeypatch.setattr(shell, "COUNTERS", counters)
    page = sign_in(alice).get(f"/o/{org.slug}/").text
    assert '<span class="count" id="count-dashboard">1,047</span>' in page
    assert '<span class="count fail" id="count-sync">1 failed</span>' in page


def test_outside_an_organization_there_is_no_navigation(client):
    assert 'class="nav"' not in client.get("/style/").text


def test_a_stranger_finds_nothing_and_is_told_nothing(org, other_org, charlie, sign_in):
    reply = sign_in(charlie).get(f"/o/{org.slug}/")
    assert reply.status_code == 404
    assert "Northgate" not in reply.text
    assert said(reply.text) == said(sign_in(charlie).get("/o/no-such-organization/").text)


def test_a_role_too_low_is_told_which_one_it_takes(org, join, sign_in):
    reply = sign_in(join("Bob", Role.VIEWER)).get(f"/o/{org.slug}/admins/")
    assert reply.status_code == 403
    assert "You are viewer here; this needs admin or higher. An owner can change your role." in reply.text


def test_our_own_fault_says_so_and_shows_no_detail(client):
    client.raise_request_exception = False
    reply = client.get("/broken/")
    assert reply.status_code == 500
    assert "It is our fault, not yours" in reply.text
    assert "planted" not in reply.text


def test_a_page_without_a_token_is_refused_in_plain_words():
    reply = Client(enforce_csrf_checks=True).post("/account/login/", {"login": "a@northgate.example"})
    assert reply.status_code == 403
    assert "Reload the page and try again" in reply.text


# ---- Home and the choice of an organization -----------------------------------------------------


def test_home_leads_to_the_only_organization(org, alice, sign_in):
    assert sign_in(alice).get("/").url == f"/o/{org.slug}/"


def test_home_without_an_organization_says_what_comes_next(charlie, sign_in):
    client = sign_in(charlie)
    assert "You are in no organization yet" in client.get("/").text
    assert client.post("/organizations/new/", {"organization": "Harbour MSP"}).url == "/o/harbour-msp/"
    assert memberships(charlie) == [("Harbour MSP", Role.OWNER)]
    assert client.get("/").url == "/o/harbour-msp/"


def test_founding_an_organization_without_a_name_says_what_is_missing(charlie, sign_in):
    reply = sign_in(charlie).post("/organizations/new/", {"organization": "  "})
    assert reply.status_code == 422
    assert "Say which organization this is for." in reply.text
    assert memberships(charlie) == []


def test_home_with_several_asks_once_and_then_remembers(org, alice, sign_in):
    Organization.found(name="Second MSP", owner=alice)
    client = sign_in(alice)
    page = client.get("/").text
    assert "Choose an organization" in page
    assert page.index("Northgate IT") < page.index("Second MSP")
    assert client.post("/organizations/switch/", {"organization": "second-msp"}).url == "/o/second-msp/"
    assert client.get("/").url == "/o/second-msp/"
    assert client.get("/organizations/").status_code == 200


def test_the_switcher_lists_only_the_persons_own(org, other_org, alice, sign_in):
    menu = sign_in(alice).get("/organizations/", headers={"HX-Request": "true"}).text
    assert "Northgate IT" in menu
    assert "Other MSP" not in menu
    assert "<html" not in menu


def test_a_strangers_organization_cannot_be_switched_to(org, other_org, alice, sign_in):
    assert sign_in(alice).post("/organizations/switch/", {"organization": other_org.slug}).status_code == 404


@pytest.mark.parametrize("path", ["/", "/organizations/"])
def test_home_asks_who_you_are(client, path):
    assert client.get(path).url.startswith("/account/login/")


# ---- Signing up and in --------------------------------------------------------------------------


def test_signing_up_founds_an_organization(client):
    form = {"organization": "Northgate IT", "email": "Dana@Northgate.example", "password1": PASSWORD}
    assert client.post("/account/signup/", form).url == "/"
    assert client.get("/").url == "/o/northgate-it/"
    assert memberships(User.objects.get(email="dana@northgate.example")) == [("Northgate IT", Role.OWNER)]


def test_signing_up_with_nothing_names_each_field(client):
    page = client.post("/account/signup/", {"organization": "", "email": "x", "password1": "1234"}).text
    assert "Say which organization this is for." in page
    assert page.count('class="error"') == 3
    for described in re.findall(r'aria-describedby="([^"]+)"', page):
        assert f'id="{described}"' in page


def test_a_wrong_password_and_an_unknown_address_read_the_same(client, alice):
    pages = [
        re.search(
            r'role="alert".*?</div></div>',
            client.post("/account/login/", {"login": who, "password": "no"}).text,
        )
        for who in (alice.email, "nobody@northgate.example")
    ]
    assert pages[0]
    assert pages[1]
    assert pages[0][0] == pages[1][0]


def test_a_forgotten_password_is_replaced_through_the_mailbox(client, alice):
    assert (
        client.post("/account/password/reset/", {"email": alice.email}).url == "/account/password/reset/done/"
    )
    link = re.search(r"http://testserver(\S+)", str(mail.outbox[0].body))
    assert link
    form_address = client.get(link[1]).url
    assert "Choose a new password" in client.get(form_address).text
    new = {"password1": "staple battery horse", "password2": "staple battery horse"}
    assert client.post(form_address, new).status_code == 302
    assert client.login(username=alice.email, email=alice.email, password="staple battery horse")
    assert "This link no longer works" in client.get(link[1], follow=True).text


def test_asking_for_a_new_password_says_the_same_for_any_address(client, alice):
    pages = [
        client.post("/account/password/reset/", {"email": who}, follow=True).text
        for who in (alice.email, "nobody@northgate.example")
    ]
    assert said(pages[0]) == said(pages[1])
    assert "If somebody has an account with that address" in pages[0]


PAGES_IN = [
    "password/change/",
    "email/",
    "logout/",
    "inactive/",
    "confirm-email/",
    "password/reset/key/done/",
]


@pytest.mark.parametrize("path", ["login/", "signup/", "password/reset/", "password/reset/done/", *PAGES_IN])
def test_every_account_page_wears_our_clothes(alice, sign_in, client, path):
    reader = sign_in(alice) if path in PAGES_IN else client
    page = reader.get(f"/account/{path}").text
    assert 'class="solo"' in page
    assert "<h1>" in page


def test_signing_out_asks_first_and_then_leads_to_the_door(alice, sign_in):
    client = sign_in(alice)
    assert "Sign out?" in client.get("/account/logout/").text
    assert client.post("/account/logout/").url == "/account/login/"
    assert client.get("/").url.startswith("/account/login/")


def test_the_policy_allows_nothing_unsafe(client):
    policy = client.get("/style/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
