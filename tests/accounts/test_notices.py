"""A7: notices in the app, told once and kept current, seen by role, read by person."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import notices
from accounts.models import Letter, Membership, Notice
from accounts.notice_models import Kind
from accounts.notice_views import PAGE
from accounts.notices import Place
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope

pytestmark = pytest.mark.django_db

PLACE = Place("sync_status", query="show=action")


def tell(
    org, kind=Kind.SYNC_FAILED, key="sync failed:connection-1", title="The sync of PSA has failed", **more
):
    with org_scope(org.pk):
        return notices.tell(org.pk, kind, key=key, title=title, place=PLACE, **more)


def at(org, name="notices", *args):
    return reverse(name, args=[org.slug, *args])


def shown(client, org, **query):
    return [notice.title for notice, _ in client.get(at(org), query).context["rows"]]


def count_in_navigation(client, org):
    page = client.get(at(org)).text
    return page.split('id="count-notices">')[1].split("<")[0]


def test_a7_the_same_failure_updates_the_unread_notice_and_is_new_once_somebody_has_read_it(
    org, alice, sign_in
):
    first, again = tell(org), tell(org, body="Still so.")
    assert (again.pk, again.times, again.body) == (first.pk, 2, "Still so.")
    client = sign_in(alice)
    assert count_in_navigation(client, org) == "1"
    client.post(at(org, "notice_read", first.pk))
    assert count_in_navigation(client, org) == ""
    third = tell(org)
    assert third.pk != first.pk
    assert count_in_navigation(client, org) == "1"


def test_a7_the_role_decides_who_sees_a_notice(org, join, sign_in):
    failed = tell(org)
    tell(org, Kind.APPROVAL, "waiting", "2 lines wait")
    tell(org, Kind.SYNC_DONE, "done", "The sync of PSA has finished")
    people = {role: sign_in(join(role.label, role)) for role in (Role.VIEWER, Role.APPROVER, Role.ADMIN)}
    with org_scope(org.pk):
        Membership.objects.update(created_at=failed.at)
    every = ["The sync of PSA has finished", "2 lines wait", "The sync of PSA has failed"]
    assert shown(people[Role.VIEWER], org) == every[:1]
    assert shown(people[Role.APPROVER], org) == every[:2]
    assert shown(people[Role.ADMIN], org) == every
    assert people[Role.VIEWER].post(at(org, "notice_read", failed.pk)).status_code == 404


def test_a7_reading_is_each_persons_own(org, alice, join, sign_in):
    bob = sign_in(join("Bob", Role.ADMIN))
    notice = tell(org)
    reply = sign_in(alice).post(at(org, "notice_read", notice.pk), {"go": "1"})
    assert reply.url == f"/o/{org.slug}/sync/?show=action", "it leads to where it is solved"
    assert shown(sign_in(alice), org, show="unread") == []
    assert shown(bob, org, show="unread") == [notice.title]


def test_a7_all_are_read_at_once_and_a_later_one_is_not(org, alice, sign_in):
    for number in range(3):
        tell(org, key=f"key {number}")
    client = sign_in(alice)
    client.post(at(org, "notices_read"))
    assert count_in_navigation(client, org) == ""
    tell(org, key="key 3")
    assert count_in_navigation(client, org) == "1"


def test_a7_what_is_solved_stays_and_asks_for_nothing(org, alice, sign_in):
    tell(org)
    with org_scope(org.pk):
        notices.settle("sync failed:connection-1")
    client = sign_in(alice)
    page = client.get(at(org)).text
    assert "· solved" in page
    assert count_in_navigation(client, org) == ""


def test_a7_pages_go_back_and_the_number_of_queries_stays(org, alice, sign_in):
    tell(org, key="first", title="The first")
    client = sign_in(alice)

    def count():
        with CaptureQueriesContext(connection) as caught:
            client.get(at(org))
        return len(caught)

    count()
    few = count()
    for number in range(PAGE):
        tell(org, key=f"key {number}", title=f"Number {number}")
    assert count() == few
    assert len(shown(client, org)) == PAGE
    assert shown(client, org, page=2) == ["The first"]
    assert shown(client, org, page="9" * 30) == shown(client, org)


def test_a7_who_joins_later_is_not_told_of_the_past(org, join, sign_in):
    tell(org)
    assert shown(sign_in(join("Bob", Role.ADMIN)), org) == []


def test_a7_the_defaults_mail_failures_to_admins_and_nothing_that_went_well(org, alice, join):
    join("Bob", Role.REVIEWER)
    join("Dora", Role.ADMIN)
    tell(org, body="The keys were refused.")
    tell(org, Kind.SYNC_DONE, "done", "The sync of PSA has finished")
    tell(org, body="And again.")
    with org_scope(org.pk):
        written = list(Letter.objects.order_by("to").values_list("to", "subject"))
    assert written == [
        (f"{who}@northgate.example", "Northgate IT: The sync of PSA has failed") for who in ("alice", "dora")
    ]


def test_a7_each_person_chooses_what_is_mailed(org, alice, join, sign_in):
    vera = join("Vera", Role.VIEWER)
    assert sign_in(alice).post(at(org, "notice_choices"), {"mail": ["expiring"]}).status_code == 302
    sign_in(vera).post(at(org, "notice_choices"), {"mail": ["sync_done", "sync_failed"]})
    page = sign_in(vera).get(at(org))
    own = [(kind, mailed) for kind, _, mailed in page.context["choices"]]
    assert own == [(Kind.SYNC_DONE, True), (Kind.DELETION, False)]
    tell(org)
    tell(org, Kind.SYNC_DONE, "done", "The sync of PSA has finished")
    with org_scope(org.pk):
        assert list(Letter.objects.values_list("to", flat=True)) == ["vera@northgate.example"]


def test_a7_another_organization_sees_nothing(org, other_org, charlie, sign_in):
    notice = tell(org)
    client = sign_in(charlie)
    assert shown(client, other_org) == []
    assert client.post(at(other_org, "notice_read", notice.pk)).status_code == 404
    with org_scope(org.pk):
        assert not Notice.objects.get().marks.exists()


def test_a7_the_way_back_is_never_somebody_elses_site(org, alice, sign_in):
    client = sign_in(alice)
    reply = client.post(at(org, "notices_read"), headers={"Referer": "https://evil.example/notices/"})
    assert reply.url == at(org)
    kept = client.post(
        at(org, "notices_read"), headers={"Referer": f"http://testserver{at(org)}?show=unread"}
    )
    assert kept.url.endswith("?show=unread")
