"""Connecting a vendor: what is tried, what is kept, what is said, against a simulator over real HTTP."""

import pytest

from accounts.models import AuditEntry
from reconcile.tenancy.scope import org_scope
from tests.screens.connect.filling import FOREIGN, console_fields, count, only, url
from vendors.integrations import read_credentials as read_vendor
from vendors.models import Integration

pytestmark = pytest.mark.django_db


def test_a_console_that_answers_is_kept_and_is_not_connected_twice(org, admin, veeam, console):
    assert veeam.checked_at is not None
    with org_scope(org.pk):
        assert read_vendor(veeam).fields["api_key"] == console["api_key"]
    offered = admin.get(url("integration_add", org)).context["form"]["name"].value()
    assert offered == "Veeam Service Provider Console"
    same = admin.post(url("integration_add", org), console_fields(console, name="Second"))
    assert same.status_code == 422
    assert "connected already" in same.text
    assert count(org, Integration) == 1


def test_only_the_fields_of_the_chosen_way_to_sign_in_count(org, admin, veeam, console):
    page = url("integration", org, veeam.pk)
    by_password = {"sign_in": "User name and password", "username": console["username"]}
    missing = admin.post(page, console_fields(console, **by_password))
    assert dict(missing.context["form"].errors) == {"password": ["Enter the password."]}
    wrong = admin.post(page, console_fields(console, **by_password, password="wrong"))
    assert list(wrong.context["form"].errors) == ["password"]
    fields = console_fields(console, **by_password, password=console["password"], api_key="ignored")
    assert admin.post(page, fields).status_code == 302
    with org_scope(org.pk):
        stored = read_vendor(Integration.objects.get()).fields
    assert stored == {"username": console["username"], "password": console["password"]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"api_key": "wrong"}, "api_key"),
        ({"base_url": "http://127.0.0.1:1"}, "base_url"),
        ({"base_url": "https://192.168.0.10:1280"}, "base_url"),
        ({"base_url": ""}, "base_url"),
        ({"api_key": ""}, "api_key"),
    ],
)
def test_what_is_wrong_with_a_console_stands_at_its_field(org, admin, console, change, field):
    reply = admin.post(url("integration_add", org), console_fields(console, **change))
    assert reply.status_code == 422
    assert list(reply.context["form"].errors) == [field]
    assert count(org, Integration) == 0


def test_a_stranger_at_a_consoles_address_is_not_quoted(org, admin, console, stranger):
    reply = admin.post(url("integration_add", org), console_fields(console, base_url=stranger))
    assert reply.status_code == 422
    assert FOREIGN not in reply.text


def test_a_consoles_new_address_asks_for_the_key_again(org, admin, veeam, console, stranger):
    fields = console_fields(console, base_url=stranger, api_key="")
    reply = admin.post(url("integration", org, veeam.pk), fields)
    assert "The address has changed" in reply.context["form"].errors["api_key"][0]
    assert only(org, Integration).secrets == veeam.secrets


def test_a_console_is_tested_again_from_its_page(org, admin, veeam):
    reply = admin.post(url("integration_test", org, veeam.pk))
    assert reply.status_code == 200
    assert "Veeam, main answers." in reply.text


def test_an_integration_reads_names_unless_it_is_told_not_to(org, admin, veeam, console):
    page = admin.get(url("integration", org, veeam.pk)).text
    assert "Read the names behind its counts" in page
    assert "Computers, virtual machines" in page
    assert veeam.reads_names
    admin.post(
        url("integration", org, veeam.pk),
        console_fields(console, name=veeam.name, api_key="", reads_names=""),
    )
    with org_scope(org.pk):
        assert not Integration.objects.get().reads_names
        entry = AuditEntry.objects.filter(verb="changed integration").latest("seq")
    assert entry.new["names read"] is False
    admin.post(url("integration", org, veeam.pk), console_fields(console, name=veeam.name))
    with org_scope(org.pk):
        assert Integration.objects.get().reads_names
