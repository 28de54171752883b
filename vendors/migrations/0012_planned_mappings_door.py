"""One more look across organizations: whose planned mappings have come. It gives ids and nothing else."""

from django.db import migrations

PLANNED = """
CREATE FUNCTION organizations_with_planned_mappings(month date) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT org_id FROM vendors_mappingspan WHERE from_month <= month AND until_month IS NULL
$$
"""


class Migration(migrations.Migration):
    dependencies = [("vendors", "0010_names")]

    operations = [migrations.RunSQL(PLANNED, "DROP FUNCTION organizations_with_planned_mappings(date)")]
