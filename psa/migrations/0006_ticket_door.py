"""One more look across organizations: which of them have tickets to make. It gives ids and nothing else."""

from django.db import migrations

DUE = """
CREATE FUNCTION organizations_with_due_tickets(at timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT org_id FROM psa_ticket
    WHERE (state = 'staged' AND (not_before IS NULL OR not_before <= at))
       OR (state = 'sending' AND lease_until < at)
$$
"""


class Migration(migrations.Migration):
    dependencies = [("psa", "0005_tickets")]

    operations = [migrations.RunSQL(DUE, "DROP FUNCTION organizations_with_due_tickets(timestamptz)")]
