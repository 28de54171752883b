"""The database's walls between organizations, seen as the application role."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.audit_models import AuditHead
from accounts.models import Membership, Organization, ReconcileSettings, User
from psa.models import Account, Connection, Service
from reconcile.tenancy.catalogue import describe_role, list_plain_keys, list_tables
from reconcile.tenancy.scope import WrongScope, org_scope, user_scope
from vendors.models import AccountMapping, Integration, VendorAccount

NOT_TENANT = {
    "account_emailaddress", "account_emailconfirmation", "accounts_user", "accounts_user_groups",
    "accounts_user_user_permissions", "auth_group", "auth_group_permissions", "auth_permission",
    "django_content_type", "django_migrations", "django_session", "mfa_authenticator", "socialaccount_socialaccount",
    "socialaccount_socialapp", "socialaccount_socialtoken", "usersessions_usersession",
    # Our own outgoing addresses: nobody's.
    "accounts_announcedaddresses",
    # The proof that an organization was erased: a number, a day and counts.
    "accounts_erasure",
    # The organization itself has no org_id: its own policy is tested below.
    "accounts_organization",
}  # fmt: skip


def make_connection(org: Organization, name: str = "PSA") -> Connection:
    return Connection.objects.create(org=org, kind="connectwise", name=name, base_url="https://psa.example")


def test_every_table_is_either_walled_or_known_to_hold_no_tenant(db: None) -> None:
    tables = {t.name: t for t in list_tables()}
    assert {name for name, t in tables.items() if not t.tenant} == NOT_TENANT
    assert [t.name for t in tables.values() if t.is_open] == []
    assert tables["accounts_organization"].has_policy


def test_foreign_keys_between_tenant_rows_carry_the_tenant(db: None) -> None:
    assert list_plain_keys() == []


def test_tests_run_as_a_plain_role_that_owns_nothing(db: None) -> None:
    _, privileged = describe_role()
    assert not privileged
    assert [t.name for t in list_tables() if t.owned_by_us] == []


@pytest.mark.parametrize("model", [Membership, ReconcileSettings, AuditHead, Connection, Account])
def test_no_scope_is_an_error_never_an_empty_result(org: Organization, model: type[Membership]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        list(model.objects.all())


def test_raw_sql_without_a_scope_is_an_error(org: Organization) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM psa_account a JOIN accounts_organization o ON o.id = a.org_id")


def test_a_scope_shows_its_own_rows_alone(org: Organization, other_org: Organization) -> None:
    with org_scope(other_org.pk):
        make_connection(other_org, "Theirs")
    with org_scope(org.pk):
        make_connection(org, "Ours")
        assert [c.name for c in Connection.objects.all()] == ["Ours"]
        assert [o.pk for o in Organization.objects.all()] == [org.pk]


def test_a_row_cannot_be_written_into_another_organization(
    org: Organization, other_org: Organization
) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), org_scope(org.pk):
        make_connection(other_org)


def test_a_reference_cannot_cross_organizations(org: Organization, other_org: Organization) -> None:
    with org_scope(other_org.pk):
        theirs = make_connection(other_org)
    with pytest.raises(IntegrityError), transaction.atomic(), org_scope(org.pk):  # noqa: PT012 - all of it is the attempt
        Service.objects.create(
            org=org, connection_id=theirs.pk, remote_id="1", name="x", changed_at=org.created_at
        )
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_mapping_cannot_name_another_organizations_account(
    org: Organization, other_org: Organization
) -> None:
    with org_scope(other_org.pk):
        psa = make_connection(other_org)
        theirs = Account.objects.create(
            org=other_org, connection=psa, remote_id="1", name="Theirs", changed_at=org.created_at
        )
    with pytest.raises(IntegrityError), transaction.atomic(), org_scope(org.pk):  # noqa: PT012 - all of it is the attempt
        vendor = Integration.objects.create(
            org=org, kind="veeam_vspc", name="V", base_url="https://v.example"
        )
        ours = VendorAccount.objects.create(org=org, integration=vendor, external_id="a", name="Ours")
        AccountMapping.objects.create(org=org, vendor_account=ours, account_id=theirs.pk)
        connection.cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_scopes_of_two_organizations_do_not_nest(org: Organization, other_org: Organization) -> None:
    with org_scope(org.pk), pytest.raises(WrongScope), org_scope(other_org.pk):
        pass


def test_the_setting_is_gone_after_the_scope(org: Organization) -> None:
    with org_scope(org.pk):
        assert Membership.objects.count() == 1
    with pytest.raises(DatabaseError), transaction.atomic():
        Membership.objects.count()


def test_a_person_sees_their_own_memberships_alone(
    org: Organization, other_org: Organization, alice: User
) -> None:
    with user_scope(alice.pk):
        assert [m.org_id for m in Membership.objects.all()] == [org.pk]
        assert [o.name for o in Organization.objects.all()] == ["Northgate IT"]


def test_two_organizations_of_one_name_get_two_slugs(org: Organization, alice: User) -> None:
    assert Organization.found(name="Northgate IT", owner=alice).slug == "northgate-it-2"


def test_a_door_never_looks_into_a_sessions_temporary_tables(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        )
        doors = dict(cursor.fetchall())
    assert {
        "organization_slug",
        "invitation_organization",
        "organizations_with_due_pushes",
        "organizations_with_due_runs",
        "organizations_with_due_schedules",
    } <= set(doors)
    assert [name for name, found in doors.items() if not any(c.endswith(", pg_temp") for c in found)] == []
