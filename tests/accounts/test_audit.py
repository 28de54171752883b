"""The audit trail: what it keeps, and that any change of the past is found."""

import threading
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from accounts import audit
from accounts.models import AuditEntry, Organization, User
from reconcile.tenancy.scope import org_scope


def write_three(org: Organization, actor: User) -> None:
    with org_scope(org.pk):
        for number in (1, 2, 3):
            audit.record(
                org.pk, actor=actor, verb="push.staged", subject=f"push:{number}", new={"quantity": number}
            )


def as_owner(sql: str) -> None:
    """Change what the application role cannot: as somebody with the database's keys would."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql)


def test_an_entry_keeps_decimals_and_dates_as_exact_text(org: Organization, alice: User) -> None:
    with org_scope(org.pk):
        entry = audit.record(
            org.pk,
            actor=alice,
            verb="push.staged",
            subject="push:1",
            old={"quantity": Decimal("42.500000")},
            new={"quantity": Decimal("100"), "effective_on": date(2030, 1, 1), "none": None},
        )
        kept = AuditEntry.objects.get(pk=entry.pk)
        assert kept.old == {"quantity": "42.5"}
        assert kept.new == {"quantity": "100", "effective_on": "2030-01-01", "none": None}
        assert kept.actor_label == alice.email
        assert kept.hash == audit.hash_entry(kept)


def test_a_float_is_refused(org: Organization, alice: User) -> None:
    with org_scope(org.pk), pytest.raises(TypeError):
        audit.record(org.pk, actor=alice, verb="x", subject="y", new={"quantity": 1.5})


def test_entries_are_numbered_and_chained(org: Organization, alice: User) -> None:
    write_three(org, alice)
    with org_scope(org.pk):
        founding, first, second, third = AuditEntry.objects.order_by("seq")
        assert (founding.verb, founding.actor_label) == ("founded organization", alice.email)
        assert [e.seq for e in (founding, first, second, third)] == [1, 2, 3, 4]
        assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
        assert audit.verify(org.pk) is None


def test_the_application_may_neither_change_nor_delete_an_entry(org: Organization, alice: User) -> None:
    write_three(org, alice)
    with org_scope(org.pk):
        for change in (
            lambda: AuditEntry.objects.filter(seq=2).update(verb="nothing"),
            lambda: AuditEntry.objects.filter(seq=2).delete(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()
        assert audit.verify(org.pk) is None


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE accounts_auditentry SET new = '{\"quantity\": 9}' WHERE seq = 2", 2),
        ("UPDATE accounts_auditentry SET at = at + interval '1 microsecond' WHERE seq = 1", 1),
        ("DELETE FROM accounts_auditentry WHERE seq = 2", 2),
        ("DELETE FROM accounts_auditentry WHERE seq = 4", 4),
        ("UPDATE accounts_auditentry SET reply = 'fine' WHERE seq = 4", 4),
        (
            "UPDATE accounts_audithead h SET last_seq = 3, last_hash = e.hash FROM accounts_auditentry e WHERE seq = 3",
            5,
        ),
    ],
)
def test_verify_names_the_first_broken_entry(
    committed_db: None, person: Callable[..., User], change: str, broken: int
) -> None:
    alice = person("Alice")
    org = Organization.found(name="Northgate IT", owner=alice)
    write_three(org, alice)
    call_command("verify_audit", org.slug, verbosity=0)
    as_owner(change)
    with org_scope(org.pk):
        assert audit.verify(org.pk) == broken
    with pytest.raises(CommandError, match=f"broken at entry {broken}"):
        call_command("verify_audit", org.slug)


def test_verify_audit_knows_no_such_organization(committed_db: None) -> None:
    with pytest.raises(CommandError, match="No organization"):
        call_command("verify_audit", "nobody")


def test_verify_waits_for_nobody_who_writes(committed_db: None, person: Callable[..., User]) -> None:
    alice = person("Alice")
    org = Organization.found(name="Northgate IT", owner=alice)
    writing, done = threading.Event(), threading.Event()

    def write() -> None:
        with org_scope(org.pk):
            audit.hold(org.pk)
            writing.set()
            done.wait(30)
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert writing.wait(30)
        with org_scope(org.pk), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '1s'")
            assert audit.verify(org.pk) is None
    finally:
        done.set()
        writer.join()
