"""Since when the names of a vendor service cannot be read; gaps that are there already begin at the next sync."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vendors", "0012_planned_mappings_door")]

    operations = [
        migrations.AddField(
            model_name="vendorservice",
            name="names_gap_since",
            field=models.DateTimeField(blank=True, null=True),
        )
    ]
