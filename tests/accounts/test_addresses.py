"""B11: the allow-listing page, and a change of our addresses that is announced once and told to everybody."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts import addresses, tasks
from accounts.models import AnnouncedAddresses, Letter, Notice, Organization
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope
from tests.accounts.test_letters import at_once

OLD, NEW = ["203.0.113.24", "203.0.113.25"], ["203.0.113.25", "198.51.100.7"]


def notices_of(org):
    with org_scope(org.pk):
        return list(Notice.objects.filter(kind="addresses").order_by("id"))


@pytest.fixture
def changed(settings):
    """The addresses are known, and then become others."""
    settings.OUTGOING_ADDRESSES = OLD
    assert not addresses.announce(), "the first ones are no change"

    def change():
        settings.OUTGOING_ADDRESSES = NEW

    return change


@pytest.mark.django_db
def test_b11_the_page_lists_each_address_with_the_notes(org, join, sign_in, settings):
    settings.OUTGOING_ADDRESSES = OLD
    page = sign_in(join("Vera", Role.VIEWER)).get(reverse("settings_addresses", args=[org.slug])).text
    for address in OLD:
        assert f'data-copy="{address}"' in page
    assert "vendors' integrations come from other addresses" in page
    assert "They may change" in page
    assert "Not changed since" in page


@pytest.mark.django_db
def test_b11_an_installation_without_fixed_addresses_says_so(org, alice, sign_in, settings):
    settings.OUTGOING_ADDRESSES = []
    page = sign_in(alice).get(reverse("settings_addresses", args=[org.slug])).text
    assert "an allow-list would lock it out" in page


@pytest.mark.django_db
def test_b11_a_change_is_told_to_every_organization_once(org, other_org, changed, alice, sign_in):
    assert addresses.find_untold() == []
    changed()
    out = StringIO()
    call_command("announce_addresses", stdout=out)
    assert "2 organizations are told" in out.getvalue()
    assert sorted(addresses.find_untold()) == sorted([org.pk, other_org.pk])
    for org_id in addresses.find_untold():
        tasks.tell_addresses(org_id)
        tasks.tell_addresses(org_id)
    assert addresses.find_untold() == []
    for one in (org, other_org):
        (notice,) = notices_of(one)
        assert notice.body.startswith("New: 198.51.100.7. No longer ours: 203.0.113.24.")
        with org_scope(one.pk):
            assert Letter.objects.count() == 1, "its owner is told by e-mail, too"
    assert (
        "Our outgoing addresses have changed" in sign_in(alice).get(reverse("notices", args=[org.slug])).text
    )
    call_command("announce_addresses", stdout=out)
    assert "Nothing has changed." in out.getvalue()


@pytest.mark.django_db
def test_b11_a_second_change_is_a_second_notice_and_an_order_is_none(org, changed, settings):
    changed()
    assert addresses.announce()
    addresses.tell(org.pk)
    settings.OUTGOING_ADDRESSES = NEW[::-1]
    assert not addresses.announce()
    settings.OUTGOING_ADDRESSES = OLD
    assert addresses.announce()
    addresses.tell(org.pk)
    assert len(notices_of(org)) == 2


@pytest.mark.django_db
def test_b11_who_joins_after_the_change_is_not_told(org, changed, person):
    changed()
    addresses.announce()
    late = Organization.found(name="Late MSP", owner=person("Dora"))
    assert late.pk not in addresses.find_untold()


def test_b11_many_that_start_at_once_announce_once_and_nobody_is_told_twice(committed_db, person, changed):
    orgs = [Organization.found(name=f"MSP {n}", owner=person(f"Owner{n}")) for n in range(3)]
    changed()
    assert at_once(addresses.announce).count(True) == 1
    assert AnnouncedAddresses.objects.get().number == 1

    def spread():
        for org_id in addresses.find_untold():
            tasks.tell_addresses(org_id)

    at_once(spread)
    assert [len(notices_of(org)) for org in orgs] == [1, 1, 1]
