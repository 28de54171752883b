"""Two looks across organizations: who has letters to send, and who was not told something yet. They give ids."""

from django.db import migrations

LETTERS = """
CREATE FUNCTION organizations_with_due_letters(at timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT DISTINCT org_id FROM accounts_letter
    WHERE (state = 'waiting' AND (not_before IS NULL OR not_before <= at))
       OR (state = 'sending' AND lease_until < at)
$$
"""
UNTOLD = """
CREATE FUNCTION organizations_without_notice(wanted text, joined_before timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id FROM accounts_organization o
    WHERE o.created_at < joined_before
      AND NOT EXISTS (SELECT 1 FROM accounts_notice n WHERE n.org_id = o.id AND n.key = wanted)
$$
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_notices")]

    operations = [
        migrations.RunSQL(LETTERS, "DROP FUNCTION organizations_with_due_letters(timestamptz)"),
        migrations.RunSQL(UNTOLD, "DROP FUNCTION organizations_without_notice(text, timestamptz)"),
    ]
