"""The database keeps the gaps that have ended: the ledger holds numbers, and a gap's end forgets its beginning."""

from django.db import migrations

KEEP = """
CREATE FUNCTION keep_ended_gaps() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO vendors_gaphistory (org_id, vendor_account_id, since, until)
    SELECT o.org_id, o.id, o.gap_since, GREATEST(o.gap_since, clock_timestamp())
    FROM old_rows o JOIN new_rows n ON n.org_id = o.org_id AND n.id = o.id
    WHERE o.gap_since IS NOT NULL AND n.gap_since IS DISTINCT FROM o.gap_since;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_ended_gaps AFTER UPDATE ON vendors_vendoraccount
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_ended_gaps();
"""
FORGET = """
DROP TRIGGER keep_ended_gaps ON vendors_vendoraccount;
DROP FUNCTION keep_ended_gaps();
"""


class Migration(migrations.Migration):
    dependencies = [("vendors", "0002_gap_history")]

    operations = [migrations.RunSQL(KEEP, FORGET)]
