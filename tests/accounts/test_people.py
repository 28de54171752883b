"""People and roles (A3): who changes what, that an owner always remains, and that this needs a fresh sign-in."""

import re
from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import connections
from django.urls import reverse

from accounts import people
from accounts.models import AuditEntry, Membership, Organization, User
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope

HOUR = 3600


def roles(org: Organization) -> dict[str, str]:
    with org_scope(org.pk):
        return {m.user.name: m.get_role_display() for m in Membership.objects.select_related("user")}


def member_of(org: Organization, user: User) -> int:
    with org_scope(org.pk):
        return Membership.objects.get(user=user).pk


def address(org: Organization, user: User, name: str = "people_member") -> str:
    return reverse(name, args=[org.slug, member_of(org, user)])


def trail(org: Organization) -> list[tuple[str, str]]:
    with org_scope(org.pk):
        return [(e.verb, e.label) for e in AuditEntry.objects.order_by("seq")][1:]


def test_an_owner_changes_a_role_and_it_counts_at_once_and_is_written_down(org, alice, join, sign_in):
    bob = join("Bob", Role.VIEWER)
    page = sign_in(alice).post(address(org, bob), {"role": Role.APPROVER.value}, follow=True).text
    assert "Bob is approver now." in page
    assert roles(org) == {"Alice": "Owner", "Bob": "Approver"}
    with org_scope(org.pk):
        entry = AuditEntry.objects.get(verb="changed role")
    assert (entry.actor_id, entry.label, entry.old, entry.new) == (
        alice.pk, "Bob", {"role": "Viewer"}, {"role": "Approver"}
    )  # fmt: skip
    assert sign_in(bob).get(reverse("push_dialog", args=[org.slug])).status_code == 200


def test_a_removed_member_finds_nothing_here_and_keeps_the_rest(org, alice, join, sign_in):
    bob = join("Bob", Role.ADMIN)
    his = Organization.found(name="Bob's own", owner=bob)
    client = sign_in(bob)
    assert client.get(reverse("activity", args=[org.slug])).status_code == 200
    sign_in(alice).post(address(org, bob, "people_remove"))
    assert client.get(reverse("activity", args=[org.slug])).status_code == 404
    assert client.get(reverse("activity", args=[his.slug])).status_code == 200
    assert trail(org) == [("removed member", "Bob")]


def test_everybody_sees_who_is_here_and_only_owners_see_more(org, alice, join, sign_in):
    page = reverse("people_page", args=[org.slug])
    admin = sign_in(join("Bob", Role.ADMIN)).get(page).text
    assert "alice@northgate.example" in admin
    for word in ("Last sign-in", "Invite somebody", address(org, alice)):
        assert word not in admin
        assert word in sign_in(alice).get(page).text
    for role in Role:
        assert role.may in admin


@pytest.mark.parametrize("act", ["leave", "remove", "demote"])
def test_the_last_owner_stays(org, alice, join, sign_in, act):
    join("Bob", Role.ADMIN)
    client = sign_in(alice)
    if act == "leave":
        reply = client.post(reverse("people_leave", args=[org.slug]), follow=True)
    elif act == "remove":
        reply = client.post(address(org, alice, "people_remove"), follow=True)
    else:
        reply = client.post(address(org, alice), {"role": Role.ADMIN.value})
    assert "needs an owner" in reply.text
    assert roles(org)["Alice"] == "Owner"
    assert trail(org) == []


def test_a_person_leaves_and_is_led_out(org, join, sign_in):
    bob = join("Bob", Role.VIEWER)
    client = sign_in(bob)
    reply = client.post(reverse("people_leave", args=[org.slug]), follow=True)
    assert "You are no longer a member of Northgate IT." in reply.text
    assert roles(org) == {"Alice": "Owner"}
    assert trail(org) == [("left the organization", "Bob")]


def test_who_is_no_longer_an_owner_changes_nobody_with_a_page_that_is_still_open(org, alice, join):
    bob, carol = join("Bob", Role.OWNER), join("Carol", Role.VIEWER)
    with org_scope(org.pk):
        people.change_role(org.pk, member_of(org, bob), Role.ADMIN, by=alice)
        with pytest.raises(people.Refused, match="no longer an owner"):
            people.change_role(org.pk, member_of(org, carol), Role.OWNER, by=bob)
    assert roles(org) == {"Alice": "Owner", "Bob": "Admin", "Carol": "Viewer"}


@pytest.mark.parametrize("how", ["demote", "remove", "leave"])
def test_two_owners_who_end_each_other_at_once_leave_one(
    committed_db, person: Callable[[str], User], how: str
) -> None:
    alice, bob = person("Alice"), person("Bob")
    org = Organization.found(name="Northgate IT", owner=alice)
    with org_scope(org.pk):
        Membership.objects.create(org=org, user=bob, role=Role.OWNER)
        own = {user: Membership.objects.select_related("user").get(user=user) for user in (alice, bob)}
    start, refused = Barrier(2), []

    def act(by: User, other: User) -> None:
        try:
            start.wait(timeout=30)
            with org_scope(org.pk):
                if how == "demote":
                    people.change_role(org.pk, own[other].pk, Role.VIEWER, by=by)
                elif how == "remove":
                    people.remove(org.pk, own[other].pk, by=by)
                else:
                    people.leave(own[by])
        except people.Refused as error:
            refused.append(str(error))
        finally:
            connections.close_all()

    threads = [Thread(target=act, args=pair) for pair in ((alice, bob), (bob, alice))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert list(roles(org).values()).count("Owner") == 1
    assert len(refused) == 1


@pytest.mark.parametrize("name", ["people_member", "people_remove"])
def test_an_old_sign_in_must_be_proved_again_before_people_change(org, alice, join, sign_in, name):
    bob = join("Bob", Role.VIEWER)
    client = sign_in(alice, ago=HOUR)
    page = f"http://testserver{reverse('people_page', args=[org.slug])}"
    reply = client.post(address(org, bob, name), {"role": Role.OWNER.value}, headers={"Referer": page})
    where = f"/account/reauthenticate/?next={reverse('people_page', args=[org.slug]).replace('/', '%2F')}"
    assert reply.url == where
    assert roles(org)["Bob"] == "Viewer"
    back = client.post(
        where, {"password": "correct horse battery", "next": reverse("people_page", args=[org.slug])}
    )
    assert back.url == reverse("people_page", args=[org.slug])
    assert "Nothing had been changed yet" in client.get(back.url).text
    client.post(address(org, bob, name), {"role": Role.OWNER.value})
    assert roles(org).get("Bob") != "Viewer"


def test_a_role_that_was_chosen_before_the_proof_is_filled_in_after_it(org, alice, join, sign_in):
    bob = join("Bob", Role.VIEWER)
    page, client = address(org, bob), sign_in(alice, ago=HOUR)
    chosen = f'value="{Role.ADMIN.value}" checked'
    assert chosen not in client.get(page).text
    client.post(page, {"role": Role.ADMIN.value}, headers={"Referer": f"http://testserver{page}"})
    proof = {"password": "correct horse battery", "next": page}
    assert client.post("/account/reauthenticate/", proof).url == page
    shown = client.get(page).text
    assert "What you chose is filled in: send it again." in shown
    assert chosen in shown
    assert roles(org)["Bob"] == "Viewer"
    assert chosen not in client.get(page).text


def test_what_was_typed_into_an_invitation_outlasts_the_proof(org, alice, sign_in):
    client = sign_in(alice, ago=HOUR)
    page = reverse("people_invite", args=[org.slug])
    typed = {"email": "dora@northgate.example", "role": Role.ADMIN.value}
    client.post(page, typed, headers={"Referer": f"http://testserver{page}"})
    client.post("/account/reauthenticate/", {"password": "correct horse battery", "next": page})
    shown = client.get(page).text
    assert 'value="dora@northgate.example"' in shown
    assert f'value="{Role.ADMIN.value}" checked' in shown


def test_limits_that_were_typed_before_the_proof_are_filled_in_after_it(org, alice, sign_in):
    client = sign_in(alice, ago=HOUR)
    page = reverse("settings_reconciliation", args=[org.slug])
    typed = {"guard_percent": "37", "guard_units": "23", "second_from": "450.00", "second_currency": "USD"}
    client.post(page, typed, headers={"Referer": f"http://testserver{page}"})
    client.post("/account/reauthenticate/", {"password": "correct horse battery", "next": page})
    shown = client.get(page).text
    assert re.search(r'name="guard_percent"[^>]* value="37"|value="37"[^>]* name="guard_percent"', shown)
    assert 'value="450.00"' in shown
    assert 'value="37"' not in client.get(page).text


def test_htmx_is_led_to_the_proof_and_back_to_the_page_that_it_shows(org, alice, join, sign_in):
    bob = join("Bob", Role.VIEWER)
    shown = f"http://testserver{reverse('people_page', args=[org.slug])}"
    headers = {"HX-Request": "true", "HX-Current-URL": shown}
    reply = sign_in(alice, ago=HOUR).post(address(org, bob), {"role": 50}, headers=headers)
    assert reply.headers["HX-Redirect"].startswith("/account/reauthenticate/?next=%2Fo%2F")


def test_another_sites_address_is_never_the_way_back(org, alice, join, sign_in):
    bob = join("Bob", Role.VIEWER)
    headers = {"Referer": "https://evil.example/o/x/"}
    reply = sign_in(alice, ago=HOUR).post(address(org, bob), {"role": 50}, headers=headers)
    assert reply.url == "/account/reauthenticate/?next=%2F"


def test_a_person_without_a_password_proves_it_by_signing_in_again(org, alice, join, sign_in):
    alice.set_unusable_password()
    alice.save()
    bob = join("Bob", Role.VIEWER)
    client = sign_in(alice, ago=HOUR)
    asked = client.post(address(org, bob), {"role": 50})
    assert asked.url == "/account/again/?next=%2F"
    assert "Sign in once more" in client.get(asked.url).text
    assert (
        client.post("/account/again/", {"next": "/organizations/"}).url
        == "/account/login/?next=%2Forganizations%2F"
    )
    assert client.get("/organizations/").status_code == 302
