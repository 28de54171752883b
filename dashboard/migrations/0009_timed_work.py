"""One more look across organizations: in which of them a day has come, of a snooze or of a dated push. Ids only."""

from django.db import migrations, models
from django.db.models import Q

DOOR = """
CREATE FUNCTION organizations_with_a_day_come(moment timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT org_id FROM psa_push
    WHERE state = 'waiting' AND release_on <= (moment AT TIME ZONE 'UTC')::date
      AND NOT (needs_second AND second_by_id IS NULL)
    UNION
    SELECT d.org_id FROM dashboard_decision d
    JOIN dashboard_card c ON c.org_id = d.org_id AND c.account_id = d.account_id AND c.decision_id = d.id
    WHERE d.verb = 'snooze' AND d.undone_at IS NULL AND d.until <= (moment AT TIME ZONE 'UTC')::date
      AND c.state = 'snoozed'
$$
"""


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0008_notes_and_views"), ("psa", "0010_second_and_release")]

    operations = [
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(
                fields=["until"],
                condition=Q(verb="snooze", undone_at__isnull=True),
                name="dashboard_decision_until",
            ),
        ),
        migrations.RunSQL(DOOR, "DROP FUNCTION organizations_with_a_day_come(timestamptz)"),
    ]
