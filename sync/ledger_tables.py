"""The statements that bring vendor accounts, vendor services and usage counts up to date, each for all rows at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from sync.ledger_rules import Change, Key, Standing
from sync.staging import encode
from vendors.adapters.base import UsagePull, VendorAccountRecord, VendorServiceRecord
from vendors.models import Integration, Snapshot, UsageCount, VendorAccount, VendorService

UPSERT = """
WITH moved AS (
    INSERT INTO {table} AS t (org_id, integration_id, external_id, created_at, {columns})
    SELECT %(org)s, %(integration)s, external_id, %(at)s, {columns}
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS r({kinds})
    ON CONFLICT (org_id, integration_id, external_id) DO UPDATE SET {assignments}, vanished_at = NULL
    WHERE t.vanished_at IS NOT NULL OR ({olds}) IS DISTINCT FROM ({news})
    RETURNING t.id
)
SELECT count(*) FILTER (WHERE t.id IS NULL), count(t.id) FROM moved n LEFT JOIN {table} t ON t.id = n.id
"""
ACCOUNT_COLUMNS = {
    "name": 500, "parent_external_id": 200, "kind": 20, "status": 60, "crm_ref": 200, "gap_reason": 300,
}  # fmt: skip
SERVICE_COLUMNS = {"name": 500, "unit": 40, "category": 60}
SINCE = """
UPDATE vendors_vendoraccount SET gap_since = CASE WHEN gap_reason <> '' THEN %s END
WHERE org_id = %s AND integration_id = %s AND (gap_reason <> '') <> (gap_since IS NOT NULL)
"""
CLOSE = """
UPDATE vendors_usagecount u SET superseded_at = GREATEST(u.counted_at, d.at)
FROM unnest(%s::bigint[], %s::timestamptz[]) AS d(id, at)
WHERE u.org_id = %s AND u.id = d.id
"""
NOTE_CHANGES = """
INSERT INTO sync_linechange
    (org_id, run_id, what, account_name, service_name, account_id, service_id, before, after)
SELECT va.org_id, %s, 'count', COALESCE(a.name, va.name), COALESCE(v.name, vs.name), a.id, v.id, d.before, d.after
FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::numeric[]) AS d(account, service, before, after)
JOIN vendors_vendoraccount va ON va.org_id = %s AND va.id = d.account
JOIN vendors_vendorservice vs ON vs.org_id = va.org_id AND vs.id = d.service
LEFT JOIN vendors_accountmapping am ON am.org_id = va.org_id AND am.vendor_account_id = va.id
LEFT JOIN psa_account a ON a.org_id = am.org_id AND a.id = am.account_id
LEFT JOIN vendors_servicemapping sm ON sm.org_id = vs.org_id AND sm.vendor_service_id = vs.id
LEFT JOIN psa_service v ON v.org_id = sm.org_id AND v.id = sm.service_id
"""


@dataclass(frozen=True)
class Tally:
    """How many rows were added, updated and marked as vanished."""

    added: int = 0
    updated: int = 0
    vanished: int = 0


def read_standing(integration: Integration) -> dict[Key, Standing]:
    """Give the counts that the ledger holds now, by the vendor's ids."""
    current = UsageCount.objects.filter(integration=integration, superseded_at=None)
    rows = current.values_list(
        "vendor_account__external_id",
        "vendor_service__external_id",
        "metric",
        "id",
        "quantity",
        "counted_at",
    )
    return {
        (account, service, metric): Standing(row_id, quantity, at)
        for account, service, metric, row_id, quantity, at in rows
    }


def write_accounts(
    integration: Integration,
    accounts: Sequence[VendorAccountRecord],
    usage: UsagePull,
    gaps: Mapping[str, str],
) -> Tally:
    """Bring the vendor accounts up to date, with why the counts of some are unknown."""
    listed = {account.external_id: account for account in accounts}
    for count in usage.counts:  # counted, but not listed: it is kept, and seen by its id
        external_id = count.account_external_id
        listed.setdefault(
            external_id, VendorAccountRecord(external_id=external_id, name=external_id, status="unlisted")
        )
    rows = [
        {**vars(account), "kind": account.kind.value, "gap_reason": gaps.get(account.external_id, "")}
        for account in listed.values()
    ]
    added, updated = _upsert(VendorAccount, integration, rows, ACCOUNT_COLUMNS, usage.taken_at)
    gone = VendorAccount.objects.filter(integration=integration, vanished_at=None).exclude(
        external_id__in=[*listed, *gaps]
    )
    vanished = gone.update(vanished_at=usage.taken_at, gap_reason="")
    with connection.cursor() as cursor:
        since = integration.counted_at or usage.taken_at
        cursor.execute(SINCE, [since, integration.org_id, integration.pk])
    return Tally(added, updated, vanished)


def write_services(integration: Integration, usage: UsagePull) -> None:
    """Bring the vendor services up to date; one that nobody has described is known by its id."""
    listed = {service.external_id: service for service in usage.services}
    for count in usage.counts:
        external_id = count.service_external_id
        listed.setdefault(external_id, VendorServiceRecord(external_id=external_id, name=external_id))
    rows = [dict(vars(service)) for service in listed.values()]
    _upsert(VendorService, integration, rows, SERVICE_COLUMNS, usage.taken_at)


def mark_vanished_services(integration: Integration, usage: UsagePull) -> None:
    """Mark services that the source no longer names and that nobody has a count of."""
    named = [service.external_id for service in usage.services]
    counted = UsageCount.objects.filter(integration=integration, superseded_at=None, quantity__gt=0)
    unnamed = VendorService.objects.filter(integration=integration, vanished_at=None)
    unnamed = unnamed.exclude(external_id__in=named).exclude(pk__in=counted.values("vendor_service_id"))
    unnamed.update(vanished_at=usage.taken_at)


def write_counts(snapshot: Snapshot, changes: Collection[Change], run_id: int | None) -> None:
    """Close the rows that no longer hold and open their successors; `run_id` also notes what moved, for people."""
    integration = snapshot.integration
    accounts = _ids(VendorAccount, integration, {change.key[0] for change in changes})
    services = _ids(VendorService, integration, {change.key[1] for change in changes})
    closed = [change for change in changes if change.before]
    with connection.cursor() as cursor:
        ids = [change.before.row_id for change in closed if change.before]
        cursor.execute(CLOSE, [ids, [change.at for change in closed], integration.org_id])
    UsageCount.objects.bulk_create(
        [
            UsageCount(
                org_id=integration.org_id,
                integration=integration,
                vendor_account_id=accounts[change.key[0]],
                vendor_service_id=services[change.key[1]],
                snapshot=snapshot,
                quantity=change.after,
                metric=change.key[2],
                absent=change.absent,
                counted_at=change.at,
                source_refs=list(change.source_refs),
            )
            for change in changes
        ],
        batch_size=2000,
    )
    if run_id is not None:
        _note_changes(integration, changes, accounts, services, run_id)


def _note_changes(
    integration: Integration,
    changes: Collection[Change],
    accounts: Mapping[str, int],
    services: Mapping[str, int],
    run_id: int,
) -> None:
    moved = [change for change in changes if change.is_told]
    with connection.cursor() as cursor:
        cursor.execute(
            NOTE_CHANGES,
            [
                run_id,
                [accounts[change.key[0]] for change in moved],
                [services[change.key[1]] for change in moved],
                [change.before.quantity if change.before else None for change in moved],
                # What a complete pull does not hold any more is gone, not a zero that somebody reported.
                [None if change.absent else change.after for change in moved],
                integration.org_id,
            ],
        )


def _upsert(
    model: type[VendorAccount] | type[VendorService],
    integration: Integration,
    rows: Sequence[dict[str, Any]],
    columns: Mapping[str, int],
    at: datetime,
) -> tuple[int, int]:
    """Write the rows that differ; returns how many are new and how many were changed."""
    cut = [
        {"external_id": row["external_id"], **{name: row[name][:most] for name, most in columns.items()}}
        for row in rows
    ]
    statement = UPSERT.format(
        table=model._meta.db_table,
        columns=", ".join(columns),
        kinds=", ".join(f"{name} text" for name in ("external_id", *columns)),
        assignments=", ".join(f"{name} = excluded.{name}" for name in columns),
        olds=", ".join(f"t.{name}" for name in columns),
        news=", ".join(f"excluded.{name}" for name in columns),
    )
    values: dict[str, Any] = {
        "org": integration.org_id,
        "integration": integration.pk,
        "at": at,
        "rows": "[" + ",".join(map(encode, cut)) + "]",
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        added, updated = cursor.fetchone()
    return added, updated


def _ids(
    model: type[VendorAccount] | type[VendorService], integration: Integration, external_ids: Collection[str]
) -> dict[str, int]:
    found = model.objects.filter(integration=integration, external_id__in=external_ids)
    return dict(found.values_list("external_id", "id"))
