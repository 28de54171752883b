"""What every test may use: the database as the application role, two organizations, and their people."""

import time
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import Membership, Organization, User
from accounts.roles import Role
from accounts.sessions import is_due
from reconcile.tenancy.scope import org_scope

# No verdict depends on how long something took.
hypothesis.settings.register_profile("ours", deadline=None)
hypothesis.settings.load_profile("ours")
PASSWORD = "correct horse battery"
# The real hasher takes a tenth of a second on purpose; most tests only need somebody to be signed in.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Build the test database as the owner; `default` mirrors its name and stays the application role."""
    with django_db_blocker.unblock():
        databases = setup_databases(verbosity=0, interactive=False, aliases={"default", "owner"})  # type: ignore[arg-type]
    yield
    with django_db_blocker.unblock():
        connections["default"].close()
        teardown_databases(databases, verbosity=0)


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let rows be committed, for tests with other processes or threads; the owner empties the tables after."""
    with django_db_blocker.unblock():
        try:
            yield
        finally:
            connections["default"].close()
            with connections["owner"].cursor() as cursor:
                cursor.execute(
                    "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables "
                    "WHERE schemaname = 'public' AND tablename NOT IN ('django_migrations', 'django_content_type', "
                    "'auth_permission')"
                )
                (tables,) = cursor.fetchone()
                cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
            connections["owner"].close()


@pytest.fixture
def person() -> Callable[..., User]:
    """Make a person who can sign in with PASSWORD."""

    def make(name: str) -> User:
        return User.objects.create_user(f"{name.lower()}@northgate.example", PASSWORD, name=name)

    return make


@pytest.fixture
def alice(db: None, person: Callable[..., User]) -> User:
    """The owner of the organization `org`."""
    return person("Alice")


@pytest.fixture
def org(alice: User) -> Organization:
    """The organization under test."""
    return Organization.found(name="Northgate IT", owner=alice)


@pytest.fixture
def join(person: Callable[..., User], org: Organization) -> Callable[[str, Role], User]:
    """Make a person who is a member of `org` with a role."""

    def make(name: str, role: Role) -> User:
        user = person(name)
        with org_scope(org.pk):
            Membership.objects.create(org=org, user=user, role=role)
        return user

    return make


@pytest.fixture
def charlie(db: None, person: Callable[..., User]) -> User:
    """The owner of another organization: a stranger here."""
    return person("Charlie")


@pytest.fixture
def other_org(charlie: User) -> Organization:
    """The other organization."""
    return Organization.found(name="Other MSP", owner=charlie)


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    """Give a test client that is signed in as a person, just now or `ago` seconds ago."""

    def make(user: User, ago: int = 0) -> Client:
        client = Client()
        client.force_login(user)
        session = client.session
        proof = {"method": "password", "at": time.time() - ago}
        session.update(
            {"account_authentication_methods": [proof], "account_authentication_methods_user": str(user.pk)}
        )
        session.save()
        # Noted as in use just now, so that no test counts the queries of noting it.
        is_due(str(session.session_key))
        return client

    return make
