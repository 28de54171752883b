"""The look across organizations finds, too, pushes that wait although no card shows them any more."""

from typing import Any

from django.db import migrations

DOOR = """
CREATE OR REPLACE FUNCTION organizations_with_a_day_come(moment timestamptz) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT org_id FROM psa_push
    WHERE state = 'waiting' AND release_on <= (moment AT TIME ZONE 'UTC')::date{agreed}
    UNION
    SELECT d.org_id FROM dashboard_decision d
    JOIN dashboard_card c ON c.org_id = d.org_id AND c.account_id = d.account_id AND c.decision_id = d.id
    WHERE d.verb = 'snooze' AND d.undone_at IS NULL AND d.until <= (moment AT TIME ZONE 'UTC')::date
      AND c.state = 'snoozed'{lost}
$$
"""
AGREED = " AND NOT (needs_second AND second_by_id IS NULL)"
# Both sides are looked up by the unique keys of open pushes and of cards.
LOST = """
    UNION
    SELECT p.org_id FROM psa_push p
    WHERE p.state = 'waiting' AND NOT EXISTS (
        SELECT FROM dashboard_card c
        WHERE c.org_id = p.org_id AND c.line_id = p.line_id AND c.push_id = p.id
    ) AND NOT EXISTS (
        SELECT FROM dashboard_card c
        WHERE c.org_id = p.org_id AND c.account_id = p.account_id AND c.service_id = p.service_id
          AND c.line_id IS NULL AND c.push_id = p.id
    )"""


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0010_standing_rule"), ("psa", "0010_second_and_release")]

    operations: list[Any] = [
        migrations.RunSQL(DOOR.format(agreed="", lost=LOST), DOOR.format(agreed=AGREED, lost="")),
    ]
