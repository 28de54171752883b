"""Records that have been read but not yet published, kept in rows so that a killed run goes on where it was."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

INCOMING = "CREATE TEMP TABLE IF NOT EXISTS sync_incoming (remote_id text, data jsonb) ON COMMIT DELETE ROWS"
MOVE = """
INSERT INTO sync_stagedrecord (org_id, run_id, step, remote_id, data)
SELECT %(org)s, %(run)s, %(step)s, remote_id, data FROM sync_incoming
ON CONFLICT (org_id, run_id, step, remote_id) DO NOTHING
"""


def stage(org_id: int, run_id: int, step: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> int:
    """Add rows of (remote id, record) and return how many of them were new to the step.

    COPY goes into a temporary table, because it is not allowed into one under row-level security.
    """
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(INCOMING)
        with cursor.copy("COPY sync_incoming (remote_id, data) FROM STDIN") as copy:
            for remote_id, record in rows:
                copy.write_row((remote_id, encode(record)))
        cursor.execute(MOVE, {"org": org_id, "run": run_id, "step": step})
        added: int = cursor.rowcount
        # Inside a test's outer transaction the end of this one deletes nothing.
        cursor.execute("DELETE FROM sync_incoming")
    return added


def encode(record: dict[str, Any]) -> str:
    """Write a record as JSON; Decimals and dates as text, so that no digit is lost."""
    return json.dumps(storable(record), default=str)


def storable(value: Any) -> Any:
    """Give a value with all its text as jsonb can hold it: without NUL, and with "?" for half of a character."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(key): storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable(one) for one in value]
    return value
