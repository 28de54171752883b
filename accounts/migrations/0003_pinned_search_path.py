"""Names that the owner's functions use are never looked up among a session's temporary tables first."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_doors")]

    operations = [
        migrations.RunSQL(
            "ALTER FUNCTION organization_slug(text) SET search_path = public, pg_temp",
            "ALTER FUNCTION organization_slug(text) SET search_path = public",
        ),
    ]
