"""One statement per mirror table: staged records are merged in, and rows that are as they were stay untouched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from psa.mirror_models import (
    Account,
    Agreement,
    AgreementLine,
    AgreementType,
    Board,
    Invoice,
    MirrorRow,
    Service,
)


@dataclass(frozen=True)
class Reference:
    """A column that names a row of another table by the remote id that the record holds under `key`."""

    column: str
    table: str
    key: str
    required: bool = False

    @property
    def join(self) -> str:
        """Give the SQL that finds the row."""
        alias = self.column
        return (
            f"LEFT JOIN {self.table} {alias} ON {alias}.org_id = %(org)s AND "
            f"{alias}.connection_id = %(connection)s AND {alias}.remote_id = s.data->>'{self.key}'"
        )


@dataclass(frozen=True)
class Table:
    """A mirror table and the step whose records it takes."""

    step: str
    model: type[MirrorRow]
    columns: Sequence[str]
    references: Sequence[Reference] = ()
    # Columns that follow from others, by their SQL.
    derived: Mapping[str, str] = field(default_factory=dict)
    # Columns that are the organization's own: written once, never overwritten.
    first: Mapping[str, str] = field(default_factory=dict)
    # The column that names the account whose cards follow from a row.
    account: str = ""
    # A push's read-back is newer than what a sync began to read before it.
    pushed: bool = False

    @property
    def name(self) -> str:
        """Give the table's name in the database."""
        return self.model._meta.db_table

    def typed(self, column: str) -> str:
        """Give the SQL that reads a column out of the record; too long a text is cut, never refused."""
        kind = self.model._meta.get_field(column).db_type(connection)
        return f"(s.data->'{column}')" if kind == "jsonb" else f"(s.data->>'{column}')::{kind}"


@dataclass(frozen=True)
class Moved:
    """A row that was added, updated or has vanished, with the accounts it belonged and belongs to.

    The quantities are those of lines. `only_touched`: the PSA has saved it anew with all figures as they were.
    """

    row_id: int
    added: bool
    accounts: frozenset[int]
    before: Decimal | None
    after: Decimal | None
    only_touched: bool = False

    @property
    def moved(self) -> bool:
        """Say whether the quantity is another one than before."""
        return self.before != self.after


@dataclass(frozen=True)
class Read:
    """What a merge takes its records from: a run of one connection, and when it began to read."""

    org_id: int
    run_id: int
    connection_id: int
    began_at: datetime
    now: datetime

    def values(self, table: Table) -> dict[str, Any]:
        """Give the parameters of a statement."""
        return {
            "org": self.org_id,
            "run": self.run_id,
            "connection": self.connection_id,
            "began": self.began_at,
            "now": self.now,
            "step": table.step,
        }


# Which save of a row this is, in the PSA's words: kept for pushes, and no figure follows from it.
VERSION = "remote_version"
ACCOUNT = Reference("account_id", "psa_account", "account_remote_id")
AGREEMENT = Reference("agreement_id", "psa_agreement", "agreement_remote_id")
TABLES = (
    Table("accounts", Account, ("name", "identifier", "status", "active"), account="id"),
    Table(
        "services",
        Service,
        (
            "name", "identifier", "price", "cost", "unit", "part_number", "vendor_sku", "product_class", "active",
        ),
    ),
    Table("agreement types", AgreementType, ("name",), first={"in_scope": "TRUE"}),
    Table(
        "agreements",
        Agreement,
        (
            "name", "status", "active", "recurring", "billing_cycle", "prorate", "period_type", "next_invoice_on",
            "starts_on", "ends_on", "currency",
        ),
        (
            Reference("account_id", "psa_account", "account_remote_id", required=True),
            Reference("agreement_type_id", "psa_agreementtype", "type_remote_id"),
        ),
        account="account_id",
    ),
    Table(
        "lines",
        AgreementLine,
        (
            "quantity", "included", "unit_price", "unit_cost", "billable", "starts_on", "ends_on", "description",
            "remote_version",
        ),
        (
            Reference("agreement_id", "psa_agreement", "agreement_remote_id", required=True),
            Reference("service_id", "psa_service", "service_remote_id"),
        ),
        derived={"account_id": "agreement_id.account_id"},
        account="account_id",
        pushed=True,
    ),
    Table(
        "invoices",
        Invoice,
        ("number", "issued_on", "due_on", "subtotal", "total", "currency", "status"),
        (ACCOUNT, AGREEMENT),
    ),
    Table("boards", Board, ("name", "statuses")),
)  # fmt: skip

# The planner knows nothing of rows that are new and not yet analysed, and then compares each with each. A
# temporary table is ours to analyse.
GATHER = """
CREATE TEMP TABLE sync_staged ON COMMIT DROP AS
SELECT step, remote_id, data FROM sync_stagedrecord WHERE org_id = %(org)s AND run_id = %(run)s
"""
MERGE = """
WITH moved AS (
    INSERT INTO {table} AS t (org_id, connection_id, remote_id, changed_at, {columns})
    SELECT %(org)s, %(connection)s, s.remote_id::varchar(60), %(now)s, {values}
    FROM sync_staged s {joins}
    WHERE s.step = %(step)s {wanted}
    ON CONFLICT (org_id, connection_id, remote_id) DO UPDATE
    SET {assignments}, vanished_at = NULL, changed_at = excluded.changed_at
    WHERE (t.vanished_at IS NOT NULL OR ({olds}) IS DISTINCT FROM ({news})) {unpushed}
    RETURNING t.id, {account} AS account, {quantity} AS quantity, ROW({figures}) AS figures
)
-- The table itself is still seen as it was before this statement.
SELECT n.id, t.id IS NULL, n.account, {old_account}, {old_quantity}, n.quantity,
    t.vanished_at IS NULL AND n.figures IS NOT DISTINCT FROM ROW({figures})
FROM moved n LEFT JOIN {table} t ON t.org_id = %(org)s AND t.id = n.id
"""
VANISH = """
UPDATE {table} t SET vanished_at = %(now)s, changed_at = %(now)s
WHERE {gone}
RETURNING t.id, FALSE, {account}, NULL, {quantity}, NULL, FALSE
"""
GONE = """
t.org_id = %(org)s AND t.connection_id = %(connection)s AND t.vanished_at IS NULL {unpushed} AND NOT EXISTS (
    SELECT FROM sync_staged s WHERE s.step = %(step)s AND s.remote_id = t.remote_id
)
"""
# A quick read knows only of the agreements whose lines it has read.
OF_PLAN = """
AND EXISTS (
    SELECT FROM psa_agreement a JOIN sync_staged p ON p.step = 'plan' AND p.remote_id = a.remote_id
    WHERE a.org_id = %(org)s AND a.connection_id = %(connection)s AND a.id = t.agreement_id
)
"""
UNPLACED = """
SELECT count(*) FROM sync_staged s {joins} WHERE s.step = %(step)s AND NOT ({placed})
"""


def gather(read: Read) -> None:
    """Put the run's records where the merges take them from, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS sync_staged")  # one that an outer transaction still keeps
        cursor.execute(GATHER, {"org": read.org_id, "run": read.run_id})
        cursor.execute("CREATE UNIQUE INDEX ON sync_staged (step, remote_id)")
        cursor.execute("ANALYZE sync_staged")


def merge(table: Table, read: Read) -> list[Moved]:
    """Write the staged records that differ from the mirror; a row that a push has confirmed since wins."""
    values = {reference.column: f"{reference.column}.id" for reference in table.references}
    values |= table.derived
    values |= {column: table.typed(column) for column in table.columns}
    return _run(
        MERGE.format(
            table=table.name,
            columns=", ".join([*values, *table.first]),
            values=", ".join([*values.values(), *table.first.values()]),
            joins=_joins(table),
            wanted=f"AND {_placed(table)}",
            assignments=", ".join(f"{column} = excluded.{column}" for column in values),
            olds=", ".join(f"t.{column}" for column in values),
            news=", ".join(f"excluded.{column}" for column in values),
            figures=", ".join(f"t.{column}" for column in values if column != VERSION),
            old_account=_account(table),
            old_quantity="CASE WHEN t.vanished_at IS NULL THEN t.quantity END" if table.pushed else "NULL",
            **_common(table),
        ),
        table,
        read,
    )


def mark_vanished(table: Table, read: Read, *, whole: bool) -> list[Moved]:
    """Mark the rows that a complete read no longer had; without `whole`, those of the lines' plan alone."""
    gone = GONE + ("" if whole else OF_PLAN)
    return _run(VANISH.replace("{gone}", gone).format(table=table.name, **_common(table)), table, read)


def count_vanishing(table: Table, read: Read, *, whole: bool) -> int:
    """Count the rows that `mark_vanished` would mark."""
    gone = GONE + ("" if whole else OF_PLAN)
    sql = f"SELECT count(*) FROM {table.name} t WHERE " + gone.format(**_common(table))  # noqa: S608 - our names
    return _count(sql, table, read)


def count_unplaced(table: Table, read: Read) -> int:
    """Count the staged records whose account or agreement the mirror does not know, so that they have no place."""
    return _count(UNPLACED.format(joins=_joins(table), placed=_placed(table)), table, read)


def _common(table: Table) -> dict[str, str]:
    return {
        "account": _account(table),
        "quantity": "t.quantity" if table.pushed else "NULL::numeric",
        "unpushed": "AND (t.confirmed_at IS NULL OR t.confirmed_at <= %(began)s)" if table.pushed else "",
    }


def _account(table: Table) -> str:
    return f"t.{table.account}" if table.account else "NULL::bigint"


def _joins(table: Table) -> str:
    return " ".join(reference.join for reference in table.references)


def _placed(table: Table) -> str:
    needed = [f"{one.column}.id IS NOT NULL" for one in table.references if one.required]
    return " AND ".join(needed or ["TRUE"])


def _run(sql: str, table: Table, read: Read) -> list[Moved]:
    with connection.cursor() as cursor:
        cursor.execute(sql, read.values(table))
        rows = cursor.fetchall()
    return [
        Moved(row_id, added, frozenset({new, old} - {None}), before, after, only_touched=touched)
        for row_id, added, new, old, before, after, touched in rows
    ]


def _count(sql: str, table: Table, read: Read) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, read.values(table))
        number: int = cursor.fetchone()[0]
    return number
