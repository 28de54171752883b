"""The database keeps what lines have said, whoever changes them: one statement for each statement that changed some.

The moment is the clock's, not the transaction's: two changes of a line are then in the order of its row's lock.
"""

from django.db import migrations

KEEP = """
CREATE FUNCTION keep_new_lines() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO psa_linehistory (org_id, line_id, quantity, unit_price, held_from)
    SELECT n.org_id, n.id, n.quantity, n.unit_price, clock_timestamp()
    FROM new_rows n WHERE n.vanished_at IS NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION keep_changed_lines() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    UPDATE psa_linehistory h SET held_until = GREATEST(h.held_from, moment)
    FROM old_rows o JOIN new_rows n ON n.org_id = o.org_id AND n.id = o.id
    WHERE h.org_id = o.org_id AND h.line_id = o.id AND h.held_until IS NULL
      AND (o.quantity, o.unit_price, o.vanished_at IS NULL)
          IS DISTINCT FROM (n.quantity, n.unit_price, n.vanished_at IS NULL);
    INSERT INTO psa_linehistory (org_id, line_id, quantity, unit_price, held_from)
    SELECT n.org_id, n.id, n.quantity, n.unit_price, moment
    FROM old_rows o JOIN new_rows n ON n.org_id = o.org_id AND n.id = o.id
    WHERE n.vanished_at IS NULL
      AND (o.quantity, o.unit_price, o.vanished_at IS NULL)
          IS DISTINCT FROM (n.quantity, n.unit_price, n.vanished_at IS NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER keep_new_lines AFTER INSERT ON psa_agreementline
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_new_lines();
CREATE TRIGGER keep_changed_lines AFTER UPDATE ON psa_agreementline
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION keep_changed_lines();
-- A line has said what it says since a sync last wrote it, at least.
INSERT INTO psa_linehistory (org_id, line_id, quantity, unit_price, held_from)
SELECT org_id, id, quantity, unit_price, changed_at FROM psa_agreementline WHERE vanished_at IS NULL;
"""
FORGET = """
DROP TRIGGER keep_new_lines ON psa_agreementline;
DROP TRIGGER keep_changed_lines ON psa_agreementline;
DROP FUNCTION keep_new_lines();
DROP FUNCTION keep_changed_lines();
"""


class Migration(migrations.Migration):
    dependencies = [("psa", "0003_line_history")]

    operations = [migrations.RunSQL(KEEP, FORGET)]
