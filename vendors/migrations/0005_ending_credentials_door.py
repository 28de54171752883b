"""One more look across organizations: whose credentials end between two days. It gives ids and nothing else."""

from django.db import migrations

ENDING = """
CREATE FUNCTION organizations_with_ending_credentials(since date, until date) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT org_id FROM psa_connection WHERE credentials_expire_on BETWEEN since AND until
    UNION
    SELECT org_id FROM vendors_integration WHERE credentials_expire_on BETWEEN since AND until
$$
"""


class Migration(migrations.Migration):
    dependencies = [("vendors", "0004_credentials_expire_on"), ("psa", "0007_credentials_expire_on")]

    operations = [
        migrations.RunSQL(ENDING, "DROP FUNCTION organizations_with_ending_credentials(date, date)")
    ]
