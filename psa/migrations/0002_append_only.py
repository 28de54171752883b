"""What a push attempt recorded stays as it was."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("psa", "0001_initial"), ("accounts", "0002_doors")]

    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON psa_pushattempt "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
            "DROP TRIGGER append_only ON psa_pushattempt",
        ),
    ]
