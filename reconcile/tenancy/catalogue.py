"""What the database itself says about its walls: read from PostgreSQL's catalogue, not from our models."""

from dataclasses import dataclass

from django.db import connection

TABLES = """
SELECT c.relname, c.relrowsecurity, pg_get_userbyid(c.relowner) = current_user AS owned,
       EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped),
       EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1
"""
PLAIN_KEYS = """
SELECT k.conrelid::regclass::text || '.' || k.conname
FROM pg_constraint k
WHERE k.contype = 'f'
  AND NOT (SELECT attnum FROM pg_attribute WHERE attrelid = k.conrelid AND attname = 'org_id') = ANY (k.conkey)
  AND EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = k.confrelid AND attname = 'org_id')
"""


@dataclass(frozen=True)
class Table:
    """One table as the catalogue shows it."""

    name: str
    row_security: bool
    owned_by_us: bool
    tenant: bool
    has_policy: bool

    @property
    def is_open(self) -> bool:
        """Say whether a tenant's rows lie here without a wall."""
        return self.tenant and not (self.row_security and self.has_policy)


def list_tables() -> list[Table]:
    """List the public tables and views."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return [Table(*row) for row in cursor.fetchall()]


def list_plain_keys() -> list[str]:
    """List foreign keys to tenant tables that leave org_id out, and so cross tenants."""
    with connection.cursor() as cursor:
        cursor.execute(PLAIN_KEYS)
        return [name for (name,) in cursor.fetchall()]


def describe_role() -> tuple[str, bool]:
    """Give the role we act as, and whether it is privileged (superuser or BYPASSRLS)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        name, privileged = cursor.fetchone()
    return name, privileged
