"""Names that the owner's functions use are never looked up among a session's temporary tables first."""

from django.db import migrations

DOORS = ("organizations_with_due_pushes", "organizations_with_due_runs")


class Migration(migrations.Migration):
    dependencies = [("sync", "0003_progress_and_changes")]

    operations = [
        migrations.RunSQL(
            f"ALTER FUNCTION {door}(timestamptz) SET search_path = public, pg_temp",
            f"ALTER FUNCTION {door}(timestamptz) SET search_path = public",
        )
        for door in DOORS
    ]
