"""The door for whoever opens an invitation: a token's hash gives the organization's id, and nothing else."""

from django.db import migrations

DOOR = """
CREATE FUNCTION invitation_organization(wanted text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT org_id FROM accounts_invitation WHERE token_hash = wanted
$$
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_invitation")]

    operations = [migrations.RunSQL(DOOR, "DROP FUNCTION invitation_organization(text)")]
