"""The statements that bring the named units behind counts up to date, each for many rows at once."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from sync.name_rules import Came, Facts, Gone, NameChanges, NameKey, Pair, StandingName
from sync.staging import storable
from vendors.adapters.base import NamedItems
from vendors.models import Integration, NamedUnit

# Rows of one statement; its text is held in memory on both sides.
BATCH = 10_000
NOT_READ = "Names are not read from this integration any more."
NEWEST = """
SELECT a.external_id, s.external_id, max(GREATEST(n.named_at, n.gone_at))
FROM vendors_namedunit n
JOIN vendors_vendoraccount a ON a.org_id = n.org_id AND a.id = n.vendor_account_id
JOIN vendors_vendorservice s ON s.org_id = n.org_id AND s.id = n.vendor_service_id
WHERE n.org_id = %s AND n.integration_id = %s
GROUP BY a.id, s.id
"""
CLOSE = """
UPDATE vendors_namedunit n SET gone_at = d.at
FROM unnest(%s::bigint[], %s::timestamptz[]) AS d(id, at)
WHERE n.org_id = %s AND n.id = d.id
"""
OPEN = """
INSERT INTO vendors_namedunit
    (org_id, integration_id, vendor_account_id, vendor_service_id, external_id, key, name, kind, quantity, traits,
     counts, reason, named_at)
SELECT a.org_id, a.integration_id, a.id, s.id, r.id, r.key, r.name, r.kind, r.quantity, r.traits,
       r.counts, r.reason, r.at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(
    account text, service text, id text, key text, name text, kind text, quantity numeric, traits jsonb,
    counts boolean, reason text, at timestamptz)
JOIN vendors_vendoraccount a
    ON a.org_id = %(org)s AND a.integration_id = %(integration)s AND a.external_id = r.account
JOIN vendors_vendorservice s
    ON s.org_id = a.org_id AND s.integration_id = a.integration_id AND s.external_id = r.service
"""
# Since when the names of a service are known, and since when and why not now; what was never read needs no excuse.
NOTE = """
UPDATE vendors_vendorservice v SET named_from = COALESCE(v.named_from, d.at), names_gap = d.gap,
    names_gap_since = CASE WHEN d.gap <> '' THEN COALESCE(v.names_gap_since, now()) END
FROM (
    SELECT s.id, r.at, left(COALESCE(r.gap, CASE WHEN s.named_from IS NULL THEN '' ELSE %(not_read)s END), 300) AS gap
    FROM vendors_vendorservice s
    LEFT JOIN jsonb_to_recordset(%(rows)s::jsonb) AS r(id text, at timestamptz, gap text) ON r.id = s.external_id
    WHERE s.org_id = %(org)s AND s.integration_id = %(integration)s
) d
WHERE v.org_id = %(org)s AND v.id = d.id
  AND (v.names_gap IS DISTINCT FROM d.gap OR (v.named_from IS NULL AND d.at IS NOT NULL)
       OR (d.gap <> '' AND v.names_gap_since IS NULL))
"""


def read_names(integration: Integration) -> dict[NameKey, StandingName]:
    """Give the names that the ledger holds now, by the vendor's ids."""
    rows = NamedUnit.objects.filter(integration=integration, gone_at=None).values_list(
        "vendor_account__external_id", "vendor_service__external_id", "external_id", "id",
        "key", "name", "kind", "quantity", "traits", "counts", "reason",
    )  # fmt: skip
    return {
        (account, service, external_id): StandingName(
            row_id, Facts(key, name, kind, quantity, tuple(sorted(traits.items())), counts, reason)
        )
        for account, service, external_id, row_id, key, name, kind, quantity, traits, counts, reason in rows.iterator()
    }


def read_newest(integration: Integration) -> dict[Pair, datetime]:
    """Give the last moment at which a name came or went, by the vendor's ids of account and service."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [integration.org_id, integration.pk])
        return {(account, service): at for account, service, at in cursor.fetchall()}


def write_names(integration: Integration, changes: NameChanges, items: NamedItems) -> None:
    """Close the names that no longer hold, open their successors, and note how well the names are known."""
    _close(integration, changes.gone)
    rows = iter(changes.came)
    while batch := list(islice(rows, BATCH)):
        _open(integration, batch)
    _note(integration, changes, items)


def _close(integration: Integration, gone: Sequence[Gone]) -> None:
    if gone:
        with connection.cursor() as cursor:
            cursor.execute(
                CLOSE, [[one.row_id for one in gone], [one.at for one in gone], integration.org_id]
            )


def _open(integration: Integration, batch: Sequence[Came]) -> None:
    rows = [
        {
            **vars(one.facts), "account": one.name[0], "service": one.name[1], "id": one.name[2],
            "traits": dict(one.facts.traits), "at": one.at,
        }
        for one in batch
    ]  # fmt: skip
    _run(OPEN, integration, rows)


def _note(integration: Integration, changes: NameChanges, items: NamedItems) -> None:
    rows = [{"id": service, "at": at, "gap": ""} for service, at in changes.moments.items()]
    rows += [{"id": service, "at": None, "gap": gap} for service, gap in items.unread.items()]
    _run(NOTE, integration, rows, not_read=NOT_READ)


def _run(statement: str, integration: Integration, rows: Sequence[dict[str, Any]], **more: str) -> None:
    values: dict[str, Any] = {
        "org": integration.org_id,
        "integration": integration.pk,
        "rows": json.dumps(storable(rows), default=str),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values | more)
