"""B1, B2, B3: connecting a PSA: what is tried, what is kept, what is said, against a simulator over real HTTP."""

import pytest

from accounts import audit
from accounts.models import AuditEntry
from dashboard.models import Card
from psa.connections import read_credentials
from psa.models import AgreementType, Connection
from reconcile.tenancy.scope import org_scope
from tests.dashboard.builders import Books
from tests.demo.connectwise_client import running
from tests.screens.connect.filling import FOREIGN, count, only, psa_fields, url

pytestmark = pytest.mark.django_db


def test_a_psa_that_answers_is_kept_with_its_keys_sealed_and_its_permissions(org, connected, psa):
    secret = psa.credentials["private_key"]
    assert connected.remote_account == psa.credentials["company"]
    assert connected.checked_at is not None
    assert {row["need"] for row in connected.permissions} >= {"Companies", "Agreements and their lines"}
    assert secret not in str(connected.secrets) + str(connected.fields)
    with org_scope(org.pk):
        assert read_credentials(connected).fields["private_key"] == secret
        entry = AuditEntry.objects.get(verb="connected PSA")
        assert audit.verify(org.pk) is None
    assert entry.new["private_key"] == "entered"
    assert secret not in str(entry.new)


def test_a_stored_secret_is_never_shown_again(org, admin, connected, psa):
    page = admin.get(url("psa_connection", org, connected.pk)).text
    assert psa.credentials["private_key"] not in page
    assert "Stored, and never shown again" in page


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"private_key": "wrong"}, "private_key", "ConnectWise refused the keys"),
        ({"company": "nobody"}, "company", "does not know the company"),
        ({"base_url": "https://does-not-exist.invalid"}, "base_url", "No public address was found"),
        ({"base_url": "http://10.0.0.1"}, "base_url", "must begin with https://"),
        ({"base_url": "https://10.0.0.1"}, "base_url", "No public address was found"),
        ({"base_url": "https://psa.example:22"}, "base_url", "Port 22 is not allowed"),
        ({"base_url": "http://127.0.0.1:1"}, "base_url", "does not answer"),
        ({"base_url": "not an address"}, "base_url", "Enter an address such as"),
        ({"private_key": ""}, "private_key", "Enter the private key."),
        ({"place": "cloud", "region": ""}, "region", "Say where it runs."),
        ({"name": ""}, "name", "Give it a name"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(org, admin, psa, change, field, said):
    reply = admin.post(url("psa_add", org), psa_fields(psa, **change))
    assert reply.status_code == 422
    errors = reply.context["form"].errors
    assert list(errors) == [field]
    assert said in errors[field][0]
    assert said.replace("'", "&#x27;") in reply.text
    assert "Nothing was saved." in reply.text
    assert f'id="id_{field}_error"' in reply.text
    assert count(org, Connection) == 0


def test_a_refused_client_id_is_said_at_its_field(org, admin, psa):
    psa.options(S6="exact")
    try:
        fields = psa_fields(psa, client_id="7d4f3f0a-2f7c-4a55-9f59-000000000000")
        reply = admin.post(url("psa_add", org), fields)
    finally:
        psa.control("DELETE", "faults")
    assert list(reply.context["form"].errors) == ["client_id"]


def test_whoever_else_answers_is_not_quoted(org, admin, psa, stranger):
    reply = admin.post(url("psa_add", org), psa_fields(psa, base_url=stranger))
    assert reply.status_code == 422
    assert "No ConnectWise PSA answers" in reply.context["form"].errors["base_url"][0]
    assert FOREIGN not in reply.text


@pytest.mark.parametrize(
    "form", ["html_200", "html_502", "500", "429_bare", "truncated", "drop_before", "empty"]
)
def test_every_garbled_answer_is_one_of_four_words_and_keeps_nothing(org, admin, psa, form):
    psa.fail("GET /system/info", form=form, times=None)
    try:
        reply = admin.post(url("psa_add", org), psa_fields(psa))
    finally:
        psa.control("DELETE", "faults")
    assert reply.status_code == 422
    assert list(reply.context["form"].errors) == ["base_url"]
    assert count(org, Connection) == 0


def test_missing_and_too_wide_permissions_are_named_row_by_row(org, admin, connected, psa):
    psa.role(preset="documented", functions={"Finance > Invoicing": {"inquire": "None"}})
    try:
        reply = admin.post(url("psa_test", org, connected.pk))
    finally:
        psa.role()
    assert reply.status_code == 200
    assert "answers, and its permissions were read again" in reply.text
    assert "<b>1 permission missing.</b>" in reply.text
    states = {row["need"]: row["state"] for row in only(org, Connection).permissions}
    assert states["Invoices"] == "missing"
    assert states["Companies"] == "ok"
    admin.post(url("psa_test", org, connected.pk))
    states = {row["need"]: row["state"] for row in only(org, Connection).permissions}
    assert states["Companies"] == "too_wide"
    assert "wider than needed" in admin.get(url("psa_connection", org, connected.pk)).text


def test_a_failed_test_keeps_the_last_findings_and_writes_its_answer_down(org, admin, connected, psa):
    psa.fail("GET /login/companyinfo", form="drop_before", times=None)
    try:
        reply = admin.post(url("psa_test", org, connected.pk))
    finally:
        psa.control("DELETE", "faults")
    assert reply.status_code == 422
    assert "does not answer there" in reply.text
    assert only(org, Connection).permissions == connected.permissions
    with org_scope(org.pk):
        assert AuditEntry.objects.latest("seq").new == {"answer": "unreachable"}


def test_an_empty_secret_keeps_the_stored_one(org, admin, connected, psa):
    fields = psa_fields(psa, name="Main PSA", private_key="")
    assert admin.post(url("psa_connection", org, connected.pk), fields).status_code == 302
    kept = only(org, Connection)
    assert (kept.name, kept.epoch) == ("Main PSA", 1)
    with org_scope(org.pk):
        assert read_credentials(kept).fields["private_key"] == psa.credentials["private_key"]
        entry = AuditEntry.objects.latest("seq")
    assert (entry.old, entry.new) == ({"name": "ConnectWise PSA"}, {"name": "Main PSA"})


def test_a_new_address_asks_for_the_secret_again_and_never_sends_the_stored_one(org, admin, connected, psa):
    with running("manage.py", "simulate", "connectwise", "--port", "0", "--data", "empty",
                 "--company", psa.credentials["company"]) as moved:  # fmt: skip
        fields = psa_fields(moved, private_key="")
        reply = admin.post(url("psa_connection", org, connected.pk), fields)
        assert "The address has changed" in reply.context["form"].errors["private_key"][0]
        assert moved.control("GET", "requests").json()["counts"] == {}
        assert only(org, Connection).base_url == psa.credentials["url"]
        reply = admin.post(url("psa_connection", org, connected.pk), psa_fields(moved), follow=True)
        assert "what waited to be pushed was stopped" in reply.text
        after = only(org, Connection)
    assert (after.base_url, after.epoch) == (moved.credentials["url"], 2)
    with org_scope(org.pk):
        assert read_credentials(after).fields["private_key"] == moved.credentials["private_key"]


def test_keys_of_another_company_are_refused_because_accounts_would_mix(org, admin, connected, psa):
    with running("manage.py", "simulate", "connectwise", "--port", "0", "--data", "empty",
                 "--company", "othermsp") as other:  # fmt: skip
        reply = admin.post(url("psa_connection", org, connected.pk), psa_fields(other))
    assert reply.status_code == 422
    assert "They would be mixed" in reply.text
    assert only(org, Connection).base_url == psa.credentials["url"]


def test_the_same_company_is_not_connected_twice_and_a_name_is_used_once(org, admin, connected, psa):
    twice = admin.post(url("psa_add", org), psa_fields(psa, name="Again"))
    assert "already connected as “ConnectWise PSA”" in twice.text
    with running("manage.py", "simulate", "connectwise", "--port", "0", "--data", "empty",
                 "--company", "othermsp") as other:  # fmt: skip
        same_name = admin.post(url("psa_add", org), psa_fields(other))
    assert list(same_name.context["form"].errors) == ["name"]
    assert count(org, Connection) == 1


def test_htmx_gets_the_form_alone_or_is_led_on(org, admin, psa):
    headers = {"HX-Request": "true"}
    wrong = admin.post(url("psa_add", org), psa_fields(psa, private_key="x"), headers=headers)
    assert wrong.status_code == 422
    assert "<html" not in wrong.text
    assert 'id="connect"' in wrong.text
    right = admin.post(url("psa_add", org), psa_fields(psa), headers=headers)
    assert right.headers["HX-Redirect"] == url("psa_connection", org, only(org, Connection).pk)


def test_a_type_out_of_scope_leaves_the_comparison_at_once_and_comes_back(org, admin):
    with org_scope(org.pk):
        books = Books(org)
        line = books.pair("10", "12")
        books.refresh()
        assert books.card(line).kind == Card.Kind.ADJUST
        projects = AgreementType.objects.create(**books._row(name="Projects"))
    page = url("psa_billing", org, books.psa.pk)
    fields = {"currency": "EUR", "way": "split", "ends_inclusive": "no", "types": [projects.pk]}
    reply = admin.post(page, fields, follow=True)
    assert "Start a full sync now" in reply.text
    with org_scope(org.pk):
        assert books.card(line).kind == Card.Kind.HIDDEN
        stored = Connection.objects.get()
        entry = AuditEntry.objects.latest("seq")
    assert (stored.currency, stored.way, stored.ends_inclusive) == ("EUR", "split", False)
    assert entry.old == {
        "currency": "USD", "way": "in_place", "last day billed": True, "agreement types": ["Managed", "Projects"],
    }  # fmt: skip
    admin.post(page, fields | {"types": [projects.pk, books.type.pk]})
    with org_scope(org.pk):
        assert books.card(line).kind != Card.Kind.HIDDEN


def test_leaving_every_type_out_is_refused_and_saving_the_same_writes_nothing(org, admin):
    with org_scope(org.pk):
        books = Books(org)
    page = url("psa_billing", org, books.psa.pk)
    fields = {"currency": "USD", "way": "in_place", "ends_inclusive": "yes"}
    assert "Keep at least one type" in admin.post(page, fields).text
    admin.post(page, fields | {"types": [books.type.pk]})
    assert count(org, AuditEntry) == 1, "the founding alone"
