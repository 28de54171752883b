"""The one look across organizations: which of them have work waiting. It gives ids and nothing else."""

from django.db import migrations

OPEN_PUSHES = """
CREATE FUNCTION organizations_with_due_pushes(at timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT DISTINCT org_id FROM psa_push
    WHERE state IN ('staged', 'claimed', 'sending', 'unknown')
      AND (lease_until IS NULL OR lease_until < at) AND (not_before IS NULL OR not_before <= at)
$$
"""
OPEN_RUNS = """
CREATE FUNCTION organizations_with_due_runs(at timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT DISTINCT org_id FROM sync_syncrun
    WHERE state IN ('queued', 'running')
      AND (lease_until IS NULL OR lease_until < at) AND (not_before IS NULL OR not_before <= at)
$$
"""


class Migration(migrations.Migration):
    dependencies = [("sync", "0001_initial"), ("psa", "0001_initial")]

    operations = [
        migrations.RunSQL(OPEN_PUSHES, "DROP FUNCTION organizations_with_due_pushes(timestamptz)"),
        migrations.RunSQL(OPEN_RUNS, "DROP FUNCTION organizations_with_due_runs(timestamptz)"),
    ]
