"""Lets the application role renew what the planner knows of the tables of organizations."""

from django.db import migrations

# The planner takes an organization that its statistics do not know for a single row, and then joins each of its
# rows with all others. Autovacuum looks at a table only after a tenth of it has changed.
RENEW = """
CREATE FUNCTION renew_tenant_statistics() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found regclass;
BEGIN
    FOR found IN
        SELECT c.oid FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        ORDER BY c.oid
    LOOP
        -- A table that another worker looks at this moment is left to it.
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', found);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0001_initial")]

    operations = [migrations.RunSQL(RENEW, "DROP FUNCTION renew_tenant_statistics()")]
