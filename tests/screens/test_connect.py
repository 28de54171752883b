"""Connecting a PSA and vendors: what is tried, what is kept, what is said, against simulators over real HTTP."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from accounts.roles import Role
from dashboard.models import Card
from psa.connections import read_credentials
from psa.models import AgreementType, Connection
from reconcile.tenancy.scope import org_scope
from sync.models import SyncRun
from tests.dashboard.builders import Books
from tests.demo import connectwise_client
from tests.demo.connectwise_client import running
from vendors.integrations import read_credentials as read_vendor
from vendors.models import Integration

pytestmark = pytest.mark.django_db
FOREIGN = "a-stranger-sent-this"


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.OUTBOUND_PLAIN_ORIGINS = ["http://127.0.0.1:*"]
    settings.OUTBOUND_READ_TRIES = 1


@pytest.fixture(scope="module")
def psa() -> Iterator[connectwise_client.Client]:
    with running("manage.py", "simulate", "connectwise", "--port", "0", "--data", "demo") as client:
        yield client


@pytest.fixture(scope="module")
def console() -> Iterator[dict[str, str]]:
    command = [sys.executable, "manage.py", "simulate", "veeam_vspc", "--port", "0", "--data", "demo"]
    process = subprocess.Popen(command, cwd=connectwise_client.ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.fixture
def stranger() -> Iterator[str]:
    """Something else than a PSA: it answers every call with JSON of its own, and with a text to leak."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'{{"message": "{FOREIGN}", "errors": [{{"message": "{FOREIGN}"}}]}}'.encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name in the standard library

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def admin(org: Organization, alice: User, sign_in: Callable[[User], Client]) -> Client:
    return sign_in(alice)


def psa_fields(psa: connectwise_client.Client, **changes: str) -> dict[str, str]:
    given = psa.credentials
    return {
        "kind": "connectwise", "name": "ConnectWise PSA", "place": "own", "base_url": given["url"],
        "company": given["company"], "public_key": given["public_key"], "private_key": given["private_key"],
        "client_id": given["client_id"],
    } | changes  # fmt: skip


def console_fields(console: dict[str, str], **changes: str) -> dict[str, str]:
    return {
        "kind": "veeam_vspc", "name": "Veeam, main", "base_url": console["url"], "verify_tls": "on",
        "sign_in": "API key, recommended", "api_key": console["api_key"],
    } | changes  # fmt: skip


def url(name: str, org: Organization, *args: object) -> str:
    return reverse(name, args=[org.slug, *args])


def only(org: Organization, model: Any) -> Any:
    with org_scope(org.pk):
        return model.objects.get()


def count(org: Organization, model: Any) -> int:
    with org_scope(org.pk):
        return model.objects.count()


@pytest.fixture
def connected(org: Organization, admin: Client, psa: connectwise_client.Client) -> Connection:
    psa.role()
    assert admin.post(url("psa_add", org), psa_fields(psa)).status_code == 302
    return only(org, Connection)


@pytest.fixture
def veeam(org: Organization, admin: Client, console: dict[str, str]) -> Integration:
    assert admin.post(url("integration_add", org), console_fields(console)).status_code == 302
    return only(org, Integration)


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


# ---- Billing and scope --------------------------------------------------------------------------


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


# ---- Vendors ------------------------------------------------------------------------------------


def test_a_console_that_answers_is_kept_and_a_second_one_gets_a_name_of_its_own(org, admin, veeam, console):
    assert veeam.checked_at is not None
    with org_scope(org.pk):
        assert read_vendor(veeam).fields["api_key"] == console["api_key"]
    offered = admin.get(url("integration_add", org)).context["form"]["name"].value()
    assert offered == "Veeam Service Provider Console"
    assert admin.post(url("integration_add", org), console_fields(console, name="Second")).status_code == 302
    same = admin.post(url("integration_add", org), console_fields(console, name="Second"))
    assert list(same.context["form"].errors) == ["name"]
    assert count(org, Integration) == 2


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


# ---- Who may, and the first run -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["psa_add", "integration_add"])
def test_connecting_is_for_admins(org, join, sign_in, name):
    reply = sign_in(join("Bob", Role.APPROVER)).get(url(name, org))
    assert reply.status_code == 403
    assert "needs admin" in reply.text


def test_others_see_the_lists_without_buttons(org, connected, veeam, join, sign_in):
    viewer = sign_in(join("Bob", Role.VIEWER))
    for name in ("psa_connections", "integrations"):
        page = viewer.get(url(name, org)).text
        assert "Connected" in page
        assert ">Open<" not in page
    assert viewer.get(url("psa_connection", org, connected.pk)).status_code == 403
    assert viewer.post(url("psa_test", org, connected.pk)).status_code == 403


def test_another_organization_finds_no_connection(org, connected, veeam, other_org, charlie, sign_in):
    stranger = sign_in(charlie)
    for name, pk in (
        ("psa_connection", connected.pk),
        ("psa_billing", connected.pk),
        ("integration", veeam.pk),
    ):
        assert stranger.get(url(name, other_org, pk)).status_code == 404
        assert stranger.get(url(name, org, pk)).status_code == 404


def test_the_checklist_opens_the_next_step_each_time(org, admin, psa, console):
    def current() -> str:
        return admin.get(url("setup", org)).context["current"].key

    assert admin.get(url("dashboard", org)).headers["Location"] == url("setup", org)
    page = admin.get(url("setup", org)).text
    assert "Step 1 of 4" in page
    assert "203.0.113.24" in page
    assert current() == "psa"
    admin.post(url("psa_add", org), psa_fields(psa))
    assert current() == "vendors"
    admin.post(url("integration_add", org), console_fields(console))
    assert current() == "map"
    assert "Waits for the first sync of your PSA" in admin.get(url("setup", org)).text
    started = admin.post(url("sync_start", org), {"mode": "quick", "everything": "1"})
    assert started.headers["Location"] == url("sync_status", org)
    assert count(org, SyncRun) == 2


def test_a_full_sync_starts_from_the_connection(org, admin, connected):
    page = admin.get(url("psa_connection", org, connected.pk)).text
    assert f'action="{url("sync_start", org)}"' in page
    admin.post(url("sync_start", org), {"connection": connected.pk, "mode": "full"})
    assert only(org, SyncRun).mode == "full"


def test_the_checklist_ends_when_everything_was_reviewed(org, admin):
    with org_scope(org.pk):
        books = Books(org)
        books.pair("10", "12")
        books.refresh()
    assert admin.get(url("setup", org)).context["current"].key == "review"
    with org_scope(org.pk):
        Card.objects.update(state=Card.State.DONE)
    assert admin.get(url("setup", org)).context["current"] is None


def test_on_the_checklist_others_are_told_who_acts(org, join, sign_in):
    page = sign_in(join("Bob", Role.APPROVER)).get(url("setup", org)).text
    assert "An admin of your organization does this." in page
    assert 'name="private_key"' not in page
