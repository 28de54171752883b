"""What was signed stays as it was signed, and a reopening is never taken out of the record."""

from django.db import migrations

LOCK = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
)
TABLES = ("dashboard_monthreport", "dashboard_monthreopening")


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0006_month_reports"), ("accounts", "0002_doors")]

    operations = [
        migrations.RunSQL(LOCK.format(table=table), f"DROP TRIGGER append_only ON {table}")
        for table in TABLES
    ]
