"""Activity: the trail on the screen, the search in it, its pages, and what is said of its chain."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts import audit
from accounts.activity_views import PAGE
from accounts.models import AuditEntry
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(org):
    return reverse("activity", args=[org.slug])


def write(org, actor, **values):
    said = {"verb": "push confirmed", "subject": "push:1", "label": "Harbor Dental, backup"} | values
    with org_scope(org.pk):
        return audit.record(org.pk, actor=actor, **said)


def test_an_entry_shows_who_what_and_both_values_and_the_reply(org, alice, join, sign_in, page):
    write(
        org,
        alice,
        old={"quantity": Decimal("43.00")},
        new={"quantity": Decimal(47), "day": None},
        reply="Read 47",
    )
    write(org, None, verb="push failed", reply="<b>500</b>" + "x" * 300)
    text = sign_in(join("Vera", Role.VIEWER)).get(page).text
    assert "Alice" in text
    assert '<span class="soft">43</span> <span class="muted">to</span> 47' in text
    assert "Read 47" in text
    assert "&lt;b&gt;500" in text
    assert "<b>500" not in text
    assert text.index("Push failed") < text.index("Push confirmed")


@pytest.mark.parametrize(
    ("query", "found"),
    [("alice push", 1), ("HARBOR", 2), ("push:7", 1), ("Reconcile", 1), ("alice backup", 1), ("nobody", 0)],
)
def test_search_finds_by_who_what_and_subject(org, alice, sign_in, page, query, found):
    write(org, alice)
    write(org, None, subject="push:7")
    reply = sign_in(alice).get(page, {"q": query})
    assert len(reply.context["rows"]) == found


def test_pages_go_back_without_losing_the_search(org, alice, sign_in, page):
    for number in range(PAGE + 3):
        write(org, alice, subject=f"push:{number}")
    client = sign_in(alice)
    first = client.get(page, {"q": "push"})
    assert len(first.context["rows"]) == PAGE
    assert f"?before={first.context['older']}&amp;q=push" in first.text
    second = client.get(page, {"q": "push", "before": first.context["older"]})
    assert [entry.seq for entry, _ in second.context["rows"]] == [4, 3, 2]
    assert second.context["older"] is None


def test_htmx_gets_the_list_alone(org, alice, sign_in, page):
    text = sign_in(alice).get(page, {"q": "nobody"}, headers={"HX-Request": "true"}).text
    assert "<html" not in text
    assert "Nothing matches" in text


def test_a_sound_chain_is_said_to_be_verified(org, alice, sign_in):
    write(org, alice)
    text = sign_in(alice).get(reverse("activity_chain", args=[org.slug])).text
    assert "Verified" in text


def test_the_first_entry_that_does_not_fit_is_named(org, alice, sign_in, page):
    for _ in range(2):
        write(org, alice)
    with org_scope(org.pk):
        AuditEntry.objects.create(
            org=org, seq=4, actor=alice, actor_label=alice.email, verb="forged", hash="0"
        )
    client = sign_in(alice)
    text = client.get(reverse("activity_chain", args=[org.slug])).text
    assert "Entry 4 is missing or was changed" in text
    assert f"{page}?before=5" in text
    shown = client.get(page, {"before": 5}).context["rows"]
    assert [entry.seq for entry, _ in shown] == [4, 3, 2, 1]


def test_the_trail_begins_with_the_founding(org, alice, sign_in, page):
    (row,) = sign_in(alice).get(page).context["rows"]
    assert row[0].verb == "founded organization"


def test_another_organizations_trail_is_not_searched(org, alice, other_org, charlie, sign_in):
    write(other_org, charlie, label="Secret customer")
    reply = sign_in(alice).get(reverse("activity", args=[org.slug]), {"q": "Secret"})
    assert reply.context["rows"] == []
    with org_scope(org.pk):
        assert AuditEntry.objects.count() == 1, "the founding alone"
